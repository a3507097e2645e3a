"""What an incident that is due needs next. Pure: no database, network or clock.

`next_step` decides, `after` says what the case is then; `alerts.escalate` writes both down and sends. Steps add, they
never cancel. Every decision leaves an open case due again, so that no process has to remember it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts import case as cases
from alerts.case import Case
from alerts.kinds import IncidentState, Severity
from alerts.ladder import LAST_RESORT, Hours, Ladder, Step, Target


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
class Outside:
    """What the planner has to know of the world: the community's zone, and how often each carrier takes a message.

    A channel that is not in `min_gap` is not set up, and nobody can be reached over it.
    """

    min_gap: Mapping[str, timedelta]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Message:
    """One message to write into the outbox."""

    person_id: int
    language: str
    channel: str
    address: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step that reached nobody: `no_contact`, `called_before` (all of them in this round,
    or they have just handed the case back) or `carrier_limit`."""

    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class Notify:
    """Call these people. `messages` is empty where a step is for the console, or where nobody could be reached."""

    step: int
    messages: tuple[Message, ...]
    next_due: datetime
    reason: str
    skipped: tuple[Skipped, ...] = ()
    ask_120: bool = False


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


Decision = Notify | TellOwner | TellFamily | Reopen | Remind | Wait


TELL_FIRST_PAUSE = timedelta(minutes=1)
TELL_LONGEST_PAUSE = timedelta(minutes=10)
"""As in the database's function `due_when_pressed`."""
BEING_TOLD = timedelta(seconds=15)
"""How soon to look again whether the call is over that tells the owner of the last press."""


def next_step(
    case: Case,
    ladder: Ladder,
    contacts: Iterable[Contact],
    outside: Outside,
    now: datetime,
    being_told: bool = False,
) -> Decision:
    """Decide for a case that is due at `now` (aware). Raises ValueError for a resolved one, which never is.

    `being_told`: whether a call is under way that tells the owner of a further press.
    """
    people = tuple(contacts)
    match case.state:
        case IncidentState.OPEN:
            return _climb(_Round(case, ladder, people, outside, now))
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
                case,
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
        case Reopen():
            return cases.reopen(case, now)
    return replace(case, due_at=decision.next_due)


@dataclass(frozen=True, slots=True)
class _Round:
    """Everything a decision about an open case looks at."""

    case: Case
    ladder: Ladder
    people: tuple[Contact, ...]
    outside: Outside
    now: datetime

    def methods(self, step: Step, targets: frozenset[Target]) -> list[tuple[Contact, Method]]:
        """Who the step can reach at all, each address once."""
        previous_owner = self.case.previous_owner_id if step is self.ladder.steps[0] else None
        found: dict[tuple[str, str], tuple[Contact, Method]] = {}
        # Of two with one number the one who has not just declined stands for it.
        for person in sorted(self.people, key=self.declined):
            if person.targets & targets or person.person_id == previous_owner:
                for method in person.methods:
                    if method.channel in step.channels and method.channel in self.outside.min_gap:
                        found.setdefault((method.channel, method.address), (person, method))
        return list(found.values())

    def declined(self, person: Contact) -> bool:
        """Whether they have handed the case back, at which this round began."""
        return person.person_id == self.case.declined_id

    def unasked(self, person: Contact, method: Method) -> bool:
        """Whether this round has not called there yet, nor begun with this person saying that they cannot go."""
        return method.called_round < self.case.round and not self.declined(person)

    def allowed_at(self, method: Method) -> datetime:
        """When the carrier takes the next message of this incident to this address.

        A call that is still to come was written by a clock that went back since: it blocks nothing.
        """
        if method.called_at is None or method.called_at > self.now:
            return self.now
        return method.called_at + self.outside.min_gap[method.channel]

    def allowed(self, method: Method) -> bool:
        return self.allowed_at(method) <= self.now


def _climb(of: _Round) -> Decision:
    of = _with_somebody(of)
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
        found = of.methods(step, frozenset(step.targets))
        fresh = [pair for pair in found if of.unasked(*pair)]
        messages = _messages(pair for pair in fresh if of.allowed(pair[1]))
        if messages or not step.targets:
            reason = "step" if messages else "console"
            return Notify(index, messages, _due_after(of, index), reason, tuple(skipped), ask_120)
        skipped.append(Skipped(index, _why_nobody(bool(found), bool(fresh))))
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


