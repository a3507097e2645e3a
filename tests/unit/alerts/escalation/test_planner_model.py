"""The policy and the states as one machine: whatever happens, no open SOS has neither an owner with a deadline nor a
pending timer, and nobody is called who should not be."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alerts.escalation.decisions import Decision, Notify, Reopen, TellFamily, Wait
from alerts.escalation.planner import apply, next_step
from alerts.escalation.situation import Contact, Method, PlanningContext
from alerts.incidents import case as cases
from alerts.incidents.case import Disposition
from alerts.model.incident import IncidentState
from alerts.policies.escalation_policy import LAST_RESORT, EscalationPolicy, Step, Target, check
from tests.support.cases import NOW, an_open_case, defaults

PEOPLE = st.sampled_from(range(1, 6))
WHO = st.sampled_from([each for each in Target if each is not Target.RESIDENT])
TARGETS = st.lists(WHO, min_size=1, max_size=4, unique=True)
CHANNELS = st.sampled_from([("voice",), ("sms",), ("voice", "sms")])


@st.composite
def sos_policies(draw: st.DrawFn) -> EscalationPolicy:
    """Any policy that may be stored for an SOS."""
    times = sorted(draw(st.sets(st.integers(1, 3600), max_size=4)))
    steps = tuple(Step(after_s=at, targets=tuple(draw(TARGETS)), channels=draw(CHANNELS)) for at in [0, *times])
    policy = EscalationPolicy(steps=steps, repeat_s=draw(st.integers(60, 3600)), arrival_s=draw(st.integers(60, 7200)))
    check("sos", policy)
    return policy


class Sos(RuleBasedStateMachine):
    """One SOS from the press to its end, with people who answer, pass, forget and press again."""

    @initialize(
        policy=st.one_of(st.just(defaults()["sos", "sos"]), sos_policies()),
        named=st.lists(st.sets(WHO), min_size=5, max_size=5),
        gap_min=st.sampled_from([0, 1, 12, 60]),
    )
    def press(self, policy: EscalationPolicy, named: list[set[Target]], gap_min: int) -> None:
        self.policy = policy
        self.now = NOW
        self.case = an_open_case(next_step=0, stepped_at=None, due_at=NOW, press_count=1)
        self.targets = dict(enumerate(named, start=1))
        self.called: dict[tuple[str, str], tuple[datetime, int]] = {}
        self.gap = timedelta(minutes=gap_min)
        self.planning = PlanningContext({"voice": self.gap, "sms": timedelta(0)}, ZoneInfo("Asia/Shanghai"))
        self.asked_at = NOW

    def people(self) -> list[Contact]:
        return [
            Contact(
                number, "zh", frozenset(targets), tuple(self.method(channel, number) for channel in ("voice", "sms"))
            )
            for number, targets in self.targets.items()
        ]

    def method(self, channel: str, number: int) -> Method:
        at, in_round = self.called.get((channel, f"+999{number}"), (None, 0))
        return Method(channel, f"+999{number}", at, in_round)

    def decide(self) -> Decision:
        decision = next_step(self.case, self.policy, self.people(), self.planning, self.now)
        if isinstance(decision, Notify | TellFamily):
            for message in decision.messages:
                key = (message.channel, message.address)
                if key in self.called and isinstance(decision, Notify):
                    assert self.now - self.called[key][0] >= self.planning.min_gap[message.channel]
                self.called[key] = (self.now, self.case.round)
                self.asked_at = self.now
        self.case = apply(self.case, decision, self.now)
        return decision

    @precondition(lambda self: self.case.due_at is not None)
    @rule(late_s=st.sampled_from([0, 0, 0, 1, 40, 4000]))
    def the_timer_rings(self, late_s: int) -> None:
        """Everything that is due is done, however late; that comes to an end."""
        assert self.case.due_at is not None
        self.now = max(self.now, self.case.due_at) + timedelta(seconds=late_s)
        for _ in range(len(self.policy.steps) + 5):
            if self.case.due_at is None or self.case.due_at > self.now:
                return
            self.decide()
        raise AssertionError(f"still due after every step: {self.case}")

    @rule(seconds=st.integers(0, 100))
    def time_passes(self, seconds: int) -> None:
        assert self.case.due_at is None or self.case.due_at >= NOW
        limit = self.case.due_at or self.now + timedelta(seconds=seconds)
        self.now = max(self.now, min(self.now + timedelta(seconds=seconds), limit))

    @precondition(lambda self: self.case.state in (IncidentState.OPEN, IncidentState.HANDED_TO_120))
    @rule(person=PEOPLE)
    def somebody_accepts(self, person: int) -> None:
        if self.case.owner_id is None:
            self.case = cases.accept(self.case, self.policy, person, "voice", self.now)

    @precondition(lambda self: self.case.state not in (IncidentState.RESOLVED, IncidentState.ON_SITE))
    @rule(person=PEOPLE)
    def somebody_passes(self, person: int) -> None:
        if self.case.state is IncidentState.HANDED_TO_120 and self.case.owner_id == person:
            return
        self.case = cases.decline(self.case, person, self.now)

    @precondition(lambda self: self.case.state is IncidentState.OPEN)
    @rule()
    def every_call_of_the_step_fails(self) -> None:
        self.case = replace(self.case, due_at=self.now)

    @precondition(lambda self: self.case.state is not IncidentState.RESOLVED)
    @rule()
    def the_band_is_pressed_again(self) -> None:
        pressed = replace(self.case, press_count=self.case.press_count + 1)
        self.case = pressed if self.case.open else replace(pressed, due_at=self.now)

    @precondition(lambda self: self.case.state is IncidentState.ACCEPTED)
    @rule()
    def the_owner_leaves(self) -> None:
        self.case = cases.en_route(self.case)

    @precondition(lambda self: self.case.state in (IncidentState.ACCEPTED, IncidentState.EN_ROUTE))
    @rule()
    def the_owner_arrives(self) -> None:
        assert self.case.owner_id is not None
        self.case = cases.arrive(self.case, self.policy, self.case.owner_id, self.now)

    @precondition(lambda self: self.case.open or self.case.owned)
    @rule()
    def duty_calls_120(self) -> None:
        self.case = cases.hand_to_120(self.case, self.policy, self.now)

    @precondition(lambda self: self.case.state is not IncidentState.OPEN)
    @rule()
    def duty_reopens(self) -> None:
        self.case = cases.reopen(self.case, self.now)

    @precondition(lambda self: self.case.state is not IncidentState.RESOLVED)
    @rule(how=st.sampled_from(Disposition))
    def it_ends(self, how: Disposition) -> None:
        self.case = cases.resolve(self.case, how, self.now)

    @rule(person=PEOPLE, named=st.sets(WHO))
    def the_rota_changes(self, person: int, named: set[Target]) -> None:
        self.targets[person] = named

    @invariant()
    def it_has_an_owner_with_a_deadline_or_a_timer(self) -> None:
        if self.case.state is IncidentState.RESOLVED:
            assert self.case.due_at is None
            return
        assert self.case.due_at is not None
        if self.case.state in (IncidentState.ACCEPTED, IncidentState.EN_ROUTE):
            assert self.case.owner_id is not None
            assert self.case.arrival_due_at is not None
            assert self.case.due_at <= self.case.arrival_due_at
        if self.case.owned:
            assert self.case.owner_id is not None
        if self.case.open:
            # Never longer than the longest pause of its policy, counted from the last thing that happened; where that
            # policy reaches nobody, than the longest of the one that serves in its place.
            policies = (self.policy, LAST_RESORT)
            longest = max(
                pause for of in policies for pause in (of.repeat_s or 0, *(step.after_s for step in of.steps))
            )
            assert self.case.due_at - self.now <= timedelta(seconds=longest)

    @invariant()
    def an_unowned_sos_is_asked_of_somebody_at_every_timer(self) -> None:
        """As long as anybody in the policy can be reached, a timer that rings calls, or the carrier forbids it."""
        if not self.case.open or self.case.due_at is None:
            return
        at = max(self.now, self.case.due_at)
        decision = next_step(replace(self.case, due_at=at), self.policy, self.people(), self.planning, at)
        named = {target for step in self.policy.steps for target in step.targets}
        reachable = any(targets & named for targets in self.targets.values())
        if isinstance(decision, Notify) and decision.reason == "nobody_reachable":
            assert not reachable
        if isinstance(decision, Notify) and decision.reason == "repeat":
            assert decision.messages
        if isinstance(decision, Wait):
            assert decision.reason == "repeats_later" or self.gap
            assert decision.next_due > at
        assert not isinstance(decision, Reopen)


TestSos = Sos.TestCase
TestSos.settings = settings(max_examples=120, stateful_step_count=40)
