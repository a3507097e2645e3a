"""What each role gets of somebody by each way of having to do with them, over HTTP: rights never come from a state that
the viewer sets.

The relations are set up as they come about: called by the ladder; owner by a click, without a call; called as the owner
so far, after not having been there in time; called, and then having opened the resolved incident again.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import product
from typing import Any, NamedTuple

import httpx
import pytest

from alerts.incidents import handling
from api.app import create_app
from eldercare.accounts.viewers import Role
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.community import NOW, beats, call, incident, resident, wears

LATER = NOW + timedelta(minutes=20)

USERS = {
    Role.DUTY: "duty", Role.GRID: "backup", Role.FAMILY: "daughter", Role.DOCTOR: "doctor", Role.ADMIN: "admin",
}  # fmt: skip
RELATIONS = ("none", "grid", "owner", "called", "called_as_owner", "opened_again")
KINDS = {"sos": "sos", "wandering": "warning", "low_battery": "task", "off_wrist": "task"}


class Seen(NamedTuple):
    """What somebody gets: `door` how to get in, `file` the conditions, `history` what stood there before, `note` what
    whoever goes there has to know, `place`, `pulse` and `noted` of the incident itself."""

    door: bool = False
    file: bool = False
    history: bool = False
    note: bool = False
    chart: bool = False
    track: bool = False
    locate: bool = False
    place: bool = False
    pulse: bool = False
    said: bool = False
    noted: bool = False


NOTHING, DOOR = Seen(), Seen(door=True)
GOES = Seen(door=True, note=True, place=True, said=True, noted=True)
ALL = Seen(*[True] * len(Seen._fields))


def expected(role: Role, relation: str, severity: str) -> Seen:
    """What the project promises."""
    if role is Role.DUTY:
        return ALL._replace(noted=severity != "task")
    if role is Role.ADMIN:
        return GOES if relation == "owner" and severity != "task" else Seen(door=True)
    if role is not Role.GRID or relation == "none":
        return NOTHING
    if severity == "task":
        return Seen(door=True, said=relation == "called")
    return {"grid": DOOR, "called": ALL}.get(relation, GOES)


class Desk(NamedTuple):
    conn: Connection
    client: httpx.AsyncClient
    grid_id: int
    tokens: dict[Role, str]
    ids: dict[Role, int]

    async def ask(self, role: Role, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    async def send(self, incident_id: int) -> httpx.Response:
        """Duty sends the grid worker."""
        return await self.ask(
            Role.DUTY, "POST", f"/incidents/{incident_id}/send", json={"person_id": self.ids[Role.GRID]}
        )

    async def seen(self, role: Role, resident_id: int, device_id: str, incident_id: int) -> Seen:
        dossier = await self.ask(role, "GET", f"/residents/{resident_id}/dossier")
        file = dossier.json()["file"] if dossier.status_code == 200 else {}
        found = await self.ask(role, "GET", f"/incidents/{incident_id}")
        incident = found.json()["incident"] if found.status_code == 200 else {}
        statuses = [
            (await self.ask(role, "GET", f"/residents/{resident_id}/{part}", params={"to": LATER.isoformat()}))
            for part in ("heart-rate", "locations")
        ]
        history = await self.ask(role, "GET", f"/residents/{resident_id}/history")
        note = await self.ask(role, "GET", f"/residents/{resident_id}/emergency_note")
        command = await self.ask(role, "POST", f"/devices/{device_id}/commands", json={"action": "locate"})
        return Seen(
            door=file.get("entry") is not None,
            file=file.get("conditions") is not None,
            history=history.status_code == 200,
            note=note.status_code == 200 and note.json()["text"] == "服华法林",
            chart=statuses[0].status_code == 200,
            track=statuses[1].status_code == 200,
            locate=command.status_code == 202,
            place=incident.get("lat") is not None,
            pulse=incident.get("bpm") is not None,
            said="said" in (incident.get("detail") or {}),
            noted=found.status_code == 200 and found.json()["emergency_note"] is not None,
        )


@pytest.fixture
async def desk(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[Desk]:
    await set_clock(conn, LATER, 0, real=False)
    here = await community.settle(conn)
    by_user = await community.log_in(conn, *USERS.values())
    await conn.commit()
    tokens = {role: by_user[who] for role, who in USERS.items()}
    ids = {role: getattr(here, who) for role, who in USERS.items()}
    app = create_app(make_settings(database_url=database_url))
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://d") as client:
        yield Desk(conn, client, here.grid_id, tokens, ids)


async def _case(desk: Desk, role: Role, relation: str, kind: str) -> tuple[int, str, int]:
    """Somebody with a band and an incident, to whom the person of `role` stands in that relation."""
    conn, who = desk.conn, desk.ids[role]
    inside = role is Role.GRID and relation != "none"
    old = await resident(conn, entry="密码锁 1234", grid_id=desk.grid_id if inside else None)
    await conn.execute(
        "update resident set emergency_note = '服华法林', emergency_note_by = %s, emergency_note_at = %s where id = %s",
        (desk.ids[Role.DOCTOR], NOW, old),
    )
    device_id = f"band-{old}"
    await wears(conn, old, device_id)
    await beats(conn, device_id, NOW, [70, 71])
    about = {"kind": kind, "severity": KINDS[kind], "device_id": device_id, "detail": '{"said": "她说头晕"}'}
    incident_id = await incident(conn, old, **about)
    if relation in ("called", "opened_again"):
        await call(conn, incident_id, who)
    if relation in ("owner", "called", "called_as_owner", "opened_again"):
        await handling.accept(conn, incident_id, who, "console", NOW + timedelta(minutes=1))
    if relation == "opened_again":
        await handling.resolve(conn, incident_id, who, "console", "helped", None, NOW + timedelta(minutes=2))
    if relation in ("called_as_owner", "opened_again"):
        await handling.reopen(conn, incident_id, who, "console", None, NOW + timedelta(minutes=3))
        again = NOW + timedelta(minutes=3)
        await call(conn, incident_id, who, send_after=again, created_at=again)
        await handling.accept(conn, incident_id, who, "console", NOW + timedelta(minutes=4))
    await conn.commit()
    return old, device_id, incident_id


async def test_who_gets_what_by_which_relation(desk: Desk) -> None:
    wrong = []
    for role, relation, (kind, severity) in product(USERS, RELATIONS, KINDS.items()):
        if role is not Role.GRID and relation not in ("none", "owner"):
            continue
        case = await _case(desk, role, relation, kind)
        found, wanted = await desk.seen(role, *case), expected(role, relation, severity)
        if role is Role.ADMIN and kind == "low_battery":
            assert not found.said
        if role in (Role.FAMILY, Role.DOCTOR) and relation == "owner":
            # Nobody of theirs can become that by themselves: only who was called may accept. What they then get is the
            # place where they have to go, and no health.
            assert not any((found.file, found.history, found.chart, found.track, found.locate, found.pulse))
        elif found != wanted:
            wrong.append(f"{role} {relation} {kind}: {found}, not {wanted}")
    assert not wrong, "\n".join(wrong)


async def test_accepting_a_task_of_ones_grid_changes_nothing(desk: Desk) -> None:
    old, device_id, incident_id = await _case(desk, Role.GRID, "grid", "low_battery")
    before = await desk.seen(Role.GRID, old, device_id, incident_id)
    answer = await desk.ask(Role.GRID, "POST", f"/incidents/{incident_id}/accept")
    assert answer.json()["reason"] == "accepted"
    assert await desk.seen(Role.GRID, old, device_id, incident_id) == before == DOOR


async def test_a_second_press_that_rings_the_owner_is_no_call_by_others(desk: Desk) -> None:
    old, device_id, incident_id = await _case(desk, Role.GRID, "owner", "sos")
    await desk.conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, content, send_after, created_at)"
        " values (%s, %s, 'voice', '+99970000000', 'pressed_again', '{}', %s, %s)",
        (incident_id, desk.ids[Role.GRID], LATER, LATER),
    )
    await desk.conn.commit()
    assert await desk.seen(Role.GRID, old, device_id, incident_id) == GOES


async def test_whom_duty_sends_is_called_by_duty_whatever_they_did_before(desk: Desk) -> None:
    old, device_id, incident_id = await _case(desk, Role.GRID, "called_as_owner", "wandering")
    await handling.decline(desk.conn, incident_id, desk.ids[Role.GRID], "console", LATER)
    await desk.conn.commit()
    assert (await desk.seen(Role.GRID, old, device_id, incident_id)).chart is False
    answer = await desk.send(incident_id)
    assert answer.status_code == 200, answer.text
    assert await desk.seen(Role.GRID, old, device_id, incident_id) == ALL


async def test_whom_duty_sends_to_a_task_reads_what_staff_wrote_and_no_health(desk: Desk) -> None:
    old, device_id, incident_id = await _case(desk, Role.GRID, "grid", "off_wrist")
    answer = await desk.send(incident_id)
    assert answer.status_code == 200, answer.text
    assert await desk.seen(Role.GRID, old, device_id, incident_id) == Seen(door=True, said=True)


async def test_handling_at_the_desk_opens_nothing_for_others(desk: Desk) -> None:
    case = await _case(desk, Role.GRID, "grid", "sos")
    assert (await desk.ask(Role.GRID, "POST", f"/incidents/{case[2]}/handle")).status_code == 403
    assert await desk.seen(Role.GRID, *case) == DOOR
