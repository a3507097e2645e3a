"""The clock goes back or jumps ahead while incidents are open, and people are called all the same."""

from datetime import timedelta

import pytest

from alerts.detection import absence
from alerts.escalation import clock_steps
from alerts.incidents import unreadable
from alerts.notifications import outbox
from eldercare.accounts import throttle
from eldercare.platform import heartbeats
from eldercare.platform.database import Connection
from tests.stories.story import NOON, ZONE, Story

FIRST = ("voice duty", "sms duty", "voice grid", "sms grid")
SECOND = ("voice backup", "sms backup", "voice lead", "sms lead")


async def look(story: Story) -> int:
    """What `alerts` does every two seconds."""
    mended = await clock_steps.run_once(story.conn, story.planning, story.now)
    await story.settle()
    return mended


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1)])
async def test_an_open_sos_goes_on_being_called_when_the_clock_goes_back(story: Story, back: timedelta) -> None:
    await look(story)
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    await story.advance(seconds=10)
    await look(story)
    await story.set_clock(story.now - back)
    assert await look(story) == 1
    assert await story.timeline(incident) == ["opened", "step", "clock_went_back"]
    assert await look(story) == 0
    await story.advance(seconds=60)
    story.expect(*SECOND)


async def test_an_owner_who_does_not_come_is_missed_in_time_when_the_clock_goes_back(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.accepts("grid", incident, "sms")
    story.expect(*FIRST, "hang_up duty", "hang_up grid", "sms duty stand_down", "band accepted")
    await look(story)
    await story.set_clock(story.now - timedelta(hours=1))
    await look(story)
    assert await story.due_in(incident) == 20 * 60
    await story.press()
    story.expect("voice grid pressed_again", "sms grid pressed_again")


async def test_a_process_that_wrote_the_old_time_a_moment_later_is_set_right_as_well(story: Story) -> None:
    await look(story)
    await story.set_clock(NOON - timedelta(hours=1))
    assert await look(story) == 0
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    await story.conn.execute("update incident set due_at = %s", (NOON + timedelta(minutes=1),))
    await story.conn.commit()
    await story.set_clock(story.now + timedelta(seconds=2))
    assert await look(story) == 1
    assert await story.due_in(incident) == 60


@pytest.mark.parametrize("how", ["kind = 'flood'", "stepped_at = 'infinity'"])
async def test_one_that_cannot_be_read_keeps_no_other_from_being_set_right(story: Story, how: str) -> None:
    """And waits for no clock itself: the desk hears of it."""
    await look(story)
    strange, other = (await story.press()).incident_id, (await story.press("band-li")).incident_id
    story.expect(*FIRST, *FIRST)
    await story.conn.execute("alter table incident drop constraint incident_kind_check")
    await story.conn.execute(f"update incident set {how} where id = %s", (strange,))
    await story.conn.commit()
    await story.set_clock(story.now - timedelta(hours=1))
    assert await look(story) == 1
    assert "clock_went_back" in await story.timeline(other)
    await story.advance(seconds=11)
    await unreadable.run_once(story.conn, story.now)
    await story.settle()
    told = ("voice duty second", "voice lead second", "voice admin second")
    story.expect(*told, *(each.replace("voice", "sms") for each in told))


async def test_one_that_somebody_holds_is_set_right_at_the_next_look(story: Story) -> None:
    await look(story)
    await story.press()
    story.expect(*FIRST)
    await story.set_clock(NOON - timedelta(hours=1))
    await story.line.execute("begin")
    await story.line.execute("select from incident for no key update")
    try:
        assert await clock_steps.run_once(story.conn, story.planning, story.now) == 0
    finally:
        await story.line.execute("rollback")
    assert await look(story) == 1


async def test_what_waits_in_the_outbox_waits_for_no_clock(story: Story) -> None:
    await story.press()
    story.expect(*FIRST)
    waits = "update notification set status = %s, leased_until = %s, send_after = %s where channel = %s"
    ahead = NOON + timedelta(seconds=8)
    await story.conn.execute(waits, ("queued", None, ahead, "voice"))
    await story.conn.execute(waits, ("sending", NOON + outbox.LEASE, ahead, "sms"))
    await story.conn.commit()
    await look(story)
    await story.set_clock(NOON - timedelta(days=1))
    await look(story)
    story.expect("voice duty", "voice grid")
    await story.advance(seconds=15)
    story.expect("sms duty", "sms grid")
    # A try that fails is given up five minutes after that, and not after a day.
    written = await story.one("select max(created_at) from notification where channel in ('voice', 'sms')")
    assert written <= story.now


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-1)])
async def test_nothing_old_is_cleared_away_before_the_clock_has_been_steady_for_a_day(
    story: Story, jump: timedelta
) -> None:
    async def steady() -> bool:
        return await clock_steps.steady(story.conn, story.now)

    assert not await steady()
    for hours in range(25):
        await story.set_clock(NOON + timedelta(hours=hours))
        await look(story)
    assert await steady()
    await story.set_clock(story.now + jump)
    await look(story)
    assert not await steady()


async def test_a_service_that_beat_in_what_is_now_the_future_is_not_fresh(conn: Connection) -> None:
    await heartbeats.beat(conn, "alerts@x:1", "alerts", {})
    assert await heartbeats.fresh(conn, "alerts")
    await conn.execute("update heartbeat set beat_at = beat_at + interval '1 hour'")
    assert not await heartbeats.fresh(conn, "alerts")


async def test_whoever_mistyped_before_the_clock_went_back_does_not_wait_for_it(conn: Connection) -> None:
    for _ in range(throttle.FREE):
        await throttle.take(conn, "duty", "here", NOON)
    for _ in range(2):
        await throttle.take(conn, "duty", "here", NOON - timedelta(hours=1))
        await conn.execute("update login_failure set failures = %s", (throttle.FREE - 1,))


async def test_a_band_seen_in_what_is_now_the_future_is_missed_in_time(story: Story) -> None:
    await look(story)
    await story.conn.execute("insert into device_state (device_id, last_seen_at) values ('band-wang', %s)", (NOON,))
    await heartbeats.beat(story.conn, "ingest@test", "ingest.telemetry", {})
    await story.conn.commit()
    await absence.run_once(story.conn, NOON, ZONE)
    await story.set_clock(NOON - timedelta(hours=5))
    await look(story)
    assert await story.one("select last_seen_at from device_state where device_id = 'band-wang'") == story.now
    await absence.run_once(story.conn, story.now, ZONE)
    assert await story.one("select (value ->> 'since')::timestamptz from meta where key = 'listening'") == story.now
