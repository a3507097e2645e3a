"""The rules that hear readings and look once a minute, and how they are asked. Adding a rule adds a line here.

The heart rate, the safe zone and what the band says of itself are asked before them, reading by reading (`evaluation`).
"""

from collections.abc import Callable, Mapping

import msgspec

from alerts.model.incident import Cleared, IncidentKind, Verdict
from alerts.rules import envelope, heart_rate, places, pulse, resting_rate, spot_value, stillness
from alerts.rules import state as states
from alerts.rules.profile import Profile
from alerts.rules.rule import NOTHING, Day, Learnt, Reading, Result, Rule
from alerts.rules.state import Memory, State
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status

RULES: tuple[Rule, ...] = (pulse.RULE, stillness.RULE, places.RULE, envelope.RULE, resting_rate.RULE, spot_value.RULE)

_BLANK: Mapping[str, Memory] = {rule.slot: rule.memory() for rule in RULES}
_MEMORIES = {rule.slot: rule.memory for rule in RULES}
_HEARING = {
    kind: [(rule.slot, rule.hear) for rule in RULES if kind in rule.hears and rule.hear is not None]
    for kind in (HeartRate, Location, Status)
}
_LOOKING = [(rule.slot, rule.look) for rule in RULES if rule.look is not None]
_LEARNING = [
    (rule.slot, rule.learnt, rule.learn) for rule in RULES if rule.learnt is not None and rule.learn is not None
]
_STANDING = [(rule.slot, rule.kind, rule.stands) for rule in RULES if rule.stands is not None]
_STANDING_BEFORE: Mapping[IncidentKind, Callable[[State], bool]] = {
    IncidentKind.HEART_RATE: lambda state: heart_rate.stands(state.heart),
    IncidentKind.NO_HEART_RATE: lambda state: state.heart.missing is not None,
    IncidentKind.WANDERING: lambda state: state.zone.stands,
}
"""The same of what is asked before the rules of the registry, where they share its kind."""
MINUTE_S = 60.0
AHEAD_MIN = 6
"""Further ahead is what a clock said that was wrong: it does not make the rules blind until then."""


def hear(state: State, reading: Reading, profile: Profile, ts: float) -> State:
    """The state in which every rule that listens has heard the reading."""
    slots: dict[str, Memory] | None = None
    for slot, listen in _HEARING[type(reading)]:
        before = state.slots.get(slot) or _BLANK[slot]
        after = listen(before, reading, profile, ts)
        if after is not before:
            slots = slots or dict(state.slots)
            slots[slot] = after
    return _with(state, slots, state.looked) if slots is not None else state


def look(state: State, profile: Profile, ts: float) -> Result:
    """Ask every rule what there is to say as of `ts`, once a minute at most."""
    minute = int(ts // MINUTE_S)
    if state.looked - AHEAD_MIN <= minute <= state.looked:
        return state, NOTHING
    slots: dict[str, Memory] | None = None
    said: list[tuple[str, Verdict]] = []
    for slot, ask in _LOOKING:
        before = state.slots.get(slot) or _BLANK[slot]
        after, verdicts = ask(before, state, profile, ts)
        said += [(slot, verdict) for verdict in verdicts]
        if after is not before:
            slots = slots or dict(state.slots)
            slots[slot] = after
    state = _with(state, state.slots if slots is None else slots, minute)
    return state, _without_held(state, said) if said else NOTHING


def held(state: State, kind: IncidentKind, but: str | None = None) -> bool:
    """Whether an incident of this kind goes on by any rule but the one of the slot `but`; None is whoever is asked
    before the rules of the registry."""
    before = _STANDING_BEFORE.get(kind)
    if but is not None and before is not None and before(state):
        return True
    return any(
        slot != but and own is kind and stands(state.slots.get(slot) or _BLANK[slot]) for slot, own, stands in _STANDING
    )


def join(state: State, said: tuple[Verdict, ...], found: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """What was said before the rules of the registry were asked, and what these found: without the end of what goes on
    by one of them, and without the same end twice."""
    if not said:
        return found
    ended = {verdict.kind for verdict in found if isinstance(verdict, Cleared)}
    kept = (
        verdict
        for verdict in said
        if not (isinstance(verdict, Cleared) and (verdict.kind in ended or held(state, verdict.kind)))
    )
    return (*kept, *found)


def _without_held(state: State, said: list[tuple[str, Verdict]]) -> tuple[Verdict, ...]:
    """Without the ends of what goes on by another rule than the one that says so, and without the same end twice."""
    kept: list[Verdict] = []
    ended: set[IncidentKind] = set()
    for slot, verdict in said:
        if isinstance(verdict, Cleared):
            if verdict.kind in ended or held(state, verdict.kind, slot):
                continue
            ended.add(verdict.kind)
        kept.append(verdict)
    return tuple(kept)


def learn(learnt: Learnt, day: Day, profile: Profile) -> tuple[Learnt, tuple[Verdict, ...]]:
    """What is learnt of a person with one day more, and what there is to say of it."""
    known, said = dict(learnt), NOTHING
    for slot, kind, take in _LEARNING:
        known[slot], verdicts = take(known.get(slot) or kind(), day, profile)
        said += verdicts
    return known, said


def read_state(text: str) -> State:
    """The state that `State.to_json` wrote. Raises ValueError for what is none."""
    return states.read(text, _MEMORIES)


def write_learnt(learnt: Learnt) -> str:
    """What is learnt of a person, as JSON."""
    return msgspec.json.encode(learnt).decode()


def read_learnt(text: str) -> tuple[Learnt, list[str]]:
    """What `write_learnt` wrote, of rules that are still there, and what is wrong with slots that cannot be read: these
    are learnt anew. Raises ValueError for what is no object."""
    raw = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    learnt, wrong = dict[str, Memory](), list[str]()
    for slot, kind, _ in _LEARNING:
        try:
            if slot in raw:
                learnt[slot] = msgspec.json.decode(raw[slot], type=kind)
        except ValueError as error:
            wrong.append(f"{slot}: {error}")
    return learnt, wrong


def _with(state: State, slots: Mapping[str, Memory], looked: int) -> State:
    return State(state.heard, state.heart, state.zone, state.wear, state.silent, slots, looked)
