"""Who can be called about an incident: the people whom a policy names, and the ways to them that are open. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.escalation.decisions import AskWearer, Message
from alerts.incidents.case import Case
from alerts.model.incident import IncidentKind, Severity
from alerts.policies.escalation_policy import DESK, LAST_RESORT, EscalationPolicy, Step, Target


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
class Wearer:
    """The resident, and the ways to ask them: their own telephone (E.164), and the band that they wear now."""

    language: str
    phone: str | None = None
    band: str | None = None


@dataclass(frozen=True, slots=True)
class PlanningContext:
    """What the planner has to know of the world: the community's zone, and how often each carrier takes a message.

    A channel that is not in `min_gap` is not set up, and nobody can be reached over it.
    """

    min_gap: Mapping[str, timedelta]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Way:
    """One address of one person, and whether they are called as somebody of the desk."""

    person: Contact
    method: Method
    desk: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a decision about an open case looks at."""

    case: Case
    policy: EscalationPolicy
    people: tuple[Contact, ...]
    planning: PlanningContext
    now: datetime
    wearer: Wearer | None = None

    def ask(self, index: int, next_due: datetime) -> AskWearer | None:
        """How the step `index` asks the wearer; None where it reaches them by no way that is set up."""
        open_to = set(self.policy.steps[index].channels) & self.planning.min_gap.keys()
        wearer = self.wearer or Wearer("zh")
        phone = wearer.phone if "voice" in open_to else None
        band = wearer.band if "band" in open_to else None
        if phone is None and band is None:
            return None
        commands = ("measure_heart_rate", "buzz") if self.case.kind is IncidentKind.NO_HEART_RATE else ("buzz",)
        return AskWearer(index, wearer.language, phone, band, commands if band else (), next_due)

    def ways(self, step: Step, targets: frozenset[Target]) -> list[Way]:
        """The ways to those whom the step can reach at all, each address once. The wearer is none of them."""
        first = step is self.policy.first
        beside = {self.case.previous_owner_id, *self.case.added_ids} if first else set()
        found: dict[tuple[str, str], Way] = {}
        # If two share a number, the one who has not just declined stands for it.
        for person in sorted(self.people, key=self.declined):
            if person.targets & targets or person.person_id in beside:
                for method in person.methods:
                    if method.channel in step.channels and method.channel in self.planning.min_gap:
                        way = Way(person, method, bool(person.targets & targets & DESK))
                        found.setdefault((method.channel, method.address), way)
        return list(found.values())

    def everybody(self, steps: Iterable[Step]) -> list[Way]:
        """The ways to all whom these steps name, each address once."""
        found: dict[tuple[str, str], Way] = {}
        for step in steps:
            for way in self.ways(step, frozenset(step.targets)):
                found.setdefault((way.method.channel, way.method.address), way)
        return list(found.values())

    def anybody(self) -> bool:
        """Whether the policy reaches somebody who has not just handed the case back."""
        return any(
            not self.declined(way.person)
            for step in self.policy.steps
            for way in self.ways(step, frozenset(step.targets))
        )

    def declined(self, person: Contact) -> bool:
        """Whether this round began with their handing the case back."""
        return person.person_id == self.case.declined_id

    def unasked(self, way: Way) -> bool:
        """Whether this round has not called there yet, and did not begin with this person saying that they cannot
        go."""
        at, again = way.method.called_at, self.case.called_again_at
        called_out_again = at is not None and again is not None and at < again
        asked = way.method.called_round >= self.case.round and not called_out_again
        return not asked and not self.declined(way.person)

    def quiet(self, way: Way) -> bool:
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

    def allowed(self, way: Way) -> bool:
        """Whether the carrier takes a message there now."""
        return self.allowed_at(way.method) <= self.now


def with_somebody(situation: Situation) -> Situation:
    """Give an SOS to duty where its own policy reaches nobody, such as a daughter without a number, or where its only
    people have handed it back."""
    names_somebody = any(step.targets for step in situation.policy.steps)
    if situation.case.severity is not Severity.SOS or not names_somebody or situation.anybody():
        return situation
    resort = replace(situation, policy=LAST_RESORT)
    return resort if resort.anybody() else situation


def without_who_was_taken_off(situation: Situation) -> Situation:
    """Leave out whom the desk took off in this round, unless there is nobody else at all."""
    if situation.case.taken_off_id is None:
        return situation
    others = replace(
        situation, people=tuple(who for who in situation.people if who.person_id != situation.case.taken_off_id)
    )
    return others if others.anybody() or replace(others, policy=LAST_RESORT).anybody() else situation


def messages_to(ways: Iterable[Way]) -> tuple[Message, ...]:
    """A message over each of these ways."""
    return tuple(
        Message(way.person.person_id, way.person.language, way.method.channel, way.method.address, way.desk)
        for way in ways
    )


def reachable(people: tuple[Contact, ...], planning: PlanningContext) -> list[Way]:
    """Every way to these people over a channel that is set up, whatever the policy says and the carriers take."""
    return [
        Way(person, method, False)
        for person in people
        for method in person.methods
        if method.channel in planning.min_gap
    ]
