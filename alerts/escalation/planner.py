"""Decides what an incident that is due needs next. Pure: no database, network or clock.

`next_step` decides, `apply` makes the case that follows; `alerts.escalation.worker` writes both down and sends. Steps
add, they never cancel. Every decision leaves an open case due again, so that no process has to remember it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.incidents import case as cases
from alerts.incidents.case import Case
from alerts.model.incident import IncidentState, Severity
from alerts.policies.escalation_policy import DESK, LAST_RESORT, EscalationPolicy, Hours, Step, Target


@dataclass(frozen=True, slots=True)
class Method:
    """One way to reach a person; `called_at` and `called_round` are this incident's newest alarm over it."""

    channel: str
    address: str
    called_at: datetime | None = None
    called_round: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """A person whom a policy can name, as of now."""

    person_id: int
    language: str
    targets: frozenset[Target]
    methods: tuple[Method, ...]


@dataclass(frozen=True, slots=True)
class PlanningContext:
    """What the planner has to know of the world: the community's zone, and how often each carrier takes a message.

    A channel that is not in `min_gap` is not set up, and nobody can be reached over it.
    """

    min_gap: Mapping[str, timedelta]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Message:
    """One message to write into the outbox. `desk`: they are called as somebody of the desk."""

    person_id: int
    language: str
    channel: str
    address: str
    desk: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step that reached nobody. `reason`: `no_contact`, `called_before` (all of them in this round, or they have just
    handed the case back), `handled` (somebody at the desk deals with it) or `carrier_limit`."""

    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class Notify:
    """Call these people. `messages` is empty where a step is for the console, or where nobody could be reached.

    `handling_ends`: the policy has no step left, so its handler is rung like everybody else.
    """

    step: int
    messages: tuple[Message, ...]
    next_due: datetime
    reason: str
    skipped: tuple[Skipped, ...] = ()
    ask_120: bool = False
    handling_ends: bool = False


@dataclass(frozen=True, slots=True)
class RingDesk:
    """Ring the desk again: whoever said "I am handling it" has left, declined or done nothing since. The street goes on
    being called."""

    messages: tuple[Message, ...]
    next_due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class TellOwner:
    """Tell the owner that the band was pressed again (or that it became urgent)."""

    messages: tuple[Message, ...]
    next_due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class TellFamily:
    """Tell the family that 120 was called: anybody who can go is still wanted."""

    messages: tuple[Message, ...]
    next_due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Reopen:
    """Start again at the first step, at once: nobody has it in hand any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Remind:
    """Say on the timeline that it is still there: there is nobody to call."""

    next_due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing and say nothing: it is too early."""

    next_due: datetime
    reason: str


Decision = Notify | RingDesk | TellOwner | TellFamily | Reopen | Remind | Wait


TELL_FIRST_PAUSE = timedelta(minutes=1)
TELL_LONGEST_PAUSE = timedelta(minutes=10)
"""As in the database's function `due_when_pressed`."""
BEING_TOLD = timedelta(seconds=15)
"""How soon to look again whether the call that tells the owner of the last press is over."""


def next_step(
    case: Case,
    policy: EscalationPolicy,
    contacts: Iterable[Contact],
    planning: PlanningContext,
    now: datetime,
    being_told: bool = False,
) -> Decision:
    """Decide for a case that is due at `now` (aware). Raises ValueError for a resolved one, which never is.

    `being_told`: whether a call is under way that tells the owner of a further press.
    """
    people = tuple(contacts)
    match case.state:
        case IncidentState.OPEN:
            return _handled(_Situation(case, policy, people, planning, now))
        case IncidentState.ACCEPTED | IncidentState.EN_ROUTE | IncidentState.ON_SITE:
            return _watch_owner(case, policy, people, planning, now, being_told)
        case IncidentState.HANDED_TO_120:
            return _watch_120(case, people, planning, now, being_told)
    raise ValueError(f"incident {case.id} is {case.state} and cannot be due")


def apply(case: Case, decision: Decision, now: datetime) -> Case:
    """The case once `decision` is carried out."""
    match decision:
        case Notify():
            return replace(
                cases.unhandled(case) if decision.handling_ends else case,
                next_step=decision.step + 1,
                stepped_at=now,
                presses_told=case.press_count,
                due_at=decision.next_due,
            )
        case TellOwner():
            times = case.times_told + 1
            return replace(
                case,
                presses_told=case.press_count,
                times_told=times,
                tell_after=now + _tell_pause(times),
                due_at=decision.next_due,
            )
        case RingDesk():
            return replace(cases.unhandled(case), due_at=decision.next_due)
        case Reopen():
            return cases.reopen(case, now)
    return replace(case, due_at=decision.next_due)


