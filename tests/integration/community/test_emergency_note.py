"""What whoever goes to somebody has to know: who writes it, who reads it, and for how long."""

from datetime import timedelta

import pytest

from alerts.incidents import handling
from eldercare.accounts import audit
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import consents, emergency_note, people, resident_history
from eldercare.community.consents import Purpose
from eldercare.community.resident_history import MedicalFact
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden, InvalidInput, NotFound
from tests.support.community import NOW, call, incident, resident, viewer

TEXT = "服华法林，出血难止；头部垫高；左耳有助听器"


@pytest.fixture(autouse=True)
async def _now(conn: Connection) -> None:
    await set_clock(conn, NOW, 0, real=False)


@pytest.fixture
async def duty(conn: Connection) -> Viewer:
    return await viewer(conn, Role.DUTY)


async def text(conn: Connection, who: Viewer, old: int) -> str | None:
    found = await emergency_note.get(conn, who, old)
    return found.text if found is not None else None


async def test_a_doctor_whom_she_consented_to_writes_it(conn: Connection, duty: Viewer) -> None:
    old, doctor = await resident(conn), await viewer(conn, Role.DOCTOR)
    await people.link(conn, old, doctor.person_id, "doctor")
    with pytest.raises(NotFound):
        await emergency_note.write(conn, doctor, old, TEXT, NOW)
    await consents.give(conn, old, Purpose.CLINIC, given_by="本人", now=NOW)
    written = await emergency_note.write(conn, doctor, old, f" {TEXT}\n", NOW)
    assert written == await emergency_note.get(conn, duty, old)
    assert written is not None
    assert (written.text, written.written_by_id, written.written_at) == (TEXT, doctor.person_id, NOW)
    await consents.withdraw(conn, old, Purpose.CLINIC, NOW)
    for deed in (emergency_note.get(conn, doctor, old), emergency_note.write(conn, doctor, old, "", NOW)):
        with pytest.raises(NotFound):
            await deed
    assert await text(conn, duty, old) == TEXT
    log = (await audit.listing(conn, await viewer(conn, Role.ADMIN), resident_id=old)).items
    assert [(each.viewer_id, each.what, each.action) for each in reversed(log)] == [
        (doctor.person_id, "emergency_note", "write"),
        (duty.person_id, "emergency_note", "read"),
        (duty.person_id, "emergency_note", "read"),
    ]


async def test_it_has_a_history_and_what_is_the_same_keeps_its_author(conn: Connection, duty: Viewer) -> None:
    old, other = await resident(conn), await viewer(conn, Role.DUTY)
    first = await emergency_note.write(conn, duty, old, TEXT, NOW)
    assert await emergency_note.write(conn, other, old, TEXT, NOW + timedelta(hours=1)) == first
    assert await emergency_note.write(conn, other, old, "", NOW + timedelta(hours=2)) is None
    assert await emergency_note.get(conn, duty, old) is None
    kept = (await resident_history.listing(conn, duty, old, fact=MedicalFact.EMERGENCY_NOTE)).items
    assert [(each.by_id, each.before, each.after) for each in kept] == [
        (other.person_id, TEXT, None), (duty.person_id, None, TEXT),
    ]  # fmt: skip


async def test_it_has_at_most_500_characters(conn: Connection, duty: Viewer) -> None:
    old = await resident(conn)
    assert await emergency_note.write(conn, duty, old, "救" * 500, NOW) is not None
    with pytest.raises(InvalidInput, match="text"):
        await emergency_note.write(conn, duty, old, "救" * 501, NOW)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.GRID, Role.FAMILY])
async def test_nobody_else_writes_it(conn: Connection, role: Role) -> None:
    who, old = await viewer(conn, role), await resident(conn)
    await people.link(conn, old, who.person_id, "family")
    await consents.give(conn, old, Purpose.FAMILY_HEALTH, given_by="本人", now=NOW)
    await call(conn, await incident(conn, old), who.person_id)
    with pytest.raises(Forbidden):
        await emergency_note.write(conn, who, old, TEXT, NOW)


async def test_family_reads_it_with_consent_to_health_alone(conn: Connection, duty: Viewer) -> None:
    old, daughter = await resident(conn), await viewer(conn, Role.FAMILY)
    await emergency_note.write(conn, duty, old, TEXT, NOW)
    await people.link(conn, old, daughter.person_id, "family")
    await consents.give(conn, old, Purpose.FAMILY_LOCATION, given_by="本人", now=NOW)
    with pytest.raises(Forbidden):
        await text(conn, daughter, old)
    await consents.give(conn, old, Purpose.FAMILY_HEALTH, given_by="本人", now=NOW)
    assert await text(conn, daughter, old) == TEXT


@pytest.mark.parametrize("role", [Role.GRID, Role.FAMILY, Role.DOCTOR])
async def test_whoever_is_called_reads_it_until_it_is_over(conn: Connection, duty: Viewer, role: Role) -> None:
    old, who = await resident(conn), await viewer(conn, role)
    await emergency_note.write(conn, duty, old, TEXT, NOW)
    with pytest.raises(NotFound):
        await text(conn, who, old)
    opened = await incident(conn, old)
    await call(conn, opened, who.person_id)
    assert await text(conn, who, old) == TEXT
    whole = await handling.get(conn, who, opened)
    assert whole.emergency_note is not None
    assert (whole.emergency_note.text, whole.emergency_note.written_by_id) == (TEXT, duty.person_id)
    await handling.accept(conn, opened, duty.person_id, "console", NOW)
    await handling.resolve(conn, opened, duty.person_id, "console", "helped", None, NOW)
    with pytest.raises((NotFound, Forbidden)):
        await text(conn, who, old)
    assert (await handling.get(conn, who, opened)).emergency_note is None
    assert (await handling.get(conn, duty, opened)).emergency_note is None


async def test_a_task_opens_it_for_nobody(conn: Connection, duty: Viewer) -> None:
    old, who = await resident(conn), await viewer(conn, Role.GRID)
    await emergency_note.write(conn, duty, old, TEXT, NOW)
    task = await incident(conn, old, kind="low_battery", severity="task")
    await call(conn, task, who.person_id)
    with pytest.raises(Forbidden):
        await text(conn, who, old)
    assert (await handling.get(conn, who, task)).emergency_note is None
