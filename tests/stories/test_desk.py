"""Who deals with it at the desk, and who goes: two facts, of which only the second stands anybody down."""

import asyncio
from typing import Any

import pytest

from alerts.incidents import case as cases
from alerts.incidents import desk, handling
from alerts.incidents.outcomes import AlreadyHandled, AlreadyOwned, Handling, Joined
from eldercare.platform.database import COMMAND, connect
from eldercare.platform.errors import Conflict, InvalidInput
from tests.stories.story import Story
from tests.stories.test_sos import ALL_OF_THEM, FIRST, SECOND, THIRD

STREET = ["voice grid", "sms grid"]
HANDLING_S = cases.HANDLING.total_seconds()


async def handles(story: Story, who: str, incident: int, via: str = "console") -> object:
    outcome = await desk.handle(story.conn, incident, getattr(story.people, who), via, story.now)
    await story.conn.commit()
    await story.settle()
    return outcome


async def test_who_handles_it_at_the_desk_stops_no_call_and_the_band_hears_nothing(story: Story) -> None:
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    outcome = await handles(story, "duty", incident)
    assert isinstance(outcome, Handling)
    assert outcome.handler_name == "张值班"
    story.expect()
    assert await story.state(incident) == "open"
    await story.advance(minutes=1)
    story.expect("voice backup", "sms backup")  # the duty lead need not be rung meanwhile
    await story.advance(minutes=2)
    story.expect(*THIRD)
    await story.accepts("grid", incident)
    told = [f"sms {who} stand_down" for who in ("duty", "backup", "daughter", "doctor")]
    story.expect("hang_up duty", "hang_up backup", "hang_up daughter", "hang_up doctor", *told, "band accepted")
    assert await story.one("select handler_id from incident") == story.people.duty
    await story.advance(minutes=19)
    story.expect()


async def test_five_minutes_without_a_deed_the_desk_rings_again_and_the_street_goes_on(story: Story) -> None:
    await story.conn.execute(
        "update policy set ladder = jsonb_set(ladder, '{steps,2,after_s}', '900') where kind = 'sos'"
    )
    await story.conn.commit()
    incident = (await story.press()).incident_id
    await story.advance(seconds=10)
    await handles(story, "duty", incident)
    await story.advance(seconds=HANDLING_S - 1)
    story.expect(*FIRST, "voice backup", "sms backup")
    await story.advance(seconds=1)
    story.expect("voice duty", "sms duty", "voice lead", "sms lead")
    assert await story.one("select handler_id is null from incident")
    assert "handling_ended" in await story.timeline(incident)
    await story.advance(seconds=900 - 310 - 1)
    story.expect()
    await story.advance(seconds=1)
    story.expect(*THIRD)


async def test_what_the_handler_does_keeps_their_word(story: Story) -> None:
    incident = (await story.press()).incident_id
    await handles(story, "duty", incident)
    await story.advance(minutes=4)
    story.expect(*FIRST, "voice backup", "sms backup", *THIRD)
    await handling.add_note(story.conn, incident, story.people.duty, "console", "打给本人，没人接", story.now)
    await story.conn.commit()
    await story.advance(minutes=2)
    story.expect()
    assert await story.one("select handler_id from incident") == story.people.duty
    await handling.add_note(story.conn, incident, story.people.lead, "console", "也在看", story.now)
    assert await story.due_in(incident) == 2 * 60
    await story.conn.commit()


