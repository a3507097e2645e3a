"""Presses and findings become incidents: one open per subject and kind, whoever else does the same at that moment."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from alerts.incidents import handling
from alerts.incidents.opening import Raised, apply_verdicts, raise_sos
from alerts.model.incident import (
    NETWORK,
    Cleared,
    Finding,
    IncidentKind,
    IncidentState,
    Press,
    Severity,
    SubjectVerdict,
    resident_subject,
)
from eldercare.community import devices
from eldercare.platform.clock import set_clock
from eldercare.platform.database import COMMAND, Connection, connect
from eldercare.protocol.mqtt_v1 import SosState
from tests.conftest import MakeSettings
from tests.support.services.processes import wait_until

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def press(device_id: str = "band-1", payload: bytes = b"{}", **fields: Any) -> Press:
    return Press(device_id, payload, hashlib.sha256(payload).hexdigest(), **fields)


@pytest.fixture
async def resident(conn: Connection, make_settings: MakeSettings) -> int:
    """A resident who wears band-1 since yesterday; the clock stands still at noon."""
    await set_clock(conn, NOON, 0, real=False)
    await conn.execute("insert into device (id) values ('band-1'), ('spare')")
    row = await (
        await conn.execute("insert into resident (name, address) values ('王秀英', '幸福里 3 号') returning id")
    ).fetchone()
    assert row is not None
    await conn.execute(
        "insert into assignment (device_id, resident_id, period) values ('band-1', %s, tstzrange(%s, null))",
        (row[0], NOON - timedelta(days=1)),
    )
    await conn.commit()
    return int(row[0])


async def one(conn: Connection, query: str, *arguments: Any) -> Any:
    row = await (await conn.execute(query, arguments)).fetchone()
    assert row is not None
    return row if len(row) > 1 else row[0]


async def timeline(conn: Connection, incident_id: int) -> list[str]:
    rows = await conn.execute("select kind from incident_event where incident_id = %s order by id", (incident_id,))
    return [row[0] for row in await rows.fetchall()]


async def accept(conn: Connection, incident_id: int) -> None:
    await conn.execute("insert into person (name) values ('张伟')")
    await conn.execute(
        "update incident set state = 'accepted', owner_id = (select max(id) from person),"
        " due_at = %s + interval '20 min' where id = %s",
        (NOON, incident_id),
    )


def somebody_waits(database_url: str) -> bool:
    with psycopg.connect(database_url) as conn:
        row = conn.execute("select from pg_locks where not granted").fetchone()
    return row is not None


async def test_a_press_opens_an_incident_of_the_wearer_that_is_due_now(conn: Connection, resident: int) -> None:
    raised = await raise_sos(conn, press(event_id="e1", ts=NOON - timedelta(seconds=2), trigger="fall"))
    assert (raised.state, raised.outcome, raised.sos_state) == (IncidentState.OPEN, "opened", SosState.RECEIVED)
    row = await one(
        conn,
        "select subject, resident_id, device_id, kind, severity, source, occurred_at, opened_at, due_at, late,"
        " next_step, press_count from incident where id = %s",
        raised.incident_id,
    )
    at = NOON - timedelta(seconds=2)
    assert row == (f"resident:{resident}", resident, "band-1", "sos", "sos", "fall", at, NOON, NOON, False, 0, 1)
    assert await timeline(conn, raised.incident_id) == ["opened"]


@pytest.mark.parametrize(
    "fields", [{"event_id": "e1", "ts": NOON}, {"event_id": "e1"}, {"ts": NOON}, {"retained": True}], ids=str
)
async def test_the_same_press_again_changes_nothing(conn: Connection, resident: int, fields: dict[str, Any]) -> None:
    first = await raise_sos(conn, press(**fields))
    again = await raise_sos(conn, press(**fields))
    assert again == Raised(first.incident_id, IncidentState.OPEN, "duplicate", fields.get("event_id"))
    assert await one(conn, "select press_count from incident") == 1
    assert await timeline(conn, first.incident_id) == ["opened"]


async def test_a_name_from_more_than_a_day_ago_is_a_new_press_while_its_incident_is_still_open(
    conn: Connection, resident: int, make_settings: MakeSettings
) -> None:
    first = await raise_sos(conn, press(event_id="1"))
    await accept(conn, first.incident_id)
    await conn.commit()
    await set_clock(conn, NOON + timedelta(hours=25), 0, real=False)
    async with asyncio.timeout(60):
        again = await raise_sos(conn, press(event_id="1"))
    assert (again.incident_id, again.outcome) == (first.incident_id, "merged")
    assert (await raise_sos(conn, press(event_id="1"))).outcome == "duplicate"
    assert await one(conn, "select press_count from incident") == 2


async def test_a_stuck_button_does_not_make_its_incident_ever_longer(conn: Connection, resident: int) -> None:
    for number in range(130):
        assert (await raise_sos(conn, press(event_id=str(number)))).outcome == ("merged" if number else "opened")
        assert (await raise_sos(conn, press(event_id=str(number)))).outcome == "duplicate"
    assert await one(conn, "select press_count from incident") == 130
    assert await one(conn, "select count(*) from sos_press") == 130
    assert await one(conn, "select cardinality(recent_presses), detail from incident") == (64, {})
    told = "select count(*), max((detail ->> 'presses')::int) from incident_event where kind = 'pressed_again'"
    assert await one(conn, told) == (31, 100)


async def test_a_duplicate_hears_how_far_its_incident_is(conn: Connection, resident: int) -> None:
    first = await raise_sos(conn, press(event_id="e1"))
    await accept(conn, first.incident_id)
    assert (await raise_sos(conn, press(event_id="e1"))).sos_state is SosState.ACCEPTED
    await conn.execute("update incident set state = 'resolved'")
    assert (await raise_sos(conn, press(event_id="e1"))).sos_state is SosState.CLOSED
    assert await one(conn, "select count(*) from incident") == 1


async def test_a_number_sent_again_with_a_new_time_is_the_same_press(conn: Connection, resident: int) -> None:
    for minute in range(3):
        await raise_sos(conn, press(event_id="1", ts=NOON + timedelta(minutes=minute)))
    assert await one(conn, "select press_count from incident") == 1


@pytest.mark.parametrize(
    ("fields", "minutes", "outcome"),
    [
        ({"event_id": "1"}, 10, "duplicate"),
        ({"event_id": "1"}, 11, "opened"),
        ({"ts": NOON}, 10, "duplicate"),
        ({"ts": NOON}, 11, "opened"),
        ({"event_id": "1", "redelivered": True}, 11, "duplicate"),
        ({"event_id": "1", "redelivered": True, "ts": NOON + timedelta(minutes=11)}, 11, "opened"),
        ({"event_id": "1", "retained": True}, 11, "duplicate"),
        ({"unread_name": True}, 1, "opened"),
        ({"unread_name": True, "redelivered": True}, 0, "duplicate"),
        ({"redelivered": True}, 0, "duplicate"),
        ({"redelivered": True}, 2, "opened"),
    ],
    ids=str,
)
async def test_what_comes_long_after_the_end_rings_unless_it_is_a_copy(
    conn: Connection, resident: int, make_settings: MakeSettings, fields: dict[str, Any], minutes: int, outcome: str
) -> None:
    named_by = "event_id" if "event_id" in fields else "ts"
    first = await raise_sos(conn, press(**{name: fields[name] for name in fields if name in (named_by, "unread_name")}))
    await conn.execute("update incident set state = 'resolved', resolved_at = eldercare_now()")
    await conn.commit()
    await set_clock(conn, NOON + timedelta(minutes=minutes), 0, real=False)
    again = await raise_sos(conn, press(**fields))
    assert (again.outcome, again.incident_id == first.incident_id) == (outcome, outcome == "duplicate")
    if outcome == "opened":
        assert (await raise_sos(conn, press(**{**fields, "redelivered": True}))).outcome == "duplicate"


@pytest.mark.parametrize(
    ("fields", "counted"),
    [({"unread_name": True}, 1), ({"unread_name": True, "ts": datetime(1970, 1, 1, tzinfo=UTC)}, 1), ({}, 2)],
    ids=str,
)
async def test_bytes_that_may_hide_a_name_are_one_press_while_their_incident_lasts(
    conn: Connection, resident: int, fields: dict[str, Any], counted: int
) -> None:
    for _ in range(2):
        await raise_sos(conn, press(**fields, heard_by="one"))
    assert await one(conn, "select press_count from incident") == counted


async def test_a_press_without_a_name_that_two_sessions_hear_is_one(
    conn: Connection, resident: int, make_settings: MakeSettings
) -> None:
    outcomes = [(await raise_sos(conn, press(heard_by=by))).outcome for by in ("one", "two", "one", "two")]
    assert outcomes == ["opened", "duplicate", "merged", "duplicate"]
    await conn.commit()
    await set_clock(conn, NOON + timedelta(seconds=31), 0, real=False)
    assert (await raise_sos(conn, press(heard_by="two"))).outcome == "merged"
    assert (await raise_sos(conn, press(heard_by="two", redelivered=True))).outcome == "duplicate"


async def test_a_press_without_a_name_is_one_when_two_sessions_hear_it_at_once(
    conn: Connection, database_url: str, resident: int
) -> None:
    await conn.commit()
    async with await connect(database_url, limits=COMMAND) as other:
        await raise_sos(conn, press(heard_by="one"))
        waiting = asyncio.create_task(raise_sos(other, press(heard_by="two")))
        await asyncio.to_thread(wait_until, lambda: somebody_waits(database_url), "the second to wait")
        await conn.commit()
        assert (await waiting).outcome == "duplicate"
        await other.commit()
    assert await one(conn, "select press_count from incident") == 1


async def hand_over(conn: Connection, at: datetime) -> int:
    """band-1 goes to somebody else at this time."""
    await conn.execute("update assignment set period = tstzrange(lower(period), %s)", (at,))
    return int(
        await one(
            conn,
            "with next as (insert into resident (name, address) values ('李建国', '幸福里 5 号') returning id)"
            " insert into assignment (device_id, resident_id, period)"
            " select 'band-1', id, tstzrange(%s, null) from next returning resident_id",
            at,
        )
    )


async def test_a_press_is_of_who_wore_the_band_when_it_was_made(conn: Connection, resident: int) -> None:
    handed = NOON - timedelta(minutes=5)
    successor = await hand_over(conn, handed)
    await conn.execute(
        "insert into device_state (device_id, lat, lon, accuracy_m, location_ts, bpm, bpm_ts)"
        " values ('band-1', 31.1, 121.1, 30, %s, 88, %s)",
        (NOON, handed - timedelta(minutes=1)),
    )
    columns = "select subject, resident_id, lat, bpm, detail ? 'handed_over' from incident where id = %s"
    before = await raise_sos(conn, press(event_id="before", ts=handed - timedelta(seconds=1)))
    assert await one(conn, columns, before.incident_id) == (f"resident:{resident}", resident, None, 88, True)
    for number, fields in enumerate(({"ts": handed}, {}, {"ts": NOON - timedelta(days=500)})):
        after = await raise_sos(conn, press(event_id=f"after {number}", **fields))
        assert await one(conn, columns, after.incident_id) == (
            f"resident:{successor}", successor, 31.1, None, False,
        )  # fmt: skip


async def test_a_press_from_when_nobody_wore_the_band_is_of_who_wears_it_now(conn: Connection, resident: int) -> None:
    raised = await raise_sos(conn, press(ts=NOON - timedelta(days=2)))
    assert await one(conn, "select resident_id, detail from incident where id = %s", raised.incident_id) == (
        resident,
        {},
    )


async def test_a_band_retired_since_was_known_when_it_was_pressed(conn: Connection, resident: int) -> None:
    await conn.execute("update device set retired_at = %s where id = 'band-1'", (NOON,))
    await raise_sos(conn, press(ts=NOON - timedelta(minutes=1)))
    assert await one(conn, "select resident_id from incident") == resident


@pytest.mark.parametrize("second", [{"event_id": "e2"}, {"ts": NOON}, {}, {"retained": True}], ids=str)
async def test_another_press_merges_and_makes_the_incident_due(
    conn: Connection, resident: int, second: dict[str, Any]
) -> None:
    first = await raise_sos(conn, press(event_id="e1"))
    await accept(conn, first.incident_id)
    merged = await raise_sos(conn, press(**second))
    assert (merged.incident_id, merged.outcome, merged.state) == (first.incident_id, "merged", IncidentState.ACCEPTED)
    assert await one(conn, "select press_count, presses_told, due_at, state from incident") == (2, 1, NOON, "accepted")
    assert await timeline(conn, first.incident_id) == ["opened", "pressed_again"]


async def test_a_press_without_a_name_opens_a_new_incident_after_the_last_is_over(
    conn: Connection, resident: int
) -> None:
    first = await raise_sos(conn, press())
    await conn.execute("update incident set state = 'resolved'")
    second = await raise_sos(conn, press())
    assert second.outcome == "opened"
    assert second.incident_id != first.incident_id


async def test_a_press_is_known_for_24_hours(conn: Connection, resident: int, make_settings: MakeSettings) -> None:
    first = await raise_sos(conn, press(event_id="e1"))
    await conn.execute("update incident set state = 'resolved'")
    await set_clock(conn, NOON + timedelta(hours=24), 0, real=False)
    again = await raise_sos(conn, press(event_id="e1"))
    assert again.outcome == "opened"
    assert await one(conn, "select incident_id from sos_press") == again.incident_id != first.incident_id
    assert (await raise_sos(conn, press(event_id="e1"))).outcome == "duplicate"


@pytest.mark.parametrize("fields", [{"event_id": "e1"}, {"ts": NOON}, {}], ids=str)
async def test_a_retained_copy_of_a_press_is_old_news_for_ever(
    conn: Connection, resident: int, make_settings: MakeSettings, fields: dict[str, Any]
) -> None:
    await raise_sos(conn, press(**fields))
    await conn.execute("update incident set state = 'resolved'")
    await set_clock(conn, NOON + timedelta(days=3), 0, real=False)
    assert (await raise_sos(conn, press(**fields, retained=True))).outcome == "duplicate"
    assert (await raise_sos(conn, press(payload=b"[]", retained=True))).outcome == "opened"


async def test_a_retained_copy_with_a_clock_that_cannot_be_right_is_old_news_too(
    conn: Connection, resident: int
) -> None:
    first = press(ts=datetime(1970, 1, 1, tzinfo=UTC), retained=True)
    assert (await raise_sos(conn, first)).outcome == "opened"
    assert (await raise_sos(conn, first)).outcome == "duplicate"


async def test_the_same_event_id_of_two_bands_are_two_presses(conn: Connection, resident: int) -> None:
    await raise_sos(conn, press("band-1", event_id="1"))
    assert (await raise_sos(conn, press("spare", event_id="1"))).outcome == "opened"


@pytest.mark.parametrize(
    ("device_id", "mark"), [("nobody-knows", "unknown_band"), ("spare", "unassigned_band")], ids=str
)
async def test_a_band_that_nobody_wears_is_raised_as_such(
    conn: Connection, resident: int, device_id: str, mark: str
) -> None:
    raised = await raise_sos(conn, press(device_id, event_id="e1"))
    row = await one(
        conn, "select subject, resident_id, detail -> %s from incident where id = %s", mark, raised.incident_id
    )
    assert row == (f"device:{device_id}", None, True)


async def test_a_retired_band_is_unknown(conn: Connection, resident: int) -> None:
    await conn.execute("update device set retired_at = %s where id = 'spare'", (NOON,))
    await raise_sos(conn, press("spare"))
    assert await one(conn, "select detail ->> 'unknown_band' from incident") == "true"


@pytest.mark.parametrize(
    ("state", "mark"), [("lost", "unassigned_band"), ("in_repair", "unassigned_band"), ("retired", "unknown_band")]
)
async def test_a_band_that_was_put_away_and_presses_all_the_same_rings(
    conn: Connection, resident: int, state: str, mark: str
) -> None:
    assert await devices.set_state(conn, "band-1", devices.BandState(state), at=NOON) == resident
    raised = await raise_sos(conn, press("band-1", event_id="e1"))
    assert raised.outcome == "opened"
    row = await one(conn, "select subject, detail -> %s, due_at from incident where id = %s", mark, raised.incident_id)
    assert row == ("device:band-1", True, NOON)


async def test_a_resident_who_is_away_still_has_an_sos(conn: Connection, resident: int) -> None:
    await conn.execute("update resident set away_until = %s", (NOON + timedelta(days=3),))
    assert (await raise_sos(conn, press())).outcome == "opened"


@pytest.mark.parametrize(
    ("age", "late", "believed"),
    [
        (timedelta(minutes=10), False, True),
        (timedelta(minutes=11), True, True),
        (timedelta(days=300), True, True),
        (timedelta(days=20_000), False, False),
        (timedelta(minutes=-5), False, True),
        (timedelta(minutes=-6), False, False),
    ],
    ids=str,
)
async def test_a_late_press_is_labelled_and_a_wrong_clock_not_believed(
    conn: Connection, resident: int, age: timedelta, late: bool, believed: bool
) -> None:
    await raise_sos(conn, press(ts=NOON - age))
    row = await one(conn, "select late, occurred_at, detail -> 'clock_wrong' from incident")
    assert row == (late, NOON - age if believed else NOON, None if believed else True)


async def test_a_frozen_clock_does_not_hide_the_second_press(conn: Connection, resident: int) -> None:
    frozen = datetime(1970, 1, 1, tzinfo=UTC)
    first = await raise_sos(conn, press(ts=frozen))
    await conn.execute("update incident set state = 'resolved'")
    second = await raise_sos(conn, press(ts=frozen))
    assert (second.outcome, second.incident_id != first.incident_id) == ("opened", True)


async def test_where_she_is_comes_from_the_press_or_the_last_fix_with_its_time(conn: Connection, resident: int) -> None:
    fix = NOON - timedelta(minutes=40)
    await conn.execute(
        "insert into device_state (device_id, lat, lon, accuracy_m, location_ts, bpm, bpm_ts)"
        " values ('band-1', 31.1, 121.1, 30, %s, 88, %s)",
        (fix, fix),
    )
    await raise_sos(conn, press(event_id="e1"))
    columns = "select lat, lon, accuracy_m, position_at, bpm, detail ? 'bpm_at' from incident"
    assert await one(conn, columns) == (31.1, 121.1, 30, fix, 88, True)
    await raise_sos(conn, press(event_id="e2", lat=31.2, lon=121.2, bpm=120, ts=NOON))
    assert await one(conn, columns) == (31.2, 121.2, None, NOON, 120, True)
    await raise_sos(conn, press(event_id="e3"))
    assert (await one(conn, columns))[:4] == (31.2, 121.2, None, NOON)


async def test_an_unknown_place_is_no_place(conn: Connection, resident: int) -> None:
    await raise_sos(conn, press())
    assert await one(conn, "select lat, lon, accuracy_m, position_at, bpm from incident") == (None,) * 5


async def test_an_sos_waits_for_no_batch_of_telemetry(conn: Connection, resident: int, database_url: str) -> None:
    await conn.execute("insert into device_state (device_id) values ('band-1')")
    await conn.commit()
    await conn.execute("select from device_state for update")
    other = await connect(database_url)
    try:
        await other.execute("set statement_timeout = '5s'")
        assert (await raise_sos(other, press())).outcome == "opened"
    finally:
        await other.close()


@pytest.mark.parametrize("known", [False, True], ids=["new", "beside an open one"])
async def test_two_processes_with_the_same_press_raise_it_once(
    conn: Connection, resident: int, database_url: str, known: bool
) -> None:
    if known:
        await raise_sos(conn, press(event_id="e0"))
        await conn.commit()
    other = await connect(database_url, limits=COMMAND)
    try:
        await raise_sos(conn, press(event_id="e1"))
        waiting = asyncio.create_task(raise_sos(other, press(event_id="e1")))
        await asyncio.to_thread(wait_until, lambda: somebody_waits(database_url), "the second to meet the first")
        await conn.commit()
        assert (await waiting).outcome == "duplicate"
        await other.commit()
    finally:
        await other.close()
    assert await one(conn, "select press_count from incident") == 1 + known
    assert await one(conn, "select count(*) from incident_event") == 1 + known


async def test_a_press_merges_into_an_emergency_that_came_by_telephone(conn: Connection, resident: int) -> None:
    await conn.execute(
        "insert into incident (subject, kind, severity, resident_id, source, occurred_at, opened_at, round_started_at,"
        " due_at) values (%s, 'sos', 'sos', %s, 'telephone', %s, %s, %s, %s)",
        (f"resident:{resident}", resident, *[NOON] * 4),
    )
    assert (await raise_sos(conn, press(event_id="e1"))).outcome == "merged"


def finding(severity: Severity, kind: IncidentKind = IncidentKind.HEART_RATE) -> Finding:
    return Finding(kind, severity, f"{severity}_reason", NOON - timedelta(minutes=5), {"bpm": 140})


def cleared(kind: IncidentKind = IncidentKind.HEART_RATE) -> Cleared:
    return Cleared(kind, "normal_again", NOON)


async def test_a_finding_opens_and_the_same_again_changes_nothing(conn: Connection, resident: int) -> None:
    judged = [SubjectVerdict(resident_subject(resident, "band-1"), finding(Severity.WARNING))]
    await apply_verdicts(conn, judged, NOON)
    await apply_verdicts(conn, judged, NOON + timedelta(minutes=1))
    row = await one(conn, "select severity, source, occurred_at, due_at, detail, press_count from incident")
    assert row == (
        "warning",
        "rule",
        NOON - timedelta(minutes=5),
        NOON,
        {"reason": "warning_reason", "bpm": 140},
        1,
    )
    assert await timeline(conn, await one(conn, "select id from incident")) == ["opened"]


async def test_a_graver_finding_raises_and_starts_the_ladder_again(conn: Connection, resident: int) -> None:
    subject = resident_subject(resident, "band-1")
    await apply_verdicts(conn, [SubjectVerdict(subject, finding(Severity.WARNING))], NOON)
    await conn.execute(
        "with duty as (insert into person (name) values ('张值班') returning id) update incident"
        " set declined_id = duty.id, next_step = 2, due_at = due_at + interval '10 min' from duty"
    )
    later = NOON + timedelta(minutes=3)
    await apply_verdicts(conn, [SubjectVerdict(subject, finding(Severity.URGENT))], later)
    await apply_verdicts(conn, [SubjectVerdict(subject, finding(Severity.WARNING))], later + timedelta(minutes=1))
    row = await one(
        conn, "select severity, next_step, round_started_at, due_at, detail ->> 'reason', declined_id from incident"
    )
    assert row == ("urgent", 0, later, later, "urgent_reason", None)
    assert await timeline(conn, await one(conn, "select id from incident")) == ["opened", "raised"]


@pytest.mark.parametrize(
    ("severity", "after", "episode", "opens"),
    [
        (Severity.WARNING, timedelta(minutes=30), NOON, False),
        (Severity.TASK, timedelta(minutes=30), NOON, False),
        (Severity.WARNING, timedelta(hours=11, minutes=59), NOON, False),
        (Severity.WARNING, timedelta(hours=12), NOON, True),
        (Severity.URGENT, timedelta(minutes=30), NOON, True),
        (Severity.WARNING, timedelta(minutes=30), NOON + timedelta(minutes=20), True),
        (Severity.WARNING, timedelta(minutes=30), None, True),
    ],
)
async def test_what_was_resolved_while_it_lasts_is_known_until_it_is_over_or_graver_or_for_twelve_hours(
    conn: Connection, resident: int, severity: Severity, after: timedelta, episode: datetime | None, opens: bool
) -> None:
    subject = resident_subject(resident, "band-1")

    def found(of: Severity, began: datetime | None) -> SubjectVerdict:
        return SubjectVerdict(subject, Finding(IncidentKind.HEART_RATE, of, f"high_{of}", NOON, episode_at=began))

    await apply_verdicts(conn, [found(Severity.WARNING, NOON)], NOON)
    await conn.execute("update incident set state = 'resolved', disposition = 'handled', resolved_at = %s", (NOON,))
    await apply_verdicts(conn, [found(severity, episode)], NOON + after)
    rows = await conn.execute("select severity from incident where state = 'open'")
    assert await rows.fetchall() == ([(severity,)] if opens else [])


@pytest.mark.parametrize(("after", "opens"), [(timedelta(minutes=119), False), (timedelta(hours=2), True)])
async def test_what_is_urgent_is_known_for_two_hours(
    conn: Connection, resident: int, after: timedelta, opens: bool
) -> None:
    finding = Finding(IncidentKind.HEART_RATE, Severity.URGENT, "high_urgent", NOON, episode_at=NOON)
    found = SubjectVerdict(resident_subject(resident, "band-1"), finding)
    await apply_verdicts(conn, [found], NOON)
    await conn.execute("update incident set state = 'resolved', disposition = 'handled', resolved_at = %s", (NOON,))
    await apply_verdicts(conn, [found], NOON + after)
    assert await one(conn, "select count(*) from incident where state = 'open'") == int(opens)


@pytest.mark.parametrize("severity", [Severity.WARNING, Severity.URGENT])
@pytest.mark.parametrize(("after", "opens"), [(timedelta(hours=4, seconds=-1), False), (timedelta(hours=4), True)])
async def test_it_is_known_until_whoever_resolved_it_said(
    conn: Connection, resident: int, severity: Severity, after: timedelta, opens: bool
) -> None:
    found = SubjectVerdict(
        resident_subject(resident, "band-1"),
        Finding(IncidentKind.HEART_RATE, severity, "high", NOON, episode_at=NOON),
    )
    await apply_verdicts(conn, [found], NOON)
    incident = await one(conn, "select id from incident")
    person = await one(conn, "insert into person (name) values ('王芳') returning id")
    await handling.resolve(conn, incident, person, "api", "helped", None, NOON, NOON + timedelta(hours=4))
    await apply_verdicts(conn, [found], NOON + after)
    assert await one(conn, "select count(*) from incident where state = 'open'") == int(opens)


async def test_what_becomes_graver_is_told_whatever_somebody_knew(conn: Connection, resident: int) -> None:
    subject = resident_subject(resident, "band-1")

    def found(severity: Severity) -> SubjectVerdict:
        return SubjectVerdict(subject, Finding(IncidentKind.HEART_RATE, severity, "high", NOON, episode_at=NOON))

    await apply_verdicts(conn, [found(Severity.WARNING)], NOON)
    incident = await one(conn, "select id from incident")
    person = await one(conn, "insert into person (name) values ('王芳') returning id")
    await handling.resolve(conn, incident, person, "api", "helped", None, NOON, timedelta(days=7))
    await apply_verdicts(conn, [found(Severity.WARNING), found(Severity.URGENT)], NOON + timedelta(hours=1))
    assert await one(conn, "select severity from incident where state = 'open'") == "urgent"


async def test_who_was_found_is_known_to_be_out_until_the_next_time(conn: Connection, resident: int) -> None:
    subject = resident_subject(resident, "band-1")

    def left(at: datetime) -> SubjectVerdict:
        finding = Finding(IncidentKind.WANDERING, Severity.URGENT, "left_at_night", at, episode_at=at)
        return SubjectVerdict(subject, finding)

    await apply_verdicts(conn, [left(NOON)], NOON)
    incident = await one(conn, "select id from incident")
    person = await one(conn, "insert into person (name) values ('王芳') returning id")
    await handling.resolve(conn, incident, person, "api", "found", None, NOON)
    await apply_verdicts(conn, [left(NOON)], NOON + timedelta(minutes=119))
    assert await one(conn, "select count(*) from incident where state = 'open'") == 0
    await apply_verdicts(conn, [left(NOON + timedelta(hours=1))], NOON + timedelta(minutes=119))
    assert await one(conn, "select count(*) from incident where state = 'open'") == 1


async def test_what_ended_by_itself_is_not_known(conn: Connection, resident: int) -> None:
    subject = resident_subject(resident, "band-1")
    finding = Finding(IncidentKind.HEART_RATE, Severity.WARNING, "high_warning", NOON, episode_at=NOON)
    over = Cleared(IncidentKind.HEART_RATE, "high_over", NOON)
    await apply_verdicts(conn, [SubjectVerdict(subject, each) for each in (finding, over, finding)], NOON)
    assert await one(conn, "select count(*) from incident where state = 'open'") == 1


async def test_what_another_resident_knows_is_news_of_this_one(conn: Connection, resident: int) -> None:
    finding = Finding(IncidentKind.HEART_RATE, Severity.WARNING, "high_warning", NOON, episode_at=NOON)
    other = await one(conn, "insert into resident (name, address) values ('李淑珍', '2号楼') returning id")
    await apply_verdicts(conn, [SubjectVerdict(resident_subject(other, "band-1"), finding)], NOON)
    await conn.execute("update incident set state = 'resolved', disposition = 'handled', resolved_at = %s", (NOON,))
    await apply_verdicts(conn, [SubjectVerdict(resident_subject(resident, "band-1"), finding)], NOON)
    assert await one(conn, "select resident_id from incident where state = 'open'") == resident


@pytest.mark.parametrize(
    ("severity", "told"), [(Severity.URGENT, True), (Severity.WARNING, True), (Severity.TASK, False)]
)
async def test_what_was_over_and_is_found_again_is_told_to_whoever_has_it(
    conn: Connection, resident: int, severity: Severity, told: bool
) -> None:
    subject = resident_subject(resident, "band-1")
    found = SubjectVerdict(subject, Finding(IncidentKind.HEART_RATE, severity, "high", NOON))
    over = SubjectVerdict(subject, Cleared(IncidentKind.HEART_RATE, "high_over", NOON))
    await apply_verdicts(conn, [found], NOON)
    incident_id = await one(conn, "select id from incident")
    await accept(conn, incident_id)
    for _ in range(2):
        await apply_verdicts(conn, [over], NOON)
        later = NOON + timedelta(minutes=5)
        await apply_verdicts(conn, [found], later)
        await apply_verdicts(conn, [found], later)
    row = await one(conn, "select state, round, severity, press_count, due_at = %s from incident", later)
    assert row == ("accepted", 1, severity, 3 if told else 1, told)
    assert await timeline(conn, incident_id) == ["opened", *2 * ["cleared", "found_again"]]


async def test_what_is_found_again_while_people_are_asked_goes_on_climbing(conn: Connection, resident: int) -> None:
    subject = resident_subject(resident, "band-1")
    found = SubjectVerdict(subject, Finding(IncidentKind.HEART_RATE, Severity.URGENT, "high", NOON))
    await apply_verdicts(conn, [found], NOON)
    due = NOON + timedelta(minutes=3)
    await conn.execute("update incident set next_step = 1, due_at = %s", (due,))
    await apply_verdicts(conn, [SubjectVerdict(subject, Cleared(IncidentKind.HEART_RATE, "high_over", NOON))], NOON)
    await apply_verdicts(conn, [found], NOON + timedelta(minutes=1))
    row = await one(conn, "select round, next_step, press_count, due_at, round_started_at from incident")
    assert row == (1, 1, 1, due, NOON)


@pytest.mark.parametrize(
    ("severity", "accepted", "state"),
    [
        (Severity.WARNING, False, "resolved"),
        (Severity.TASK, False, "resolved"),
        (Severity.URGENT, False, "open"),
        (Severity.WARNING, True, "accepted"),
    ],
    ids=str,
)
async def test_what_is_over_ends_by_itself_unless_urgent_or_owned(
    conn: Connection, resident: int, severity: Severity, accepted: bool, state: str
) -> None:
    subject = resident_subject(resident, "band-1")
    await apply_verdicts(conn, [SubjectVerdict(subject, finding(severity))], NOON)
    incident_id = await one(conn, "select id from incident")
    await conn.execute(
        "insert into notification (incident_id, channel, address, purpose, content, send_after, created_at)"
        " values (%s, 'sms', '+999100', 'alarm', '{}', %s, %s)",
        (incident_id, NOON, NOON),
    )
    if accepted:
        await accept(conn, incident_id)
    await apply_verdicts(conn, [SubjectVerdict(subject, cleared())], NOON + timedelta(minutes=1))
    ended = state == "resolved"
    row = await one(conn, "select state, disposition, due_at is null from incident")
    assert row == (state, "cleared" if ended else None, ended)
    assert await one(conn, "select status from notification") == ("cancelled" if ended else "queued")
    assert await timeline(conn, incident_id) == ["opened", "cleared", "resolved"][: 3 if ended else 2]


async def test_nothing_open_is_nothing_to_clear(conn: Connection, resident: int) -> None:
    await apply_verdicts(conn, [SubjectVerdict(resident_subject(resident, "band-1"), cleared())], NOON)
    assert await one(conn, "select count(*) from incident_event") == 0


async def test_found_and_over_within_one_batch_stay_in_order(conn: Connection, resident: int) -> None:
    subject = resident_subject(resident, "band-1")
    await apply_verdicts(
        conn,
        [
            SubjectVerdict(subject, finding(Severity.WARNING)),
            SubjectVerdict(NETWORK, Finding(IncidentKind.NETWORK, Severity.URGENT, "many_silent", NOON)),
            SubjectVerdict(subject, cleared()),
        ],
        NOON,
    )
    rows = await conn.execute("select subject, state from incident order by subject")
    assert await rows.fetchall() == [("network", "open"), (f"resident:{resident}", "resolved")]


async def test_every_change_of_an_incident_is_notified_once_by_its_id(
    conn: Connection, resident: int, database_url: str
) -> None:
    listener = await connect(database_url, autocommit=True)
    try:
        await listener.execute("listen incident")
        raised = await raise_sos(conn, press(event_id="e1"))
        await raise_sos(conn, press(event_id="e1"))
        await apply_verdicts(
            conn, [SubjectVerdict(resident_subject(resident, "band-1"), finding(Severity.URGENT))], NOON
        )
        await conn.commit()
        heard = [notice.payload async for notice in listener.notifies(timeout=60, stop_after=2)]
        other = await one(conn, "select id from incident where kind = 'heart_rate'")
        assert heard == [str(raised.incident_id), str(other)]
    finally:
        await listener.close()


async def test_what_the_admin_sees_tells_nothing_of_a_heart(conn: Connection, resident: int) -> None:
    await conn.execute(
        "insert into device_state (device_id, bpm, bpm_ts) values ('band-1', 72, %s)", (NOON - timedelta(minutes=1),)
    )
    kinds = (IncidentKind.SILENT, IncidentKind.LOW_BATTERY, IncidentKind.WANDERING)
    found = [
        SubjectVerdict(resident_subject(resident, "band-1"), Finding(kind, Severity.TASK, "found", NOON, {}))
        for kind in kinds
    ]
    await apply_verdicts(conn, found, NOON)
    rows = await (await conn.execute("select kind, bpm from incident")).fetchall()
    assert dict(rows) == {"silent": None, "low_battery": None, "wandering": 72}
