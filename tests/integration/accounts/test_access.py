"""Who sees what of whom: every role against every part of a resident and of an incident."""

from datetime import timedelta

import pytest
from psycopg import sql

from alerts.incidents import handling
from eldercare.accounts import access, audit
from eldercare.accounts.viewers import Role, Scope, Viewer
from eldercare.community import consents, people, readings, residents
from eldercare.community.consents import Purpose
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden, InvalidInput, NotFound
from tests.support.community import NOW, beats, call, incident, person, resident, viewer, wears

ALL = {Scope.CONTACT, Scope.HEALTH, Scope.LOCATION}


async def sees(conn: Connection, who: Viewer, resident_id: int) -> set[Scope]:
    """The parts of a resident that `who` sees."""
    query = sql.SQL("select {} from resident r where r.id = {}").format(
        sql.SQL(", ").join(access.resident(who, scope) for scope in Scope), sql.Literal(resident_id)
    )
    row = await (await conn.execute(query)).fetchone()
    assert row is not None
    return {scope for scope, seen in zip(Scope, row, strict=True) if seen}


async def sees_incident(conn: Connection, who: Viewer, incident_id: int) -> set[Scope]:
    """The parts of an incident that `who` sees."""
    query = sql.SQL("select {} from incident i where i.id = {}").format(
        sql.SQL(", ").join(access.incident(who, scope) for scope in Scope), sql.Literal(incident_id)
    )
    row = await (await conn.execute(query)).fetchone()
    assert row is not None
    return {scope for scope, seen in zip(Scope, row, strict=True) if seen}


@pytest.mark.parametrize("role", [Role.DUTY, Role.DUTY_LEAD])
async def test_duty_sees_all(conn: Connection, role: Role) -> None:
    who, old = await viewer(conn, role), await resident(conn)
    assert await sees(conn, who, old) == ALL
    assert await sees_incident(conn, who, await incident(conn, old)) == ALL


async def test_admin_sees_contact_data_and_no_health(conn: Connection) -> None:
    who, old = await viewer(conn, Role.ADMIN), await resident(conn)
    assert await sees(conn, who, old) == {Scope.CONTACT}
    assert await sees_incident(conn, who, await incident(conn, old)) == set()


async def test_admin_sees_technical_incidents(conn: Connection) -> None:
    who, old = await viewer(conn, Role.ADMIN), await resident(conn)
    assert await sees_incident(conn, who, await incident(conn, old, kind="silent")) == {Scope.CONTACT}


async def test_a_grid_worker_sees_the_contact_data_of_their_grid_only(conn: Connection) -> None:
    who = await viewer(conn, Role.GRID)
    grid_id = await people.create_grid(conn, "一", "梧桐里")
    await people.set_grid_workers(conn, grid_id, [await person(conn, Role.GRID), who.person_id])
    own, other = await resident(conn, grid_id=grid_id), await resident(conn)
    assert await sees(conn, who, own) == {Scope.CONTACT}
    assert await sees(conn, who, other) == set()
    assert await sees_incident(conn, who, await incident(conn, own)) == {Scope.CONTACT}
    assert await sees_incident(conn, who, await incident(conn, other)) == set()


async def test_a_called_grid_worker_sees_all_until_it_is_resolved(conn: Connection) -> None:
    who, old = await viewer(conn, Role.GRID), await resident(conn)
    case = await incident(conn, old)
    await call(conn, case, who.person_id)
    assert await sees(conn, who, old) == ALL
    assert await sees_incident(conn, who, case) == ALL
    await conn.execute("update incident set state = 'resolved' where id = %s", (case,))
    assert await sees(conn, who, old) == set()
    assert await sees_incident(conn, who, case) == ALL


@pytest.mark.parametrize(
    ("given", "seen", "of_incident"),
    [
        ([], set(), set()),
        ([Purpose.FAMILY_HEALTH], {Scope.CONTACT, Scope.HEALTH}, {Scope.CONTACT, Scope.HEALTH}),
        ([Purpose.FAMILY_LOCATION], {Scope.CONTACT, Scope.LOCATION}, {Scope.LOCATION}),
        ([Purpose.FAMILY_HEALTH, Purpose.FAMILY_LOCATION], ALL, ALL),
        ([Purpose.CLINIC], set(), set()),
    ],
)
async def test_family_sees_what_was_consented_to(
    conn: Connection, given: list[Purpose], seen: set[Scope], of_incident: set[Scope]
) -> None:
    who, old, other = await viewer(conn, Role.FAMILY), await resident(conn), await resident(conn)
    await people.link(conn, old, who.person_id, "family")
    for purpose in given:
        await consents.give(conn, old, purpose, given_by="本人", now=NOW)
        await consents.give(conn, other, purpose, given_by="本人", now=NOW)
    assert await sees(conn, who, old) == seen
    assert await sees(conn, who, other) == set()
    assert await sees_incident(conn, who, await incident(conn, old)) == of_incident
    assert await sees_incident(conn, who, await incident(conn, other)) == set()


