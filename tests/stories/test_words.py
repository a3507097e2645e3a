"""What the wearer is told is said again until the band has shown that it hears."""

import asyncio
import itertools
from datetime import timedelta

import aiomqtt
import orjson
import pytest

from alerts.channels import band
from alerts.incidents import handling, wearer
from alerts.notifications import outbox, sender
from alerts.notifications.sender import Sender
from eldercare.platform.database import COMMAND, Connection, connect
from eldercare.platform.settings import parse_mqtt_url
from eldercare.protocol.mqtt_v1 import Kind, SosState, topic
from tests.conftest import MakeSettings
from tests.stories.story import Story
from tests.stories.test_sos import FIRST
from tests.support import community
from tests.support.services.mosquitto import Mosquitto
from tests.support.services.processes import wait_until

FOR_EVER = timedelta(days=999)


async def look(story: Story, unbroken: timedelta = FOR_EVER) -> None:
    """What `alerts` does every second."""
    await wearer.say_again(story.conn, story.now, unbroken)
    await story.conn.commit()
    await story.settle()


def said(story: Story) -> list[str]:
    return [message.content["state"] for message in story.channels["band"].sent]


async def listen(story: Story, seconds: int) -> None:
    for _ in range(seconds):
        await look(story)
        await story.advance(seconds=1)


async def speaks(story: Story) -> None:
    await story.conn.execute(
        "insert into device_state (device_id, last_seen_at) values ('band-wang', %(now)s)"
        " on conflict (device_id) do update set last_seen_at = excluded.last_seen_at",
        {"now": story.now},
    )
    await story.conn.commit()


@pytest.fixture
async def accepted(story: Story) -> int:
    """An incident that the grid worker has accepted."""
    incident = (await story.press(event_id="e")).incident_id
    await story.accepts("grid", incident, "sms")
    story.expect(*FIRST, "hang_up duty", "hang_up grid", "sms duty stand_down", "band accepted")
    return incident


async def test_a_word_is_said_again_with_growing_pauses_for_a_day(story: Story, accepted: int) -> None:
    # Nobody misses the grid worker meanwhile.
    await story.conn.execute("update incident set due_at = %s", (story.now + timedelta(days=9),))
    at = [story.now]
    for _ in range(20):
        due = await story.one("select say_again_at from notification where purpose = 'sos_state'")
        if due is None:
            break
        await story.set_clock(due)
        await look(story)
        at.append(due)
    pauses = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(at)]
    assert pauses[:11] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert said(story).count("accepted") == len(at)
    await story.conn.execute(
        "update notification set created_at = %s where purpose = 'sos_state'", (story.now - outbox.TELL_BAND_FOR,)
    )
    await story.conn.execute("update notification set say_again_at = %s where say_again_at is not null", (story.now,))
    await look(story)
    assert await story.one("select say_again_at from notification where purpose = 'sos_state'") is None
    assert await story.one("select status from notification where purpose = 'sos_state'") == "sent"
    story._told = story._happened()


async def test_a_band_that_speaks_twice_has_heard_it(story: Story, accepted: int) -> None:
    await story.advance(seconds=1)
    await speaks(story)
    await look(story)
    assert said(story) == ["accepted", "accepted"]  # at once: the band is there
    await look(story)
    await story.advance(seconds=3)
    await speaks(story)
    await look(story)
    assert await story.one("select status from notification where purpose = 'sos_state'") == "delivered"
    await listen(story, 30)
    story.expect("band accepted")


async def test_a_broken_connection_to_the_broker_proves_nothing(story: Story, accepted: int) -> None:
    await story.advance(seconds=1)
    await speaks(story)
    await look(story)
    await story.advance(seconds=3)
    await speaks(story)
    await look(story, unbroken=timedelta(seconds=1))
    assert await story.one("select status from notification where purpose = 'sos_state'") == "sent"
    assert said(story) == ["accepted"] * 3
    story.expect("band accepted", "band accepted")


async def test_a_band_that_says_so_is_told_no_more(story: Story, accepted: int) -> None:
    [word] = [message.content["id"] for message in story.channels["band"].sent]
    assert not await wearer.heard(story.conn, "band-li", word, story.now)
    assert await wearer.heard(story.conn, "band-wang", word, story.now)
    await listen(story, 30)
    assert await story.one("select status from notification where purpose = 'sos_state'") == "delivered"


