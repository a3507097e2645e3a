"""On which number a wearer is asked, and how long it is known what she has called well."""

from datetime import timedelta

from alerts.incidents import handling
from eldercare.platform.finding import Level
from eldercare.tools.doctor import community as doctor
from tests.stories.asking import ASKED, BUZZED, DUTY, found, has_a_telephone, lost, say
from tests.stories.ringing import Ringing
from tests.stories.story import Story
from tests.support.community import PHONES


async def test_nobody_is_asked_on_a_number_at_which_somebody_else_is_called(story: Story) -> None:
    assert await doctor.shared_numbers(story.conn) == []
    await story.conn.execute("update resident set phone = %s where id = %s", (PHONES["daughter"], story.people.wang))
    await story.conn.commit()
    await lost(story)
    story.expect(*BUZZED)
    await story.advance(seconds=45)
    story.expect(*DUTY)
    [told] = await doctor.shared_numbers(story.conn)
    assert told.level is Level.WARNING
    assert "王秀英" in told.what


async def test_a_number_of_her_own_is_nobody_elses_once_theirs_is_not_used_any_more(story: Story) -> None:
    await has_a_telephone(story)
    await story.conn.execute(
        "insert into contact_method (person_id, channel, address, active) values (%s, 'voice', %s, false)",
        (story.people.daughter, PHONES["wang"]),
    )
    await story.conn.commit()
    await lost(story)
    story.expect(*ASKED)
    assert await doctor.shared_numbers(story.conn) == []


async def test_what_she_called_well_and_somebody_resolved_is_known_as_long_as_what_is_urgent(town: Ringing) -> None:
    await has_a_telephone(town)
    incident = await lost(town)
    same = found(town)
    await town.picks_up("wang")
    await town.presses("wang", "1")
    await town.expects(*ASKED, "sms duty")
    await handling.resolve(
        town.conn, incident, town.people.duty, "console", "helped", None, town.now, timedelta(days=7)
    )
    await town.conn.commit()
    until = await town.one("select known_until - resolved_at from incident where id = %s", incident)
    assert until == timedelta(hours=12)
    await town.advance(seconds=12 * 3600 - 1)
    await say(town, same)
    assert await town.one("select count(*) from incident where state <> 'resolved'") == 0
    await town.advance(seconds=1)
    await say(town, same)
    assert await town.one("select severity from incident where state <> 'resolved'") == "urgent"