async def test_called_family_without_consent_sees_the_incident_and_its_place_while_it_is_open(conn: Connection) -> None:
    who, old = await viewer(conn, Role.FAMILY), await resident(conn)
    await people.link(conn, old, who.person_id, "family")
    case = await incident(conn, old)
    await call(conn, case, who.person_id)
    assert await sees_incident(conn, who, case) == {Scope.CONTACT, Scope.LOCATION}
    assert await sees(conn, who, old) == set()
    await conn.execute("update incident set state = 'resolved' where id = %s", (case,))
    assert await sees_incident(conn, who, case) == {Scope.CONTACT}


@pytest.mark.parametrize(
    ("kind", "purpose", "seen"),
    [
        ("doctor", Purpose.CLINIC, {Scope.CONTACT, Scope.HEALTH}),
        ("doctor", Purpose.FAMILY_HEALTH, set()),
        ("neighbour", Purpose.CLINIC, set()),
        (None, Purpose.CLINIC, set()),
    ],
)
async def test_a_doctor_sees_their_consenting_patients(
    conn: Connection, kind: str | None, purpose: Purpose, seen: set[Scope]
) -> None:
    who, old = await viewer(conn, Role.DOCTOR), await resident(conn)
    if kind:
        await people.link(conn, old, who.person_id, kind)
    await consents.give(conn, old, purpose, given_by="本人", now=NOW)
    assert await sees(conn, who, old) == seen


async def test_rights_are_the_union_over_the_roles(conn: Connection) -> None:
    who, old = await viewer(conn, Role.ADMIN, Role.FAMILY), await resident(conn)
    await people.link(conn, old, who.person_id, "family")
    await consents.give(conn, old, Purpose.FAMILY_LOCATION, given_by="本人", now=NOW)
    assert await sees(conn, who, old) == {Scope.CONTACT, Scope.LOCATION}


async def test_the_file_leaves_out_what_is_not_the_viewers(conn: Connection) -> None:
    old = await resident(conn, entry="密码锁 1234")
    await wears(conn, old, "band-1")
    await conn.execute(
        "insert into device_state (device_id, last_seen_at, bpm, bpm_ts, lat, lon, location_ts, battery_pct)"
        " values ('band-1', %(now)s, 71, %(now)s, 31.2, 121.4, %(now)s, 55)",
        {"now": NOW},
    )
    full = await residents.file(conn, await viewer(conn, Role.DUTY), old)
    bare = await residents.file(conn, await viewer(conn, Role.ADMIN), old)
    assert (full.conditions, full.entry, full.resident.bpm, full.resident.lat) == ("心房颤动", "密码锁 1234", 71, 31.2)
    assert (bare.conditions, bare.medicines, bare.allergies, bare.notes, bare.rule_overrides) == (None,) * 5
    assert (bare.resident.bpm, bare.resident.lat, bare.resident.location_ts, bare.resident.bpm_ts) == (None,) * 4
    assert (bare.entry, bare.resident.battery_pct) == ("密码锁 1234", 55)
    assert (bare.resident.sees_health, full.resident.sees_health) == (False, True)


async def test_a_doctor_does_not_learn_how_to_get_in(conn: Connection) -> None:
    who, old = await viewer(conn, Role.DOCTOR), await resident(conn, entry="密码锁 1234")
    await people.link(conn, old, who.person_id, "doctor")
    await consents.give(conn, old, Purpose.CLINIC, given_by="本人", now=NOW)
    file = await residents.file(conn, who, old)
    assert (file.entry, file.conditions) == (None, "心房颤动")


