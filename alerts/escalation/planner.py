"""What an incident that is due needs next. Pure: no database, network or clock.

`next_step` decides, `after` says what the case is then; `alerts.escalation.worker` writes both down and sends. Steps
add, they never cancel. Every decision leaves an open case due again, so that no process has to remember it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.incidents import case as cases
from alerts.incidents.case import Case
from alerts.model.incident import IncidentState, Severity
from alerts.policies.ladder import DESK, LAST_RESORT, Hours, Ladder, Step, Target


@dataclass(frozen=True, slots=True)
class Method:
    """One way to reach a person; `called_at` and `called_round` are this incident's newest alarm over it."""

    channel: str
    address: str
    called_at: datetime | None = None
    called_round: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """A person a ladder can name, as of now."""

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
    """A step that reached nobody: `no_contact`, `called_before` (all of them in this round,
    or they have just handed the case back), `handled` (somebody at the desk deals with it) or `carrier_limit`."""

    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class Notify:
    """Call these people. `messages` is empty where a step is for the console, or where nobody could be reached.

    `handling_ends`: the ladder is spent, so that whoever handles it is rung like everybody else.
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
    """Whoever said "I am handling it" has left, passed or done nothing since: the desk is rung again, the street goes
    on."""

    messages: tuple[Message, ...]
    next_due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class TellOwner:
    """Tell who has it in hand that the band was pressed again (or that it became urgent)."""

    messages: tuple[Message, ...]
    next_due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class TellFamily:
    """120 was called: the family hears it now, as anybody who can go is still wanted."""

    messages: tuple[Message, ...]
    next_due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Reopen:
    """Nobody has it in hand any more: start again at the first step, at once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Remind:
    """Nobody to call; say on the timeline that it is still there."""

    next_due: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Too early; nothing happens and nothing is said."""

    next_due: datetime
    reason: str


Decision = Notify | RingDesk | TellOwner | TellFamily | Reopen | Remind | Wait


TELL_FIRST_PAUSE = timedelta(minutes=1)
TELL_LONGEST_PAUSE = timedelta(minutes=10)
"""As in the database's function `due_when_pressed`."""
BEING_TOLD = timedelta(seconds=15)
"""How soon to look again whether the call is over that tells the owner of the last press."""


def next_step(
    case: Case,
    ladder: Ladder,
    contacts: Iterable[Contact],
    outside: PlanningContext,
    now: datetime,
    being_told: bool = False,
) -> Decision:
    """Decide for a case that is due at `now` (aware). Raises ValueError for a resolved one, which never is.

    `being_told`: whether a call is under way that tells the owner of a further press.
    """
    people = tuple(contacts)
    match case.state:
        case IncidentState.OPEN:
            return _handled(_Round(case, ladder, people, outside, now))
        case IncidentState.ACCEPTED | IncidentState.EN_ROUTE | IncidentState.ON_SITE:
            return _watch_owner(case, ladder, people, outside, now, being_told)
        case IncidentState.HANDED_TO_120:
            return _watch_120(case, people, outside, now, being_told)
    raise ValueError(f"incident {case.id} is {case.state} and cannot be due")


def after(case: Case, decision: Decision, now: datetime) -> Case:
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
class _Round:
    """Everything a decision about an open case looks at."""

    case: Case
    ladder: Ladder
    people: tuple[Contact, ...]
    outside: PlanningContext
    now: datetime

    def ways(self, step: Step, targets: frozenset[Target]) -> list["_Way"]:
        """Who the step can reach at all, each address once."""
        first = step is self.ladder.steps[0]
        beside = {self.case.previous_owner_id, *self.case.added_ids} if first else set()
        found: dict[tuple[str, str], _Way] = {}
        # Of two with one number the one who has not just declined stands for it.
        for person in sorted(self.people, key=self.declined):
            if person.targets & targets or person.person_id in beside:
                for method in person.methods:
                    if method.channel in step.channels and method.channel in self.outside.min_gap:
                        way = _Way(person, method, bool(person.targets & targets & DESK))
                        found.setdefault((method.channel, method.address), way)
        return list(found.values())

    def declined(self, person: Contact) -> bool:
        """Whether they have handed the case back, at which this round began."""
        return person.person_id == self.case.declined_id

    def unasked(self, way: "_Way") -> bool:
        """Whether this round has not called there yet, nor begun with this person saying that they cannot go."""
        at, again = way.method.called_at, self.case.called_again_at
        called_out_again = at is not None and again is not None and at < again
        asked = way.method.called_round >= self.case.round and not called_out_again
        return not asked and not self.declined(way.person)

    def quiet(self, way: "_Way") -> bool:
        """Whether it need not ring there while somebody deals with it: that person, and whoever is desk alone."""
        if not self.case.handled(self.now):
            return False
        person = way.person
        return person.person_id == self.case.handler_id or (way.desk and not person.targets & self.ladder.street)

    def allowed_at(self, method: Method) -> datetime:
        """When the carrier takes the next message of this incident to this address.

        A call that is still to come was written by a clock that went back since: it blocks nothing.
        """
        if method.called_at is None or method.called_at > self.now:
            return self.now
        return method.called_at + self.outside.min_gap[method.channel]

    def allowed(self, way: "_Way") -> bool:
        return self.allowed_at(way.method) <= self.now


