"""Claiming what is due: in slices, by several processes at once, and never held up by one that cannot be planned."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.errors import LockNotAvailable

from alerts import escalate, escalation, outbox
from alerts.case import Case
from alerts.deliver import Sender
from alerts.escalation import Outside
from alerts.outbox import Leased
from eldercare.clock import set_clock
from eldercare.database import Connection, connect
from tests import community
from tests.conftest import MakeSettings

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
OUTSIDE = Outside(dict.fromkeys(("voice", "sms"), timedelta(0)), ZoneInfo("Asia/Shanghai"))


class Hands(Sender):
    """Takes rows and sends nothing; `free` is how much room it claims to have."""

    def __init__(self, free: int = 10_000) -> None:
        super().__init__("", {})
        self.free = free
        self.taken: list[Leased] = []

    def room(self) -> dict[str, int]:
        return dict.fromkeys(("voice", "sms"), self.free)

    def take(self, rows: Iterable[Leased]) -> None:
        self.taken += rows


@pytest.fixture
async def line(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[Connection]:
    await set_clock(conn, make_settings(), NOW, 0)
    await community.settle(conn)
    await conn.commit()
    async with await connect(database_url, autocommit=True, options=outbox.SESSION) as line:
        await escalate.warm(line)
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


async def step_once_let_go(conn: Connection, line: Connection) -> tuple[int, list[Leased]]:
    """How many steps `line` takes, and what it hands over, when it waits for what `conn` holds, which then commits."""
    hands = Hands()
    step = asyncio.create_task(escalate.run_once(line, hands, OUTSIDE))
    async with asyncio.timeout(30):
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
    assert await escalate.run_once(line, hands, OUTSIDE) == 0
    assert hands.taken == []


async def test_rows_of_an_immediate_step_are_born_leased_and_handed_over(conn: Connection, line: Connection) -> None:
    await open_many(conn, 1)
    hands = Hands()
    assert await escalate.run_once(line, hands, OUTSIDE) == 1
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
    await escalate.run_once(line, hands, OUTSIDE)
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
        await escalate.run_once(line, Hands(), OUTSIDE, limit=1)
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
            while due := await escalate.run_once(own, hands, OUTSIDE):
                assert due <= escalate.SLICE
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
    next_step = escalation.next_step

    def fails_for_the_second(case: escalation.Case, *rest: object) -> escalation.Decision:
        if case.id == 2:
            raise RuntimeError("a mistake of ours")
        return next_step(case, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(escalation, "next_step", fails_for_the_second)
    hands = Hands()
    assert await escalate.run_once(line, hands, OUTSIDE) == 3
    assert {row.incident_id for row in hands.taken} == {1, 3}
    assert await count(conn, "select incident_id from incident_event where kind = 'step_failed'") == 2
    monkeypatch.undo()
    assert await escalate.run_once(line, hands, OUTSIDE) == 0
    assert await escalate.run_once(line, hands, OUTSIDE, NOW + escalate.AFTER_AN_ERROR) == 1
    assert {row.incident_id for row in hands.taken} == {1, 2, 3}


async def test_one_whose_facts_cannot_be_read_holds_up_nobody(conn: Connection, line: Connection) -> None:
    await open_many(conn, 3)
    await conn.execute("update incident set occurred_at = '20000-01-01' where id = 2")
    await conn.commit()
    hands = Hands()
    assert await escalate.run_once(line, hands, OUTSIDE) == 3
    assert {row.incident_id for row in hands.taken} == {1, 3}


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
    assert await escalate.run_once(line, hands, OUTSIDE) == 5
    assert {row.incident_id for row in hands.taken} == {1, 3, 4, 5}
    assert await count(conn, "select incident_id from incident_event where kind = 'step_failed'") == 2
    await conn.commit()
    assert await escalate.run_once(line, hands, OUTSIDE) == 0
    await conn.execute("alter table notification drop constraint refuses")
    await conn.commit()
    assert await escalate.run_once(line, hands, OUTSIDE, NOW + escalate.AFTER_AN_ERROR) == 1
    assert {row.incident_id for row in hands.taken} == {1, 2, 3, 4, 5}


async def test_one_whose_step_cannot_be_written_as_json_holds_up_nobody(
    conn: Connection, line: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_many(conn, 3)
    events = escalate._events

    def not_json(case: Case, decision: escalation.Decision) -> list[tuple[str, dict[str, object]]]:
        return [("step", {"half": "\ud800"})] if case.id == 2 else events(case, decision)

    monkeypatch.setattr(escalate, "_events", not_json)
    hands = Hands()
    assert await escalate.run_once(line, hands, OUTSIDE) == 3
    assert {row.incident_id for row in hands.taken} == {1, 3}


async def test_one_that_somebody_holds_is_left_to_them(conn: Connection, line: Connection) -> None:
    await open_many(conn, 2)
    await conn.execute("select from incident where id = 1 for no key update")
    hands = Hands()
    assert await escalate.run_once(line, hands, OUTSIDE) == 1
    await conn.rollback()
    assert await escalate.run_once(line, hands, OUTSIDE) == 1


async def test_one_that_is_let_go_in_time_is_waited_for(
    conn: Connection, line: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when presses of its band come in batch after batch: held when it is looked at, and different after that."""
    monkeypatch.setattr(escalate, "HELD_MS", 60_000)
    await open_many(conn, 1)
    await conn.execute("update incident set press_count = press_count + 1")
    steps, taken = await step_once_let_go(conn, line)
    assert (steps, {row.incident_id for row in taken}) == (1, {1})
    assert await count(conn, "select presses_told from incident") == 2


