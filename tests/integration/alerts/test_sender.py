"""Sending: every way a try can end is written down, and a slow provider holds nobody else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from alerts.channels.base import Outgoing, Sent, TransportError
from alerts.incidents.opening import raise_sos
from alerts.model import references
from alerts.model.incident import Press
from alerts.notifications import outbox, sender
from alerts.notifications.outbox import Outcome
from alerts.notifications.sender import Sender
from eldercare.platform.clock import set_clock
from eldercare.platform.database import COMMAND, Connection, connect
from tests.conftest import MakeSettings
from tests.support.services.processes import wait_until
from tests.support.services.timescale import Timescale

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


class Scripted:
    """A channel that does what the test says."""

    min_gap = timedelta(0)
    provider = "scripted"

    def __init__(self, name: str, does: Callable[[Outgoing], Awaitable[Sent]] | None = None) -> None:
        self.name = name
        self.does = does
        self.sent: list[int] = []
        self.hung_up: list[str] = []

    async def send(self, message: Outgoing) -> Sent:
        self.sent.append(message.id)
        if self.does is not None:
            return await self.does(message)
        return Sent(f"P{message.id}", "queued")

    async def hang_up(self, provider_id: str, provider: str | None) -> None:
        self.hung_up.append(provider_id)


class Post:
    """A sender that runs, over scripted channels."""

    def __init__(self, conn: Connection, line: Connection, url: str) -> None:
        self.conn = conn
        self.line = line
        self.voice, self.sms = Scripted("voice"), Scripted("sms")
        self.sender = Sender(url, {"voice": self.voice, "sms": self.sms})

    async def row(self, channel: str, purpose: str = "stand_down", **content: str) -> int:
        found = await (
            await self.conn.execute(
                "insert into notification (channel, address, purpose, content, send_after, created_at)"
                " values (%s, '+9991', %s, %s, %s, %s) returning id",
                (channel, purpose, outbox.orjson.dumps(content).decode(), NOW, NOW),
            )
        ).fetchone()
        await self.conn.commit()
        assert found is not None
        return int(found[0])

    async def status(self, row: int) -> tuple[str, str | None]:
        found = await (
            await self.conn.execute("select status, reason from notification where id = %s", (row,))
        ).fetchone()
        await self.conn.commit()
        assert found is not None
        return found[0], found[1]

    async def run(self) -> int:
        leased = await sender.run_once(self.line, self.sender)
        await self.sender.settle()
        return leased


@pytest.fixture
async def post(conn: Connection, database_url: str, make_settings: MakeSettings) -> AsyncIterator[Post]:
    await set_clock(conn, NOW, 0, real=False)
    await conn.commit()
    async with await connect(database_url) as line:
        made = Post(conn, line, database_url)
        recorder = asyncio.create_task(made.sender.run())
        yield made
        recorder.cancel()
        with suppress(asyncio.CancelledError):
            await recorder
        await made.sender.close()


async def fail(reason: str, permanent: bool) -> Sent:
    raise TransportError(reason, "as the test says", permanent=permanent)


@pytest.mark.parametrize(
    ("does", "status"),
    [
        (lambda _: fail("provider_error", False), ("queued", "provider_error")),
        (lambda _: fail("invalid_number", True), ("failed", "invalid_number")),
    ],
)
async def test_how_a_try_failed_is_written_down(
    post: Post, does: Callable[[Outgoing], Awaitable[Sent]], status: tuple[str, str]
) -> None:
    post.voice.does = does
    row = await post.row("voice")
    assert await post.run() == 1
    assert await post.status(row) == status


async def test_a_mistake_in_a_channel_is_passing_trouble(post: Post) -> None:
    async def breaks(_: Outgoing) -> Sent:
        raise KeyError("text")

    post.sms.does = breaks
    row = await post.row("sms")
    await post.run()
    assert await post.status(row) == ("queued", "error")
    assert post.sender.counts["retried"] == 1


async def test_a_provider_that_never_answers_is_given_up_before_the_lease_ends(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outbox.LEASE.total_seconds() > sender.SEND_TIMEOUT_S
    monkeypatch.setattr(sender, "SEND_TIMEOUT_S", 0.01)

    async def hangs(_: Outgoing) -> Sent:
        await asyncio.Event().wait()
        raise AssertionError

    post.voice.does = hangs
    row = await post.row("voice")
    await post.run()
    assert await post.status(row) == ("queued", "timeout")


async def test_a_slow_channel_holds_no_other_and_takes_only_what_it_has_hands_for(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "IN_FLIGHT", 2)
    gate = asyncio.Event()

    async def waits(message: Outgoing) -> Sent:
        await gate.wait()
        return Sent("P", "queued")

    post.voice.does = waits
    slow = [await post.row("voice") for _ in range(3)]
    quick = [await post.row("sms") for _ in range(3)]
    for _ in range(200):
        await sender.run_once(post.line, post.sender)
        if len(post.sms.sent) == 3:
            break
        await asyncio.sleep(0.01)
    assert post.sms.sent == quick
    assert post.voice.sent == slow[:2]
    gate.set()
    await post.sender.settle()
    assert post.sender.more.is_set()
    await post.run()
    assert [await post.status(row) for row in slow] == [("sent", None)] * 3


async def test_an_incident_that_stays_held_keeps_no_other_outcome(post: Post, database_url: str) -> None:
    raised = await raise_sos(post.conn, Press("band-0099", b"", "press"))
    held = await post.row("voice")
    await post.conn.execute("update notification set incident_id = %s where id = %s", (raised.incident_id, held))
    await post.conn.commit()
    async with await connect(database_url, limits=COMMAND) as holder:
        await holder.execute("select from incident for no key update")
        assert await sender.run_once(post.line, post.sender) == 1

        def finds(query: str, *values: int) -> bool:
            with psycopg.connect(database_url) as look:
                return look.execute(query, values).fetchone() is not None  # type: ignore[arg-type]

        recording = (
            "select from pg_stat_activity where datname = current_database() and application_name = 'alerts outcomes'"
        )
        await asyncio.to_thread(wait_until, lambda: finds(recording), "the outcome of the first to be on its way")
        other = await post.row("sms")
        assert await sender.run_once(post.line, post.sender) == 1
        written = "select from notification where id = %s and status = 'sent'"
        await asyncio.to_thread(wait_until, lambda: finds(written, other), "the outcome of the other")
        assert (await post.status(held))[0] == "sending"
    await post.sender.settle()
    assert (await post.status(held))[0] == "sent"
    assert post.sender.counts == {"sent": 2}


async def test_a_hang_up_ends_the_call_it_names(post: Post) -> None:
    row = await post.row("voice", "hang_up", provider_id="CA7")
    await post.run()
    assert post.voice.hung_up == ["CA7"]
    assert await post.status(row) == ("done", None)


async def test_a_hang_up_of_a_call_that_never_had_a_name_is_done(post: Post) -> None:
    row = await post.row("voice", "hang_up")
    await post.run()
    assert post.voice.hung_up == []
    assert await post.status(row) == ("done", None)


async def test_nothing_is_leased_for_a_channel_that_is_not_set_up(post: Post) -> None:
    row = await post.row("band")
    assert await post.run() == 0
    assert await post.status(row) == ("queued", None)
    assert await sender.run_once(post.line, Sender("", {})) == 0


async def test_a_sender_that_is_closed_leaves_its_rows_to_others(post: Post) -> None:
    async def hangs(_: Outgoing) -> Sent:
        await asyncio.Event().wait()
        raise AssertionError

    post.voice.does = hangs
    row = await post.row("voice")
    await sender.run_once(post.line, post.sender)
    await asyncio.sleep(0)
    await post.sender.close()
    assert await post.status(row) == ("sending", None)
    [again] = await outbox.lease(post.line, NOW + outbox.LEASE, ["voice"], 5)
    assert again.id == row


async def test_outcomes_are_kept_while_the_database_is_away(
    timescale_server: Timescale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "AWAY_S", 0.05)
    with timescale_server.database() as url:
        gate = asyncio.Event()

        async def waits(message: Outgoing) -> Sent:
            await gate.wait()
            return Sent("CA1", "queued")

        voice = Scripted("voice", waits)
        own = Sender(url, {"voice": voice})
        recorder = asyncio.create_task(own.run())
        async with await connect(url) as line:
            await line.execute(
                "insert into notification (channel, address, purpose, content, send_after, created_at)"
                " values ('voice', '+9991', 'stand_down', '{}', eldercare_now(), eldercare_now())"
            )
            await line.commit()
            assert await sender.run_once(line, own) == 1
        await asyncio.to_thread(timescale_server.stop)
        gate.set()
        await asyncio.sleep(0.1)  # long enough for a failed attempt to write, and nothing depends on it
        timescale_server.start()  # in this thread: the server ends with the one that started it
        await own.settle()
        recorder.cancel()
        with suppress(asyncio.CancelledError):
            await recorder
        await own.close()
        async with await connect(url) as conn:
            row = await (await conn.execute("select status, provider_id from notification")).fetchone()
            assert row == ("sent", "CA1")
        assert voice.sent == [1]


async def test_what_was_sent_and_cannot_be_written_down_is_not_sent_again(
    post: Post, database_url: str, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised = await raise_sos(post.conn, Press("band-0099", b"", "press"))
    row = await post.row("voice")
    await post.conn.execute("update notification set incident_id = %s where id = %s", (raised.incident_id, row))
    await post.conn.commit()
    other = Sender(database_url, {"voice": post.voice, "sms": post.sms})
    async with await connect(database_url, limits=COMMAND) as holder, await connect(database_url) as elsewhere:
        await holder.execute("select from incident for no key update")
        assert await sender.run_once(post.line, post.sender) == 1
        await until(lambda: post.voice.sent == [row])
        monkeypatch.setattr(sender, "RENEW_AFTER_S", 0)
        leased = "select leased_until > eldercare_now() from notification where id = %s"

        async def renewed() -> bool:
            assert await sender.run_once(post.line, post.sender) == 0
            found = await (await post.conn.execute(leased, (row,))).fetchone()
            await post.conn.commit()
            return found == (True,)

        for minute in (1, 2, 3):
            await set_clock(post.conn, NOW + timedelta(minutes=minute), 0, real=False)
            await post.conn.commit()
            async with asyncio.timeout(60):
                while not await renewed():  # noqa: ASYNC110  whoever records outcomes may have the row just then
                    await asyncio.sleep(0.01)
            # The lease was renewed meanwhile, though nobody could write the outcome.
            assert await sender.run_once(elsewhere, other) == 0
        assert post.voice.sent == [row]
    await post.sender.settle()
    assert (await post.status(row))[0] == "sent"
    assert post.sender.mine() == []


async def test_what_a_killed_process_had_in_hand_is_taken_over(post: Post, make_settings: MakeSettings) -> None:
    async def hangs(_: Outgoing) -> Sent:
        await asyncio.Event().wait()
        raise AssertionError

    killed = Sender("", {"voice": Scripted("voice", hangs)})
    row = await post.row("voice")
    assert await sender.run_once(post.line, killed) == 1
    await killed.close()
    await set_clock(post.conn, NOW + outbox.LEASE, 0, real=False)
    await post.conn.commit()
    assert await post.run() == 1
    assert post.voice.sent == [row]


async def test_ends_of_calls_that_hang_hold_no_call(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "IN_FLIGHT", 2)
    gate = asyncio.Event()

    async def hangs(_: str) -> None:
        await gate.wait()

    monkeypatch.setattr(post.voice, "hang_up", hangs)
    for number in range(4):
        await post.row("voice", "hang_up", provider_id=f"CA{number}")
    call = await post.row("voice")
    for _ in range(5):
        await sender.run_once(post.line, post.sender)
    await until(lambda: post.voice.sent == [call])
    gate.set()
    await post.sender.settle()


async def test_texts_do_not_stand_before_the_calls_of_the_next_person(post: Post) -> None:
    order: list[tuple[str, int]] = []

    async def notes(message: Outgoing) -> Sent:
        order.append((message.channel, message.id))
        return Sent("P", "queued")

    post.voice.does = post.sms.does = notes
    rows = [
        Outgoing(number, None, None, channel, "+9991", "zh", "alarm", {}, 1)
        for number, channel in enumerate(["voice", "sms", "sms", "voice", "sms"], start=1)
    ]
    post.sender.take(rows[:3])
    post.sender.take(rows[3:])
    await post.sender.settle()
    assert order == [("voice", 1), ("voice", 4), ("sms", 2), ("sms", 3), ("sms", 5)]


@pytest.mark.parametrize("poison", ["CA\0", "CA\ud800", "C" * 3000 + "\0"])
async def test_an_outcome_that_cannot_be_written_keeps_none_of_the_others(post: Post, poison: str) -> None:
    async def answers(message: Outgoing) -> Sent:
        return Sent(poison if message.id == rows[1] else "CA", "queued")

    post.voice.does = answers
    rows = [await post.row("voice") for _ in range(3)]
    await post.run()
    assert [await post.status(row) for row in rows] == [("sent", None)] * 3
    assert post.sender.mine() == []


@pytest.fixture
def refused(post: Post, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows whose outcomes can be written in no form."""
    rows: list[int] = []
    record = outbox.record

    async def refuses(conn: Connection, outcomes: Sequence[Outcome], **values: Any) -> outbox.Recorded:
        if {each.notification_id for each in outcomes} & set(rows):
            raise psycopg.errors.CheckViolation("as the test says")
        return await record(conn, outcomes, **values)

    monkeypatch.setattr(outbox, "record", refuses)
    return rows