async def test_withdrawal_acts_at_the_next_request(conn: Connection) -> None:
    who, old = await viewer(conn, Role.FAMILY), await resident(conn)
    await people.link(conn, old, who.person_id, "family")
    await wears(conn, old, "band-1")
    await beats(conn, "band-1", NOW - timedelta(minutes=10), [70, 71])
    await consents.give(conn, old, Purpose.FAMILY_HEALTH, given_by="本人", now=NOW - timedelta(days=1))
    span = (NOW - timedelta(hours=1), NOW)
    assert (await readings.heart_rate(conn, who, old, *span)).items
    await consents.withdraw(conn, old, Purpose.FAMILY_HEALTH, NOW)
    with pytest.raises(NotFound):
        await readings.heart_rate(conn, who, old, *span)
    assert (await residents.listing(conn, who)).items == []
    assert [consent.withdrawn_at for consent in await consents.history(conn, old)] == [NOW]


async def test_readings_ask_for_the_right_part(conn: Connection) -> None:
    who, old = await viewer(conn, Role.FAMILY), await resident(conn)
    await people.link(conn, old, who.person_id, "family")
    await consents.give(conn, old, Purpose.FAMILY_HEALTH, given_by="本人", now=NOW)
    span = (NOW - timedelta(hours=1), NOW)
    await readings.heart_rate(conn, who, old, *span)
    with pytest.raises(Forbidden, match="location"):
        await readings.locations(conn, who, old, *span)
    admin = await viewer(conn, Role.ADMIN)
    with pytest.raises(Forbidden, match="health"):
        await readings.heart_rate(conn, admin, old, *span)
    assert (await readings.status(conn, admin, old, *span)).items == []


async def test_lists_hold_nobody_elses_residents(conn: Connection) -> None:
    who = await viewer(conn, Role.GRID)
    grid_id = await people.create_grid(conn, "一", "梧桐里")
    await people.set_grid_workers(conn, grid_id, [who.person_id])
    own, other = await resident(conn, grid_id=grid_id), await resident(conn)
    assert [one.id for one in (await residents.listing(conn, who)).items] == [own]
    assert [one.id for one in (await residents.listing(conn, await viewer(conn, Role.DUTY))).items] == [own, other]
    with pytest.raises(NotFound):
        await residents.get(conn, who, other)


async def test_only_the_admin_reads_the_audit_log(conn: Connection) -> None:
    duty, admin, old = await viewer(conn, Role.DUTY), await viewer(conn, Role.ADMIN), await resident(conn)
    for what in ("file", "heart_rate", "locations"):
        await audit.record(conn, duty, what, resident_id=old)
    first = await audit.listing(conn, admin, resident_id=old, limit=2)
    rest = await audit.listing(conn, admin, resident_id=old, limit=2, cursor=first.next_cursor)
    assert [entry.what for entry in first.items + rest.items] == ["locations", "heart_rate", "file"]
    assert {(entry.viewer_id, entry.role) for entry in first.items} == {(duty.person_id, "duty")}
    assert rest.next_cursor is None
    with pytest.raises(Forbidden):
        await audit.listing(conn, duty)


async def test_who_may_change_what_of_the_file(conn: Connection) -> None:
    grid_id = await people.create_grid(conn, "一", "梧桐里")
    worker, admin, duty = await viewer(conn, Role.GRID), await viewer(conn, Role.ADMIN), await viewer(conn, Role.DUTY)
    await people.set_grid_workers(conn, grid_id, [worker.person_id])
    old = await resident(conn, grid_id=grid_id)
    today = NOW.date()
    await residents.update(conn, worker, old, {"away_until": NOW, "away_reason": "住院"}, today)
    await residents.update(conn, admin, old, {"address": "梧桐路2号"}, today)
    await residents.update(conn, duty, old, {"conditions": "冠心病", "rule_overrides": {"low_urgent": 35}}, today)
    for who, change in ((worker, {"address": "x"}), (worker, {"conditions": "x"}), (admin, {"medicines": "x"})):
        with pytest.raises(Forbidden, match=next(iter(change))):
            await residents.update(conn, who, old, change, today)
    file = await residents.file(conn, duty, old)
    assert (file.resident.away_reason, file.resident.address, file.conditions) == ("住院", "梧桐路2号", "冠心病")
    entries = (await audit.listing(conn, admin, resident_id=old)).items
    assert [(entry.action, entry.detail["fields"]) for entry in reversed(entries)] == [
        ("update", ["away_reason", "away_until"]),
        ("update", ["address"]),
        ("update", ["conditions", "rule_overrides"]),
    ]


