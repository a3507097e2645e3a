"""What the wearer answers late, once more, or about another one; and what comes back after she was asked."""

from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb

from alerts.incidents import asked, handling
from alerts.incidents.case import Said
from alerts.model.incident import Finding, Severity
from tests.stories.asking import ASKED, DUTY, GRID, PULSE, STILL, back, has_a_telephone, lost, say, severity
from tests.stories.ringing import Ringing


@pytest.fixture
async def home(town: Ringing) -> Ringing:
    """Wang has a telephone of her own."""
    await has_a_telephone(town)
    return town


async def test_9_where_everybody_was_called_already_calls_the_first_of_them_at_once(home: Ringing) -> None:
    home.will("wang", "busy")
    for who in ("duty", "grid", "daughter", "backup"):
        home.will(who, "no-answer")
    await lost(home)
    await home.advance(seconds=500)
    family = ("voice daughter", "sms daughter", "voice backup", "sms backup")
    await home.expects(*ASKED, *DUTY, *GRID, *family)
    await home.calls_back("wang")
    await home.presses("wang", "9")
    assert "马上请人来看您" in home.heard("wang")
    await home.expects(*DUTY)
    assert "本人说需要帮助" in home.texts_of("duty")[-1]


@pytest.mark.parametrize("keys", ["9", "55"])
async def test_9_while_somebody_owns_what_she_was_well_of_makes_it_urgent_and_they_hear_it(
    home: Ringing, keys: str
) -> None:
    incident = await lost(home)
    await home.picks_up("wang")
    await home.presses("wang", "1")
    await home.calls_back("wang")
    await handling.accept(home.conn, incident, home.people.duty, "console", home.now)
    await home.conn.commit()
    await home.settle()
    await home.expects(*ASKED, "sms duty")
    for key in keys:
        await home.presses("wang", key)
    assert "会来看您" in home.heard("wang")
    assert (await home.state(incident), await severity(home, incident)) == ("accepted", "urgent")
    await home.expects("voice duty pressed_again", "sms duty pressed_again")
    wanted = "本人说需要帮助" if keys == "9" else "没有听懂"
    assert wanted in home.texts_of("duty")[-1]


async def test_two_keys_that_mean_nothing_after_a_1_call_people_as_she_hears(home: Ringing) -> None:
    incident = await lost(home)
    await home.picks_up("wang")
    await home.presses("wang", "1")
    await home.advance(seconds=30)
    await home.calls_back("wang")
    await home.expects(*ASKED, "sms duty")
    await home.presses("wang", "5")
    await home.presses("wang", "5")
    assert "马上请人来看您" in home.heard("wang")
    assert await severity(home, incident) == "urgent"
    await home.expects(*DUTY)


async def newer(home: Ringing, grave: Severity) -> int:
    """What she is asked about ended, and another one of its kind is open now; returns the other."""
    await home.conn.execute(
        "update incident set state = 'resolved', disposition = 'cleared', resolved_at = %s, due_at = null", (home.now,)
    )
    await home.conn.commit()
    began = home.now - timedelta(minutes=1)
    await say(home, Finding(PULSE, grave, "no_pulse_or_not_worn", home.now, {}, began))
    return int(await home.one("select max(id) from incident"))


async def test_9_where_a_newer_warning_is_open_makes_that_urgent(home: Ringing) -> None:
    older = await lost(home)
    await home.picks_up("wang")
    warning = await newer(home, Severity.WARNING)
    await home.settle()
    await home.expects(*ASKED, "sms duty")
    await home.presses("wang", "9")
    assert "马上请人来看您" in home.heard("wang")
    assert (await home.state(older), await severity(home, warning)) == ("resolved", "urgent")
    await home.expects(*DUTY)


async def test_9_just_when_a_newer_one_was_found_calls_people_about_that_and_asks_nobody(home: Ringing) -> None:
    older = await lost(home)
    await home.picks_up("wang")
    await home.expects(*ASKED)
    urgent = await newer(home, Severity.URGENT)
    await asked.not_well(home.conn, older, Said.HELP, home.now)
    await home.conn.commit()
    await home.settle()
    await home.expects(*DUTY)
    assert await home.timeline(urgent) == ["opened", "wearer_help", "fell_through", "step"]


async def test_a_ladder_that_begins_with_duty_since_she_was_asked_calls_duty(home: Ringing) -> None:
    await lost(home)
    await home.advance(seconds=20)
    await home.conn.execute(
        "update policy set ladder = jsonb_set(ladder, '{steps}', (select"
        " jsonb_agg(step || jsonb_build_object('after_s', greatest(0, (step ->> 'after_s')::int - 45)))"
        " from jsonb_array_elements(ladder -> 'steps') step where not step -> 'targets' ? 'resident'))"
        " where kind = 'no_heart_rate' and severity = 'urgent'"
    )
    await home.conn.commit()
    await home.advance(seconds=25)
    await home.expects(*ASKED, *DUTY)
    await home.advance(seconds=31)
    await home.expects(*GRID)


