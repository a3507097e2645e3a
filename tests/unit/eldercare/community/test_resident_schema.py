"""Every fact about a resident is said once, and is the same to the API, to a list and to whoever looks at it."""

from dataclasses import fields
from datetime import date

import pytest

from eldercare.community import resident_schema
from eldercare.community.resident_import import columns
from eldercare.community.resident_import.check import parsed
from eldercare.community.resident_schema import FACTS, FILED, LISTED, MEDICAL, File, Resident, ResidentFacts

TODAY = date(2026, 5, 4)
EXAMPLES = {name: known.example for name, known in FACTS.items() if known.example is not None}


def test_a_fact_is_shown_in_the_list_or_in_the_file() -> None:
    assert sorted(LISTED + FILED) == sorted(FACTS)


def test_what_is_medical_is_shown_in_the_file_alone_where_it_may_be_hidden() -> None:
    may_be_none = {each.name for each in fields(File) if "None" in str(each.type)}
    assert set(FILED) <= may_be_none
    assert not MEDICAL & set(LISTED)


def test_what_the_documentation_shows_can_be_filled_in() -> None:
    shaped = ResidentFacts(**EXAMPLES).model_dump(exclude_unset=True)
    assert resident_schema.checked(shaped, TODAY) == shaped
    assert shaped == EXAMPLES | {"birth_date": date(1940, 3, 2)}


@pytest.mark.parametrize("name", ["gender", "phone", "address", "needs", "allergies"])
def test_a_list_brings_the_same_value_as_the_api(name: str) -> None:
    typed = EXAMPLES[name]
    assert parsed(name, typed, TODAY) == resident_schema.checked({name: typed}, TODAY)[name]


def test_a_list_brings_every_fact_that_has_words_for_its_column() -> None:
    brought = {name for name, known in FACTS.items() if known.called}
    assert brought - {"grid_id"} <= set(columns.HEADINGS)
    assert columns.field_of("所属网格") == "grid"


def test_a_resident_who_is_listed_has_nothing_that_the_file_has() -> None:
    assert {each.name for each in fields(Resident)}.isdisjoint(each.name for each in fields(File))