async def test_when_the_ladder_is_spent_everybody_is_rung_again_the_desk_too(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.advance(minutes=7)
    story.expect(*FIRST, *SECOND, *THIRD)
    await handles(story, "duty", incident)
    await story.advance(seconds=59)
    story.expect()
    await story.advance(seconds=1)
    story.expect(*ALL_OF_THEM)
    assert await story.one("select handler_id is null from incident")


async def test_where_there_is_no_street_the_others_of_the_desk_are_called_after_all(story: Story) -> None:
    incident = (await story.press("band-0099")).incident_id
    story.expect("voice duty", "sms duty")
    await handles(story, "duty", incident, "voice")
    await story.advance(minutes=1)
    story.expect("voice lead", "sms lead", "voice duty", "sms duty")
    assert await story.one("select handler_id is null from incident")


async def test_who_logs_out_leaves_nobody_at_the_desk(story: Story) -> None:
    incident = (await story.press()).incident_id
    await handles(story, "duty", incident)
    story.expect(*FIRST)
    await story.conn.execute(
        "insert into session (token_hash, person_id, expires_at) values ('x', %s, clock_timestamp() + interval '1 h')",
        (story.people.duty,),
    )
    assert await desk.leave(story.conn, story.people.duty, story.now) == []  # still there, in another browser
    await story.conn.execute("delete from session")
    assert await desk.leave(story.conn, story.people.duty, story.now) == [incident]
    await story.conn.commit()
    await story.settle()
    story.expect("voice duty", "sms duty")
    await story.advance(minutes=1)
    story.expect(*SECOND)


async def test_a_handler_who_passes_leaves_it_to_the_others_of_the_desk_at_once(story: Story) -> None:
    incident = (await story.press()).incident_id
    await handles(story, "duty", incident)
    await story.advance(minutes=1)
    story.expect(*FIRST, "voice backup", "sms backup")
    await story.passes("duty", incident, "sms")
    story.expect("voice lead", "sms lead", *THIRD, "hang_up duty")
    assert await story.one("select handler_id is null from incident")
    await story.advance(minutes=4)
    story.expect()
    await story.advance(minutes=1)
    story.expect(*ALL_OF_THEM)


async def test_a_handler_who_passes_as_somebody_goes_handles_nothing_any_more(story: Story) -> None:
    incident = (await story.press()).incident_id
    await handles(story, "duty", incident)
    await handling.decline(story.conn, incident, story.people.duty, "sms", story.now)
    await handling.accept(story.conn, incident, story.people.grid, "sms", story.now)
    await story.conn.commit()
    assert await story.one("select handler_id is null from incident")
    await story.settle()
    story._told = story._happened()


async def test_a_colleague_hears_who_handles_it_and_takes_over_by_hand(story: Story) -> None:
    incident = (await story.press()).incident_id
    await handles(story, "duty", incident, "voice")
    assert await handles(story, "lead", incident, "sms") == AlreadyHandled(incident, story.people.duty, "张值班")
    taken_over = await handles(story, "lead", incident, "console")
    assert isinstance(taken_over, Handling)
    assert taken_over.instead_of == "张值班"
    assert await story.one("select handler_id from incident") == story.people.lead
    story.expect(*FIRST)


async def test_the_handler_who_goes_is_the_owner_and_handles_nothing(story: Story) -> None:
    incident = (await story.press()).incident_id
    await handles(story, "duty", incident)
    await story.accepts("duty", incident, "console")
    story.expect(*FIRST, "hang_up duty", "hang_up grid", "sms grid stand_down", "band accepted")
    assert await story.one("select (owner_id, handler_id is null)::text from incident") == f"({story.people.duty},t)"


async def test_who_is_sent_is_called_at_once_and_owns_it_when_they_say_yes(story: Story) -> None:
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    asked = await desk.send(story.conn, incident, story.people.duty, story.people.daughter, "console", story.now)
    await story.conn.commit()
    await story.settle()
    assert (asked.person_name, asked.channels) == ("Wang Min", ("voice", "sms"))
    story.expect("voice daughter", "sms daughter")
    assert "The desk asks you to go" in story.said("sms", "daughter")["text"]
    assert await story.state(incident) == "open"
    await story.advance(minutes=3)
    story.expect(*SECOND, "voice doctor", "sms doctor")  # all the rest goes on, and nobody is called twice
    await story.accepts("daughter", incident)
    assert await story.one("select owner_id from incident") == story.people.daughter
    hung_up = [f"hang_up {who}" for who in ("duty", "grid", "backup", "lead", "doctor")]
    told = [f"sms {who} stand_down" for who in ("duty", "grid", "backup", "lead", "doctor")]
    story.expect(*hung_up, *told, "band accepted")
    with pytest.raises(Conflict, match="accepted"):
        await desk.send(story.conn, incident, story.people.duty, story.people.grid, "console", story.now)
    await story.conn.rollback()


@pytest.mark.parametrize("ask", [desk.send, desk.add])
async def test_a_second_click_calls_nobody_a_second_time(story: Story, ask: Any) -> None:
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    for _ in range(20):
        asked = await ask(story.conn, incident, story.people.duty, story.people.daughter, "console", story.now)
        await story.conn.commit()
        assert asked.channels == ("voice", "sms")
        await story.settle()
    story.expect("voice daughter", "sms daughter")
    assert (await story.timeline(incident)).count("sent" if ask is desk.send else "added") == 1
    await ask(story.conn, incident, story.people.duty, story.people.lead, "console", story.now)
    await story.conn.commit()
    await story.settle()
    story.expect("voice lead", "sms lead")
    await story.advance(seconds=59)
    story.expect()
    await story.advance(seconds=2)
    story._told = story._happened()
    await ask(story.conn, incident, story.people.duty, story.people.daughter, "console", story.now)
    await story.conn.commit()
    await story.settle()
    story.expect("voice daughter", "sms daughter")


async def asks(story: Story, ask: Any, who: str, incident: int) -> None:
    await ask(story.conn, incident, story.people.duty, getattr(story.people, who), "console", story.now)
    await story.conn.commit()
    await story.settle()


@pytest.mark.parametrize("ask", [desk.send, desk.add])
async def test_whose_call_failed_or_who_passed_is_called_once_more(story: Story, ask: Any) -> None:
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    await asks(story, ask, "daughter", incident)
    story.expect("voice daughter", "sms daughter")
    await story.call_ends("daughter", "busy")  # the text is on its way all the same
    await asks(story, ask, "daughter", incident)
    story.expect("voice daughter", "sms daughter")
    await asks(story, ask, "daughter", incident)
    story.expect()
    await story.passes("daughter", incident)
    story._told = story._happened()
    await asks(story, ask, "daughter", incident)
    story.expect("voice daughter", "sms daughter")
    assert (await story.timeline(incident)).count("sent" if ask is desk.send else "added") == 3


async def test_who_has_no_telephone_to_ring_is_not_texted_twice(story: Story) -> None:
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    await story.conn.execute(
        "update contact_method set active = false where person_id = %s and channel = 'voice'", (story.people.daughter,)
    )
    for text in (["sms daughter"], []):
        await asks(story, desk.send, "daughter", incident)
        story.expect(*text)


async def test_who_was_called_before_somebody_went_is_called_to_go_as_well(story: Story) -> None:
    incident = (await story.press()).incident_id
    await asks(story, desk.send, "daughter", incident)
    await story.accepts("grid", incident)
    story._told = story._happened()
    await asks(story, desk.add, "daughter", incident)
    story.expect("voice daughter second", "sms daughter second", "sms grid second")


async def test_who_was_sent_and_is_then_added_is_so_in_the_timeline(story: Story) -> None:
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    await asks(story, desk.send, "daughter", incident)
    story.expect("voice daughter", "sms daughter")
    for _ in range(2):
        await asks(story, desk.add, "daughter", incident)
    story.expect()
    happened = await story.timeline(incident)
    assert (happened.count("sent"), happened.count("added")) == (1, 1)


async def test_who_cannot_be_reached_is_not_sent(story: Story) -> None:
    incident = (await story.press()).incident_id
    story.expect(*FIRST)
    await story.conn.execute("update contact_method set active = false where person_id = %s", (story.people.admin,))
    for person, reason in ((story.people.admin, "no number"), (999_999, "nobody who can be asked")):
        with pytest.raises(InvalidInput, match=reason):
            await desk.send(story.conn, incident, story.people.duty, person, "console", story.now)
    await story.conn.rollback()


async def test_who_is_added_is_called_whenever_everybody_is(story: Story) -> None:
    incident = (await story.press()).incident_id
    await desk.add(story.conn, incident, story.people.duty, story.people.admin, "console", story.now)
    await story.conn.commit()
    await story.settle()
    story.expect(*FIRST, "voice admin", "sms admin")
    await story.advance(minutes=8)
    story.expect(*SECOND, *THIRD, *ALL_OF_THEM, "voice admin", "sms admin")


async def test_a_second_person_goes_beside_the_owner(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.accepts("grid", incident)
    story.expect(*FIRST, "hang_up duty", "sms duty stand_down", "band accepted")
    with pytest.raises(InvalidInput, match="goes already"):
        await desk.add(story.conn, incident, story.people.duty, story.people.grid, "console", story.now)
    await story.conn.rollback()
    await desk.add(story.conn, incident, story.people.duty, story.people.backup, "console", story.now)
    await story.conn.commit()
    await story.settle()
    story.expect("voice backup second", "sms backup second", "sms grid second")
    assert "钱网格正在前往，值班台请您也去" in story.said("sms", "backup")["text"]
    assert "已请孙网格也去" in story.said("sms", "grid")["text"]
    outcome = await handling.accept(story.conn, incident, story.people.backup, "sms", story.now)
    assert outcome == Joined(incident, story.people.grid, "钱网格")
    await story.conn.commit()
    await story.settle()
    story.expect("hang_up backup")  # who replied by text is not to be rung on
    assert await story.one("select owner_id from incident") == story.people.grid
    await handling.resolve(story.conn, incident, story.people.grid, "console", "helped", None, story.now)
    await story.conn.commit()
    await story.settle()
    story.expect("sms backup stand_down", "band closed")


async def test_who_joined_and_cannot_go_after_all_is_expected_no_more(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.accepts("grid", incident)
    await desk.add(story.conn, incident, story.people.duty, story.people.backup, "console", story.now)
    await story.conn.commit()
    await story.settle()
    await handling.accept(story.conn, incident, story.people.backup, "sms", story.now)
    await story.passes("backup", incident, "sms")
    told = ("voice backup second", "sms backup second", "sms grid second", "hang_up backup")
    story.expect(*FIRST, "hang_up duty", "sms duty stand_down", "band accepted", *told)
    query = "select distinct status, reason from notification where person_id = %s and purpose in ('alarm', 'second')"
    rows = await (await story.conn.execute(query, (story.people.backup,))).fetchall()
    assert rows == [("done", "passed")]


async def test_who_is_taken_off_is_not_called_in_this_round(story: Story) -> None:
    incident = (await story.press()).incident_id
    await handles(story, "duty", incident)
    await story.accepts("grid", incident)
    story.expect(*FIRST, "hang_up duty", "sms duty stand_down", "band accepted")
    case = await desk.take_back(story.conn, incident, story.people.duty, "console", "半小时没动", story.now)
    assert (case.round, case.owner_id) == (2, None)
    await story.conn.commit()
    await story.settle()
    story.expect("sms grid stand_down", "band received", "voice backup", "sms backup")
    assert "已改派别人" in story.said("sms", "grid")["text"]
    await story.advance(minutes=9)
    happened = [f"{channel} {who}" for who in ("daughter", "doctor") for channel in ("voice", "sms")]
    again = [each for each in ALL_OF_THEM if not each.endswith("grid")]
    await story.advance(minutes=0)
    ended = ["voice duty", "sms duty", "voice lead", "sms lead"]
    story.expect(*happened, *again, *ended)
    late = await handling.accept(story.conn, incident, story.people.backup, "sms", story.now)
    assert late.reason == "accepted"
    await story.conn.rollback()


async def test_whoever_is_the_only_one_is_called_although_taken_off(story: Story) -> None:
    await story.conn.execute("update contact_method set active = person_id = %s", (story.people.grid,))
    await story.conn.commit()
    incident = (await story.press()).incident_id
    await story.accepts("grid", incident)
    story.expect(*STREET, "band accepted")
    await desk.take_back(story.conn, incident, story.people.duty, "console", None, story.now)
    await story.conn.commit()
    await story.settle()
    story.expect("sms grid stand_down", "band received", *STREET)


async def test_call_again_starts_the_ladder_now_and_an_answer_to_the_first_call_counts(story: Story) -> None:
    incident = (await story.press()).incident_id
    await story.advance(seconds=70)
    story.expect(*FIRST, *SECOND)
    await desk.call_again(story.conn, incident, story.people.duty, "console", story.now)
    await story.conn.commit()
    await story.settle()
    story.expect(*FIRST)
    await story.advance(seconds=60)
    story.expect(*SECOND)
    assert await story.one("select round from incident") == 1
    await story.accepts("grid", incident)
    with pytest.raises(Conflict, match="accepted"):
        await desk.call_again(story.conn, incident, story.people.duty, "console", story.now)
    await story.conn.rollback()
    told = [f"sms {who} stand_down" for who in ("duty", "backup", "lead")]
    hung_up = [f"hang_up {who}" for who in ("duty", "backup", "lead")] * 2
    story.expect(*told, *hung_up, "band accepted")


async def test_handling_and_accepting_at_once_end_as_one_after_the_other(story: Story) -> None:
    incident = (await story.press()).incident_id

    async def does(what: object) -> object:
        conn = await connect(story.url, limits=COMMAND)
        async with conn:
            return await what(conn)

    outcomes = await asyncio.gather(
        *(does(lambda conn: desk.handle(conn, incident, story.people.duty, "sms", story.now)) for _ in range(4)),
        *(does(lambda conn: handling.accept(conn, incident, story.people.grid, "sms", story.now)) for _ in range(4)),
    )
    assert {outcome.reason for outcome in outcomes} <= {"handling", "accepted", "already_yours"}
    row = await (await story.conn.execute("select state, owner_id, handler_id from incident")).fetchone()
    assert row == ("accepted", story.people.grid, story.people.duty)
    await story.settle()
    story.expect(*FIRST, "hang_up duty", "hang_up grid", "sms duty stand_down", "band accepted")
    assert isinstance(await handling.accept(story.conn, incident, story.people.lead, "sms", story.now), AlreadyOwned)
    await story.conn.rollback()
