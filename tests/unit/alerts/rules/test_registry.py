"""The rules as a list: how they are heard and asked, and what is kept of them."""

import json
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, Verdict
from alerts.rules import State, evaluate, evaluate_absence, read_state, registry
from alerts.rules.pulse import Pulse
from alerts.rules.rule import Day, Rule, next_noon
from alerts.rules.state import Memory
from alerts.rules.stillness import Habit, Seen
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status
from tests.unit.alerts.rules.band import NOON, Band, profile

SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_slots_have_names_of_their_own() -> None:
    slots = [rule.slot for rule in registry.RULES]
    assert len(slots) == len(set(slots))


@pytest.mark.parametrize("rule", registry.RULES, ids=lambda rule: rule.slot)
def test_a_rule_begins_with_a_memory_of_nothing(rule: Rule) -> None:
    assert json.loads(State(slots={rule.slot: rule.memory()}).to_json()) == {"slots": {rule.slot: {}}}
    assert (rule.learn is None) == (rule.learnt is None)
    # Whoever opens an incident says whether it goes on.
    assert (rule.look is None) == (rule.stands is None) == (rule.kind is None)
    assert rule.stands is None or not rule.stands(rule.memory())
    assert rule.hears == () or rule.hear is not None


def test_slots_come_back_and_those_of_no_rule_do_not() -> None:
    state = State(slots={"pulse": Pulse(lost=5.0)}, looked=7)
    data = json.loads(state.to_json())
    data["slots"]["breathing"] = {"rate": 14}
    assert read_state(json.dumps(data)) == state


@pytest.mark.parametrize("text", ['{"slots": 5}', '{"slots": {"pulse": 5}}', '{"slots": {"pulse": {"lost": "soon"}}}'])
def test_a_slot_that_cannot_be_read_is_no_state(text: str) -> None:
    with pytest.raises(ValueError):
        read_state(text)


def test_what_is_learnt_comes_back() -> None:
    learnt = {"stillness": Habit((Seen(400, 90),))}
    text = registry.write_learnt(learnt)
    assert registry.read_learnt(text) == (learnt, [])
    assert registry.read_learnt('{"breathing": {"rate": 14}}') == ({}, [])
    with pytest.raises(ValueError):
        registry.read_learnt("[]")


def test_what_cannot_be_read_costs_its_own_slot_alone() -> None:
    stored = json.loads(registry.write_learnt({"stillness": Habit((Seen(400, 90),))}))
    stored["resting_rate"] = 5
    learnt, wrong = registry.read_learnt(json.dumps(stored))
    assert learnt == {"stillness": Habit((Seen(400, 90),))}
    assert len(wrong) == 1
    assert wrong[0].startswith("resting_rate: ")


