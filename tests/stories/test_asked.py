"""The wearer is asked first: her telephone rings and her band buzzes before anybody else hears of it."""

import asyncio
import json
from datetime import timedelta
from typing import LiteralString

import pytest

from alerts.channels import band
from alerts.incidents import desk
from alerts.model.incident import Cleared, IncidentKind
from eldercare.community import commands
from eldercare.platform.database import Connection
from tests.conftest import MakeSettings
from tests.integration.ingesting import consuming, listener, publisher, until
from tests.stories.asking import (
    ASKED,
    BUZZED,
    DUTY,
    GRID,
    PULSE,
    STILL,
    back,
    found,
    has_a_telephone,
    lost,
    over,
    say,
    severity,
)
from tests.stories.ringing import Ringing, ringing
from tests.stories.story import Story
from tests.support import community
from tests.support.community import PHONES
from tests.support.services.mosquitto import Mosquitto


@pytest.fixture
async def home(town: Ringing) -> Ringing:
    """Wang has a telephone of her own."""
    await has_a_telephone(town)
    return town


async def test_her_telephone_rings_and_her_band_buzzes_and_nobody_else_hears_of_it(home: Ringing) -> None:
    incident = await lost(home)
    await home.expects(*ASKED)
    await home.advance(seconds=10)
    await home.picks_up("wang")
    assert "王秀英，您还好吗？" in home.heard("wang")
    assert "没事，请按1。需要帮助，请按9。" in home.heard("wang")
    assert await home.due_in(incident) == 35
    await home.expects()


async def test_without_a_key_duty_is_called_45_s_later_and_told_so(home: Ringing) -> None:
    home.will("wang", "answer", answer_after_s=20)
    incident = await lost(home)
    await home.expects(*ASKED)
    await home.advance(seconds=44)
    await home.expects()
    await home.advance(seconds=1)
    await home.expects(*DUTY)
    assert "问过本人，没有回答" in home.texts_of("duty")[-1]
    assert await home.timeline(incident) == ["opened", "asked_wearer", "wearer_silent", "step"]
    await home.advance(seconds=30)  # nobody is waited for who let it ring out
    await home.expects(*GRID)


async def test_with_1_it_is_a_warning_of_which_duty_is_texted(home: Ringing) -> None:
    incident = await lost(home)
    await home.advance(seconds=5)
    await home.picks_up("wang")
    await home.presses("wang", "1")
    assert "您没事我们就放心了" in home.heard("wang")
    assert (await home.state(incident), await severity(home, incident)) == ("open", "warning")
    await home.expects(*ASKED, "sms duty")
    assert "本人说没事" in home.texts_of("duty")[-1]
    assert await home.timeline(incident) == ["opened", "asked_wearer", "wearer_well", "step"]
    assert await home.due_in(incident) == 600
    await home.advance(seconds=300)
    await home.expects()


@pytest.mark.parametrize("keys", ["9", "55"])
async def test_9_or_two_keys_that_mean_nothing_call_people_at_once(home: Ringing, keys: str) -> None:
    incident = await lost(home)
    await home.advance(seconds=5)
    await home.picks_up("wang")
    await home.expects(*ASKED)
    for key in keys:
        await home.expects()
        await home.presses("wang", key)
    assert "马上请人来看您" in home.heard("wang")
    await home.expects(*DUTY)
    wanted = "本人说需要帮助" if keys == "9" else "没有听懂"
    assert wanted in home.texts_of("duty")[-1]
    assert await severity(home, incident) == "urgent"


@pytest.mark.parametrize("does", ["busy", "machine", "failed"])
async def test_a_telephone_that_cannot_answer_calls_people_at_once(home: Ringing, does: str) -> None:
    home.will("wang", does)
    await lost(home)
    await home.advance(seconds=8)
    await home.expects(*ASKED, *DUTY)


async def test_hanging_up_without_a_key_calls_people_at_once(home: Ringing) -> None:
    await lost(home)
    await home.expects(*ASKED)
    await home.picks_up("wang")
    await home.hangs_up("wang")
    await home.expects(*DUTY)