@pytest.mark.parametrize(
    ("role", "kind", "purpose"),
    [(Role.FAMILY, "family", Purpose.FAMILY_HEALTH), (Role.DOCTOR, "doctor", Purpose.CLINIC)],
)
async def test_family_and_doctor_see_the_last_digits_of_other_peoples_numbers(
    conn: Connection, role: Role, kind: str, purpose: Purpose
) -> None:
    who, old = await viewer(conn, role), await resident(conn)
    neighbour = await person(conn, name="李邻居")
    await people.link(conn, old, who.person_id, kind)
    await people.link(conn, old, neighbour, "neighbour", holds_key=True)
    await consents.give(conn, old, purpose, given_by="本人", now=NOW)
    number = {each.person_id: each.phone for each in await people.contacts_of(conn, await viewer(conn, Role.DUTY), old)}
    seen = {each.person_id: each.phone for each in await people.contacts_of(conn, who, old)}
    assert seen == {
        who.person_id: number[who.person_id],
        neighbour: f"…{str(number[neighbour])[-4:]}",
    }
    for works in (Role.GRID, Role.ADMIN):
        contacts = await people.contacts_of(conn, await viewer(conn, works), old)
        assert {each.person_id: each.phone for each in contacts} == number


async def test_what_staff_wrote_of_a_technical_incident_is_not_the_admins(conn: Connection) -> None:
    duty, admin, old = await viewer(conn, Role.DUTY), await viewer(conn, Role.ADMIN), await resident(conn)
    case = await incident(conn, old, kind="silent")
    await conn.execute("""update incident set detail = '{"last_seen_at": "x", "said": "他心脏不好"}'""")
    await handling.add_note(conn, case, duty.person_id, "console", "她住院了", NOW)
    await handling.reopen(conn, await _accepted(conn, case, duty), duty.person_id, "console", "她女儿说她病了", NOW)
    await handling.resolve(conn, case, duty.person_id, "console", "helped", "心衰住院", NOW)
    await handling.add_note(conn, case, admin.person_id, "console", "换了电池", NOW)
    whole = await handling.get(conn, admin, case)
    assert (whole.incident.note, whole.incident.bpm, whole.incident.sees_health) == (None, None, False)
    assert whole.incident.detail == {"last_seen_at": "x"}
    told = {row.kind: row.detail for row in whole.timeline if row.actor_id != admin.person_id}
    assert told["note"] == {}
    assert told["reopened"] == {"was": "accepted"}
    assert told["resolved"] == {"disposition": "helped"}
    assert [row.detail for row in whole.timeline if row.actor_id == admin.person_id] == [{"text": "换了电池"}]
    assert (await handling.get(conn, duty, case)).incident.note == "心衰住院"


async def _accepted(conn: Connection, case: int, who: Viewer) -> int:
    await handling.accept(conn, case, who.person_id, "console", NOW)
    return case


async def test_nobody_records_a_consent_under_which_they_see_more_themselves(conn: Connection) -> None:
    admin, old = await viewer(conn, Role.ADMIN, Role.FAMILY), await resident(conn)
    await consents.refuse_to_oneself(conn, admin, old)
    await people.link(conn, old, admin.person_id, "family")
    with pytest.raises(Forbidden, match="somebody else"):
        await consents.refuse_to_oneself(conn, admin, old)


async def test_who_is_away_and_says_who_is_bounded_by_role(conn: Connection) -> None:
    grid_id = await people.create_grid(conn, "一", "梧桐里")
    worker, duty = await viewer(conn, Role.GRID), await viewer(conn, Role.DUTY)
    await people.set_grid_workers(conn, grid_id, [worker.person_id])
    await conn.execute("insert into clock (origin, started_at, speed) values (%s, now(), 0)", (NOW,))
    old, today = await resident(conn, grid_id=grid_id), NOW.date()
    for who, days in ((worker, 15), (worker, 355_000), (duty, 32)):
        with pytest.raises(InvalidInput, match="away_until"):
            await residents.update(conn, who, old, {"away_until": NOW + timedelta(days=days)}, today)
    with pytest.raises(InvalidInput, match="away_until"):
        await resident(conn, away_until=NOW + timedelta(days=365))
    with pytest.raises(InvalidInput, match="left_at"):
        await residents.update(conn, duty, old, {"left_at": NOW + timedelta(days=365)}, today)
    await residents.update(conn, worker, old, {"away_until": NOW + timedelta(days=14)}, today)
    seen = await residents.get(conn, duty, old)
    assert (seen.away_by_name, seen.away_set_at) == ("张伟", NOW)
    entry = (await audit.listing(conn, await viewer(conn, Role.ADMIN), resident_id=old)).items[0]
    assert entry.detail["fields"] == ["away_until"]