def _repeat(of: _Round) -> Decision:
    """After the last step: everybody again, as often as the ladder says and the carriers take."""
    if of.ladder.repeat is None:
        return Remind(of.now + of.ladder.remind, "nobody_has_it")
    if of.case.stepped_at is not None and of.now < (due := of.case.stepped_at + of.ladder.repeat):
        # Woken early by somebody who passed or a call that failed: there is nobody further to fall through to.
        return Wait(due, "repeats_later")
    everybody = _everybody(of)
    messages = _messages(pair for pair in everybody if of.allowed(pair[1]))
    next_due = of.now + of.ladder.repeat
    if messages:
        return Notify(of.case.next_step, messages, next_due, "repeat")
    if everybody:
        return Wait(min(next_due, *(of.allowed_at(method) for _, method in everybody)), "carrier_limit")
    return Notify(of.case.next_step, (), next_due, "nobody_reachable")


def _anybody(of: _Round) -> bool:
    return any(
        not of.declined(person) for step in of.ladder.steps for person, _ in of.methods(step, frozenset(step.targets))
    )


def _everybody(of: _Round) -> list[tuple[Contact, Method]]:
    found: dict[tuple[str, str], tuple[Contact, Method]] = {}
    for step in of.ladder.steps:
        for person, method in of.methods(step, frozenset(step.targets)):
            found.setdefault((method.channel, method.address), (person, method))
    return list(found.values())


def _messages(pairs: Iterable[tuple[Contact, Method]]) -> tuple[Message, ...]:
    return tuple(Message(who.person_id, who.language, how.channel, how.address) for who, how in pairs)


def _due_after(of: _Round, index: int) -> datetime:
    """When the step after `index` comes: at its time in the round, or as long after this one as planned, if sooner."""
    if index + 1 == len(of.ladder.steps):
        return _due_at_last(of)
    gap = of.ladder.offset(index + 1) - of.ladder.offset(index)
    planned = of.case.round_started_at + of.ladder.offset(index + 1)
    return min(planned, of.now + gap)


def _due_at_last(of: _Round) -> datetime:
    return of.now + (of.ladder.repeat or of.ladder.remind)


def _why_nobody(found: bool, fresh: bool) -> str:
    if fresh:
        return "carrier_limit"
    return "called_before" if found else "no_contact"


def _why_at_an_end(of: _Round) -> str:
    return "nobody_left" if _everybody(of) else "nobody_reachable"


def _watch_owner(
    case: Case, ladder: Ladder, people: tuple[Contact, ...], outside: Outside, now: datetime, being_told: bool
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


def _watch_120(case: Case, people: tuple[Contact, ...], outside: Outside, now: datetime, being_told: bool) -> Decision:
    deadline = case.arrival_due_at or now
    if case.press_count > case.presses_told and case.owner_id is None:
        return Reopen("pressed_again")
    if now >= deadline:
        return Reopen("ambulance_not_confirmed")
    if case.press_count > case.presses_told:
        return _tell_owner(case, people, outside, now, deadline, being_told)
    family = [
        (person, method)
        for person, method in _reachable(people, outside)
        if Target.FAMILY in person.targets and method.called_round < case.round
    ]
    if family:
        return TellFamily(_messages(family), deadline, "ambulance_called")
    return Wait(deadline, "ambulance_called")


def _tell_owner(
    case: Case, people: tuple[Contact, ...], outside: Outside, now: datetime, next_due: datetime, being_told: bool
) -> TellOwner | Wait:
    """Over every channel there is, whatever the carrier may say: nothing is known that is more urgent to her.

    The first further press at once; those after it together, when the pause is over and no such call is under way:
    a band that presses without end keeps neither her telephone nor the provider from anybody else's first call.
    """
    if case.tell_after is not None and now < case.tell_after <= now + TELL_LONGEST_PAUSE:
        return Wait(min(next_due, case.tell_after), "told_lately")
    if case.tell_after is not None and being_told:
        return Wait(min(next_due, now + BEING_TOLD), "being_told")
    pairs = [pair for pair in _reachable(people, outside) if pair[0].person_id == case.owner_id]
    return TellOwner(_messages(pairs), next_due, "pressed_again" if pairs else "owner_has_no_number")


def _tell_pause(times: int) -> timedelta:
    """How long after the `times`-th telling (1 or more) the next may come: a minute, doubled each time up to ten."""
    return min(TELL_LONGEST_PAUSE, TELL_FIRST_PAUSE * (1 << min(times - 1, 10)))


def _reachable(people: tuple[Contact, ...], outside: Outside) -> list[tuple[Contact, Method]]:
    return [(person, method) for person in people for method in person.methods if method.channel in outside.min_gap]


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