@dataclass(frozen=True, slots=True)
class _Way:
    """One address of one person, and whether they are called as somebody of the desk."""

    person: Contact
    method: Method
    desk: bool


def _handled(of: _Round) -> Decision:
    """Of an open case, with what its handler's word changes: while it stands, the desk is not rung."""
    case = of.case
    if case.handler_id is None:
        return _climb(of)
    if not case.handled(of.now):
        due_at = of.ladder.due(case.round_started_at, case.next_step, case.stepped_at)
        # Due for another reason as well, such as somebody who passed: the ladder moves on right after.
        also = case.handling_until is None or case.due_at is None or case.due_at < case.handling_until
        return RingDesk(
            _desk(of), of.now if also else max(due_at, of.now), "passed" if case.handling_until is None else "no_action"
        )
    decision = _climb(of)
    if isinstance(decision, Notify) and (decision.reason == "repeat" or decision.reason.startswith("nobody")):
        return _spent(of)
    until = case.handling_until or of.now
    return replace(decision, next_due=min(decision.next_due, until))


def _spent(of: _Round) -> Decision:
    """The ladder's end: nobody is left to call but the desk, which deals with it or not."""
    decision = _climb(replace(of, case=cases.unhandled(of.case)))
    assert isinstance(decision, Notify)  # noqa: S101  the same end, reached with more people
    called = {(message.channel, message.address) for message in decision.messages}
    more = [message for message in _desk(of) if (message.channel, message.address) not in called]
    return replace(decision, messages=(*decision.messages, *more), handling_ends=True)


def _desk(of: _Round) -> tuple[Message, ...]:
    """Those of the desk whom the steps taken so far name, as far as their carriers take another call."""
    of = _without_who_was_taken_off(of)
    found = _everybody(of, of.ladder.steps[: of.case.next_step])
    return _messages(way for way in found if way.desk and of.allowed(way) and not of.declined(way.person))


def _climb(of: _Round) -> Notify | Remind | Wait:
    of = _with_somebody(_without_who_was_taken_off(of))
    hours = of.ladder.hours
    if hours is not None and (opening := closed_until(hours, of.outside.zone, of.now)) is not None:
        return Wait(opening, "outside_hours")
    if of.case.next_step >= len(of.ladder.steps):
        return _repeat(of)
    skipped: list[Skipped] = []
    ask_120 = False
    for index in range(of.case.next_step, len(of.ladder.steps)):
        step = of.ladder.steps[index]
        ask_120 = ask_120 or step.ask_120
        found = of.ways(step, frozenset(step.targets))
        unasked = [way for way in found if of.unasked(way)]
        fresh = [way for way in unasked if not of.quiet(way)]
        messages = _messages(way for way in fresh if of.allowed(way))
        if messages or not step.targets:
            reason = "step" if messages else "console"
            return Notify(index, messages, _due_after(of, index), reason, tuple(skipped), ask_120)
        skipped.append(Skipped(index, _why_nobody(found, unasked, fresh)))
    return Notify(
        len(of.ladder.steps) - 1, (), _due_at_last(of), _why_at_an_end(of), skipped=tuple(skipped), ask_120=ask_120
    )


def _with_somebody(of: _Round) -> _Round:
    """An SOS whose own ladder names nobody who can be reached, such as a daughter without a number, goes to duty;
    so does one whose only ones have handed it back."""
    names_somebody = any(step.targets for step in of.ladder.steps)
    if of.case.severity is not Severity.SOS or not names_somebody or _anybody(of):
        return of
    resort = replace(of, ladder=LAST_RESORT)
    return resort if _anybody(resort) else of


def _without_who_was_taken_off(of: _Round) -> _Round:
    """Whom the desk took off is not called in this round, unless there is nobody else at all."""
    if of.case.taken_off_id is None:
        return of
    others = replace(of, people=tuple(who for who in of.people if who.person_id != of.case.taken_off_id))
    return others if _anybody(others) or _anybody(replace(others, ladder=LAST_RESORT)) else of


def _repeat(of: _Round) -> Notify | Remind | Wait:
    """After the last step: everybody again, as often as the ladder says and the carriers take."""
    if of.ladder.repeat is None:
        return Remind(of.now + of.ladder.remind, "nobody_has_it")
    if of.case.stepped_at is not None and of.now < (due := of.case.stepped_at + of.ladder.repeat):
        # Woken early by somebody who passed or a call that failed: there is nobody further to fall through to.
        return Wait(due, "repeats_later")
    everybody = _everybody(of, of.ladder.steps)
    messages = _messages(way for way in everybody if of.allowed(way))
    next_due = of.now + of.ladder.repeat
    if messages:
        return Notify(of.case.next_step, messages, next_due, "repeat")
    if everybody:
        return Wait(min(next_due, *(of.allowed_at(way.method) for way in everybody)), "carrier_limit")
    return Notify(of.case.next_step, (), next_due, "nobody_reachable")


