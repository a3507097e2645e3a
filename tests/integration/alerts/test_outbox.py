"""The outbox on the real database: leases that run out, tries that fail, statuses that never move backwards."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from alerts.channels.twilio import statuses
from alerts.incidents import handling, store
from alerts.incidents.opening import raise_sos
from alerts.model import notification
from alerts.model.incident import Press
from alerts.model.notification import Event, Status
from alerts.notifications import outbox, receipts
from alerts.notifications.outbox import Outcome
from eldercare.platform.clock import set_clock
from eldercare.platform.database import COMMAND, URGENT, Connection, connect
from eldercare.platform.errors import NotFound
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.community import PHONES, Community
from tests.support.services.processes import wait_until

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
ALL = ["voice", "sms", "band"]


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class Box:
    """An open incident at its first step, and rows to try things on."""

    def __init__(self, conn: Connection, people: Community, incident: int) -> None:
        self.conn = conn
        self.people = people
        self.incident = incident

    async def row(self, who: str, channel: str = "voice", status: str = "queued", **columns: Any) -> int:
        """A row of the step that was taken last."""
        values = {
            "incident_id": self.incident, "person_id": getattr(self.people, who), "channel": channel,
            "address": PHONES[who], "purpose": "alarm", "step": 0, "content": "{}", "status": status,
            "send_after": NOW, "created_at": NOW, **columns,
        }  # fmt: skip
        query = (
            f"insert into notification ({', '.join(values)}) values ({', '.join(['%s'] * len(values))}) returning id"
        )
        found = await (await self.conn.execute(query, list(values.values()))).fetchone()
        await self.conn.commit()
        assert found is not None
        return int(found[0])

    async def of(self, notification: int, *columns: str) -> Any:
        query = f"select {', '.join(columns)} from notification where id = %s"
        found = await (await self.conn.execute(query, (notification,))).fetchone()
        await self.conn.commit()
        assert found is not None
        return found if len(columns) > 1 else found[0]

    async def due(self) -> float:
        """Seconds from the start until the incident's timer."""
        found = await (
            await self.conn.execute("select due_at from incident where id = %s", (self.incident,))
        ).fetchone()
        await self.conn.commit()
        assert found is not None
        return float((found[0] - NOW).total_seconds())

    async def owned_by(self, who: str, via: str = "voice") -> None:
        await self.conn.execute(
            "update incident set state = 'accepted', owner_id = %s, accepted_via = %s where id = %s",
            (getattr(self.people, who), via, self.incident),
        )
        await self.conn.commit()


@pytest.fixture
async def box(conn: Connection, make_settings: MakeSettings) -> Box:
    await set_clock(conn, NOW, 0, real=False)
    people = await community.settle(conn)
    raised = await raise_sos(conn, Press("band-wang", b"{}", "e", event_id="e"))
    await conn.execute("update incident set next_step = 1, stepped_at = %s, due_at = %s", (NOW, later(60)))
    await conn.commit()
    return Box(conn, people, raised.incident_id)


async def test_a_lease_that_runs_out_is_leased_again(box: Box) -> None:
    row = await box.row("duty")
    [first] = await outbox.lease(box.conn, NOW, ALL, 10)
    assert (first.id, first.attempts, first.purpose) == (row, 1, "alarm")
    assert await outbox.lease(box.conn, later(14), ALL, 10) == []
    [second] = await outbox.lease(box.conn, later(15), ALL, 10)
    assert (second.id, second.attempts) == (row, 2)


async def test_nothing_is_leased_before_its_time_or_for_another_channel(box: Box) -> None:
    await box.row("duty", send_after=later(5))
    await box.row("grid", "sms")
    assert await outbox.lease(box.conn, NOW, ["voice"], 10) == []
    assert len(await outbox.lease(box.conn, later(5), ["voice"], 10)) == 1


async def test_two_workers_never_lease_the_same_row(box: Box, database_url: str) -> None:
    rows = {await box.row("duty", channel="sms") for _ in range(20)}

    async def lease() -> list[int]:
        other = await connect(database_url)
        async with other:
            return [each.id for each in await outbox.lease(other, NOW, ALL, 8)]

    leased = await asyncio.gather(*(lease() for _ in range(4)))
    flat = [each for part in leased for each in part]
    assert len(flat) == len(set(flat))
    rest = [each.id for each in await outbox.lease(box.conn, NOW, ALL, 100)]
    assert set(flat) | set(rest) == rows