async def test_one_that_is_accepted_while_it_is_waited_for_is_not_called_about(
    conn: Connection, line: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escalate, "HELD_MS", 60_000)
    await open_many(conn, 1)
    await conn.execute("update incident set due_at = due_at + interval '20 minutes'")
    assert await step_once_let_go(conn, line) == (0, [])


async def test_whoever_was_called_while_it_was_waited_for_is_not_called_again(
    conn: Connection, line: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process takes the first step, and the second is overdue too: duty lead is the duty officer too."""
    monkeypatch.setattr(escalate, "HELD_MS", 60_000)
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
    monkeypatch.setattr(escalate, "HELD_MS", 1)
    monkeypatch.setattr(escalate, "HELD_MOST", 1)
    next_step = escalation.next_step

    def is_pressed_meanwhile(case: escalation.Case, *rest: object) -> escalation.Decision:
        with psycopg.connect(database_url, options="-c lock_timeout=1") as other, suppress(LockNotAvailable):
            other.execute("update incident set press_count = press_count + 1 where id = 2")
        return next_step(case, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(escalation, "next_step", is_pressed_meanwhile)
    await open_many(conn, 2)
    await conn.execute("select from incident where id = 1 for no key update")
    hands = Hands()
    for _ in range(100):
        if await escalate.run_once(line, hands, OUTSIDE):
            break
    assert {row.incident_id for row in hands.taken} == {2}


async def test_of_one_that_changed_since_it_was_read_nothing_is_written(
    conn: Connection, line: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_many(conn, 2)
    next_step = escalation.next_step

    def is_accepted_meanwhile(case: escalation.Case, *rest: object) -> escalation.Decision:
        if case.id == 1:
            with psycopg.connect(database_url) as other:
                other.execute("update incident set due_at = due_at + interval '20 minutes' where id = 1")
        return next_step(case, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(escalation, "next_step", is_accepted_meanwhile)
    hands = Hands()
    assert await escalate.run_once(line, hands, OUTSIDE) == 1
    assert {row.incident_id for row in hands.taken} == {2}
    assert await count(conn, "select count(*) from notification where incident_id = 1") == 0
    assert await count(conn, "select count(*) from incident_event where incident_id = 1") == 0
    assert await count(conn, "select next_step from incident where id = 1") == 0


async def test_what_was_claimed_together_is_rung_in_the_order_of_the_claim(conn: Connection, line: Connection) -> None:
    await open_many(conn, 30, "urgent", "heart_rate")
    await open_many(conn, 10)
    hands = Hands()
    assert await escalate.run_once(line, hands, OUTSIDE) == 40
    rung = list(dict.fromkeys(row.incident_id for row in hands.taken))
    assert rung == [*range(31, 41), *range(1, 31)]


async def test_what_somebody_holds_does_not_stand_before_the_rest(conn: Connection, line: Connection) -> None:
    await open_many(conn, escalate.SLICE + 10)
    await conn.execute("select from incident where id <= %s for no key update", (escalate.SLICE,))
    assert await escalate.run_once(line, Hands(), OUTSIDE) == 10
    await conn.rollback()
    assert await escalate.run_once(line, Hands(), OUTSIDE) == escalate.SLICE


async def test_a_failed_statement_leaves_the_connection_usable(
    conn: Connection, line: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_many(conn, 1)
    monkeypatch.setattr(escalate, "_CARRY_OUT", "select no_such_column, %(now)s")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        await escalate.run_once(line, Hands(), OUTSIDE)
    monkeypatch.undo()
    assert await escalate.run_once(line, Hands(), OUTSIDE) == 1


async def test_the_claim_reads_no_more_when_a_hundred_thousand_wait(conn: Connection, line: Connection) -> None:
    await conn.execute(
        "insert into incident (subject, kind, severity, device_id, source, occurred_at, opened_at, round_started_at,"
        " due_at) select 'device:' || n, 'sos', 'sos', 'b' || n, 'button', %(now)s, %(now)s, %(now)s,"
        " %(now)s + interval '1 hour' from generate_series(1, 100000) n",
        {"now": NOW},
    )
    await conn.execute("update incident set due_at = %s where id = 77", (NOW,))
    await conn.commit()
    plan = await (
        await line.execute(
            "explain (analyze, buffers off, costs off, timing off) " + escalate._CLAIM,
            {"now": NOW, "limit": 50, "ids": []},
        )
    ).fetchall()
    await line.commit()
    text = "\n".join(row[0] for row in plan)
    assert "Seq Scan on incident" not in text, text
    assert "rows=100000" not in text, text