async def test_a_newer_word_takes_the_place_of_an_older_one(story: Story, accepted: int) -> None:
    await listen(story, 3)
    await story.passes("grid", accepted, "sms")
    story.expect("band accepted", "band received", "voice duty", "sms duty")
    await listen(story, 20)
    assert set(said(story)[3:]) == {"received"}
    await story.accepts("duty", accepted, "sms")
    await listen(story, 10)
    assert set(said(story)[-3:]) == {"accepted"}
    story._told = story._happened()


async def test_a_word_that_was_not_said_because_somebody_died_is_said(story: Story, accepted: int) -> None:
    """The step that reopens an incident is committed before the band is told."""
    await story.conn.execute(
        "update incident set state = 'open', owner_id = null, round = 2, due_at = %s", (story.now + timedelta(days=1),)
    )
    await story.conn.commit()
    assert await wearer.set_right(story.conn, story.now) == 0  # whoever did it may be about to
    await story.set_clock(story.now + timedelta(seconds=6))
    assert await wearer.set_right(story.conn, story.now) == 1
    await story.settle()
    story.expect("band received")
    await story.set_clock(story.now + timedelta(seconds=6))
    assert await wearer.set_right(story.conn, story.now) == 0


async def test_a_message_that_somebody_holds_keeps_no_other_band_from_hearing_what_is_true(
    story: Story, accepted: int
) -> None:
    other = (await story.press("band-li")).incident_id
    await story.accepts("backup", other, "sms")
    await story.conn.execute(
        "update incident set state = 'open', owner_id = null, round = 2, due_at = %s", (story.now + timedelta(days=1),)
    )
    await story.conn.execute("update notification set say_again_at = %s where purpose = 'sos_state'", (story.now,))
    await story.conn.commit()
    await story.set_clock(story.now + timedelta(seconds=6))
    async with await connect(story.url) as holder, await connect(story.url) as looking:
        await holder.execute("select from notification where incident_id = %s for update", (accepted,))
        assert await wearer.set_right(looking, story.now) == 2
        await holder.rollback()
    await story.settle()
    story._told = story._happened()


async def test_the_last_word_is_said_again_too(story: Story, accepted: int) -> None:
    await handling.resolve(story.conn, accepted, story.people.grid, "sms", "helped", None, story.now)
    await story.conn.commit()
    await story.settle()
    await listen(story, 8)
    assert said(story) == ["accepted", "closed", "closed", "closed"]
    story._told = story._happened()


async def test_a_broker_that_dies_within_a_second_of_it_swallows_no_word(
    conn: Connection, database_url: str, make_settings: MakeSettings, clean_broker: Mosquitto
) -> None:
    """The band is away while it is said, its session at the broker; the broker dies before it has written that down."""
    await community.settle(conn)
    await conn.commit()
    address = parse_mqtt_url(clean_broker.band_url("band-wang", clean_broker.add_band("band-wang")))
    wrist = aiomqtt.Client(
        address.host, address.port, username=address.username, password=address.password, identifier="band-wang",
        clean_session=False,
    )  # fmt: skip
    async with wrist:
        await wrist.subscribe(topic("band-wang", Kind.SOS_STATE), qos=1)
        hears = topic("band-wang", Kind.SOS_STATE).encode()
        await asyncio.to_thread(wait_until, lambda: clean_broker.has_written(hears), "the broker to write the session")
    settings = make_settings(mqtt_url=clean_broker.url)
    async with (
        asyncio.timeout(60),
        band.connected(settings) as channel,
        await connect(database_url, limits=COMMAND) as line,
    ):
        own = Sender(database_url, {"band": channel})
        writing = asyncio.create_task(own.run())
        await line.execute(
            "insert into notification (channel, address, purpose, content, send_after, created_at) values ('band',"
            " 'band-wang', 'sos_state', %s, eldercare_now(), eldercare_now())",
            (orjson.dumps({"event_id": "e", "state": SosState.ACCEPTED}).decode(),),
        )
        await line.commit()
        await sender.run_once(line, own)
        await own.settle()
        clean_broker.kill9()
        clean_broker.start()
        for _ in range(600):
            if (unbroken_s := channel.unbroken_s) is not None:
                now = (await (await line.execute("select eldercare_now()")).fetchall())[0][0]
                await wearer.say_again(line, now, timedelta(seconds=unbroken_s))
                await line.commit()
                await sender.run_once(line, own)
                await own.settle()
                if (await (await line.execute("select max(said) from notification")).fetchall())[0][0] > 1:
                    break
            await asyncio.sleep(0.05)
        writing.cancel()
        await own.close()
        async with wrist:
            async for message in wrist.messages:
                assert orjson.loads(message.payload)["state"] == "accepted"
                break
