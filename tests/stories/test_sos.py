"""A pressed band rings telephones until somebody is there."""

import asyncio

import pytest

from alerts.channels.base import TransportError
from alerts.incidents import handling
from alerts.incidents.handling import Accepted, AlreadyOwned, AlreadyYours
from eldercare.platform.database import COMMAND, connect
from tests.stories.story import Story

EVERYBODY = ("duty", "grid", "backup", "lead", "daughter", "doctor")
ALL_OF_THEM = [f"{channel} {who}" for who in EVERYBODY for channel in ("voice", "sms")]
FIRST = ["voice duty", "sms duty", "voice grid", "sms grid"]
SECOND = ["voice backup", "sms backup", "voice lead", "sms lead"]
THIRD = ["voice daughter", "sms daughter", "voice doctor", "sms doctor"]


async def test_unanswered_it_climbs_the_ladder_and_never_ends(story: Story) -> None:
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    await story.advance(seconds=59)
    story.expect()
    await story.advance(seconds=1)
    story.expect(*SECOND)
    await story.advance(minutes=2)
    story.expect(*THIRD)
    assert "ask_120" in await story.timeline(incident)
    for _ in range(12):
        await story.advance(minutes=5)
        story.expect(*ALL_OF_THEM)
    assert await story.state(incident) == "open"
    assert 0 < await story.due_in(incident) <= 300


async def test_the_text_and_the_call_say_who_and_where(story: Story) -> None:
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    text = story.said("sms", "duty")["text"]
    assert "王秀英" in text
    assert "幸福路1弄2号301室" in text
    assert str(incident) in text
    assert any("王秀英" in part for part in story.said("voice", "grid")["say"])
    await story.advance(minutes=3)
    story.expect(*SECOND, *THIRD)
    assert "reply 1 to go" in story.said("sms", "daughter")["text"]


async def test_accepted_it_stops_hangs_up_and_tells_the_others_and_the_band(story: Story) -> None:
    incident = (await story.press(event_id="e-1")).incident_id
    story.expect(*FIRST)
    outcome = await story.accepts("grid", incident)
    assert isinstance(outcome, Accepted)
    assert outcome.told == ("张值班",)
    story.expect("hang_up duty", "sms duty stand_down", "band accepted")
    assert "钱网格正在前往" in story.said("sms", "duty")["text"]
    word = dict(story.channels["band"].sent[0].content)
    assert word.pop("id").startswith("word-")
    assert word == {"event_id": "e-1", "state": "accepted"}
    assert await story.due_in(incident) == 20 * 60
    await story.advance(minutes=19)
    story.expect()