async def test_1_after_people_were_called_ends_their_calls_and_says_why(home: Ringing) -> None:
    home.will("wang", "answer", answer_after_s=28)
    incident = await lost(home)
    await home.advance(seconds=45)
    await home.advance(seconds=1)
    await home.expects(*ASKED, *DUTY)
    await home.presses("wang", "1")
    assert await severity(home, incident) == "warning"
    await home.expects("hang_up duty", "sms duty")
    await home.advance(minutes=5)
    await home.expects()


async def test_where_somebody_goes_her_line_is_free_for_them(home: Ringing) -> None:
    home.will("wang", "answer", answer_after_s=28)
    incident = await lost(home)
    await home.advance(seconds=46)
    await desk.send(home.conn, incident, home.people.duty, home.people.grid, "console", home.now)
    await home.conn.commit()
    await home.settle()
    await home.expects(*ASKED, *DUTY, *GRID)
    await home.picks_up("grid")
    await home.presses("grid", "1")
    await home.expects("hang_up duty", "hang_up wang", "sms duty stand_down")
    assert await home.state(incident) == "accepted"


async def test_whoever_calls_back_is_asked_anew(home: Ringing) -> None:
    home.will("wang", "busy")
    incident = await lost(home)
    await home.advance(seconds=3)
    await home.expects(*ASKED, *DUTY)
    await home.calls_back("wang")
    assert "您还好吗" in home.heard("wang")
    await home.presses("wang", "1")
    assert await severity(home, incident) == "warning"
    await home.expects("hang_up duty", "sms duty")


async def test_a_press_while_she_is_asked_is_an_sos_as_always(home: Ringing) -> None:
    await lost(home)
    await home.press()
    await home.expects(*ASKED, *DUTY, *GRID)


async def test_a_pulse_that_comes_back_while_she_is_asked_ends_it_and_her_telephone_stops(home: Ringing) -> None:
    incident = await lost(home)
    await home.advance(seconds=5)
    await back(home)
    assert await home.state(incident) == "resolved"
    await home.expects(*ASKED, "hang_up wang")
    rows = await (await home.conn.execute("select detail from incident_event where kind = 'resolved'")).fetchall()
    assert rows[0][0]["wearer_alone"] is True
    await home.advance(minutes=20)
    await home.expects()


@pytest.mark.parametrize("kind", [PULSE, STILL])
async def test_a_band_that_says_that_it_is_not_worn_shows_nothing_and_people_are_called(
    home: Ringing, kind: IncidentKind
) -> None:
    incident = await lost(home, kind)
    await home.advance(seconds=10)
    await say(home, Cleared(kind, "taken_off", home.now))
    await home.settle()
    assert await home.state(incident) == "open"
    await home.expects("voice wang ask", *(BUZZED if kind is PULSE else ["band buzz"]))
    await home.advance(seconds=35)
    await home.expects(*DUTY)


@pytest.mark.parametrize("before", ["round = 2", "previous_owner_id = %(duty)s"])
async def test_what_somebody_had_to_do_with_stays_for_a_person(home: Ringing, before: LiteralString) -> None:
    incident = await lost(home)
    await home.conn.execute(f"update incident set {before}", {"duty": home.people.duty})
    await home.conn.commit()
    await back(home)
    assert await home.state(incident) == "open"
    await home.expects(*ASKED)


async def test_once_people_are_called_it_stays_for_a_person(story: Story) -> None:
    incident = await lost(story)
    await story.advance(seconds=45)
    await back(story)
    assert await story.state(incident) == "open"
    story.expect(*BUZZED, *DUTY)
    await story.advance(seconds=120)
    story.expect(*GRID)


async def test_whoever_the_desk_asked_by_name_knows_of_it_so_it_stays(story: Story) -> None:
    incident = await lost(story)
    await desk.send(story.conn, incident, story.people.duty, story.people.backup, "console", story.now)
    await story.conn.commit()
    await back(story)
    assert await story.state(incident) == "open"
    story.expect(*BUZZED, "voice backup", "sms backup")


async def test_what_is_over_before_she_was_asked_asks_nobody(story: Story) -> None:
    await say(story, found(story), over(story))
    await story.settle()
    assert await story.one("select state from incident") == "resolved"
    story.expect()