async def test_an_alarm_whose_incident_is_owned_is_cancelled_instead_of_leased(box: Box) -> None:
    queued, died = await box.row("grid"), await box.row("duty", status="sending", leased_until=later(-1))
    told = await box.row("grid", "sms", purpose="stand_down", step=None)
    await box.owned_by("lead")
    assert [each.id for each in await outbox.lease(box.conn, NOW, ALL, 10)] == [told]
    for row in (queued, died):
        assert await box.of(row, "status", "reason", "leased_until") == ("cancelled", "not_open", None)


async def test_nobody_is_asked_beside_others_once_it_is_resolved(box: Box) -> None:
    rows = [
        await box.row("lead", purpose="second", step=None),
        await box.row("duty", "sms", purpose="second", step=None, status="sending", leased_until=later(-1)),
    ]
    await box.owned_by("grid")
    going = await box.row("backup", purpose="second", step=None, send_after=later(-60))
    assert [each.id for each in await outbox.lease(box.conn, NOW, ALL, 1)] == [going]
    await box.conn.execute("update incident set state = 'resolved', resolved_at = %s, due_at = null", (NOW,))
    await box.conn.commit()
    assert await outbox.lease(box.conn, NOW, ALL, 10) == []
    for row in rows:
        assert await box.of(row, "status", "reason", "leased_until") == ("cancelled", "resolved", None)


async def test_a_further_press_that_somebody_holds_keeps_no_other_owner_from_being_told(
    box: Box, database_url: str
) -> None:
    await box.owned_by("lead")
    held = await box.row("lead", purpose="pressed_again", step=None)
    other = await box.row("lead", purpose="pressed_again", step=None)
    async with await connect(database_url, limits=COMMAND) as holder:
        await holder.execute("select from notification where id = %s for update", (held,))
        assert [each.id for each in await outbox.lease(box.conn, NOW, ALL, 10)] == [other]
        await holder.rollback()


async def test_what_no_channel_takes_ends_after_a_day(box: Box) -> None:
    await box.owned_by("lead")
    old = await box.row("lead", purpose="pressed_again", step=None)
    word = await box.row("lead", "band", purpose="sos_state", step=None)
    new = await box.row("duty", "sms", purpose="stand_down", step=None, send_after=later(3600))
    assert await outbox.give_up(box.conn, NOW + outbox.TAKEN_WITHIN) == 0
    assert await outbox.give_up(box.conn, later(1) + outbox.TAKEN_WITHIN) == 1
    assert await box.of(old, "status", "reason") == ("failed", "no_channel")
    for row in (word, new):
        assert await box.of(row, "status", "reason") == ("queued", None)


async def test_further_presses_come_after_everybodys_first_call_and_one_call_at_a_time(box: Box) -> None:
    await box.owned_by("lead")
    pressed = [await box.row("lead", purpose="pressed_again", step=None) for _ in range(3)]
    text = await box.row("lead", "sms", purpose="pressed_again", step=None)
    other = await box.conn.execute(
        "insert into incident (subject, kind, severity, source, occurred_at, opened_at, round_started_at, due_at)"
        " values ('network', 'network', 'warning', 'rule', %(now)s, %(now)s, %(now)s, %(now)s) returning id",
        {"now": NOW},
    )
    first = await box.row("duty", incident_id=(await other.fetchone() or [0])[0])
    assert [each.id for each in await outbox.lease(box.conn, NOW, ALL, 1)] == [first]
    assert {each.id for each in await outbox.lease(box.conn, NOW, ALL, 10)} == {pressed[0], text}
    assert await outbox.lease(box.conn, NOW, ALL, 10) == []
    await outbox.record(box.conn, [Outcome(pressed[0], 1, "CA1", "queued")], NOW)
    assert await outbox.lease(box.conn, later(9), ["voice"], 10) == []
    ringing = statuses.call_event("ringing")
    assert ringing is not None
    await receipts.record_status(box.conn, pressed[0], "CA1", ringing, later(9))
    assert [each.id for each in await outbox.lease(box.conn, later(9), ["voice"], 10) if each.id != first] == [
        pressed[1]
    ]
    await outbox.record(box.conn, [Outcome(pressed[1], 1, "CA2", "queued")], later(9))
    # The provider says nothing of that one, and the last still gets its turn.
    assert pressed[2] in {each.id for each in await outbox.lease(box.conn, later(20), ["voice"], 10)}