async def test_from_the_road_to_the_door_to_the_end(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.accepts("grid", incident, "sms")
    await handling.en_route(story.conn, incident, story.people.grid, "console", story.now)
    await story.conn.commit()
    await story.settle()
    story.expect(*FIRST, "hang_up duty", "hang_up grid", "sms duty stand_down", "band accepted", "band arriving")
    await story.advance(minutes=10)
    await handling.arrive(story.conn, incident, story.people.grid, "console", story.now)
    await story.conn.commit()
    await story.advance(minutes=30)
    story.expect()
    await handling.resolve(story.conn, incident, story.people.grid, "console", "helped", "起来了", story.now)
    await story.conn.commit()
    await story.settle()
    story.expect("band closed")
    assert await story.state(incident) == "resolved"
    assert [kind for kind in await story.timeline(incident) if kind != "still_open"] == [
        "opened",
        "step",
        "accepted",
        "en_route",
        "arrived",
        "resolved",
    ]


async def test_when_every_line_is_busy_the_next_people_are_called_at_once(story: Story) -> None:
    await story.press()
    story.expect(*FIRST)
    await story.call_ends("duty", "busy")
    story.expect()
    await story.call_ends("grid", "busy")
    story.expect(*SECOND)
    await story.call_ends("lead", "no-answer")
    await story.call_ends("backup", "failed")
    story.expect(*THIRD)
    for who in ("daughter", "doctor"):
        await story.call_ends(who, "completed")
    await story.advance(seconds=299)
    story.expect()
    await story.advance(seconds=1)
    story.expect(*ALL_OF_THEM)


async def test_a_mailbox_never_accepts(story: Story) -> None:
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    for who in ("duty", "grid"):
        await story.call_ends(who, "in-progress")
        await story.machine_answers(who)
        await story.call_ends(who, "completed")
    story.expect(*SECOND)
    assert await story.state(incident) == "open"


async def test_who_passes_moves_it_on_at_once(story: Story) -> None:
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    assert (await story.passes("duty", incident)).reason == "moved_on"
    story.expect(*SECOND)
    assert (await story.passes("lead", incident, "sms")).reason == "moved_on"
    story.expect(*THIRD, "hang_up lead")
    await story.passes("doctor", incident)
    story.expect()
    assert 0 < await story.due_in(incident) <= 300


async def test_ten_people_at_once_make_one_owner(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.advance(minutes=3)
    people = [story.people.duty, story.people.lead, story.people.grid, story.people.backup, story.people.daughter]
    people = people * 2

    async def accept(person: int) -> object:
        conn = await connect(story.url, limits=COMMAND)
        async with conn:
            return await handling.accept(conn, incident, person, "sms", story.now)

    outcomes = await asyncio.gather(*(accept(person) for person in people))
    owners = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    assert len(owners) == 1
    assert sum(isinstance(outcome, AlreadyOwned) for outcome in outcomes) == 8
    await story.settle()
    owner = next(who for who in EVERYBODY if getattr(story.people, who) == owners[0].owner_id)
    others = [who for who in EVERYBODY if who != owner]
    story.expect(
        *FIRST,
        *SECOND,
        *THIRD,
        *(f"hang_up {who}" for who in EVERYBODY),  # who replied by text is not to be rung on either
        *(f"sms {who} stand_down" for who in others),
        "band accepted",
    )


async def test_who_presses_1_too_late_hears_who_goes_and_changes_nothing(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.accepts("grid", incident)
    story.expect(*FIRST, "hang_up duty", "sms duty stand_down", "band accepted")
    late = await story.accepts("duty", incident)
    assert late == AlreadyOwned(incident, story.people.grid, "钱网格")
    story.expect()
    late = await story.accepts("lead", incident, "api")
    assert isinstance(late, AlreadyOwned)
    story.expect("sms lead stand_down")
    assert "answered_late" in await story.timeline(incident)


async def test_a_call_that_is_placed_while_somebody_accepts_is_hung_up(story: Story) -> None:
    voice = story.channels["voice"]
    original = voice.send

    async def accept_meanwhile(message: object) -> object:
        if message.address == "+99910000003":
            other = await connect(story.url)
            async with other:
                await handling.accept(other, int(message.content["code"]), story.people.duty, "console", story.now)
        return await original(message)

    voice.send = accept_meanwhile
    await story.press()
    await story.settle()
    assert [voice.ids[each].address for each in voice.hung_up].count("+99910000003") == 1
    # Duty clicked, so duty's own telephone need not ring on either.
    story.expect(*FIRST, "hang_up duty", "hang_up grid", "sms grid stand_down", "band accepted")


async def test_a_second_press_is_told_to_the_owner_at_once(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.accepts("grid", incident)
    story.expect(*FIRST, "hang_up duty", "sms duty stand_down", "band accepted")
    await story.advance(minutes=5)
    assert (await story.press()).outcome == "merged"
    story.expect("voice grid pressed_again", "sms grid pressed_again")
    assert await story.due_in(incident) == 15 * 60


async def test_a_band_that_presses_without_end_rings_its_owner_with_growing_pauses(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.accepts("grid", incident, "sms")
    story.expect(*FIRST, "hang_up duty", "hang_up grid", "sms duty stand_down", "band accepted")
    heard = []
    for second in range(0, 200, 2):
        await story.press()
        heard += [second] * len(story.channels["voice"].sent[len(heard) + 2 :])
        await story.call_ends("grid", "completed")
        await story.advance(seconds=2)
    assert heard == [0, 60, 180]
    story.expect(*(f"{channel} grid pressed_again" for channel in ("voice", "sms") for _ in heard))
    assert "共91次" in story.said("sms", "grid")["text"]
    # Whoever hands it back and takes it once more hears of the next press at once.
    await story.passes("grid", incident, "sms")
    await story.accepts("grid", incident, "sms")
    words = 10 * ["band received", "band accepted"]  # one for each of the newest presses
    story.expect("voice duty", "sms duty", "hang_up duty", "sms duty stand_down", *words)
    await story.press()
    story.expect("voice grid pressed_again", "sms grid pressed_again")


async def test_a_second_press_on_an_open_incident_hurries_nobody_who_was_called(story: Story) -> None:
    await story.press()
    story.expect(*FIRST)
    await story.advance(seconds=10)
    await story.press()
    story.expect()
    await story.advance(seconds=50)
    story.expect(*SECOND)


async def test_not_there_in_time_it_starts_again_with_the_owner_among_the_called(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.advance(minutes=3)
    await story.accepts("daughter", incident, "sms")
    standing_down = [f"sms {who} stand_down" for who in EVERYBODY if who != "daughter"]
    hung_up = [f"hang_up {who}" for who in EVERYBODY]
    story.expect(*FIRST, *SECOND, *THIRD, *standing_down, *hung_up, "band accepted")
    await story.advance(minutes=20)
    story.expect(*FIRST, "voice daughter", "sms daughter", "band received")
    assert await story.state(incident) == "open"
    await story.advance(minutes=1)
    story.expect(*SECOND)


async def test_an_owner_who_cannot_go_after_all_hands_it_back(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.accepts("duty", incident)
    story.expect(*FIRST, "hang_up grid", "sms grid stand_down", "band accepted")
    assert (await story.passes("duty", incident)).reason == "handed_back"
    story.expect("voice grid", "sms grid", "band received")
    await story.advance(minutes=1)
    story.expect(*SECOND)
    await story.advance(minutes=2)
    story.expect(*THIRD)
    await story.advance(minutes=5)
    story.expect(*FIRST, *SECOND, *THIRD)


async def test_the_band_of_nobody_we_know_is_raised_too(story: Story) -> None:
    incident = (await story.press("band-0099")).incident_id
    story.expect("voice duty", "sms duty")
    assert "未登记手环" in story.said("sms", "duty")["text"]
    await story.advance(minutes=1)
    story.expect("voice lead", "sms lead")
    await story.advance(minutes=2)
    story.expect()
    assert (await story.timeline(incident))[-3:] == ["fell_through", "ask_120", "nobody_left"]
    await story.advance(minutes=5)
    story.expect("voice duty", "sms duty", "voice lead", "sms lead")


async def test_a_resident_who_is_away_is_still_heard(story: Story) -> None:
    await story.conn.execute(
        "update resident set away_until = %s, away_reason = '住院' where id = %s",
        (story.now.replace(year=2027), story.people.wang),
    )
    await story.conn.commit()
    await story.press()
    story.expect(*FIRST)


async def test_120_is_called_and_the_family_hears_it_at_the_same_time(story: Story) -> None:
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    await handling.hand_to_120(story.conn, incident, story.people.duty, "console", story.now)
    await story.conn.commit()
    await story.settle()
    story.expect("voice daughter", "sms daughter", "band accepted")
    assert "120 has been called" in story.said("sms", "daughter")["text"]
    assert "120 has been called." in story.said("voice", "daughter")["say"]
    await story.advance(minutes=29)
    story.expect()
    await story.advance(minutes=1)
    story.expect(*FIRST, "band received")
    assert "120" not in story.said("sms", "duty")["text"]
    assert await story.state(incident) == "open"


async def test_who_notes_that_120_is_there_is_nowhere_said_to_go(story: Story) -> None:
    incident = (await story.press()).incident_id
    await handling.hand_to_120(story.conn, incident, story.people.duty, "console", story.now)
    await story.conn.commit()
    await story.settle()
    await handling.arrive(story.conn, incident, story.people.duty, "console", story.now)
    await story.conn.commit()
    await story.settle()
    story.expect(*FIRST, "voice daughter", "sms daughter", "band accepted", "band arriving")
    assert await story.one("select detail from incident_event where kind = 'arrived'") == {"with_120": True}
    await story.accepts("grid", incident)
    story.expect("sms grid stand_down")
    assert "120已到场" in story.said("sms", "grid")["text"]
    await handling.resolve(story.conn, incident, story.people.duty, "console", "hospital", None, story.now)
    await story.conn.commit()
    await story.settle()
    story.expect("sms daughter stand_down", "hang_up duty", "hang_up daughter", "band closed")
    assert "dealt with" in story.said("sms", "daughter")["text"]


async def test_nobody_to_call_keeps_trying_and_says_so(story: Story) -> None:
    await story.conn.execute("update contact_method set active = false")
    await story.conn.commit()
    incident = (await story.press()).incident_id
    story.expect()
    assert await story.timeline(incident) == [
        "opened",
        "fell_through",
        "fell_through",
        "fell_through",
        "ask_120",
        "nobody_reachable",
    ]
    await story.conn.execute("update contact_method set active = true")
    await story.conn.commit()
    await story.advance(minutes=5)
    story.expect(*ALL_OF_THEM)


async def test_no_number_is_called_more_often_than_its_carrier_takes(story: Story) -> None:
    from datetime import timedelta

    story.channels["voice"].min_gap = timedelta(minutes=12)
    await story.press()
    await story.advance(minutes=3)
    story.expect(*FIRST, *SECOND, *THIRD)
    await story.advance(minutes=5)
    story.expect(*(f"sms {who}" for who in EVERYBODY))
    await story.advance(minutes=5)
    story.expect(*(f"sms {who}" for who in EVERYBODY), "voice duty", "voice grid", "voice backup", "voice lead")


async def test_a_provider_in_trouble_is_tried_again_and_others_are_called_meanwhile(story: Story) -> None:
    for address in ("+99910000001", "+99910000003"):
        story.channels["voice"].trouble[address] = [
            TransportError("provider_error", "HTTP 503", permanent=False) for _ in range(4)
        ]
    await story.press()
    story.expect("sms duty", "sms grid")
    await story.advance(seconds=7)
    story.expect(*SECOND)
    await story.advance(seconds=8)
    story.expect("voice duty", "voice grid")


async def test_a_number_that_cannot_be_called_falls_through_at_once(story: Story) -> None:
    for address in ("+99910000001", "+99910000003"):
        story.channels["voice"].trouble[address] = [TransportError("invalid_number", "21211", permanent=True)]
    await story.press()
    story.expect("sms duty", "sms grid", *SECOND)


async def test_a_process_killed_after_writing_what_it_would_send_is_replaced(story: Story) -> None:
    from alerts.escalation import worker

    raised_in = story.sender
    taken: list[object] = []
    raised_in.take = lambda rows, since: taken.extend(rows)  # the process dies here: committed, leased, never sent
    await story.press()
    assert len(taken) == 4
    del raised_in.take
    await worker.run_once(story.line, story.sender, story.planning)
    story.expect()
    await story.advance(seconds=16)
    story.expect(*FIRST)


async def test_what_was_leased_when_somebody_accepted_is_not_sent_again(story: Story) -> None:
    raised_in = story.sender
    raised_in.take = lambda rows, since: None
    incident = (await story.press()).incident_id
    del raised_in.take
    await story.accepts("duty", incident, "console")
    story.expect("sms grid stand_down", "band accepted")
    await story.advance(minutes=5)
    story.expect()


@pytest.mark.parametrize("via", ["voice", "sms", "console"])
async def test_by_whichever_way_somebody_accepts_what_they_were_sent_is_answered(story: Story, via: str) -> None:
    incident = (await story.press()).incident_id
    await story.accepts("duty", incident, via)
    own = [] if via == "voice" else ["hang_up duty"]
    story.expect(*FIRST, *own, "hang_up grid", "sms grid stand_down", "band accepted")
    query = (
        "select channel, status, reason from notification where person_id = %s and purpose = 'alarm' order by channel"
    )
    rows = await (await story.conn.execute(query, (story.people.duty,))).fetchall()
    assert rows == [("sms", "done", "accepted"), ("voice", "done", "accepted")]


async def test_who_goes_already_and_says_so_again_is_still_called_about_another_press(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.accepts("duty", incident, "sms")
    story.expect(*FIRST, "hang_up duty", "hang_up grid", "sms grid stand_down", "band accepted")
    await story.press()
    story.expect("voice duty pressed_again", "sms duty pressed_again")
    outcome = await handling.accept(story.conn, incident, story.people.duty, "sms", story.now)
    await story.conn.commit()
    await story.settle()
    assert outcome == AlreadyYours(incident, story.people.duty)
    story.expect()
