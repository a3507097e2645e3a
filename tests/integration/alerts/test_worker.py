"""Claiming what is due: in slices, by several processes at once, and never held up by one that cannot be planned."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.errors import LockNotAvailable

from alerts.channels.base import Outgoing
from alerts.escalation import carry_out, claim, plan, planner, worker
from alerts.escalation.decisions import Decision
from alerts.escalation.situation import PlanningContext
from alerts.incidents import handling, unreadable
from alerts.incidents.case import Case
from alerts.notifications import outbox
from alerts.notifications.sender import Sender
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection, connect
from eldercare.platform.errors import Conflict, InvalidInput
from tests.conftest import MakeSettings
from tests.support import community

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
PLANNING = PlanningContext(dict.fromkeys(("voice", "sms"), timedelta(0)), ZoneInfo("Asia/Shanghai"))


class Hands(Sender):
    """Takes rows and sends nothing; `free` is how much room it claims to have."""

    def __init__(self, free: int = 10_000) -> None:
        super().__init__("", {})
        self.free = free
        self.taken: list[Outgoing] = []

    def room(self) -> dict[str, int]:
        return dict.fromkeys(("voice", "sms"), self.free)

    def take(self, rows: Iterable[Outgoing], since: float | None = None) -> None:
        self.taken += rows


@pytest.fixture
async def line(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[Connection]:
    await set_clock(conn, NOW, 0, real=False)
    await community.settle(conn)
    await conn.commit()
    async with await connect(database_url, autocommit=True, options=outbox.SESSION) as line:
        await worker.warm(line)
        yield line


async def open_many(conn: Connection, number: int, severity: str = "sos", kind: str = "sos") -> None:
    """Incidents of bands nobody knows, due a second apart, the first longest ago."""
    await conn.execute(
        "insert into incident (subject, kind, severity, device_id, source, occurred_at, opened_at, round_started_at,"
        " due_at) select 'device:' || %(kind)s || n, %(kind)s, %(severity)s, 'b' || n, 'button', %(now)s, %(now)s,"
        " %(now)s, %(now)s - make_interval(secs => %(number)s - n) from generate_series(1, %(number)s) n",
        {"now": NOW, "number": number, "kind": kind, "severity": severity},
    )
    await conn.commit()


async def step_once_let_go(conn: Connection, line: Connection) -> tuple[int, list[Outgoing]]:
    """How many steps `line` takes, and what it hands over, when it waits for what `conn` holds, which then commits."""
    hands = Hands()
    step = asyncio.create_task(worker.run_once(line, hands, PLANNING))
    async with asyncio.timeout(60):
        waiting = "select from pg_locks where pid = %s and not granted"
        while await (await conn.execute(waiting, (line.info.backend_pid,))).fetchone() is None:
            pass
    await conn.commit()
    return await step, hands.taken


async def count(conn: Connection, query: str) -> int:
    row = await (await conn.execute(query)).fetchone()
    await conn.commit()
    assert row is not None
    return int(row[0])


async def test_nothing_due_writes_nothing(conn: Connection, line: Connection) -> None:
    hands = Hands()
    assert await worker.run_once(line, hands, PLANNING) == 0
    assert hands.taken == []


async def test_rows_of_an_immediate_step_are_born_leased_and_handed_over(conn: Connection, line: Connection) -> None:
    await open_many(conn, 1)
    hands = Hands()
    assert await worker.run_once(line, hands, PLANNING) == 1
    assert [(row.channel, row.attempts, row.purpose) for row in hands.taken] == [
        ("voice", 1, "alarm"),
        ("sms", 1, "alarm"),
    ]
    assert (
        await count(conn, "select count(*) from notification where status = 'sending' and leased_until is not null")
        == 2
    )
    assert await outbox.lease(line, NOW, ["voice", "sms"], 10) == []


async def test_what_there_are_no_hands_for_waits_in_the_outbox(conn: Connection, line: Connection) -> None:
    await open_many(conn, 3)
    hands = Hands(free=1)
    await worker.run_once(line, hands, PLANNING)
    assert len(hands.taken) == 2
    assert await count(conn, "select count(*) from notification where status = 'queued'") == 4
    assert len(await outbox.lease(line, NOW, ["voice", "sms"], 10)) == 4


async def test_the_longest_due_comes_first_and_an_sos_before_everything_else(
    conn: Connection, line: Connection
) -> None:
    await open_many(conn, 5, "warning", "wandering")
    await open_many(conn, 3)
    order = []
    for _ in range(8):
        await worker.run_once(line, Hands(), PLANNING, limit=1)
        row = await (await line.execute("select incident_id from incident_event order by id desc limit 1")).fetchone()
        await line.commit()
        assert row is not None
        order.append(row[0])
    assert order == [6, 7, 8, 1, 2, 3, 4, 5]


async def test_a_thousand_at_once_are_taken_by_four_workers_once_each(
    conn: Connection, line: Connection, database_url: str
) -> None:
    await open_many(conn, 1000)

    async def work() -> tuple[int, int]:
        hands, steps = Hands(), 0
        async with await connect(database_url, autocommit=True, options=outbox.SESSION) as own:
            while due := await worker.run_once(own, hands, PLANNING):
                assert due <= worker.SLICE
                steps += due
        return steps, len(hands.taken)

    done = await asyncio.gather(*(work() for _ in range(4)))
    assert sum(steps for steps, _ in done) == 1000
    assert sum(taken for _, taken in done) == 2000
    assert await count(conn, "select count(*) from notification") == 2000
    assert await count(conn, "select count(distinct incident_id) from notification where channel = 'voice'") == 1000


async def test_one_that_cannot_be_planned_is_said_and_tried_again_and_holds_up_nobody(
    conn: Connection, line: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_many(conn, 3)
    next_step = planner.next_step

    def fails_for_the_second(case: Case, *rest: object) -> Decision:
        if case.id == 2:
            raise RuntimeError("a mistake of ours")
        return next_step(case, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(planner, "next_step", fails_for_the_second)
    hands = Hands()
    assert await worker.run_once(line, hands, PLANNING) == 3
    assert {row.incident_id for row in hands.taken} == {1, 3}
    assert await count(conn, "select incident_id from incident_event where kind = 'step_failed'") == 2
    monkeypatch.undo()
    assert await worker.run_once(line, hands, PLANNING) == 0
    assert await worker.run_once(line, hands, PLANNING, NOW + plan.AFTER_AN_ERROR) == 1
    assert {row.incident_id for row in hands.taken} == {1, 2, 3}


async def test_one_whose_facts_cannot_be_read_holds_up_nobody(conn: Connection, line: Connection) -> None:
    await open_many(conn, 3)
    await conn.execute("update incident set occurred_at = '20000-01-01' where id = 2")
    await conn.commit()
    hands = Hands()
    assert await worker.run_once(line, hands, PLANNING) == 3
    assert {row.incident_id for row in hands.taken} == {1, 3}


UNREADABLE = {
    "a kind of a newer version": "update incident set kind = 'flood' where id = 2",
    "a state of a newer version": "update incident set state = 'looked_for' where id = 2",
    "a severity of a newer version": "update incident set severity = 'grave' where id = 2",
    "a time beyond all times": "update incident set stepped_at = 'infinity' where id = 2",
    "a time before all times": "update incident set round_started_at = '0044-03-15 BC' where id = 2",
}


async def make_unreadable(conn: Connection, how: str) -> None:
    for column in ("kind", "state", "severity"):
        await conn.execute(f"alter table incident drop constraint incident_{column}_check")
    await conn.execute(UNREADABLE[how].encode())
    await conn.commit()


@pytest.mark.parametrize("how", UNREADABLE)
async def test_one_that_cannot_be_read_holds_up_nobody_and_is_told_to_the_desk(
    conn: Connection, line: Connection, how: str
) -> None:
    await open_many(conn, 5)
    await make_unreadable(conn, how)
    hands = Hands()
    assert await worker.run_once(line, hands, PLANNING) == 4
    assert {row.incident_id for row in hands.taken} == {1, 3, 4, 5}
    late = NOW + unreadable.LATE + timedelta(seconds=5)
    await unreadable.run_once(line, late)
    assert await count(conn, "select incident_id from incident_event where kind = 'step_failed'") == 2
    leased = await outbox.lease(line, late, ["voice", "sms"], 100)
    told = [row for row in leased if row.incident_id == 2]
    assert {row.purpose for row in told} == {"second"}
    assert {row.address for row in told if row.channel == "voice"} == {
        community.PHONES[role] for role in ("duty", "lead", "admin")
    }
    assert all("2" in str(row.content) for row in told)


async def test_one_of_somebody_without_any_age_is_called_about(conn: Connection, line: Connection) -> None:
    await open_many(conn, 3)
    await conn.execute("alter table resident drop constraint resident_within_the_calendar")
    await conn.execute("update incident set resident_id = 1 where id = 2")
    await conn.execute("update resident set birth_date = '-infinity' where id = 1")
    await conn.commit()
    hands = Hands()
    assert await worker.run_once(line, hands, PLANNING) == 3
    assert {row.incident_id for row in hands.taken} == {1, 2, 3}


async def test_whoever_is_told_of_one_that_cannot_be_read_is_told_again_but_not_at_each_look(
    conn: Connection, line: Connection
) -> None:
    await open_many(conn, 2)
    await make_unreadable(conn, "a kind of a newer version")
    calls = []
    at = NOW + timedelta(minutes=1)
    for _ in range(60):
        await unreadable.run_once(line, at)
        at += timedelta(seconds=10)
        calls.append(await count(conn, "select count(*) from notification where channel = 'voice'"))
    assert calls[0] == 3
    assert calls[-1] == 6


async def told_in(conn: Connection, line: Connection, since: datetime, hours: int) -> list[int]:
    """The minutes after `since` at which the desk was told."""
    told, before = [], await count(conn, "select count(*) from notification where channel = 'voice'")
    for minute in range(hours * 60):
        await unreadable.run_once(line, since + timedelta(minutes=minute))
        now = await count(conn, "select count(*) from notification where channel = 'voice'")
        if now > before:
            told.append(minute)
        before = now
    return told


async def test_the_pauses_grow_to_an_hour_until_a_further_press(conn: Connection, line: Connection) -> None:
    await open_many(conn, 2)
    await make_unreadable(conn, "a state of a newer version")
    start = NOW + timedelta(minutes=1)
    assert await told_in(conn, line, start, 4) == [0, 6, 12, 23, 44, 85, 146, 207]
    pressed = start + timedelta(hours=4)
    await conn.execute(
        "insert into incident_event (incident_id, at, kind, via) values (2, %s, 'pressed_again', 'band')", (pressed,)
    )
    await conn.commit()
    assert (await told_in(conn, line, pressed, 1))[:3] == [0, 6, 12]


@pytest.mark.parametrize("how", UNREADABLE)
async def test_one_that_cannot_be_read_is_ended_by_hand_and_nobody_is_told_any_more(
    conn: Connection, line: Connection, how: str
) -> None:
    await open_many(conn, 2)
    await make_unreadable(conn, how)
    lead = await count(conn, "select person_id from person_role where role = 'duty_lead'")
    at = NOW + timedelta(minutes=1)
    await unreadable.look_after(line, 2, at, "as the line found it")
    calls = await count(conn, "select count(*) from notification where incident_id = 2")
    assert calls
    with pytest.raises(InvalidInput, match="disposition"):
        await handling.resolve(conn, 2, lead, "console", "gone", None, at)
    await handling.resolve(conn, 2, lead, "console", "helped", "saw to it", at)
    await conn.commit()
    ended = await conn.execute("select state, due_at, resolved_at, disposition, note from incident where id = 2")
    assert await ended.fetchone() == ("resolved", None, at, "helped", "saw to it")
    said = await conn.execute("select actor_id, via, detail from incident_event where kind = 'resolved'")
    detail = {"disposition": "helped", "note": "saw to it", "unread": True}
    assert await said.fetchall() == [(lead, "console", detail)]
    await conn.commit()
    assert [row for row in await outbox.lease(line, at, ["voice", "sms"], 100) if row.incident_id == 2] == []
    for hour in range(3):
        await unreadable.look_after(line, 2, at + timedelta(hours=hour), "as the line found it")
        await unreadable.run_once(line, at + timedelta(hours=hour))
    assert await count(conn, "select count(*) from notification where incident_id = 2") == calls
    with pytest.raises(Conflict, match="resolved"):
        await handling.resolve(conn, 2, lead, "console", "helped", None, at)


async def test_one_of_a_newer_version_is_left_to_it_for_a_while(conn: Connection, line: Connection) -> None:
    await open_many(conn, 2)
    await make_unreadable(conn, "a state of a newer version")
    await unreadable.run_once(line, NOW + unreadable.LATE - timedelta(seconds=1))
    assert await count(conn, "select count(*) from notification") == 0
    assert await count(conn, "select count(*) from incident where id = 2 and due_at = opened_at") == 1


async def test_one_that_can_neither_be_read_nor_put_off_holds_up_nobody_and_is_not_logged_at_each_look(
    conn: Connection, line: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(unreadable, "_log", SimpleNamespace(error=lambda event, **_: said.append(event)))
    monkeypatch.setattr(unreadable, "_seldom", unreadable.Seldom())
    await open_many(conn, 5)
    await conn.execute("update incident set stepped_at = 'infinity' where id = 2")
    await conn.execute(
        "alter table incident add constraint refuses check (id <> 2 or due_at <= '2026-11-24') not valid"
    )
    await conn.commit()
    hands = Hands()
    assert await worker.run_once(line, hands, PLANNING) == 4
    assert {row.incident_id for row in hands.taken} == {1, 3, 4, 5}
    for _ in range(20):
        assert await worker.run_once(line, hands, PLANNING) == 0
    assert len(said) == 3  # the look, the incident, and that it cannot be put off


@pytest.mark.parametrize(
    "rule",
    ["check (incident_id <> 2 or purpose <> 'alarm')", "check (1 / (incident_id - 2) is not null)"],
    ids=["integrity", "data"],
)
async def test_one_whose_step_the_database_refuses_is_said_and_tried_again_and_holds_up_nobody(
    conn: Connection, line: Connection, rule: str
) -> None:
    await open_many(conn, 5)
    await conn.execute(f"alter table notification add constraint refuses {rule}")
    await conn.commit()
    hands = Hands()
    assert await worker.run_once(line, hands, PLANNING) == 5
    assert {row.incident_id for row in hands.taken} == {1, 3, 4, 5}
    assert await count(conn, "select incident_id from incident_event where kind = 'step_failed'") == 2
    await conn.commit()
    assert await worker.run_once(line, hands, PLANNING) == 0
    await conn.execute("alter table notification drop constraint refuses")
    await conn.commit()
    assert await worker.run_once(line, hands, PLANNING, NOW + plan.AFTER_AN_ERROR) == 1
    assert {row.incident_id for row in hands.taken} == {1, 2, 3, 4, 5}


async def test_one_whose_step_cannot_be_written_as_json_holds_up_nobody(
    conn: Connection, line: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_many(conn, 3)
    events = plan._events

    def not_json(case: Case, decision: Decision) -> list[tuple[str, dict[str, object]]]:
        return [("step", {"half": "\ud800"})] if case.id == 2 else events(case, decision)

    monkeypatch.setattr(plan, "_events", not_json)
    hands = Hands()
    assert await worker.run_once(line, hands, PLANNING) == 3
    assert {row.incident_id for row in hands.taken} == {1, 3}


async def test_one_that_somebody_holds_is_left_to_them(conn: Connection, line: Connection) -> None:
    await open_many(conn, 2)
    await conn.execute("select from incident where id = 1 for no key update")
    hands = Hands()
    assert await worker.run_once(line, hands, PLANNING) == 1
    await conn.rollback()
    assert await worker.run_once(line, hands, PLANNING) == 1


async def test_one_that_is_let_go_in_time_is_waited_for(
    conn: Connection, line: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when presses of its band come in batch after batch: held when it is looked at, and different after that."""
    monkeypatch.setattr(worker, "HELD_MS", 60_000)
    await open_many(conn, 1)
    await conn.execute("update incident set press_count = press_count + 1")
    steps, taken = await step_once_let_go(conn, line)
    assert (steps, {row.incident_id for row in taken}) == (1, {1})
    assert await count(conn, "select presses_told from incident") == 2