@dataclass(frozen=True, slots=True)
class _Situation:
    """Everything a decision about an open case looks at."""

    case: Case
    policy: EscalationPolicy
    people: tuple[Contact, ...]
    planning: PlanningContext
    now: datetime

    def ways(self, step: Step, targets: frozenset[Target]) -> list["_Way"]:
        """The ways to those whom the step can reach at all, each address once."""
        first = step is self.policy.steps[0]
        beside = {self.case.previous_owner_id, *self.case.added_ids} if first else set()
        found: dict[tuple[str, str], _Way] = {}
        # If two share a number, the one who has not just declined stands for it.
        for person in sorted(self.people, key=self.declined):
            if person.targets & targets or person.person_id in beside:
                for method in person.methods:
                    if method.channel in step.channels and method.channel in self.planning.min_gap:
                        way = _Way(person, method, bool(person.targets & targets & DESK))
                        found.setdefault((method.channel, method.address), way)
        return list(found.values())

    def declined(self, person: Contact) -> bool:
        """Whether this round began with their handing the case back."""
        return person.person_id == self.case.declined_id

    def unasked(self, way: "_Way") -> bool:
        """Whether this round has not called there yet, and did not begin with this person saying that they cannot
        go."""
        at, again = way.method.called_at, self.case.called_again_at
        called_out_again = at is not None and again is not None and at < again
        asked = way.method.called_round >= self.case.round and not called_out_again
        return not asked and not self.declined(way.person)

    def quiet(self, way: "_Way") -> bool:
        """Whether no call is needed there while somebody deals with it: for that person, and for whoever is of the desk
        alone."""
        if not self.case.handled(self.now):
            return False
        person = way.person
        return person.person_id == self.case.handler_id or (way.desk and not person.targets & self.policy.street)

    def allowed_at(self, method: Method) -> datetime:
        """When the carrier takes the next message of this incident to this address.

        A call in the future was written before the clock went back: it blocks nothing.
        """
        if method.called_at is None or method.called_at > self.now:
            return self.now
        return method.called_at + self.planning.min_gap[method.channel]

    def allowed(self, way: "_Way") -> bool:
        return self.allowed_at(way.method) <= self.now


@dataclass(frozen=True, slots=True)
class _Way:
    """One address of one person, and whether they are called as somebody of the desk."""

    person: Contact
    method: Method
    desk: bool


def _handled(situation: _Situation) -> Decision:
    """Decide for an open case with what its handler's word changes: while that stands, the desk is not rung."""
    case = situation.case
    if case.handler_id is None:
        return _escalate(situation)
    if not case.handled(situation.now):
        due_at = situation.policy.due(case.round_started_at, case.next_step, case.stepped_at)
        # It is due for another reason as well, such as somebody who declined: the policy moves on right after.
        also = case.handling_until is None or case.due_at is None or case.due_at < case.handling_until
        return RingDesk(
            _desk(situation),
            situation.now if also else max(due_at, situation.now),
            "passed" if case.handling_until is None else "no_action",
        )
    decision = _escalate(situation)
    if isinstance(decision, Notify) and (decision.reason == "repeat" or decision.reason.startswith("nobody")):
        return _spent(situation)
    until = case.handling_until or situation.now
    return replace(decision, next_due=min(decision.next_due, until))


def _spent(situation: _Situation) -> Decision:
    """Decide at the policy's end: nobody is left to call but the desk, which deals with it or not."""
    decision = _escalate(replace(situation, case=cases.unhandled(situation.case)))
    assert isinstance(decision, Notify)  # noqa: S101  the same end, reached with more people
    called = {(message.channel, message.address) for message in decision.messages}
    more = [message for message in _desk(situation) if (message.channel, message.address) not in called]
    return replace(decision, messages=(*decision.messages, *more), handling_ends=True)


def _desk(situation: _Situation) -> tuple[Message, ...]:
    """Messages to those of the desk whom the steps taken so far name, as far as their carriers take another call."""
    situation = _without_who_was_taken_off(situation)
    found = _everybody(situation, situation.policy.steps[: situation.case.next_step])
    return _messages(way for way in found if way.desk and situation.allowed(way) and not situation.declined(way.person))


