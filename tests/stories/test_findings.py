"""What the rules find climbs ladders of its own: a warning, an urgent heart, a task of the night, the network."""

from datetime import timedelta

from alerts.incidents.opening import apply_verdicts
from alerts.model.incident import (
    NETWORK,
    Cleared,
    Finding,
    IncidentKind,
    Severity,
    Subject,
    SubjectVerdict,
    resident_subject,
)
from tests.stories.story import NOON, Story


async def found(story: Story, kind: IncidentKind, severity: Severity, subject: Subject | None = None) -> int:
    """A rule finds it; the line does what is due at once. Returns the incident."""
    about = subject or resident_subject(story.people.wang, "band-wang")
    finding = Finding(kind, severity, "a_rule", story.now, {})
    await apply_verdicts(story.conn, [SubjectVerdict(about, finding)], story.now)
    await story.conn.commit()
    await story.settle()
    return int(await story.one("select max(id) from incident"))


async def test_a_warning_is_a_text_to_duty_and_after_ten_minutes_to_the_grid_worker(story: Story) -> None:
    incident = await found(story, IncidentKind.HEART_RATE, Severity.WARNING)
    story.expect("sms duty")
    assert "bpm" not in story.said("sms", "duty")["text"]
    await story.advance(minutes=10)
    story.expect("sms grid")
    await story.advance(minutes=300)
    story.expect()
    assert await story.state(incident) == "open"
    assert "still_open" in await story.timeline(incident)


async def test_a_warning_that_nobody_could_be_texted_falls_through_at_once(story: Story) -> None:
    from alerts.channels.base import TransportError

    story.channels["sms"].trouble["+99910000001"] = [TransportError("number_blocked", "30004", permanent=True)]
    await found(story, IncidentKind.WANDERING, Severity.WARNING)
    story.expect("sms grid")


async def test_a_warning_that_turns_urgent_is_called_about(story: Story) -> None:
    await found(story, IncidentKind.HEART_RATE, Severity.WARNING)
    story.expect("sms duty")
    await story.advance(minutes=2)
    incident = await found(story, IncidentKind.HEART_RATE, Severity.URGENT)
    story.expect("voice duty", "sms duty")
    await story.advance(minutes=3)
    story.expect("voice grid", "sms grid")
    await story.advance(minutes=7)
    story.expect("voice daughter", "sms daughter", "voice doctor", "sms doctor")
    await story.advance(minutes=15)
    story.expect(
        *(f"{channel} {who}" for who in ("duty", "grid", "daughter", "doctor") for channel in ("voice", "sms"))
    )
    assert await story.timeline(incident) == ["opened", "step", "raised", "step", "step", "step", "step"]


async def test_the_owner_of_a_warning_is_told_that_it_became_urgent(story: Story) -> None:
    incident = await found(story, IncidentKind.HEART_RATE, Severity.WARNING)
    await story.accepts("duty", incident, "console")
    story.expect("sms duty")
    await found(story, IncidentKind.HEART_RATE, Severity.URGENT)
    story.expect("voice duty pressed_again", "sms duty pressed_again")
    assert "紧急" in story.said("sms", "duty")["text"]
    assert await story.due_in(incident) == 20 * 60


async def test_a_warning_that_clears_calls_nobody_any_more(story: Story) -> None:
    incident = await found(story, IncidentKind.HEART_RATE, Severity.WARNING)
    story.expect("sms duty")
    cleared = Cleared(IncidentKind.HEART_RATE, "calm", story.now)
    await apply_verdicts(
        story.conn, [SubjectVerdict(resident_subject(story.people.wang, "band-wang"), cleared)], story.now
    )
    await story.conn.commit()
    await story.advance(minutes=60)
    story.expect()
    assert await story.state(incident) == "resolved"


async def test_a_task_of_the_night_waits_for_the_morning_and_calls_nobody(story: Story) -> None:
    await story.set_clock(NOON + timedelta(hours=15))  # three o'clock at night in Shanghai
    incident = await found(story, IncidentKind.LOW_BATTERY, Severity.TASK)
    assert await story.one("select next_step from incident") == 0
    assert await story.due_in(incident) == 5 * 3600
    await story.advance(minutes=5 * 60)
    assert await story.one("select next_step from incident") == 1
    assert await story.timeline(incident) == ["opened", "step"]
    await story.advance(minutes=24 * 60)
    story.expect()


async def test_a_network_outage_goes_to_duty_and_admin_every_half_hour_until_somebody_has_it(story: Story) -> None:
    incident = await found(story, IncidentKind.NETWORK, Severity.WARNING, NETWORK)
    both = ["voice duty", "sms duty", "voice admin", "sms admin"]
    story.expect(*both)
    await story.advance(minutes=30)
    story.expect(*both)
    await story.accepts("admin", incident, "sms")
    hung_up = ["hang_up duty", "hang_up admin"]
    story.expect(*hung_up, *hung_up, "sms duty stand_down")
    await story.advance(minutes=120)
    story.expect()
    assert await story.state(incident) == "accepted"


async def test_a_resident_may_have_a_ladder_of_their_own(story: Story) -> None:
    from alerts.policies import store

    ladder = store.read_policy(
        IncidentKind.SOS,
        {
            "steps": [
                {"targets": ["family"], "channels": ["voice"]},
                {"after_s": 30, "targets": ["duty"], "channels": ["voice"]},
            ],
            "repeat_s": 120,
        },
    )
    await store.put(
        story.conn, IncidentKind.SOS, Severity.SOS, story.people.wang, ladder, story.people.admin, story.now
    )
    await story.conn.commit()
    await story.press("band-wang")
    story.expect("voice daughter")
    await story.advance(seconds=30)
    story.expect("voice duty")
    await story.press("band-li")
    story.expect("voice duty", "sms duty", "voice grid", "sms grid")


async def test_a_policy_that_cannot_be_read_does_not_silence_an_sos(story: Story) -> None:
    await story.conn.execute("update policy set ladder = '{}'")
    await story.conn.commit()
    await story.press()
    story.expect("voice duty", "sms duty", "voice lead", "sms lead")