async def test_a_further_press_is_told_to_nobody_but_the_owner(box: Box) -> None:
    await box.owned_by("lead")
    late = await box.row("grid", purpose="pressed_again", step=None)
    assert await outbox.lease(box.conn, NOW, ALL, 10) == []
    assert await box.of(late, "status", "reason") == ("cancelled", "not_the_owner")


async def test_a_try_is_written_down_with_its_outcome(box: Box) -> None:
    row = await box.row("duty")
    await outbox.lease(box.conn, NOW, ALL, 10)
    assert not (await outbox.record(box.conn, [Outcome(row, 1, "CA1", "queued")], later(1))).more
    assert await box.of(row, "status", "provider_id", "provider_status", "sent_at") == (
        "sent",
        "CA1",
        "queued",
        later(1),
    )
    tries = await (await box.conn.execute("select notification_id, provider_id, error from attempt")).fetchall()
    assert tries == [(row, "CA1", None)]


async def test_passing_trouble_is_tried_again_with_longer_pauses_and_within_a_bound(box: Box) -> None:
    row, now, pauses = await box.row("duty"), NOW, []
    for attempt in range(1, 60):
        [leased] = await outbox.lease(box.conn, now, ALL, 10)
        await outbox.record(box.conn, [Outcome(row, leased.attempts, error="provider_error")], now)
        await box.conn.commit()
        assert leased.attempts == attempt
        status, send_after = await box.of(row, "status", "send_after")
        if status == "failed":
            break
        pauses.append((send_after - now).total_seconds())
        now = send_after
    assert pauses[:6] == [1, 2, 4, 8, 10, 10]
    assert now <= NOW + outbox.RETRY_FOR
    assert await box.of(row, "reason") == "provider_error"


async def a_word(box: Box, state: str, **columns: Any) -> int:
    return await box.row(
        "duty", "band", person_id=None, address="band-wang", purpose="sos_state", step=None,
        content=f'{{"event_id": "e", "state": "{state}"}}', **columns,
    )  # fmt: skip


async def test_a_word_to_the_wearer_outlives_a_broker_that_is_away_for_long(box: Box) -> None:
    word = await a_word(box, "received")
    for moment, status in ((later(3600), "queued"), (NOW + outbox.TELL_BAND_FOR, "failed")):
        [leased] = await outbox.lease(box.conn, moment, ALL, 10)
        await outbox.record(box.conn, [Outcome(word, leased.attempts, error="broker_away")], moment)
        assert await box.of(word, "status") == status


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("open", {"received"}),
        ("accepted", {"accepted"}),
        ("en_route", {"arriving"}),
        ("on_site", {"arriving"}),
        ("handed_to_120", {"accepted", "arriving"}),
        ("resolved", {"closed"}),
    ],
)
async def test_a_word_that_is_not_true_any_more_is_never_said(box: Box, state: str, said: set[str]) -> None:
    words = {await a_word(box, word): word for word in ("received", "accepted", "arriving", "closed")}
    # One of them was being sent by a process that died.
    await box.conn.execute("update notification set status = 'sending', leased_until = %s where id = %s",
                           (later(-1), min(words)))  # fmt: skip
    await box.conn.execute(
        "update incident set state = %(state)s, owner_id = %(owner)s,"
        " due_at = case when %(state)s <> 'resolved' then due_at end,"
        " resolved_at = case when %(state)s = 'resolved' then opened_at end",
        {"state": state, "owner": box.people.duty},
    )
    await box.conn.commit()
    assert {words[each.id] for each in await outbox.lease(box.conn, NOW, ALL, 10)} == said
    for word in words:
        if words[word] not in said:
            assert await box.of(word, "status", "reason") == ("cancelled", "superseded")


async def test_a_step_is_not_waited_for_when_its_calls_keep_failing(box: Box) -> None:
    row, texted = await box.row("duty"), await box.row("duty", "sms", status="delivered")
    for attempt in range(1, outbox.PATIENCE):
        await outbox.record(box.conn, [Outcome(row, attempt, error="timeout")], NOW)
        await box.conn.execute("update notification set attempts = %s where id = %s", (attempt + 1, row))
    assert await box.due() == 60
    await outbox.record(box.conn, [Outcome(row, outbox.PATIENCE, error="timeout")], later(7))
    await box.conn.commit()
    assert await box.due() == 7
    assert await box.of(row, "status") == "queued"
    assert await box.of(texted, "status") == "delivered"