def _escalate(situation: _Situation) -> Notify | Remind | Wait:
    situation = _with_somebody(_without_who_was_taken_off(situation))
    hours = situation.policy.hours
    if hours is not None and (opening := closed_until(hours, situation.planning.zone, situation.now)) is not None:
        return Wait(opening, "outside_hours")
    if situation.case.next_step >= len(situation.policy.steps):
        return _repeat(situation)
    skipped: list[Skipped] = []
    ask_120 = False
    for index in range(situation.case.next_step, len(situation.policy.steps)):
        step = situation.policy.steps[index]
        ask_120 = ask_120 or step.ask_120
        found = situation.ways(step, frozenset(step.targets))
        unasked = [way for way in found if situation.unasked(way)]
        fresh = [way for way in unasked if not situation.quiet(way)]
        messages = _messages(way for way in fresh if situation.allowed(way))
        if messages or not step.targets:
            reason = "step" if messages else "console"
            return Notify(index, messages, _due_after(situation, index), reason, tuple(skipped), ask_120)
        skipped.append(Skipped(index, _why_nobody(found, unasked, fresh)))
    return Notify(
        len(situation.policy.steps) - 1,
        (),
        _due_at_last(situation),
        _why_at_an_end(situation),
        skipped=tuple(skipped),
        ask_120=ask_120,
    )


def _with_somebody(situation: _Situation) -> _Situation:
    """Give an SOS to duty where its own policy reaches nobody, such as a daughter without a number, or where its only
    people have handed it back."""
    names_somebody = any(step.targets for step in situation.policy.steps)
    if situation.case.severity is not Severity.SOS or not names_somebody or _anybody(situation):
        return situation
    resort = replace(situation, policy=LAST_RESORT)
    return resort if _anybody(resort) else situation


def _without_who_was_taken_off(situation: _Situation) -> _Situation:
    """Leave out whom the desk took off in this round, unless there is nobody else at all."""
    if situation.case.taken_off_id is None:
        return situation
    others = replace(
        situation, people=tuple(who for who in situation.people if who.person_id != situation.case.taken_off_id)
    )
    return others if _anybody(others) or _anybody(replace(others, policy=LAST_RESORT)) else situation


def _repeat(situation: _Situation) -> Notify | Remind | Wait:
    """Call everybody again after the last step, as often as the policy says and the carriers take."""
    if situation.policy.repeat is None:
        return Remind(situation.now + situation.policy.remind, "nobody_has_it")
    if situation.case.stepped_at is not None and situation.now < (
        due := situation.case.stepped_at + situation.policy.repeat
    ):
        # Somebody who declined or a call that failed has woken it early: there is nobody further to fall through to.
        return Wait(due, "repeats_later")
    everybody = _everybody(situation, situation.policy.steps)
    messages = _messages(way for way in everybody if situation.allowed(way))
    next_due = situation.now + situation.policy.repeat
    if messages:
        return Notify(situation.case.next_step, messages, next_due, "repeat")
    if everybody:
        return Wait(min(next_due, *(situation.allowed_at(way.method) for way in everybody)), "carrier_limit")
    return Notify(situation.case.next_step, (), next_due, "nobody_reachable")


def _anybody(situation: _Situation) -> bool:
    return any(
        not situation.declined(way.person)
        for step in situation.policy.steps
        for way in situation.ways(step, frozenset(step.targets))
    )


def _everybody(situation: _Situation, steps: Iterable[Step]) -> list[_Way]:
    found: dict[tuple[str, str], _Way] = {}
    for step in steps:
        for way in situation.ways(step, frozenset(step.targets)):
            found.setdefault((way.method.channel, way.method.address), way)
    return list(found.values())


def _messages(ways: Iterable[_Way]) -> tuple[Message, ...]:
    return tuple(
        Message(way.person.person_id, way.person.language, way.method.channel, way.method.address, way.desk)
        for way in ways
    )


def _due_after(situation: _Situation, index: int) -> datetime:
    """When the step after `index` comes: at its time in the round, or as long after this one as planned, if sooner."""
    if index + 1 == len(situation.policy.steps):
        return _due_at_last(situation)
    gap = situation.policy.offset(index + 1) - situation.policy.offset(index)
    planned = situation.case.round_started_at + situation.policy.offset(index + 1)
    return min(planned, situation.now + gap)


def _due_at_last(situation: _Situation) -> datetime:
    return situation.now + (situation.policy.repeat or situation.policy.remind)