async def test_of_an_outcome_that_no_form_of_can_be_written_only_that_it_was_sent_is_kept(
    post: Post, refused: list[int], make_settings: MakeSettings
) -> None:
    rows = [await post.row("sms") for _ in range(2)]
    refused.append(rows[0])
    await post.run()
    assert [await post.status(row) for row in rows] == [("sent", "outcome_refused"), ("sent", None)]
    assert post.sender.counts["unwritten"] == 1
    assert post.sender.mine() == []
    await set_clock(post.conn, NOW + timedelta(minutes=1), 0, real=False)
    await post.conn.commit()
    assert await post.run() == 0


async def test_a_lease_that_nothing_can_end_is_renewed_for_a_while_only(
    post: Post, refused: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(*_: object) -> None:
        raise psycopg.errors.CheckViolation("as the test says")

    said: list[str] = []
    monkeypatch.setattr(outbox, "settle", refuses)
    monkeypatch.setattr(sender._log, "error", lambda event, **_: said.append(event))
    row = await post.row("sms")
    refused.append(row)
    await post.run()
    assert (await post.status(row))[0] == "sending"
    at = post.sender._refused[row]
    monkeypatch.setattr(sender, "monotonic", lambda: at + sender.REFUSED_FOR_S - 1)
    await post.sender.renew(post.line)
    assert post.sender.mine() == [row]
    monkeypatch.setattr(sender, "monotonic", lambda: at + sender.REFUSED_FOR_S + 60)
    await post.sender.renew(post.line)
    assert post.sender.mine() == []
    assert said == ["outcome_given_up"]


async def test_a_process_that_was_stopped_sends_nothing_whose_lease_has_run_out(
    post: Post, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it began to send, or between the lease and that: others have it by now, or nobody needs it any more."""
    at = sender.monotonic()
    rows = [await post.row("voice") for _ in range(3)]
    leased = await outbox.lease(post.line, NOW, ["voice"], 2)
    await post.line.commit()
    post.sender.take(leased[:1])
    monkeypatch.setattr(sender, "monotonic", lambda: at + 60)
    post.sender.take(leased[1:], since=at)
    await post.sender.settle()
    assert post.voice.sent == []
    assert post.sender.mine() == []
    await set_clock(post.conn, NOW + timedelta(minutes=1), 0, real=False)
    await post.conn.commit()
    assert await post.run() == 3
    assert [await post.status(row) for row in rows] == [("sent", None)] * 3


async def test_an_outcome_is_not_written_into_a_row_that_took_over_its_number(post: Post) -> None:
    """The row was forgotten by a crash, and its number given again."""
    row = await post.row("voice")
    await post.conn.execute("update notification set reference = 'of-somebody-else' where id = %s", (row,))
    await post.conn.commit()
    post.sender.take([Outgoing(row, references.new(), None, "voice", "+9991", "zh", "alarm", {}, 1)])
    await post.sender.settle()
    assert await post.status(row) == ("queued", None)
    assert post.sender.mine() == []


async def test_the_connection_for_outcomes_is_there_before_the_first_call(post: Post, database_url: str) -> None:
    def connected() -> bool:
        with psycopg.connect(database_url) as look:
            query = "select from pg_stat_activity where datname = current_database() and application_name = %s"
            return look.execute(query, ("alerts outcomes",)).fetchone() is not None

    await asyncio.to_thread(wait_until, connected, "the connection for outcomes")
    assert post.voice.sent == post.sms.sent == []


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  another task's doing is waited for
            await asyncio.sleep(0.01)