async def test_a_late_failure_does_not_undo_another_try(box: Box) -> None:
    row = await box.row("duty", status="sending", attempts=2, leased_until=later(15))
    await outbox.record(box.conn, [Outcome(row, 1, error="timeout", permanent=True)], NOW)
    assert await box.of(row, "status") == "sending"
    await outbox.record(box.conn, [Outcome(row, 2, "CA2", "queued")], NOW)
    await outbox.record(box.conn, [Outcome(row, 2, error="timeout")], NOW)
    assert await box.of(row, "status", "provider_id") == ("sent", "CA2")


async def test_an_outcome_never_pushes_a_status_back(box: Box) -> None:
    row = await box.row("duty", status="sending", attempts=1)
    await receipts.record_status(box.conn, row, "CA1", Event(Status.RINGING, provider_status="ringing"), NOW)
    await outbox.record(box.conn, [Outcome(row, 1, "CA1", "queued")], NOW)
    assert await box.of(row, "status", "provider_id") == ("ringing", "CA1")


@pytest.mark.parametrize("order", [["ringing", "in-progress", "completed"], ["completed", "ringing", "in-progress"]])
async def test_statuses_arrive_in_any_order_and_only_rise(box: Box, order: list[str]) -> None:
    row = await box.row("duty", status="sent", provider_id="CA1")
    for word in order:
        event = statuses.call_event(word)
        assert event is not None
        await receipts.record_status(box.conn, row, "CA1", event, NOW)
    assert await box.of(row, "status", "reason") == ("failed", "heard_no_answer")


async def test_a_word_about_an_older_call_of_the_row_changes_nothing(box: Box) -> None:
    row = await box.row("duty", status="ringing", provider_id="CA2")
    assert not await receipts.record_status(box.conn, row, "CA1", Event(Status.FAILED, "busy"), NOW)
    assert await box.of(row, "status") == "ringing"
    assert await box.due() == 60


async def test_a_word_about_a_call_we_never_heard_of_the_start_of_is_taken(box: Box) -> None:
    row = await box.row("duty", status="sending", attempts=1)
    assert await receipts.record_status(box.conn, row, "CA1", Event(Status.ANSWERED), NOW)
    assert await box.of(row, "status", "provider_id") == ("answered", "CA1")


async def test_the_last_failure_of_a_step_makes_the_incident_due(box: Box) -> None:
    first, second = await box.row("duty", status="ringing"), await box.row("grid", status="sent")
    await box.row("duty", "sms", status="delivered")
    await receipts.record_status(box.conn, first, "CA1", Event(Status.FAILED, "busy"), later(3))
    assert await box.due() == 60
    await receipts.record_status(box.conn, second, "CA2", Event(Status.FAILED, "no_answer"), later(4))
    assert await box.due() == 4


async def test_two_last_failures_at_once_do_not_overlook_each_other(box: Box, database_url: str) -> None:
    rows = [await box.row("duty", status="ringing"), await box.row("grid", status="ringing")]

    async def fail(row: int) -> None:
        other = await connect(database_url, limits=COMMAND)
        async with other:
            await store.lock(other, box.incident)
            await receipts.record_status(other, row, f"CA{row}", Event(Status.FAILED, "busy"), later(3))

    await asyncio.gather(*(fail(row) for row in rows))
    assert await box.due() == 3


async def test_a_step_of_texts_waits_for_an_answer_to_one_that_was_delivered(box: Box) -> None:
    first, second = await box.row("duty", "sms", status="sent"), await box.row("grid", "sms", status="sent")
    await receipts.record_status(box.conn, first, "SM1", Event(Status.FAILED, "undelivered"), NOW)
    await receipts.record_status(box.conn, second, "SM2", Event(Status.DELIVERED), NOW)
    assert await box.due() == 60
    assert not await outbox.fall_through(box.conn, box.incident, NOW)


async def test_recording_waits_for_no_incident_with_another_in_hand(box: Box, database_url: str) -> None:
    second = (await raise_sos(box.conn, Press("band-li", b"{}", "f", event_id="f"))).incident_id
    await box.conn.commit()
    rows = [await box.row("duty", status="sending"), await box.row("duty", status="sending", incident_id=second)]
    await box.conn.execute("select from incident where id = %s for no key update", (second,))

    def got_far() -> bool:
        with psycopg.connect(database_url) as look:
            sent = look.execute("select from notification where id = %s and status = 'sent'", rows[:1]).fetchone()
            return sent is not None or look.execute("select from pg_locks where not granted").fetchone() is not None

    async with await connect(database_url, autocommit=True) as other:
        outcomes = [Outcome(row, 0, f"CA{row}", "queued") for row in rows]
        recording = asyncio.create_task(outbox.record(other, outcomes, NOW))
        await asyncio.to_thread(wait_until, got_far, "the outcome of the first")
        # Whoever holds the second takes the first as well: nobody is in the way of the other.
        await box.conn.execute("select from incident where id = %s for no key update", (box.incident,))
        await box.conn.commit()
        await outbox.record(other, (await recording).left, NOW)
    assert [await box.of(row, "status") for row in rows] == ["sent", "sent"]


