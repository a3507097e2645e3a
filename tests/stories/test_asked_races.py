"""The wearer is asked, answers, or is well again, while something else is just being written or sent."""

import asyncio
import json
from collections.abc import Iterable
from datetime import timedelta

import pytest

from alerts.channels.base import Outgoing
from alerts.escalation import carry_out, claim, worker
from alerts.escalation.plan import plan_for
from alerts.incidents import asked
from alerts.incidents.opening import apply_verdicts
from alerts.model.incident import SubjectVerdict, resident_subject
from alerts.model.references import Reference
from alerts.notifications import outbox
from alerts.notifications.outbox import Outcome
from alerts.notifications.sender import Sender
from eldercare.platform.database import connect
from tests.integration.ingesting import asking, until
from tests.stories.asking import ASKED, BUZZED, DUTY, back, found, has_a_telephone, lost, over, say
from tests.stories.ringing import Ringing
from tests.stories.story import Story
from tests.support import community
from tests.support.community import PHONES


class Dead(Sender):
    """Of a process that is killed between what it has written and what it would have sent."""

    def take(self, rows: Iterable[Outgoing], since: float | None = None) -> None:
        """Nobody sends them."""


async def step_and_die(story: Story) -> None:
    """The next step is written, by a process that then dies."""
    assert await worker.run_once(story.line, Dead(story.url, story.channels), story.planning) == 1


async def placing(story: Story, purpose: str) -> tuple[int, str]:
    """The call of this purpose that is just being placed: its number and reference."""
    query = "select id, reference from notification where purpose = %s and channel = 'voice' and status = 'sending'"
    [(number, reference)] = await (await story.conn.execute(query, (purpose,))).fetchall()
    await story.conn.commit()
    return int(number), str(reference)


async def placed(story: Story, number: int, reference: str) -> None:
    """The provider has taken the call, and says so now."""
    outcome = Outcome(number, 1, "placed-late", "queued", reference=Reference(reference), provider="recorder")
    await outbox.record(story.line, [outcome])


async def is_ended(story: Story, number: int) -> bool:
    """Whether this call is to be hung up."""
    return bool(await story.one("select exists (select from notification where ends_id = %s)", number))


async def test_a_step_that_was_read_before_it_was_over_is_not_taken(story: Story) -> None:
    """The claim has read that duty is to be called; before that is written, the pulse is back."""
    incident = await lost(story)
    story.expect(*BUZZED)
    await story.set_clock(story.now + timedelta(seconds=45))
    due = await claim.read(story.line, claim.CLAIM, [], None, 10)
    plans = [plan_for(each, story.planning) for each in due]
    await back(story)
    written = await carry_out.carry_out(story.line, [each.version for each in due], plans, story.sender, story.now)
    assert (len(plans), written.moved, written.messages) == (1, frozenset(), ())
    await story.settle()
    assert await story.state(incident) == "resolved"
    story.expect()


async def test_what_is_over_waits_for_a_step_that_is_just_written_and_then_stays(story: Story) -> None:
    """Duty is being called; the pulse comes back before that is committed."""
    incident = await lost(story)
    await story.set_clock(story.now + timedelta(seconds=45))
    verdict = SubjectVerdict(resident_subject(story.people.wang, "band-wang"), over(story))
    async with await connect(story.url, application_name="clearing") as clearing, asking(story.url) as door:
        async with story.line.transaction():
            assert await worker.run_once(story.line, story.sender, story.planning) == 1
            waits = asyncio.create_task(apply_verdicts(clearing, [verdict], story.now))

            async def blocked() -> bool:
                query = (
                    "select exists (select from pg_stat_activity where application_name = %s and wait_event_type = %s)"
                )
                return bool(await door.value(query, "clearing", "Lock"))

            await until(blocked, "the rule's word")
        await waits
        await clearing.commit()
    await story.settle()
    assert await story.state(incident) == "open"
    story.expect(*BUZZED, *DUTY)


async def test_a_process_that_dies_before_it_rings_leaves_her_call_to_another_and_people_are_called_in_time(
    story: Story,
) -> None:
    await has_a_telephone(story)
    await say(story, found(story))
    await step_and_die(story)
    story.expect()
    await story.settle()
    story.expect(*BUZZED)
    await story.advance(seconds=15)  # the lease of her call
    story.expect("voice wang ask")
    await story.advance(seconds=29)
    story.expect()
    await story.advance(seconds=1)
    story.expect(*DUTY)


async def test_who_is_called_by_a_dead_process_while_she_says_1_is_not_rung(town: Ringing) -> None:
    """Their call was about to be placed, by a process that was killed before it did."""
    await has_a_telephone(town)
    town.will("wang", "answer", answer_after_s=28)
    incident = await lost(town)
    await town.advance(seconds=44)
    await town.expects(*ASKED)
    await community.call(
        town.conn, incident, town.people.grid, status="sending", address=PHONES["grid"], send_after=town.now,
        leased_until=town.now + timedelta(seconds=5), content=json.dumps({"say": ["x"]}), created_at=town.now,
        reference="placed-by-a-dead-one",
    )  # fmt: skip
    await town.conn.commit()
    await town.presses("wang", "1")
    await town.advance(seconds=30)
    await town.expects("sms duty", "sms grid stand_down")
    query = "select reason from notification where person_id = %s and channel = 'voice'"
    assert await town.one(query, town.people.grid) == "wearer_well"


async def test_her_call_that_is_just_placed_when_it_is_over_is_hung_up(story: Story) -> None:
    await has_a_telephone(story)
    await say(story, found(story))
    await step_and_die(story)
    number, reference = await placing(story, "ask")
    await say(story, over(story))
    assert not await is_ended(story, number)
    await placed(story, number, reference)
    assert await is_ended(story, number)


@pytest.mark.parametrize("well", [True, False])
async def test_a_call_that_is_just_placed_when_she_says_1_is_hung_up(story: Story, well: bool) -> None:
    await has_a_telephone(story)
    incident = await lost(story)
    story.expect(*ASKED)
    await story.set_clock(story.now + timedelta(seconds=45))
    await step_and_die(story)
    number, reference = await placing(story, "alarm")
    if well:
        await asked.well(story.conn, incident, "voice-1", story.now)
        await story.conn.commit()
    await placed(story, number, reference)
    assert await is_ended(story, number) is well
    hers = await story.one("select id from notification where purpose = 'ask'")
    assert not await is_ended(story, hers), "on hers she hears our answer"


async def test_a_call_of_before_that_is_heard_of_again_is_hung_up(story: Story) -> None:
    """It was placed, and what would have ended it is lost: it rings, and the provider says so after she has said 1."""
    await has_a_telephone(story)
    incident = await lost(story)
    await story.advance(seconds=45)
    story.expect(*ASKED, *DUTY)
    await asked.well(story.conn, incident, "voice-1", story.now)
    await story.conn.execute("delete from notification where purpose = 'hang_up'")
    await story.conn.commit()
    await story.call_ends("duty", "in-progress")
    story.expect("hang_up duty", "sms duty")