async def test_stillness_asks_the_band_to_buzz_alone_and_a_band_is_no_answer(story: Story) -> None:
    incident = await lost(story, STILL)
    story.expect("band buzz")
    command = story.channels["band"].sent[0].content["id"]
    assert await commands.answer(story.conn, "band-wang", command, "done", None, story.now)
    await story.conn.commit()
    await story.advance(seconds=44)
    story.expect()
    await story.advance(seconds=1)
    story.expect(*DUTY)
    assert await story.one("select requested_by from command where id = %s", command) is None
    await story.advance(minutes=5)
    story.expect(*GRID)
    await story.advance(minutes=10)
    story.expect("voice daughter", "sms daughter", "voice backup", "sms backup")
    await story.advance(minutes=30)
    everybody = ("duty", "grid", "daughter", "backup")
    story.expect(*(f"{channel} {who}" for channel in ("voice", "sms") for who in everybody))
    assert "asked_wearer" in await story.timeline(incident)


async def test_where_nothing_reaches_her_people_are_called_at_once(story: Story) -> None:
    await story.conn.execute("update assignment set period = tstzrange(lower(period), %s)", (story.now,))
    await story.conn.commit()
    incident = await lost(story)
    story.expect(*DUTY)
    assert await story.timeline(incident) == ["opened", "fell_through", "step"]


async def test_the_same_episode_does_not_turn_it_urgent_again_and_another_one_does(home: Ringing) -> None:
    incident = await lost(home)
    await home.picks_up("wang")
    await home.presses("wang", "1")
    await home.expects(*ASKED, "sms duty")
    await lost(home)
    assert await severity(home, incident) == "warning"
    await home.expects()
    await lost(home, episode=1)
    assert await severity(home, incident) == "urgent"
    await home.expects(*DUTY)


async def test_a_band_that_is_worn_and_loses_its_pulse_asks_its_wearer(
    conn: Connection, database_url: str, make_settings: MakeSettings, clean_broker: Mosquitto
) -> None:
    """By the broker: what the band says, and what it is asked to do."""
    people = await community.settle(conn)
    await conn.execute("update resident set phone = %s where id = %s", (PHONES["wang"], people.wang))
    await conn.commit()
    settings = make_settings(database_url=database_url, mqtt_url=clean_broker.url, batch_age_ms=5)
    heard: list[dict[str, object]] = []
    async with (
        band.connected(settings) as wrist,
        ringing(conn, database_url, make_settings, people, wrist) as town,
        consuming(settings, "telemetry"),
        publisher(settings) as publish,
        listener(clean_broker.url, "eldercare/v1/band-wang/command") as hers,
    ):

        async def listens() -> None:
            async for message in hers.messages:
                heard.append(json.loads(message.payload))  # noqa: PERF401  each as it comes

        ear = asyncio.create_task(listens())

        async def minute(bpm: int) -> None:
            await town.set_clock(town.now + timedelta(minutes=1))
            before = await town.one("select count(*) from heart_rate")
            beat = {"ts": town.now.isoformat(), "bpm": bpm, "motion": "rest", "steps": 0}
            await publish("eldercare/v1/band-wang/heart_rate", beat)

            async def stored() -> bool:
                return bool(await town.one("select count(*) > %s from heart_rate", before))

            await until(stored, "the value")
            await town.settle()

        await publish("eldercare/v1/band-wang/status", {"ts": town.now.isoformat(), "worn": True, "battery_pct": 80})
        for _ in range(12):
            await minute(72)
        for _ in range(25):
            if await town.one("select exists (select from incident)"):
                break
            await minute(0)
        assert await town.one("select severity from incident where kind = 'no_heart_rate'") == "urgent"

        async def asked_both() -> bool:
            return len(heard) == 2

        await until(asked_both, "what the band is asked")
        assert [each["action"] for each in heard] == ["measure_heart_rate", "buzz"]
        await town.expects("voice wang ask")
        for each in heard:
            await publish("eldercare/v1/band-wang/command_result", {"id": each["id"], "status": "done"})

        async def answered() -> bool:
            return bool(await town.one("select count(*) = 2 from command where status = 'done'"))

        await until(answered, "what the band answers")
        await town.advance(seconds=29)
        await town.expects()  # that it has buzzed is no answer
        await town.picks_up("wang")
        await town.presses("wang", "1")
        assert await town.one("select severity from incident") == "warning"
        await town.expects("sms duty")
        ear.cancel()
