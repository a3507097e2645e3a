"""Is she all right: a table of cases, each with the sentence in both languages, and what must never be said."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from api.console.family.day import Point, Range
from api.console.family.day import heart as measured
from api.console.family.state import SILENT, Alarm, Band, Called, Facts, Heart, Said, Tone, say, was_met
from api.console.shell.i18n import LANGUAGES, Translator, catalogue

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
"""Noon in Shanghai."""


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


WORN = Band(heard_at=ago(minutes=2), worn=True, charging=False, battery_pct=92, status_at=ago(minutes=9))
FINE = Facts(
    band=WORN,
    service_heard_at=ago(seconds=5),
    heart_at=ago(minutes=2),
    moved_at=ago(minutes=8),
    up_usual=ago(hours=5),
    up_to=ago(hours=4, minutes=30),
    quiet_after=timedelta(hours=3),
)
CLOSED = Facts(sees_health=False, sees_location=False, band=None, heart=Heart.UNKNOWN, days_known=0)
SOS = Alarm(at=ago(minutes=3))
GOING = replace(SOS, state="accepted", goer="蔡斌", due=NOW + timedelta(minutes=17))
OVER = replace(SOS, state="resolved", at=ago(hours=2), ended=ago(hours=1))
HELPED = replace(OVER, outcome="helped", met=True, goer="蔡斌", arrived=ago(minutes=80))
CHANGE = replace(SOS, kind="heart_rate", severity="urgent", source="rule")
STILL = replace(OVER, kind="stillness", severity="urgent", source="rule")
UNSEEN = replace(OVER, outcome="nobody_there")
AT = "11:57"


def with_band(**changes: object) -> Facts:
    return replace(FINE, band=replace(WORN, **changes))  # type: ignore[arg-type]


def during(*alarms: Alarm, facts: Facts = FINE) -> Facts:
    return replace(facts, alarms=alarms)


CASES: dict[str, tuple[Facts, str, Tone]] = {
    "all as usual": (FINE, "usual", Tone.CALM),
    "a band that tells of no movement": (replace(FINE, moved_at=None), "usual_heart", Tone.CALM),
    "resting at night": (replace(FINE, asleep=True, moved_at=ago(hours=5)), "resting", Tone.CALM),
    "up for a moment at night": (replace(FINE, asleep=True), "up_at_night", Tone.CALM),
    "a new band": (replace(FINE, days_known=3), "learning", Tone.UNKNOWN),
    "a new band before any habit is known": (replace(FINE, days_known=0, moved_at=None), "learning", Tone.UNKNOWN),
    # Nobody knows.
    "no band": (replace(FINE, band=None), "no_band", Tone.UNKNOWN),
    "never heard": (with_band(heard_at=None), "never_heard", Tone.UNKNOWN),
    "the service hears nobody": (replace(FINE, service_heard_at=ago(minutes=21)), "stale", Tone.UNKNOWN),
    "the service hears others, and her not long ago": (with_band(heard_at=ago(minutes=30)), "usual", Tone.CALM),
    "silent": (with_band(heard_at=ago(minutes=46)), "silent", Tone.UNKNOWN),
    "flat": (with_band(heard_at=ago(minutes=46), battery_pct=4), "flat", Tone.UNKNOWN),
    "silent on its charger": (
        with_band(heard_at=ago(hours=3), battery_pct=4, charging=True, worn=False), "silent", Tone.UNKNOWN,
    ),
    "charging": (with_band(charging=True, worn=False), "charging", Tone.UNKNOWN),
    "charging, and it does not say whether worn": (with_band(charging=True, worn=None), "charging", Tone.UNKNOWN),
    "charging while worn": (with_band(charging=True), "usual", Tone.CALM),
    "off": (with_band(worn=False, off_since=ago(hours=1)), "off", Tone.UNKNOWN),
    "off since just now": (with_band(worn=False, off_since=ago(minutes=2)), "off", Tone.UNKNOWN),
    "off while a pulse came lately": (with_band(worn=False), "off", Tone.UNKNOWN),
    "worn without any pulse": (replace(FINE, heart_at=None), "no_heart", Tone.UNKNOWN),
    "worn without a pulse for hours": (
        replace(FINE, heart_at=ago(hours=2, minutes=1)), "no_heart_since", Tone.UNKNOWN,
    ),
    "it does not say whether it is worn, and measures": (with_band(worn=None), "usual", Tone.CALM),
    "it does not say whether it is worn, and does not": (
        replace(with_band(worn=None), heart_at=None), "no_heart", Tone.UNKNOWN,
    ),
    "away, place not shared": (
        replace(FINE, away_until=NOW + timedelta(days=2), away_reason="住院", sees_location=False),
        "away", Tone.UNKNOWN,
    ),
    "away, place shared": (
        replace(FINE, away_until=NOW + timedelta(days=2), away_reason="住院"), "away_at", Tone.UNKNOWN,
    ),
    "away without a reason": (replace(FINE, away_until=NOW + timedelta(days=2)), "away", Tone.UNKNOWN),
    "back again": (replace(FINE, away_until=ago(minutes=1)), "usual", Tone.CALM),
    # Not as usual.
    "not up": (replace(FINE, in_bed=True), "not_up", Tone.LOOK),
    "not up, within the hour": (replace(FINE, in_bed=True, up_to=ago(minutes=59)), "usual", Tone.CALM),
    "not up, usual hour not known": (replace(FINE, in_bed=True, up_usual=None, up_to=None), "usual", Tone.CALM),
    "quiet": (replace(FINE, moved_at=ago(hours=3, minutes=1)), "quiet", Tone.LOOK),
    "as quiet as she is": (replace(FINE, moved_at=ago(hours=2)), "usual", Tone.CALM),
    "quiet at night": (replace(FINE, moved_at=ago(hours=6), asleep=True), "resting", Tone.CALM),
    "quiet, how long she sits is not known": (
        replace(FINE, moved_at=ago(hours=4), quiet_after=None), "usual", Tone.CALM,
    ),
    "quiet while she is in bed": (
        replace(FINE, in_bed=True, moved_at=ago(hours=12), up_to=ago(minutes=30), night_began=ago(hours=13)),
        "usual", Tone.CALM,
    ),
    "quiet before she is late": (
        replace(FINE, moved_at=ago(hours=9), up_to=ago(minutes=59), night_began=ago(hours=13)), "usual", Tone.CALM,
    ),
    "quiet once she is late": (
        replace(FINE, moved_at=ago(hours=9), up_to=ago(minutes=61), night_began=ago(hours=13)), "quiet", Tone.LOOK,
    ),
    "quiet since before the night": (
        replace(FINE, asleep=True, moved_at=ago(hours=4), night_began=ago(minutes=50)), "quiet", Tone.LOOK,
    ),
    "she went to rest as usual, and rests": (
        replace(FINE, asleep=True, moved_at=ago(hours=4), night_began=ago(minutes=70)), "resting", Tone.CALM,
    ),
    "quiet since before the night, and in bed by her habit": (
        replace(
            FINE, in_bed=True, asleep=True, moved_at=ago(hours=14), night_began=ago(hours=10), up_to=NOW
        ),
        "quiet", Tone.LOOK,
    ),
    "quiet since before the night, in the morning": (
        replace(FINE, in_bed=True, moved_at=ago(hours=14), night_began=ago(hours=10), up_to=ago(minutes=30)),
        "quiet", Tone.LOOK,
    ),
    "out at night": (replace(FINE, asleep=True, out_at_night=ago(minutes=30)), "out_at_night", Tone.LOOK),
    "out at night, with a new band": (
        replace(FINE, asleep=True, days_known=2, out_at_night=ago(minutes=30)), "out_at_night", Tone.LOOK,
    ),
    "out at night, helped before": (
        during(HELPED, facts=replace(FINE, asleep=True, out_at_night=ago(minutes=30))), "out_at_night", Tone.LOOK,
    ),
    "out at night, away": (
        replace(FINE, asleep=True, out_at_night=ago(minutes=30), away_until=NOW + timedelta(days=1)),
        "away", Tone.UNKNOWN,
    ),
    "heart faster": (replace(FINE, heart=Heart.FASTER), "heart_faster", Tone.LOOK),
    "heart slower": (replace(FINE, heart=Heart.SLOWER), "heart_slower", Tone.LOOK),
    "heart faster in the first days": (replace(FINE, heart=Heart.FASTER, days_known=2), "learning", Tone.UNKNOWN),
    "her nights changed": (
        during(Alarm(at=ago(days=1), kind="resting_rate", severity="task", source="rule")), "nights", Tone.LOOK,
    ),
    "a task of the band changes nothing": (
        during(Alarm(at=ago(days=1), kind="low_battery", severity="task", source="rule")), "usual", Tone.CALM,
    ),
    # An SOS, from the press to its end.
    "pressed": (during(SOS), "sos", Tone.ALARM),
    "pressed, with no pulse and a flat band": (
        during(SOS, facts=replace(with_band(heard_at=ago(hours=1)), heart_at=None)), "sos", Tone.ALARM,
    ),
    "pressed while the service hears nobody": (
        during(SOS, facts=replace(FINE, service_heard_at=ago(hours=1))), "sos", Tone.ALARM,
    ),
    "fallen": (during(replace(SOS, source="fall")), "sos_fall", Tone.ALARM),
    "by telephone": (during(replace(SOS, source="telephone")), "sos_telephone", Tone.ALARM),
    "the last one was late": (during(replace(SOS, late="蔡斌")), "late", Tone.ALARM),
    "somebody goes": (during(GOING), "going_due", Tone.ALARM),
    "somebody goes, no time given": (during(replace(GOING, due=None)), "going", Tone.ALARM),
    "somebody is late, and nobody has called others yet": (
        during(replace(GOING, due=NOW)), "overdue", Tone.ALARM,
    ),
    "the reader is late": (during(replace(GOING, mine=True, due=NOW)), "going_you_due", Tone.ALARM),
    "on the way": (during(replace(GOING, state="en_route")), "going_due", Tone.ALARM),
    "the reader goes": (during(replace(GOING, mine=True)), "going_you_due", Tone.ALARM),
    "the reader goes, no time given": (during(replace(GOING, mine=True, due=None)), "going_you", Tone.ALARM),
    "somebody without a name goes": (during(replace(GOING, goer=None)), "going_somebody_due", Tone.ALARM),
    "somebody without a name goes some time": (
        during(replace(GOING, goer=None, due=None)), "going_somebody", Tone.ALARM,
    ),
    "there": (during(replace(GOING, state="on_site")), "there", Tone.ALARM),
    "the reader is there": (during(replace(GOING, state="on_site", mine=True)), "there_you", Tone.ALARM),
    "the ambulance is there": (during(replace(GOING, state="on_site", ambulance=True)), "there_120", Tone.ALARM),
    "handed to 120": (during(replace(GOING, state="handed_to_120")), "ambulance", Tone.ALARM),
    "one goes to the first press, nobody to the other": (
        during(GOING, replace(SOS, source="fall")), "sos_fall", Tone.ALARM,
    ),
    "an SOS goes before a change": (during(CHANGE, GOING), "going_due", Tone.ALARM),
    "a change": (during(CHANGE), "change", Tone.LOOK),
    "a change that the desk deals with": (during(replace(CHANGE, desk="沈值班")), "change_desk", Tone.LOOK),
    "a change, and somebody goes": (
        during(replace(CHANGE, state="en_route", goer="蔡斌")), "going", Tone.ALARM,
    ),
    "a band that is off is no change": (
        during(replace(CHANGE, kind="off_wrist", severity="warning"), facts=with_band(worn=False)), "off", Tone.UNKNOWN,
    ),
    # What is over.
    "helped": (during(HELPED), "was_met", Tone.CALM),
    "helped, with a word": (during(replace(HELPED, note="头晕，坐一会儿就好了")), "was_met_note", Tone.CALM),
    "helped, and then the band came off": (
        during(HELPED, facts=with_band(worn=False, off_since=ago(minutes=20))), "off", Tone.UNKNOWN,
    ),
    "helped, and nobody said when they were there": (during(replace(HELPED, arrived=None)), "was_seen", Tone.CALM),
    "helped, with a word, and nobody said when they were there": (
        during(replace(HELPED, arrived=None, note="头晕")), "was_seen_note", Tone.CALM,
    ),
    "helped long ago": (during(replace(HELPED, ended=ago(hours=12))), "usual", Tone.CALM),
    "taken to hospital": (during(replace(HELPED, outcome="hospital")), "was_hospital", Tone.LOOK),
    "touched by accident": (during(replace(OVER, outcome="false_alarm")), "was_false_alarm", Tone.CALM),
    "no fall after all": (during(replace(OVER, source="fall", outcome="false_alarm")), "was_nothing", Tone.CALM),
    "still, and it was nothing": (during(replace(STILL, outcome="false_alarm")), "was_nothing", Tone.CALM),
    "a test": (during(replace(OVER, outcome="test")), "was_test", Tone.CALM),
    "nobody was met": (during(replace(OVER, outcome="nobody_there")), "unseen", Tone.LOOK),
    "ended in some other way, nobody was there": (during(replace(OVER, outcome="other")), "unseen", Tone.LOOK),
    "nobody was met, and the band is off": (
        during(replace(OVER, outcome="nobody_there"), facts=with_band(worn=False)), "unseen", Tone.LOOK,
    ),
    "ended in some other way, somebody was there": (
        during(replace(OVER, outcome="other", arrived=ago(minutes=90))), "unseen", Tone.LOOK,
    ),
    "somebody arrived and met nobody": (during(replace(UNSEEN, arrived=ago(minutes=90))), "unseen", Tone.LOOK),
    "nobody was met, and then a task ended": (
        during(UNSEEN, replace(OVER, kind="spot_value", severity="task", outcome="helped", met=True, ended=ago())),
        "unseen", Tone.LOOK,
    ),
    "nobody was met, and then the band was worn again": (
        during(UNSEEN, replace(OVER, kind="off_wrist", severity="warning", outcome="cleared", ended=ago())),
        "unseen", Tone.LOOK,
    ),
    "nobody was met, and then a change went by itself": (
        during(UNSEEN, replace(STILL, outcome="cleared", ended=ago())), "unseen", Tone.LOOK,
    ),
    "nobody was met, and somebody helped after another press": (
        during(replace(UNSEEN, at=ago(hours=6), ended=ago(hours=5)), HELPED), "was_met", Tone.CALM,
    ),
    "nobody was met, and another press was a touch": (
        during(replace(UNSEEN, at=ago(hours=6), ended=ago(hours=5)), replace(OVER, outcome="false_alarm")),
        "was_false_alarm", Tone.CALM,
    ),
    "nobody was met, and another press was a test": (
        during(replace(UNSEEN, at=ago(hours=6), ended=ago(hours=5)), replace(OVER, outcome="test")),
        "unseen", Tone.LOOK,
    ),
    "an earlier press, helped later than the one of which nobody was met": (
        during(UNSEEN, replace(HELPED, at=ago(hours=6), ended=ago(minutes=5))), "unseen", Tone.LOOK,
    ),
    "nobody was met yesterday": (during(replace(UNSEEN, ended=ago(hours=23))), "unseen", Tone.LOOK),
    "nobody was met before yesterday": (during(replace(UNSEEN, ended=ago(hours=24))), "usual", Tone.CALM),
    "nobody was met, and there is a change now": (during(UNSEEN, CHANGE), "change", Tone.LOOK),
    "nobody was met, and the band is off now": (
        during(UNSEEN, replace(CHANGE, kind="off_wrist", severity="warning")), "unseen", Tone.LOOK,
    ),
    "still, and nobody was met": (during(replace(STILL, outcome="nobody_there")), "unmet", Tone.LOOK),
    "still, ended in some other way": (during(replace(STILL, outcome="other")), "unmet", Tone.LOOK),
    "still, nobody was met, and the band is silent": (
        during(replace(STILL, outcome="nobody_there"), facts=with_band(heard_at=ago(hours=1))), "unmet", Tone.LOOK,
    ),
    "still, nobody was met, and then a warning went by itself": (
        during(
            replace(STILL, outcome="nobody_there"),
            replace(STILL, severity="warning", outcome="cleared", ended=ago(minutes=5)),
        ),
        "unmet", Tone.LOOK,
    ),
    "still, nobody was met, and somebody met her later": (
        during(replace(STILL, at=ago(hours=6), ended=ago(hours=5), outcome="nobody_there"), HELPED),
        "was_met", Tone.CALM,
    ),
    "a warning of which nobody was met": (
        during(replace(STILL, severity="warning", outcome="other")), "unmet", Tone.LOOK,
    ),
    "still, and somebody was with her": (during(replace(STILL, outcome="helped", met=True)), "was_seen", Tone.CALM),
    "the newest end counts": (
        during(replace(HELPED, ended=ago(hours=5)), replace(OVER, outcome="nobody_there")), "unseen", Tone.LOOK,
    ),
    "a change that went by itself": (
        during(replace(OVER, kind="heart_rate", severity="urgent", outcome="cleared")), "usual", Tone.CALM,
    ),
    "a band that is worn again": (
        during(replace(OVER, kind="off_wrist", severity="warning", outcome="cleared")), "usual", Tone.CALM,
    ),
    "an ended task": (
        during(replace(OVER, kind="spot_value", severity="task", outcome="helped", met=True)), "usual", Tone.CALM,
    ),
    # Nothing is shared.
    "closed": (CLOSED, "not_shared", Tone.UNKNOWN),
    "closed, and not called": (replace(CLOSED, called=Called.NO), "not_shared_not_called", Tone.UNKNOWN),
    "closed, and told by text": (replace(CLOSED, called=Called.TEXTED), "not_shared_texted", Tone.UNKNOWN),
    "closed, called for an SOS": (during(SOS, facts=CLOSED), "sos", Tone.ALARM),
    "closed, somebody goes": (during(GOING, facts=CLOSED), "going_due", Tone.ALARM),
    "closed, nobody was met": (during(replace(OVER, outcome="nobody_there"), facts=CLOSED), "unseen", Tone.LOOK),
    "closed, nobody was met, and there is a change now": (during(UNSEEN, CHANGE, facts=CLOSED), "change", Tone.LOOK),
    "closed, still, and nobody was met": (
        during(replace(STILL, outcome="nobody_there"), facts=CLOSED), "unmet", Tone.LOOK,
    ),
    "closed, called about the band": (
        during(replace(CHANGE, kind="silent", severity="warning"), facts=CLOSED), "change", Tone.LOOK,
    ),
    "closed, helped": (during(replace(HELPED, note="头晕"), facts=CLOSED), "was_met_closed", Tone.LOOK),
    "closed, helped, and nobody said when they were there": (
        during(replace(HELPED, arrived=None), facts=CLOSED), "was_seen_closed", Tone.LOOK,
    ),
    "closed, still, and it was nothing": (
        during(replace(STILL, outcome="false_alarm"), facts=CLOSED), "was_nothing", Tone.UNKNOWN,
    ),
    "closed, touched": (
        during(replace(OVER, outcome="false_alarm"), facts=CLOSED), "was_false_alarm", Tone.UNKNOWN,
    ),
    "closed, called for a change": (during(CHANGE, facts=CLOSED), "change", Tone.LOOK),
    "closed, a change that went by itself": (
        during(replace(OVER, kind="heart_rate", severity="urgent", outcome="cleared"), facts=CLOSED),
        "not_shared", Tone.UNKNOWN,
    ),
    "closed, with facts that nobody handed over": (replace(FINE, sees_health=False), "not_shared", Tone.UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_said(name: str) -> None:
    facts, key, tone = CASES[name]
    said = say(facts, NOW)
    assert (said.key, said.tone) == (key, tone)
    for language in LANGUAGES:
        assert words(said, language)


def words(said: Said, language: str) -> str:
    """The sentence with what fills it; a value that is missing is an error."""
    filled = {key: f"{value:%H:%M}" if isinstance(value, datetime) else value for key, value in said.values.items()}
    return Translator(language)(f"say.{said.key}", she="她", her="她", **filled)  # type: ignore[arg-type]


@pytest.mark.parametrize("facts", [FINE, CLOSED])
def test_when_somebody_went_is_when_they_arrived(facts: Facts) -> None:
    assert say(during(HELPED, facts=facts), NOW).values["at"] == HELPED.arrived
    assert say(during(replace(HELPED, note="头晕"), facts=facts), NOW).values["at"] == HELPED.arrived
    assert say(during(replace(HELPED, arrived=None), facts=facts), NOW).values["at"] == HELPED.ended


def test_people_are_being_called_while_nobody_has_said_that_they_go() -> None:
    calling = [SOS, replace(SOS, source="fall"), replace(SOS, source="telephone"), replace(SOS, late="蔡斌")]
    for alarm in calling:
        assert say(during(alarm), NOW).calling, alarm
    for alarm in (GOING, replace(GOING, state="on_site"), replace(SOS, state="handed_to_120"), HELPED, CHANGE):
        assert not say(during(alarm), NOW).calling, alarm


def test_the_table_says_every_sentence_of_the_catalogue_and_no_other() -> None:
    assert len(CASES) >= 40
    assert {f"say.{key}" for _, key, _ in CASES.values()} == {key for key in catalogue() if key.startswith("say.")}


def test_a_sentence_with_its_moments_and_names() -> None:
    assert words(say(during(GOING), NOW), "zh") == "蔡斌 正赶去看她，04:17 前到。"
    assert (
        words(say(with_band(worn=False, off_since=ago(hours=1)), NOW), "zh")
        == "手环 03:00 起没戴，所以现在不知道她怎样。"
    )


BANDS = [
    None,
    Band(),
    *(
        Band(heard, worn, charging, battery, heard)
        for heard, worn, charging, battery in itertools.product(
            (ago(minutes=1), NOW - SILENT - timedelta(seconds=1)), (True, False, None), (True, False, None), (3, 90)
        )
    ),
]


@pytest.mark.parametrize("heart_at", [None, ago(minutes=1), ago(hours=3)])
@pytest.mark.parametrize("away", [None, NOW + timedelta(days=1)])
def test_nothing_is_calm_where_the_band_says_nothing_of_her(heart_at: datetime | None, away: datetime | None) -> None:
    for band in BANDS:
        facts = replace(FINE, band=band, heart_at=heart_at, away_until=away)
        blind = (
            band is None
            or band.heard_at is None
            or NOW - band.heard_at > SILENT
            or band.worn is False
            or heart_at is None
            or NOW - heart_at > timedelta(hours=2)
            or away is not None
        )
        for over in ((), (HELPED,), (replace(OVER, outcome="false_alarm"),)):
            tone = say(replace(facts, alarms=over), NOW).tone
            assert not (blind and tone is Tone.CALM), (band, heart_at, away)


def test_without_consent_nothing_of_her_days_changes_a_word() -> None:
    """Whatever the band says, whoever may not see it reads the same."""
    said = {
        say(replace(FINE, sees_health=False, band=band, heart_at=at, heart=heart, in_bed=bed), NOW)[:2]
        for band, at, heart, bed in itertools.product(BANDS, (None, NOW), Heart, (True, False))
    }
    assert said == {("not_shared", Tone.UNKNOWN)}


@pytest.mark.parametrize("heart", [Heart.FASTER, Heart.SLOWER])
def test_a_heart_that_was_not_as_usual_is_not_calm_until_it_is_measured_anew(heart: Heart) -> None:
    """By the same hours in which the page takes a value as hers now."""
    hour = NOW.replace(minute=0)
    points = [Point(hour - timedelta(hours=3), 9, 110.0 if heart is Heart.FASTER else 30.0, Range(60, 70))]
    for minutes in range(1, 200):
        at = ago(minutes=minutes)
        facts = replace(FINE, heart_at=at, heart=measured(points, at, NOW))
        assert say(facts, NOW).tone is not Tone.CALM, minutes


def test_nothing_is_calm_during_an_alarm() -> None:
    for state, source, goer, mine in itertools.product(
        ("open", "accepted", "en_route", "on_site", "handed_to_120"),
        ("button", "fall", "telephone"), (None, "蔡斌"), (True, False),
    ):  # fmt: skip
        alarm = replace(SOS, state=state, source=source, goer=goer, mine=mine)
        for facts in (FINE, CLOSED):
            assert say(during(alarm, facts=facts), NOW).tone is Tone.ALARM


@pytest.mark.parametrize(
    ("outcome", "arrived", "met"),
    [
        ("helped", False, True), ("hospital", False, True), ("found", False, True), ("other", False, False),
        ("other", True, False), ("nobody_there", False, False), (None, False, False), ("cleared", False, False),
        ("nobody_there", True, False), ("helped", True, True), ("false_alarm", True, True),
        ("false_alarm", False, False), ("test", True, False), ("cleared", True, False),
    ],
)  # fmt: skip
def test_who_was_met(outcome: str | None, arrived: bool, met: bool) -> None:
    assert was_met(outcome, arrived) is met


NO_ALARM_LANGUAGE = (
    "失能",
    "独居",
    "报警",
    "异常",
    "危险",
    "编号",
    "已接手",
    "心率",
    "过速",
    "！",
    "一定",
    "马上",
    "误报",
)


@pytest.mark.parametrize("word", NO_ALARM_LANGUAGE)
def test_family_reads_no_operators_words(word: str) -> None:
    tables = ("say.", "tell.", "letter.", "family.")
    found = [key for key, (zh, _) in catalogue().items() if key.startswith(tables) and word in zh]
    assert found == []