class Counted(Memory, frozen=True):
    looks: int = 0


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When a rule that is asked looks."""
    asked: list[float] = []

    def look(counted: Counted, state: State, who: Any, ts: float) -> tuple[Counted, tuple[Verdict, ...]]:
        asked.append(ts)
        return counted, ()

    monkeypatch.setattr(registry, "_LOOKING", [("counted", look)])
    monkeypatch.setitem(registry._BLANK, "counted", Counted())  # type: ignore[index]
    return asked


def test_rules_are_asked_once_a_minute_and_never_about_what_was(looks: list[float]) -> None:
    state, who = State(), profile()
    for seconds in (0, 10, 59, 60, 30, 119, 180):
        reading = HeartRate(ts=NOON + timedelta(seconds=seconds), bpm=70)
        state, _ = evaluate(state, reading, who, NOON + timedelta(seconds=200))
    assert [ts - NOON.timestamp() for ts in looks] == [0, 60, 180]


def test_a_clock_that_was_ahead_makes_nobody_blind(looks: list[float]) -> None:
    state, who = State(looked=int(NOON.timestamp() // 60) + 40), profile()
    evaluate(state, HeartRate(ts=NOON, bpm=70), who, NOON)
    assert looks == [NOON.timestamp()]


def test_while_it_is_heard_a_band_is_asked_by_its_own_clock(looks: list[float]) -> None:
    band = Band(NOON)
    band.heart(70, delay=480)
    heard = NOON + timedelta(seconds=480)
    evaluate_absence(band.state, heard, band.profile, heard + timedelta(minutes=2))
    assert [ts - NOON.timestamp() for ts in looks] == [0, 120]


def test_the_service_asks_while_nothing_is_said(looks: list[float]) -> None:
    state, who = State(), profile()
    for minute in range(3):
        state, _ = evaluate_absence(state, NOON, who, NOON + timedelta(minutes=minute))
    assert len(looks) == 3
    # Nothing to write where nothing happened.
    assert evaluate_absence(state, NOON, who, NOON + timedelta(minutes=4)) == (state, ())


def test_nothing_is_asked_while_she_is_away(looks: list[float]) -> None:
    who = profile(away_until=NOON + timedelta(hours=1))
    evaluate(State(), Status(ts=NOON, worn=True), who, NOON)
    evaluate_absence(State(), NOON, who, NOON)
    assert looks == []


def test_a_day_is_from_noon_to_noon_and_in_order() -> None:
    noon = (NOON + timedelta(days=1)).astimezone(SHANGHAI)
    told = [HeartRate(ts=NOON + timedelta(hours=hours), bpm=70 + hours) for hours in (23, 24, 0, -1, 5)] + [
        Location(ts=NOON + timedelta(hours=2), lat=31, lon=121),
        Status(ts=NOON, worn=True),
    ]
    day = Day.ending(noon, told)
    assert (day.date, day.begin, day.end) == (date(2026, 3, 3), NOON.timestamp(), noon.timestamp())
    assert [each.bpm for each in day.hearts] == [70, 75, 93]
    assert len(day.fixes) == 1


def test_the_next_noon_is_of_the_zone() -> None:
    assert next_noon(NOON - timedelta(seconds=1), SHANGHAI) == NOON
    assert next_noon(NOON, SHANGHAI) == NOON + timedelta(days=1)


def test_every_rule_that_learns_is_given_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = Finding(IncidentKind.RESTING_RATE, Severity.TASK, "higher", NOON)

    def take(learnt: Counted, day: Day, who: Any) -> tuple[Counted, tuple[Verdict, ...]]:
        return Counted(learnt.looks + 1), (finding,)

    monkeypatch.setattr(registry, "_LEARNING", [("counted", Counted, take), ("again", Counted, take)])
    learnt, said = registry.learn(
        {"counted": Counted(4), "other": Counted(1)}, Day(NOON.date(), 0, 1, [], []), profile()
    )
    assert learnt == {"counted": Counted(5), "again": Counted(1), "other": Counted(1)}
    assert said == (finding, finding)


class Loud(Memory, frozen=True):
    loud: bool = False


def test_an_incident_of_several_rules_ends_with_the_last_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = IncidentKind.STILLNESS
    loud = {"one": range(1, 4), "two": range(2, 6), "three": range(2, 6)}

    def asks(slot: str) -> Any:
        def look(memory: Loud, state: State, who: Any, ts: float) -> tuple[Loud, tuple[Verdict, ...]]:
            at = NOON + timedelta(seconds=ts - NOON.timestamp())
            is_loud = int(ts - NOON.timestamp()) // 60 in loud[slot]
            if is_loud is memory.loud:
                return memory, ()
            said = Finding(kind, Severity.WARNING, slot, at) if is_loud else Cleared(kind, f"{slot}_over", at)
            return Loud(is_loud), (said,)

        return look

    monkeypatch.setattr(registry, "_LOOKING", [(slot, asks(slot)) for slot in loud])
    monkeypatch.setattr(registry, "_STANDING", [(slot, kind, lambda memory: memory.loud) for slot in loud])
    monkeypatch.setattr(registry, "_BLANK", dict(registry._BLANK) | dict.fromkeys(loud, Loud()))
    band = Band(NOON)
    for _ in range(8):
        band.heart(70)
        band.wait(1)
    # Both of the last ended at once, which is said once.
    assert band.reasons == ["one", "two", "three", "two_over"]


@pytest.mark.parametrize(
    "kind", [IncidentKind.HEART_RATE, IncidentKind.NO_HEART_RATE, IncidentKind.WANDERING, IncidentKind.STILLNESS]
)
@pytest.mark.parametrize("before", [True, False])
def test_whoever_still_has_it_keeps_an_incident_open(
    kind: IncidentKind, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = Cleared(kind, "over", NOON)
    monkeypatch.setattr(registry, "_STANDING", [("one", kind, lambda memory: memory.loud)])
    monkeypatch.setattr(registry, "_STANDING_BEFORE", {kind: lambda state: before})
    monkeypatch.setattr(registry, "_BLANK", {"one": Loud()})
    loud, quiet = State(slots={"one": Loud(True)}), State()
    # What is asked before the list ends nothing that a rule of the list has, and the other way round.
    assert registry.join(loud, (over,), ()) == ()
    assert registry.join(quiet, (over,), ()) == (over,)
    assert registry.held(quiet, kind, "one") is before
    assert registry.held(loud, kind, "other")
    # What both end at once is said once.
    finding = Finding(kind, Severity.WARNING, "again", NOON)
    assert registry.join(quiet, (finding, over), (over,)) == (finding, over)


def test_what_one_rule_found_ends_by_itself_alone() -> None:
    band = Band(NOON)
    band.heart(80, steps=40)
    for minute in range(1, 180):
        band.wait(1).heart(70 + minute % 2, motion="rest", steps=0)
    assert band.reasons == ["still"]
    band.wait(1).heart(70, steps=40)
    assert isinstance(band.said[-1], Cleared)
