"""The invented community: the same people at every call, none of whom a telephone could reach."""

import re

from eldercare.tools.seed.plan import CENTRE, plan


def test_a_larger_community_holds_the_smaller_one() -> None:
    small, large = plan(15), plan(400)
    assert [r.facts.name for r in small.residents] == [r.facts.name for r in large.residents[:15]]
    assert small.workers == large.workers[: len(small.workers)]
    assert plan(15) == small


def test_numbers_are_unique_and_of_nobodys_country() -> None:
    made = plan(3000)
    people = {contact.person for resident in made.residents for contact in resident.contacts}
    phones = [person.phone for person in {*people, *made.staff, *made.workers, *made.doctors}]
    phones += [resident.facts.phone for resident in made.residents]
    assert len(phones) == len(set(phones))
    assert all(re.fullmatch(r"\+999\d{8}", phone) for phone in phones)


def test_everybody_lives_within_a_walk_and_is_very_old() -> None:
    for resident in plan(500).residents:
        assert abs(resident.facts.home_lat - CENTRE[0]) < 0.01
        assert abs(resident.facts.home_lon - CENTRE[1]) < 0.01
        assert 1929 <= resident.facts.birth_date.year <= 1946
        assert resident.contacts[0].kind == "family"
        assert resident.contacts[-1].kind == "doctor"


def test_residents_are_spread_over_the_grids() -> None:
    made = plan(50)
    assert {resident.grid for resident in made.residents} == set(range(len(made.grids)))
    assert len(made.workers) == len(made.grids) >= 2
    assert len(plan(1).grids) == 2


def test_there_is_a_login_for_every_role() -> None:
    made = plan(1)
    everybody = [*made.staff, *made.workers, *made.doctors, *(c.person for r in made.residents for c in r.contacts)]
    users = {person.username: person.roles for person in everybody if person.username}
    assert users == {
        "duty": ("duty",), "lead": ("duty_lead",), "admin": ("admin",), "grid1": ("grid",), "grid2": ("grid",),
        "doctor": ("doctor",), "family": ("family",),
    }  # fmt: skip


def test_a_name_fits_who_bears_it() -> None:
    sons, daughters = ({c.person.name[1:] for r in plan(300).residents for c in r.contacts if c.relation in relations}
                       for relations in (("儿子", "侄子"), ("女儿", "外孙女", "儿媳")))  # fmt: skip
    assert sons
    assert daughters
    assert not sons & daughters