def _anybody(of: _Round) -> bool:
    return any(
        not of.declined(way.person) for step in of.ladder.steps for way in of.ways(step, frozenset(step.targets))
    )


def _everybody(of: _Round, steps: Iterable[Step]) -> list[_Way]:
    found: dict[tuple[str, str], _Way] = {}
    for step in steps:
        for way in of.ways(step, frozenset(step.targets)):
            found.setdefault((way.method.channel, way.method.address), way)
    return list(found.values())


def _messages(ways: Iterable[_Way]) -> tuple[Message, ...]:
    return tuple(
        Message(way.person.person_id, way.person.language, way.method.channel, way.method.address, way.desk)
        for way in ways
    )


def _due_after(of: _Round, index: int) -> datetime:
    """When the step after `index` comes: at its time in the round, or as long after this one as planned, if sooner."""
    if index + 1 == len(of.ladder.steps):
        return _due_at_last(of)
    gap = of.ladder.offset(index + 1) - of.ladder.offset(index)
    planned = of.case.round_started_at + of.ladder.offset(index + 1)
    return min(planned, of.now + gap)


def _due_at_last(of: _Round) -> datetime:
    return of.now + (of.ladder.repeat or of.ladder.remind)


def _why_nobody(found: list[_Way], unasked: list[_Way], fresh: list[_Way]) -> str:
    if fresh:
        return "carrier_limit"
    if unasked:
        return "handled"
    return "called_before" if found else "no_contact"


def _why_at_an_end(of: _Round) -> str:
    return "nobody_left" if _everybody(of, of.ladder.steps) else "nobody_reachable"


def _watch_owner(
    case: Case, ladder: Ladder, people: tuple[Contact, ...], outside: PlanningContext, now: datetime, being_told: bool
) -> Decision:
    deadline = case.arrival_due_at
    if deadline is not None and now >= deadline:
        # However often the band is pressed: whoever was to be there hears of it with everybody else.
        return Reopen("not_there_in_time")
    if case.press_count > case.presses_told:
        return _tell_owner(case, people, outside, now, deadline or now + ladder.remind, being_told)
    if deadline is None:
        return Remind(now + ladder.remind, "in_hand")
    return Wait(deadline, "on_the_way")


def _watch_120(
    case: Case, people: tuple[Contact, ...], outside: PlanningContext, now: datetime, being_told: bool
) -> Decision:
    deadline = case.arrival_due_at or now
    if case.press_count > case.presses_told and case.owner_id is None:
        return Reopen("pressed_again")
    if now >= deadline:
        return Reopen("ambulance_not_confirmed")
    if case.press_count > case.presses_told:
        return _tell_owner(case, people, outside, now, deadline, being_told)
    family = [
        way
        for way in _reachable(people, outside)
        if Target.FAMILY in way.person.targets and way.method.called_round < case.round
    ]
    if family:
        return TellFamily(_messages(family), deadline, "ambulance_called")
    return Wait(deadline, "ambulance_called")


def _tell_owner(
    case: Case,
    people: tuple[Contact, ...],
    outside: PlanningContext,
    now: datetime,
    next_due: datetime,
    being_told: bool,
) -> TellOwner | Wait:
    """Over every channel there is, whatever the carrier may say: nothing is known that is more urgent to her.

    The first further press at once; those after it together, when the pause is over and no such call is under way:
    a band that presses without end keeps neither her telephone nor the provider from anybody else's first call.
    """
    if case.tell_after is not None and now < case.tell_after <= now + TELL_LONGEST_PAUSE:
        return Wait(min(next_due, case.tell_after), "told_lately")
    if case.tell_after is not None and being_told:
        return Wait(min(next_due, now + BEING_TOLD), "being_told")
    ways = [way for way in _reachable(people, outside) if way.person.person_id == case.owner_id]
    return TellOwner(_messages(ways), next_due, "pressed_again" if ways else "owner_has_no_number")


def _tell_pause(times: int) -> timedelta:
    """How long after the `times`-th telling (1 or more) the next may come: a minute, doubled each time up to ten."""
    return min(TELL_LONGEST_PAUSE, TELL_FIRST_PAUSE * (1 << min(times - 1, 10)))


def _reachable(people: tuple[Contact, ...], outside: PlanningContext) -> list[_Way]:
    return [
        _Way(person, method, False)
        for person in people
        for method in person.methods
        if method.channel in outside.min_gap
    ]


def closed_until(hours: Hours, zone: ZoneInfo, now: datetime) -> datetime | None:
    """When the hours begin again (UTC, after `now`), or None within them.

    Where the clocks are set back an hour comes twice, and the hours may begin twice with it. Where they are set forward
    the hours may begin in what is left out: then they begin with the first minute after it.
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
    # The start is left out. Between the two ways to read it lies the moment at which the clocks are set forward.
    before, after = second, first
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after.replace(microsecond=0)