async def test_what_belongs_to_an_incident_that_stays_held_is_handed_back(box: Box, database_url: str) -> None:
    row = await box.row("duty", status="sending", attempts=1)
    await box.conn.execute("select from incident where id = %s for no key update", (box.incident,))
    outcome = Outcome(row, 1, "CA1", "queued")
    async with await connect(database_url, autocommit=True) as other:
        assert await outbox.record(other, [outcome], NOW) == outbox.Recorded(False, (outcome,))
        await box.conn.commit()
        assert await outbox.record(other, [outcome], NOW) == outbox.Recorded(False)
    assert await box.of(row, "status") == "sent"


async def test_failures_of_an_older_step_or_round_do_not_hurry_the_newest(box: Box) -> None:
    old = await box.row("duty", status="ringing")
    await box.conn.execute("update incident set next_step = 2")
    await box.row("lead", status="ringing", step=1)
    await receipts.record_status(box.conn, old, "CA1", Event(Status.FAILED, "busy"), NOW)
    assert await box.due() == 60


async def test_a_call_that_lives_although_somebody_goes_is_hung_up_once(box: Box) -> None:
    row = await box.row("duty", status="sending", attempts=1)
    await box.owned_by("grid")
    for status in (Status.RINGING, Status.ANSWERED):
        await receipts.record_status(box.conn, row, "CA1", Event(status), NOW)
    ends = await (
        await box.conn.execute("select ends_id, content ->> 'provider_id' from notification where purpose = 'hang_up'")
    ).fetchall()
    assert ends == [(row, "CA1")]


async def test_the_end_of_a_call_that_we_hung_up_is_nobodys_failure(box: Box) -> None:
    ours, theirs = await box.row("duty", status="ringing"), await box.row("lead", status="ringing")
    await box.owned_by("grid")
    await receipts.record_status(box.conn, ours, "CA1", Event(Status.RINGING), NOW)
    await receipts.record_status(box.conn, ours, "CA1", Event(Status.ANSWERED), NOW)
    for row, call in ((ours, "CA1"), (theirs, "CA2")):
        await receipts.record_status(box.conn, row, call, Event(Status.FAILED, "no_answer"), NOW)
    assert await box.of(ours, "status", "reason") == ("failed", "hung_up")
    assert await box.of(theirs, "status", "reason") == ("failed", "no_answer")


async def test_who_passes_by_text_is_not_rung_by_what_was_on_its_way(box: Box) -> None:
    waiting = await box.row("duty", status="queued", attempts=1)
    placed, pressed = [await box.row("duty", status="sending", attempts=1) for _ in range(2)]
    await handling.decline(box.conn, box.incident, box.people.duty, "sms", NOW)
    assert [await box.of(row, "status") for row in (waiting, placed)] == ["done", "done"]
    assert (await outbox.record(box.conn, [Outcome(placed, 1, "CA1", "queued")], NOW)).more
    ends = await box.conn.execute("select ends_id from notification where purpose = 'hang_up'")
    assert await ends.fetchall() == [(placed,)]
    await box.conn.execute("update notification set status = 'sending' where id = %s", (pressed,))
    await handling.decline(box.conn, box.incident, box.people.duty, "voice", NOW)
    await receipts.record_status(box.conn, pressed, "CA2", notification.answered_event("passed"), NOW)
    assert not (await outbox.record(box.conn, [Outcome(pressed, 1, "CA2", "queued")], NOW)).more
    assert await box.of(pressed, "status", "reason", "provider_id") == ("done", "passed", "CA2")


async def test_the_owners_own_call_is_left_alone(box: Box) -> None:
    row = await box.row("duty", status="sending", attempts=1)
    await box.owned_by("duty")
    await receipts.record_status(box.conn, row, "CA1", Event(Status.ANSWERED), NOW)
    assert not (await outbox.record(box.conn, [Outcome(row, 1, "CA1", "queued")], NOW)).more
    found = await box.conn.execute("select from notification where purpose = 'hang_up'")
    assert await found.fetchone() is None