async def test_one_that_is_accepted_while_it_is_waited_for_is_not_called_about(
    conn: Connection, line: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "HELD_MS", 60_000)
    await open_many(conn, 1)
    await conn.execute("update incident set due_at = due_at + interval '20 minutes'")
    assert await step_once_let_go(conn, line) == (0, [])


async def test_whoever_was_called_while_it_was_waited_for_is_not_called_again(
    conn: Connection, line: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process takes the first step, and the second is overdue too: duty lead is the duty officer too."""
    monkeypatch.setattr(worker, "HELD_MS", 60_000)
    duty = await count(conn, "select p.id from person p join person_role r on r.person_id = p.id where role = 'duty'")
    await conn.execute("insert into person_role (person_id, role) values (%s, 'duty_lead')", (duty,))
    await open_many(conn, 1)
    await conn.execute("update incident set next_step = 1, stepped_at = %s", (NOW,))
    await conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, step, content, status,"
        " send_after, created_at) select 1, person_id, channel, address, 'alarm', 0, '{}', 'sent', %(now)s, %(now)s"
        " from contact_method where person_id = %(duty)s",
        {"duty": duty, "now": NOW},
    )
    steps, taken = await step_once_let_go(conn, line)
    assert (steps, {row.address for row in taken}) == (1, {community.PHONES["lead"]})


async def test_one_that_changes_all_the_time_is_rung_though_another_stays_held(
    conn: Connection, line: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is waited for at a look, by chance: sooner or later it is the one that is only pressed again and again."""
    monkeypatch.setattr(worker, "HELD_MS", 1)
    monkeypatch.setattr(worker, "HELD_MOST", 1)
    next_step = planner.next_step

    def is_pressed_meanwhile(case: Case, *rest: object) -> Decision:
        with psycopg.connect(database_url, options="-c lock_timeout=1") as other, suppress(LockNotAvailable):
            other.execute("update incident set press_count = press_count + 1 where id = 2")
        return next_step(case, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(planner, "next_step", is_pressed_meanwhile)
    await open_many(conn, 2)
    await conn.execute("select from incident where id = 1 for no key update")
    hands = Hands()
    for _ in range(100):
        if await worker.run_once(line, hands, PLANNING):
            break
    assert {row.incident_id for row in hands.taken} == {2}


async def test_of_one_that_changed_since_it_was_read_nothing_is_written(
    conn: Connection, line: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_many(conn, 2)
    next_step = planner.next_step

    def is_accepted_meanwhile(case: Case, *rest: object) -> Decision:
        if case.id == 1:
            with psycopg.connect(database_url) as other:
                other.execute("update incident set due_at = due_at + interval '20 minutes' where id = 1")
        return next_step(case, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(planner, "next_step", is_accepted_meanwhile)
    hands = Hands()
    assert await worker.run_once(line, hands, PLANNING) == 1
    assert {row.incident_id for row in hands.taken} == {2}
    assert await count(conn, "select count(*) from notification where incident_id = 1") == 0
    assert await count(conn, "select count(*) from incident_event where incident_id = 1") == 0
    assert await count(conn, "select next_step from incident where id = 1") == 0


async def test_what_was_claimed_together_is_rung_in_the_order_of_the_claim(conn: Connection, line: Connection) -> None:
    await open_many(conn, 30, "urgent", "heart_rate")
    await open_many(conn, 10)
    hands = Hands()
    assert await worker.run_once(line, hands, PLANNING) == 40
    rung = list(dict.fromkeys(row.incident_id for row in hands.taken))
    assert rung == [*range(31, 41), *range(1, 31)]


async def test_what_somebody_holds_does_not_stand_before_the_rest(conn: Connection, line: Connection) -> None:
    await open_many(conn, worker.SLICE + 10)
    await conn.execute("select from incident where id <= %s for no key update", (worker.SLICE,))
    assert await worker.run_once(line, Hands(), PLANNING) == 10
    await conn.rollback()
    assert await worker.run_once(line, Hands(), PLANNING) == worker.SLICE


async def test_a_failed_statement_leaves_the_connection_usable(
    conn: Connection, line: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_many(conn, 1)
    monkeypatch.setattr(carry_out, "_CARRY_OUT", "select no_such_column, %(now)s")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        await worker.run_once(line, Hands(), PLANNING)
    monkeypatch.undo()
    assert await worker.run_once(line, Hands(), PLANNING) == 1


async def test_the_claim_reads_no_more_when_a_hundred_thousand_wait(conn: Connection, line: Connection) -> None:
    await conn.execute(
        "insert into incident (subject, kind, severity, device_id, source, occurred_at, opened_at, round_started_at,"
        " due_at) select 'device:' || n, 'sos', 'sos', 'b' || n, 'button', %(now)s, %(now)s, %(now)s,"
        " %(now)s + interval '1 hour' from generate_series(1, 100000) n",
        {"now": NOW},
    )
    await conn.execute("update incident set due_at = %s where id = 77", (NOW,))
    await conn.commit()
    explained = await (
        await line.execute(
            "explain (analyze, buffers off, costs off, timing off) " + claim.CLAIM.statement,
            {"now": NOW, "limit": 50, "ids": []},
        )
    ).fetchall()
    await line.commit()
    text = "\n".join(row[0] for row in explained)
    assert "Seq Scan on incident" not in text, text
    assert "rows=100000" not in text, text


@pytest.mark.parametrize(("minutes", "told"), [(4, 0), (6, 1)])
async def test_a_call_that_no_channel_takes_does_not_keep_the_owner_from_hearing_of_further_presses(
    conn: Connection, line: Connection, minutes: int, told: int
) -> None:
    await open_many(conn, 1)
    duty = await count(conn, "select person_id from person_role where role = 'duty'")
    await conn.execute(
        "update incident set state = 'accepted', owner_id = %s, press_count = 3, presses_told = 2, times_told = 1,"
        " tell_after = %s, arrival_due_at = %s",
        (duty, NOW, NOW + timedelta(minutes=9)),
    )
    await conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, content, send_after, created_at)"
        " values (1, %s, 'voice', '+9991', 'pressed_again', '{}', %s, %s)",
        (duty, NOW, NOW - timedelta(minutes=minutes)),
    )
    await conn.commit()
    await worker.run_once(line, Hands(), PLANNING)
    assert await count(conn, "select count(*) from incident_event where kind = 'told_owner'") == told
