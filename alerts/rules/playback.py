"""A recording played through the rules: which incidents it would have opened, and when each would have ended.

Pure. As in the service, every reading is evaluated when it came, here as a batch of its own, silence is looked at once
a minute, and what can be learnt of the person is learnt at noon, of the day that ends there. Nobody closes an incident
here: it lasts until the rules say that it is over, or the recording ends.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter

from alerts.model.incident import SEVERITY_ORDER, Finding, IncidentKind, Severity, Verdict
from alerts.rules import disorder, registry
from alerts.rules.absence import evaluate_absence
from alerts.rules.evaluation import evaluate
from alerts.rules.profile import Profile
from alerts.rules.rule import Day, Reading, next_noon
from alerts.rules.state import State
from eldercare.protocol.mqtt_v1 import HeartRate, Location, Status

TICK_S = 60.0
"""How often silence is looked at, seconds."""

_by_time = attrgetter("reading.ts")


@dataclass(slots=True)
class Episode:
    """One incident. Times are aware, of the service's clock; `ended_at` is None where it lasted to the end.

    `severity` is the gravest that was reached; `reason` and `opened_as` are those of the first finding.
    """

    kind: IncidentKind
    severity: Severity
    reason: str
    opened_at: datetime
    ended_at: datetime | None
    opened_as: Severity


class Playback:
    """One person's recording. `receive` wants the readings in the order in which they came."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._state = State()
        self._reach = disorder.reach(profile.thresholds)
        self._stored: deque[disorder.StoredReading] = deque()
        self._known: dict[type[Reading], dict[float, None]] = {HeartRate: {}, Location: {}, Status: {}}
        self._keep = timedelta(seconds=max(self._reach.wear_s, self._reach.zone_s) + profile.thresholds.late_s)
        self._received: datetime | None = None
        self._next_tick = 0.0
        self._day: list[Reading] = []
        self._noon: datetime | None = None
        self._open: dict[IncidentKind, Episode] = {}
        self.episodes: list[Episode] = []

    def receive(self, reading: Reading, received_at: datetime) -> None:
        """Evaluate one reading; one that is stored already says nothing. `received_at` (aware) never goes back."""
        self.wait(received_at)
        if self._noon is None or received_at >= self._noon:
            self._end_day(received_at)
        self._received = received_at
        if self._next_tick == 0.0:
            self._next_tick = received_at.timestamp() + TICK_S
        known = self._known[type(reading)]
        if reading.ts.timestamp() in known:
            return
        known[reading.ts.timestamp()] = None
        self._stored.append(disorder.StoredReading(reading, received_at))
        self._day.append(reading)
        self._forget(received_at)
        self._state, verdicts = self._evaluate(reading, received_at)
        if verdicts:
            self._apply(verdicts, received_at)

    def wait(self, until: datetime) -> None:
        """Let the time pass until then (aware): silence is looked at every minute."""
        if self._received is None:
            return
        end = until.timestamp()
        while self._next_tick < end:
            now = datetime.fromtimestamp(self._next_tick, self._profile.zone)
            self._next_tick += TICK_S
            self._state, verdicts = evaluate_absence(self._state, self._received, self._profile, now)
            if verdicts:
                self._apply(verdicts, now)

    def _end_day(self, now: datetime) -> None:
        """Learn of the day that has ended, and wait for the next noon."""
        if self._noon is not None:
            ended = Day.ending(self._noon, self._day)
            learnt, verdicts = registry.learn(self._profile.learnt, ended, self._profile)
            self._profile = replace(self._profile, learnt=learnt)
            self._apply(verdicts, now)
            self._day = [each for each in self._day if each.ts >= self._noon]
        self._noon = next_noon(now, self._profile.zone)

    def _evaluate(self, reading: Reading, now: datetime) -> tuple[State, tuple[Verdict, ...]]:
        state, profile, ts = self._state, self._profile, reading.ts.timestamp()
        if state.heard is None or ts > state.heard or not disorder.is_out_of_order(state, reading, profile, now):
            return evaluate(state, reading, profile, now)
        if isinstance(reading, Location):
            return disorder.evaluate_zone(state, self._stored_since(ts - self._reach.zone_s, Location), ts, profile)
        hearts = self._stored_since(ts - self._reach.heart_s, HeartRate)
        statuses = self._stored_since(ts - self._reach.wear_s, Status)
        return disorder.evaluate_heart(state, sorted([*hearts, *statuses], key=_by_time), ts, profile)

    def _stored_since(self, since: float, kind: type[Reading]) -> list[disorder.StoredReading]:
        stored = [each for each in self._stored if type(each.reading) is kind and each.reading.ts.timestamp() >= since]
        return sorted(stored, key=_by_time)

    def _forget(self, now: datetime) -> None:
        stored, oldest = self._stored, now - self._keep
        while stored[0].received_at < oldest:
            gone = stored.popleft().reading
            del self._known[type(gone)][gone.ts.timestamp()]

    def _apply(self, verdicts: Iterable[Verdict], now: datetime) -> None:
        for verdict in verdicts:
            episode = self._open.get(verdict.kind)
            if not isinstance(verdict, Finding):
                if episode is not None:
                    episode.ended_at = now
                    del self._open[verdict.kind]
            elif episode is None:
                episode = Episode(verdict.kind, verdict.severity, verdict.reason, now, None, verdict.severity)
                self._open[verdict.kind] = episode
                self.episodes.append(episode)
            else:
                episode.severity = min(episode.severity, verdict.severity, key=SEVERITY_ORDER.index)