async def test_9_after_it_was_over_opens_it_again(home: Ringing) -> None:
    incident = await lost(home)
    await home.picks_up("wang")
    await home.conn.execute(
        "update incident set state = 'resolved', disposition = 'cleared', resolved_at = %s, due_at = null", (home.now,)
    )
    await home.conn.commit()
    await home.presses("wang", "9")
    assert (await home.state(incident), await severity(home, incident)) == ("open", "urgent")
    await home.expects(*ASKED, *DUTY)


async def test_her_word_stands_until_what_lasts_is_told_again_two_hours_later(
    home: Ringing,
) -> None:
    began = home.now - timedelta(hours=3)

    async def told(after: timedelta) -> None:
        await home.advance(seconds=after.total_seconds())
        await say(home, Finding(STILL, Severity.URGENT, "still", home.now, {}, began))
        await home.settle()

    await told(timedelta(0))
    incident = int(await home.one("select max(id) from incident"))
    await home.advance(seconds=20)
    await home.picks_up("wang")
    await home.presses("wang", "1")
    await home.expects("voice wang ask", "band buzz", "sms duty")
    await told(timedelta(minutes=100))
    assert await severity(home, incident) == "warning"
    await home.expects("sms grid")
    await told(timedelta(minutes=20) - timedelta(seconds=20))
    assert await severity(home, incident) == "urgent"
    await home.expects(*DUTY)


async def test_what_has_just_ended_by_itself_does_not_a_second_time(home: Ringing) -> None:
    first = await lost(home)
    await home.advance(seconds=5)
    await back(home)
    assert await home.state(first) == "resolved"
    await home.advance(seconds=359 * 60)
    second = await lost(home, episode=1)
    await back(home)
    assert (first != second, await home.state(second)) == (True, "open")
    await home.expects(*ASKED, "hang_up wang", *ASKED)
    await home.advance(seconds=45)
    await home.expects(*DUTY)


async def test_what_ended_by_itself_six_hours_ago_may_again(home: Ringing) -> None:
    await lost(home)
    await back(home)
    await home.advance(seconds=6 * 3600)
    await lost(home, episode=1)
    await back(home)
    assert await home.state(await home.one("select max(id) from incident")) == "resolved"
    await home.expects(*ASKED, "hang_up wang", *ASKED, "hang_up wang")


async def test_a_call_on_which_she_talks_goes_on_when_it_is_over_and_9_counts(home: Ringing) -> None:
    incident = await lost(home)
    await home.advance(seconds=5)
    await home.picks_up("wang")
    await back(home)
    assert await home.state(incident) == "resolved"
    await home.expects(*ASKED)
    await home.presses("wang", "9")
    assert (await home.state(incident), await severity(home, incident)) == ("open", "urgent")
    await home.expects(*DUTY)


@pytest.mark.parametrize("ended", [False, True])
async def test_9_counts_on_calling_back_where_somebody_goes_or_it_has_just_ended(home: Ringing, ended: bool) -> None:
    home.will("wang", "no-answer")
    incident = await lost(home)
    await home.advance(seconds=5)
    if ended:
        await back(home)
        await home.advance(minutes=29)
    else:
        await handling.accept(home.conn, incident, home.people.duty, "console", home.now)
        await home.conn.commit()
        await home.settle()
    await home.expects(*ASKED, "hang_up wang")
    await home.calls_back("wang")
    assert "您还好吗" in home.heard("wang")
    await home.presses("wang", "9")
    await home.expects(*(DUTY if ended else ("voice duty pressed_again", "sms duty pressed_again")))


async def test_who_calls_back_long_after_it_ended_hears_that_nothing_is_open(home: Ringing) -> None:
    home.will("wang", "no-answer")
    await lost(home)
    await home.advance(seconds=5)
    await back(home)
    await home.expects(*ASKED, "hang_up wang")
    await home.advance(minutes=30)
    await home.calls_back("wang")
    assert "您还好吗" not in home.heard("wang")


AT_GRID = {"steps": [{"after_s": 0, "targets": ["grid"], "channels": ["sms"]}]}
BY_DAY = {
    "steps": [{"after_s": 0, "targets": ["duty"], "channels": ["sms"]}],
    "hours": {"start": "08:00", "end": "12:00"},
}


@pytest.mark.parametrize(("ladder", "texted"), [(AT_GRID, ["sms grid"]), (BY_DAY, [])], ids=["grid", "by_day"])
async def test_duty_hears_that_she_is_well_where_the_ladder_of_the_warning_does_not_tell_them_now(
    home: Ringing, ladder: dict[str, object], texted: list[str]
) -> None:
    await home.set_clock(home.now.astimezone(home.planning.zone).replace(hour=19, minute=0))
    await home.conn.execute(
        "update policy set ladder = %s where kind = 'no_heart_rate' and severity = 'warning'", (Jsonb(ladder),)
    )
    await home.conn.commit()
    home.will("wang", "answer", answer_after_s=28)
    await lost(home)
    await home.advance(seconds=46)
    await home.expects(*ASKED, *DUTY)
    await home.presses("wang", "1")
    await home.expects("hang_up duty", "sms duty stand_down", *texted)
