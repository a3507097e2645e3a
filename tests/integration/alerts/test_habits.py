"""What is learnt of a person: a day at a time, once, from the bands she wore, and read with her band."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.detection import device_state, habits
from alerts.model.incident import Finding, IncidentKind, Severity, Verdict
from alerts.rules import registry
from alerts.rules.rule import Day
from alerts.rules.stillness import Habit, Seen
from eldercare.platform.database import Connection, connect
from tests.support.community import resident, wears

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 3, 12, tzinfo=SHANGHAI)
SOON = NOON + timedelta(minutes=31)


async def walks(conn: Connection, device_id: str, begin: datetime, minutes: int, *, steps: int = 20) -> None:
    """A value with steps each half minute; a part of the steps in each."""
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into heart_rate (device_id, ts, received_at, bpm, motion, steps) values (%s, %s, %s, %s, %s, %s)",
            [
                (device_id, at, at, 70, "active" if steps else "rest", steps)
                for at in (begin + timedelta(seconds=30 * each) for each in range(2 * minutes))
            ],
        )


async def an_ordinary_day(conn: Connection, device_id: str, noon: datetime) -> None:
    """Until 21:00 and from 06:30 on she is up; before that noon."""
    await walks(conn, device_id, noon - timedelta(days=1), 9 * 60)
    await walks(conn, device_id, noon - timedelta(hours=15), 9 * 60 + 30, steps=0)
    await walks(conn, device_id, noon - timedelta(hours=5, minutes=30), 330)


async def learnt(conn: Connection) -> dict[int, tuple[Any, date]]:
    rows = await (await conn.execute("select resident_id, learnt::text, through from habits")).fetchall()
    return {
        resident_id: (registry.read_learnt(text)[0]["stillness"].days, through) for resident_id, text, through in rows
    }


async def test_a_day_is_learnt_once_when_it_is_over(conn: Connection) -> None:
    wang = await resident(conn)
    await wears(conn, wang, "band-1", NOON - timedelta(days=1, hours=3))
    await an_ordinary_day(conn, "band-1", NOON)
    assert await habits.run_once(conn, NOON + timedelta(minutes=29), SHANGHAI) == 0
    assert await habits.run_once(conn, SOON, SHANGHAI) == 1
    assert await learnt(conn) == {wang: ((Seen(390, 61, 1259),), NOON.date())}
    assert await habits.run_once(conn, SOON, SHANGHAI) == 0


async def test_the_rules_of_her_band_know_it(conn: Connection) -> None:
    wang = await resident(conn)
    await wears(conn, wang, "band-1", NOON - timedelta(days=1, hours=3))
    await an_ordinary_day(conn, "band-1", NOON)
    _, before, _ = await device_state.lock(conn, ["band-1"], SHANGHAI)
    assert before["band-1"].profile is not None
    assert before["band-1"].profile.learnt == {}
    await conn.commit()
    await habits.run_once(conn, SOON, SHANGHAI)
    for _ in range(2):
        _, after, _ = await device_state.lock(conn, ["band-1"], SHANGHAI)
        assert after["band-1"].profile is not None
        assert after["band-1"].profile.learnt["stillness"].days == (Seen(390, 61, 1259),)
    await conn.execute("update habits set learnt = '{\"stillness\": {}}', renewed_at = renewed_at + interval '1 day'")
    _, renewed, _ = await device_state.lock(conn, ["band-1"], SHANGHAI)
    assert renewed["band-1"].profile is not None
    assert renewed["band-1"].profile.learnt["stillness"] == Habit()


async def test_the_weeks_before_are_learnt_day_by_day(conn: Connection) -> None:
    wang = await resident(conn)
    await wears(conn, wang, "band-1", NOON - timedelta(days=400))
    for days in (0, 2, 27, 28):
        await an_ordinary_day(conn, "band-1", NOON - timedelta(days=days))
    done = 0
    while await habits.run_once(conn, SOON, SHANGHAI):
        done += 1
    assert done == habits.BACK_DAYS
    assert await learnt(conn) == {wang: ((Seen(390, 61, 1259),) * 3, NOON.date())}


async def test_only_what_she_wore_and_while_she_wore_it_is_hers(conn: Connection) -> None:
    wang, li = await resident(conn), await resident(conn, "李桂兰")
    await wears(conn, wang, "band-1", NOON - timedelta(days=1, hours=1))
    await wears(conn, li, "band-2", NOON - timedelta(days=1, hours=1))
    await an_ordinary_day(conn, "band-1", NOON)
    midnight = NOON - timedelta(hours=12)
    await conn.execute(
        "update assignment set period = tstzrange(lower(period), %s) where device_id = 'band-1'", (midnight,)
    )
    await wears(conn, li, "band-1", midnight)
    assert await habits.run_once(conn, SOON, SHANGHAI) == 2
    found = await learnt(conn)
    assert found[wang][0] == (Seen(None, 1),)  # until midnight
    assert found[li][0] == (Seen(None, 1),)  # the walk of the morning, and the night before it is not known


async def test_who_has_left_or_never_wore_a_band_is_not_learnt(conn: Connection) -> None:
    await resident(conn)
    gone = await resident(conn, "李桂兰")
    await wears(conn, gone, "band-2", NOON - timedelta(days=5))
    await conn.execute("update resident set left_at = %s where id = %s", (NOON - timedelta(days=1), gone))
    assert await habits.run_once(conn, SOON, SHANGHAI) == 0


async def test_what_is_found_meanwhile_is_told_once(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    wang = await resident(conn)
    await wears(conn, wang, "band-1", NOON - timedelta(days=1, hours=3))

    def higher(known: Any, day: Day, who: Any) -> tuple[Any, tuple[Verdict, ...]]:
        return {}, (Finding(IncidentKind.RESTING_RATE, Severity.TASK, "resting_rate_higher", NOON),)

    monkeypatch.setattr(registry, "learn", higher)
    for _ in range(2):
        await habits.run_once(conn, SOON, SHANGHAI)
    rows = await conn.execute("select resident_id, device_id, kind, severity, state, detail ->> 'reason' from incident")
    assert await rows.fetchall() == [(wang, "band-1", "resting_rate", "task", "open", "resting_rate_higher")]


async def test_an_incident_that_somebody_holds_keeps_one_person_waiting_alone(
    conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wang, li = await resident(conn), await resident(conn, "李桂兰")
    for number, each in enumerate((wang, li)):
        await wears(conn, each, f"band-{number}", NOON - timedelta(days=1, hours=3))

    def higher(known: Any, day: Day, who: Any) -> tuple[Any, tuple[Verdict, ...]]:
        return {}, (Finding(IncidentKind.RESTING_RATE, Severity.TASK, "resting_rate_higher", NOON, {}),)

    monkeypatch.setattr(registry, "learn", higher)
    await habits.run_once(conn, SOON, SHANGHAI)
    # What was over and is here again changes the incident.
    await conn.execute("update incident set detail = detail || '{\"cleared_at\": 1}'")
    await conn.commit()
    async with await connect(database_url, application_name="holder") as holder:
        await holder.execute("select from incident where resident_id = %s for update", (wang,))
        monkeypatch.setattr(habits, "HELD_MS", 50)
        later = SOON + timedelta(days=1)
        await habits.run_once(conn, later, SHANGHAI)
        await holder.rollback()
    rows = await conn.execute("select resident_id, through from habits order by resident_id")
    assert await rows.fetchall() == [(wang, NOON.date()), (li, NOON.date() + timedelta(days=1))]


async def test_a_mistake_of_ours_costs_one_day_of_one_person(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wang = await resident(conn)
    await wears(conn, wang, "band-1", NOON - timedelta(days=1, hours=3))

    def wrong(known: Any, day: Day, who: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(registry, "learn", wrong)
    assert await habits.run_once(conn, SOON, SHANGHAI) == 1
    assert "habits_failed" in capsys.readouterr().out
    rows = await conn.execute("select learnt, through from habits")
    assert await rows.fetchall() == [({}, NOON.date())]


async def test_what_cannot_be_read_begins_anew(conn: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    wang = await resident(conn)
    await wears(conn, wang, "band-1", NOON - timedelta(days=1, hours=3))
    await an_ordinary_day(conn, "band-1", NOON)
    stored = json.dumps({"stillness": {"days": 5}})
    through = NOON.date() - timedelta(days=1)
    await conn.execute("insert into habits (resident_id, learnt, through) values (%s, %s, %s)", (wang, stored, through))
    await conn.commit()
    await habits.run_once(conn, SOON, SHANGHAI)
    assert "habits_unreadable" in capsys.readouterr().out
    assert (await learnt(conn))[wang][0] == (Seen(390, 61, 1259),)


async def test_two_processes_learn_a_day_once(conn: Connection, database_url: str) -> None:
    wang = await resident(conn)
    await wears(conn, wang, "band-1", NOON - timedelta(days=1, hours=3))
    await an_ordinary_day(conn, "band-1", NOON)
    due = await habits.due(conn, SOON, SHANGHAI)
    async with await connect(database_url, application_name="other") as other:
        assert await habits.run_once(other, SOON, SHANGHAI) == 1
    assert [await habits.renew(conn, each, SOON, SHANGHAI) for each in due] == [False]


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (NOON + timedelta(minutes=30), date(2026, 3, 3)),
        (NOON + timedelta(minutes=29), date(2026, 3, 2)),
        (NOON + timedelta(hours=20), date(2026, 3, 3)),
        (datetime(2026, 3, 3, 4, 29, tzinfo=UTC), date(2026, 3, 2)),
    ],
)
def test_a_day_ends_at_noon_of_the_zone(now: datetime, day: date) -> None:
    assert habits.last_day(now, SHANGHAI) == day


async def test_the_most_that_is_kept_in_memory_is_bounded(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_state, "KNOWN_HABITS", 2)
    monkeypatch.setattr(device_state, "_kept", {})
    for number in range(4):
        each = await resident(conn, f"人{number}")
        await wears(conn, each, f"band-{number}", NOON - timedelta(days=1))
        await conn.execute(
            "insert into habits (resident_id, learnt, through) values (%s, '{}', %s)", (each, NOON.date())
        )
    _, found, _ = await device_state.lock(conn, [f"band-{number}" for number in range(4)], SHANGHAI)
    assert len(found) == 4
    assert len(device_state._kept) == 2


def told(known: Any, day: Day, who: Any) -> tuple[Any, tuple[Verdict, ...]]:
    return {}, (Finding(IncidentKind.RESTING_RATE, Severity.TASK, "resting_rate_higher", NOON),)


async def test_what_was_found_weeks_ago_is_not_told_now(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    wang = await resident(conn)
    await wears(conn, wang, "band-1", NOON - timedelta(days=9))
    monkeypatch.setattr(registry, "learn", told)
    for _ in range(9):
        assert await habits.run_once(conn, SOON, SHANGHAI) == 1
        incidents = await (await conn.execute("select count(*) from incident")).fetchone()
    assert incidents == (1,)  # of the last day alone


async def test_a_band_that_somebody_else_wears_now_says_nothing_of_her(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    wang, li = await resident(conn), await resident(conn, "李桂兰")
    await wears(conn, wang, "band-1", NOON - timedelta(days=1, hours=3))
    await conn.execute("update assignment set period = tstzrange(lower(period), %s)", (NOON - timedelta(hours=2),))
    await wears(conn, li, "band-1", NOON - timedelta(hours=2))
    await conn.execute(
        "insert into device_state (device_id, bpm, bpm_ts, lat, lon) values ('band-1', 99, now(), 31, 121)"
    )
    monkeypatch.setattr(registry, "learn", told)
    await habits.run_once(conn, SOON, SHANGHAI)
    rows = await conn.execute("select device_id, bpm, lat from incident where resident_id = %s", (wang,))
    assert await rows.fetchall() == [(None, None, None)]


async def test_whose_day_cannot_be_learnt_keeps_nobody_waiting(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    people = [await resident(conn), await resident(conn, "李桂兰")]
    for number, each in enumerate(people):
        await wears(conn, each, f"band-{number}", NOON - timedelta(days=1, hours=3))
    read = habits.readings

    async def broken(conn: Connection, profile: Any, begin: datetime, end: datetime) -> Any:
        if profile.resident_id == people[0]:
            await conn.execute("select 1 / 0")
        return await read(conn, profile, begin, end)

    monkeypatch.setattr(habits, "readings", broken)
    assert await habits.run_once(conn, SOON, SHANGHAI) == 1
    assert "habits_failed" in capsys.readouterr().out
    rows = await conn.execute("select resident_id from habits")
    assert await rows.fetchall() == [(people[1],)]


async def test_a_clock_that_was_ahead_does_not_stop_it(conn: Connection) -> None:
    wang = await resident(conn)
    await wears(conn, wang, "band-1", NOON - timedelta(days=1, hours=3))
    await an_ordinary_day(conn, "band-1", NOON)
    await conn.execute("insert into habits (resident_id, through) values (%s, '2027-01-01')", (wang,))
    await conn.commit()
    assert await habits.run_once(conn, SOON, SHANGHAI) == 1
    assert await learnt(conn) == {wang: ((Seen(390, 61, 1259),), NOON.date())}


async def test_more_steps_than_anybody_can_make_are_learnt_as_many(conn: Connection) -> None:
    wang = await resident(conn)
    await wears(conn, wang, "band-1", NOON - timedelta(days=1, hours=3))
    await walks(conn, "band-1", NOON - timedelta(hours=5), 5, steps=2_000_000_000)
    assert await habits.run_once(conn, SOON, SHANGHAI) == 1
