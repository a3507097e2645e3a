"""The loop that calls people: woken by notices of others and by its poll, and running on after a lost connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from psycopg import OperationalError

from alerts import loop
from alerts.escalation.situation import PlanningContext
from alerts.incidents.opening import raise_sos
from alerts.loop import EscalationLoop
from alerts.model.incident import Press
from alerts.monitoring.health import Health
from alerts.notifications.sender import Sender
from eldercare.platform.database import COMMAND, Connection, connect
from tests.stories.story import Recorder
from tests.support import community


class Running:
    """A line that runs, over channels that write down."""

    def __init__(self, url: str) -> None:
        self.voice = Recorder("voice")
        self.sender = Sender(url, {"voice": self.voice})
        self.health = Health()
        planning = PlanningContext({"voice": timedelta(0)}, ZoneInfo("Asia/Shanghai"))
        self.cut_short = 0
        self.line = EscalationLoop(url, self.sender, planning, self.health)

    def warned(self, event: str, **_: object) -> None:
        """What the line says in its log."""
        self.cut_short += event == "turn_cut_short"

    async def calls(self, number: int) -> None:
        """Until so many calls were placed."""
        await until(lambda: _is(len(self.voice.sent) >= number))
        assert len(self.voice.sent) == number


async def _is(value: bool) -> bool:
    return value


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110  another process's doing is waited for
            await asyncio.sleep(0.01)


@pytest.fixture
async def running(conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    await community.settle(conn)
    await conn.commit()
    made = Running(database_url)
    monkeypatch.setattr(loop, "_log", SimpleNamespace(warning=made.warned, exception=made.warned))
    tasks = [asyncio.create_task(made.line.run()), asyncio.create_task(made.sender.run())]
    await until(lambda: _is("line" in made.health.ticked_at))
    yield made
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await made.sender.close()


async def press(conn: Connection, band: str) -> int:
    incident = (await raise_sos(conn, Press(band, b"{}", band, event_id=band))).incident_id
    await conn.commit()
    return incident


async def test_a_press_is_called_about(conn: Connection, running: Running) -> None:
    await press(conn, "band-wang")
    await running.calls(2)


async def test_a_notice_wakes_it_long_before_a_poll_would(
    conn: Connection, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await press(conn, "band-wang")
    await running.calls(2)
    monkeypatch.setattr("alerts.loop.POLL_S", 3600)
    await press(conn, "band-li")
    await running.calls(4)  # the one poll that may have begun before
    await press(conn, "band-zhao")
    await running.calls(5)


async def test_what_no_notice_came_for_is_found_by_the_poll(conn: Connection, running: Running) -> None:
    incident = await press(conn, "band-wang")
    await running.calls(2)
    await conn.execute("update incident set due_at = eldercare_now() where id = %s", (incident,))
    await conn.commit()
    await running.calls(4)


async def test_after_its_connections_were_cut_it_goes_on(conn: Connection, running: Running) -> None:
    await press(conn, "band-wang")
    await running.calls(2)
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'alerts%'"
    await conn.execute(cut)
    await conn.commit()
    await press(conn, "band-li")
    await running.calls(4)


async def test_a_connection_that_was_cut_is_there_again_at_once(
    conn: Connection, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await press(conn, "band-wang")
    await running.calls(2)
    monkeypatch.setattr("alerts.loop.AWAY_S", 3600)
    monkeypatch.setattr("alerts.notifications.sender.AWAY_S", 3600)
    for band in ("band-li", "band-zhao"):
        await conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'alerts%'"
        )
        await conn.commit()
        await press(conn, band)
    await running.calls(5)


async def test_a_mistake_does_not_end_the_loop(
    conn: Connection, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = []

    async def fails(_: Connection) -> None:
        failures.append(1)
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(running.line, "turn", fails)
    monkeypatch.setattr("alerts.loop.AWAY_S", 0.01)
    await press(conn, "band-wang")
    await until(lambda: _is(len(failures) > 1))
    monkeypatch.undo()
    await running.calls(2)


async def test_a_notice_of_ones_own_is_no_news_and_one_of_somebody_else_is(database_url: str) -> None:
    own = await connect(database_url, autocommit=True)
    other = await connect(database_url, autocommit=True)
    async with own, other:
        await own.execute("listen incident")
        await own.execute("select pg_notify('incident', '1')")
        assert not loop.notified(own)
        await other.execute("select pg_notify('incident', '2')")
        await loop.until_heard(own, asyncio.Event(), 30)
        assert loop.notified(own)
        assert not loop.notified(own)


async def test_a_notice_that_came_with_an_answer_is_heard_without_another_word(database_url: str) -> None:
    own = await connect(database_url, autocommit=True)
    other = await connect(database_url, autocommit=True)
    async with own, other:
        await own.execute("listen incident")
        await other.execute("select pg_notify('incident', '1')")
        await loop.until_heard(own, asyncio.Event(), 30)
        own.pgconn.consume_input()  # as the reading of an answer does with what follows it: the socket is empty now
        assert loop.notified(own)


async def test_a_connection_that_was_closed_is_heard_too(conn: Connection, database_url: str) -> None:
    own = await connect(database_url, autocommit=True)
    async with own:
        await conn.execute("select pg_terminate_backend(%s)", (own.info.backend_pid,))
        heard = asyncio.Event()
        await loop.until_heard(own, heard, 30)
        assert heard.is_set()
        with pytest.raises(OperationalError):
            await own.execute("select")


@pytest.mark.parametrize("table", ["person", "resident", "contact_method", "grid_worker", "policy"])
async def test_nobodys_row_that_somebody_holds_keeps_anybody_from_being_called(
    conn: Connection, running: Running, database_url: str, table: str
) -> None:
    async with await connect(database_url, limits=COMMAND) as holder:
        await holder.execute(f"select from {table} for update")
        await press(conn, "band-wang")
        await running.calls(2)
        await running.sender.settle()
        await holder.rollback()
    row = await (await conn.execute("select count(*) from notification where status = 'sent'")).fetchone()
    assert row == (2,)


async def test_a_held_incident_keeps_no_other_from_being_called_about_and_is_called_about_once(
    conn: Connection, running: Running, database_url: str
) -> None:
    held = (await raise_sos(conn, Press("band-wang", b"{}", "held", event_id="held"))).incident_id
    await conn.execute("update incident set due_at = 'infinity' where id = %s", (held,))
    await conn.commit()
    async with await connect(database_url, limits=COMMAND) as holder:
        await holder.execute("update incident set due_at = eldercare_now() where id = %s", (held,))
        await press(conn, "band-li")
        await running.calls(2)
        await holder.execute("select from incident where id = %s for update", (held,))
        await holder.commit()
    await running.calls(4)


async def test_a_first_call_does_not_stand_behind_an_incident_that_is_waited_for(
    conn: Connection, running: Running, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the wait: the turn that calls about the other is never the one that waits."""
    monkeypatch.setattr("alerts.escalation.worker.HELD_MS", 60_000)
    held = await press(conn, "band-wang")
    await running.calls(2)
    waits = (
        "select exists (select from pg_locks l join pg_stat_activity a using (pid)"
        " where not l.granted and a.application_name like 'alerts%')"
    )

    async def is_waited_for() -> bool:
        row = await (await conn.execute(waits)).fetchone()
        return row == (True,)

    async with await connect(database_url, limits=COMMAND) as holder:
        due = "update incident set due_at = eldercare_now() + interval '5 seconds' where id = %s"
        await conn.execute(due, (held,))
        await conn.commit()
        await holder.execute("select from incident where id = %s for no key update", (held,))
        await until(is_waited_for)
        await press(conn, "band-li")
        await press(conn, "band-zhao")
        await running.calls(5)
        assert running.cut_short == 0
        await holder.rollback()
    await running.calls(7)


async def test_a_locked_table_costs_the_line_a_turn_and_not_its_connection(
    conn: Connection, running: Running, database_url: str
) -> None:
    await press(conn, "band-li")
    await running.calls(2)
    query = "select pid from pg_stat_activity where application_name = 'alerts' and datname = current_database()"
    before = await (await conn.execute(query)).fetchall()
    async with await connect(database_url, limits=COMMAND) as holder:
        await holder.execute("lock table policy in access exclusive mode")
        await press(conn, "band-wang")
        await until(lambda: _is(bool(running.cut_short)))
        await holder.rollback()
    await running.calls(4)
    assert await (await conn.execute(query)).fetchall() == before