async def test_who_clicked_is_not_asked_by_a_call_that_was_on_its_way(box: Box) -> None:
    placed, ringing = [await box.row("duty", status="sending", attempts=1) for _ in range(2)]
    await box.owned_by("duty", "console")
    assert (await outbox.record(box.conn, [Outcome(placed, 1, "CA1", "queued")], NOW)).more
    await receipts.record_status(box.conn, ringing, "CA2", Event(Status.RINGING), NOW)
    ends = await box.conn.execute("select ends_id from notification where purpose = 'hang_up' order by 1")
    assert await ends.fetchall() == [(placed,), (ringing,)]


async def test_an_sos_is_leased_before_what_has_waited_longer(box: Box) -> None:
    await box.conn.execute(
        "insert into incident (subject, kind, severity, source, occurred_at, opened_at, round_started_at, due_at)"
        " values ('network', 'network', 'urgent', 'rule', %(now)s, %(now)s, %(now)s, %(now)s)", {"now": NOW}
    )  # fmt: skip
    found = await (await box.conn.execute("select max(id) from incident")).fetchone()
    assert found is not None
    await box.row("duty", incident_id=found[0], send_after=later(-60))
    urgent = await box.row("duty")
    assert [each.id for each in await outbox.lease(box.conn, NOW, ALL, 1)] == [urgent]


async def test_a_call_placed_while_somebody_accepted_leaves_a_hang_up_to_send(box: Box) -> None:
    row = await box.row("duty", status="sending", attempts=1)
    await box.owned_by("grid")
    assert (await outbox.record(box.conn, [Outcome(row, 1, "CA1", "queued")], NOW)).more
    [ends] = await outbox.lease(box.conn, NOW, ALL, 10)
    assert (ends.purpose, ends.ends_provider_id) == ("hang_up", "CA1")
    await outbox.record(box.conn, [Outcome(ends.id, 1, "CA1", reference=ends.reference)], NOW)
    assert await box.of(ends.id, "status") == "done"


async def test_a_status_of_nothing_we_sent_is_not_found(box: Box) -> None:
    with pytest.raises(NotFound):
        await receipts.record_status(box.conn, 999, "CA1", Event(Status.RINGING), NOW)


async def test_a_command_to_a_band_belongs_to_no_incident(box: Box) -> None:
    row = await box.row(
        "duty", "band", incident_id=None, person_id=None, address="band-wang", purpose="command", step=None
    )
    [leased] = await outbox.lease(box.conn, NOW, ALL, 10)
    assert (leased.id, leased.incident_id) == (row, None)
    assert not (await outbox.record(box.conn, [Outcome(row, 1, error="broker_away")], NOW)).more
    assert await receipts.record_status(box.conn, row, None, Event(Status.SENT), NOW)
    assert await box.of(row, "status") == "sent"


async def test_a_row_that_somebody_holds_keeps_no_other_outcome_waiting(box: Box, database_url: str) -> None:
    held, free = (
        await box.row("duty", status="sending", attempts=1),
        await box.row("grid", status="sending", attempts=1),
    )
    await box.conn.execute("select from notification where id = %s for update", (held,))
    outcomes = [Outcome(row, 1, f"CA{row}", "queued") for row in (held, free)]
    async with await connect(database_url, autocommit=True, limits=URGENT) as other:
        recorded = await outbox.record(other, outcomes, NOW)
        assert recorded.left == (outcomes[0],)
        await box.conn.rollback()
        assert await box.of(free, "status", "provider_id") == ("sent", f"CA{free}")
        assert (await outbox.record(other, recorded.left, NOW)).left == ()
    assert await box.of(held, "status", "provider_id") == ("sent", f"CA{held}")
    attempts = await (await box.conn.execute("select count(*) from attempt")).fetchone()
    assert attempts == (2,)


async def test_an_incident_that_somebody_holds_is_made_due_later(box: Box, database_url: str) -> None:
    row = await box.row("duty", status="sending", attempts=1)
    await box.conn.execute("select from incident where id = %s for share", (box.incident,))
    async with await connect(database_url, autocommit=True, limits=URGENT) as other:
        recorded = await outbox.record(other, [Outcome(row, 1, error="number", permanent=True)], NOW)
        assert (recorded.left, recorded.unmoved) == ((), {box.incident})
        await box.conn.rollback()
        assert await box.due() > 0
        assert (await outbox.record(other, [], NOW, recorded.unmoved)).unmoved == set()
    assert await box.due() == 0