def _why_nobody(found: list[_Way], unasked: list[_Way], fresh: list[_Way]) -> str:
    if fresh:
        return "carrier_limit"
    if unasked:
        return "handled"
    return "called_before" if found else "no_contact"


def _why_at_an_end(situation: _Situation) -> str:
    return "nobody_left" if _everybody(situation, situation.policy.steps) else "nobody_reachable"


def _watch_owner(
    case: Case,
    policy: EscalationPolicy,
    people: tuple[Contact, ...],
    planning: PlanningContext,
    now: datetime,
    being_told: bool,
) -> Decision:
    deadline = case.arrival_due_at
    if deadline is not None and now >= deadline:
        # However often the band is pressed, whoever was to be there hears of it with everybody else.
        return Reopen("not_there_in_time")
    if case.press_count > case.presses_told:
        return _tell_owner(case, people, planning, now, deadline or now + policy.remind, being_told)
    if deadline is None:
        return Remind(now + policy.remind, "in_hand")
    return Wait(deadline, "on_the_way")


def _watch_120(
    case: Case, people: tuple[Contact, ...], planning: PlanningContext, now: datetime, being_told: bool
) -> Decision:
    deadline = case.arrival_due_at or now
    if case.press_count > case.presses_told and case.owner_id is None:
        return Reopen("pressed_again")
    if now >= deadline:
        return Reopen("ambulance_not_confirmed")
    if case.press_count > case.presses_told:
        return _tell_owner(case, people, planning, now, deadline, being_told)
    family = [
        way
        for way in _reachable(people, planning)
        if Target.FAMILY in way.person.targets and way.method.called_round < case.round
    ]
    if family:
        return TellFamily(_messages(family), deadline, "ambulance_called")
    return Wait(deadline, "ambulance_called")


def _tell_owner(
    case: Case,
    people: tuple[Contact, ...],
    planning: PlanningContext,
    now: datetime,
    next_due: datetime,
    being_told: bool,
) -> TellOwner | Wait:
    """Tell the owner over every channel there is, whatever the carrier may say: she knows of nothing more urgent.

    The first further press is told at once. Those after it are told together, when the pause is over and no such call
    is under way: a band that presses without end keeps neither her telephone nor the provider from anybody else's first
    call.
    """
    if case.tell_after is not None and now < case.tell_after <= now + TELL_LONGEST_PAUSE:
        return Wait(min(next_due, case.tell_after), "told_lately")
    if case.tell_after is not None and being_told:
        return Wait(min(next_due, now + BEING_TOLD), "being_told")
    ways = [way for way in _reachable(people, planning) if way.person.person_id == case.owner_id]
    return TellOwner(_messages(ways), next_due, "pressed_again" if ways else "owner_has_no_number")


def _tell_pause(times: int) -> timedelta:
    """How long after the `times`-th telling (1 or more) the next may come: a minute, doubled each time up to ten."""
    return min(TELL_LONGEST_PAUSE, TELL_FIRST_PAUSE * (1 << min(times - 1, 10)))


def _reachable(people: tuple[Contact, ...], planning: PlanningContext) -> list[_Way]:
    return [
        _Way(person, method, False)
        for person in people
        for method in person.methods
        if method.channel in planning.min_gap
    ]


def closed_until(hours: Hours, zone: ZoneInfo, now: datetime) -> datetime | None:
    """When the hours begin again (UTC, after `now`), or None within them.

    Where the clocks are set back, an hour comes twice, and the hours may begin twice with it. Where they are set
    forward, the hours may begin in what is left out; then they begin with the first minute after it.
    """
    if _within(hours, zone, now):
        return None
    today = now.astimezone(zone).date()
    openings = (_opening(hours, zone, today + timedelta(days=days), fold) for days in range(-1, 4) for fold in (0, 1))
    return min(opening for opening in openings if opening > now and _within(hours, zone, opening))


def _within(hours: Hours, zone: ZoneInfo, moment: datetime) -> bool:
    return hours.start <= moment.astimezone(zone).time() < hours.end


def _opening(hours: Hours, zone: ZoneInfo, day: date, fold: int) -> datetime:
    """The start of the hours on this day, the first or (`fold` 1) the second time; in UTC, which knows no gap."""
    start = datetime.combine(day, hours.start, zone)
    first, second = start.astimezone(UTC), start.replace(fold=1).astimezone(UTC)
    if second >= first:
        return second if fold else first
    # The start is left out. The moment at which the clocks are set forward lies between the two ways to read it.
    before, after = second, first
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after.replace(microsecond=0)
