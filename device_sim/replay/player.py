"""Plays recordings: when each message is due, what the clock is told, an SOS in the middle, what came of it."""

import json
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from tqdm import tqdm

from device_sim.replay.messages import Outgoing, messages
from device_sim.replay.recordings import Recording, first_of, merged, rows, subjects
from device_sim.replay.sender import Sender
from eldercare.platform.errors import ConfigurationError, Unavailable
from eldercare.protocol.mqtt_v1 import Kind, Sos

SOS_REPEAT_S = 10.0
SOS_WAIT_S = 60.0
"""How long the end of a replay waits for `received`, real seconds."""
SLICE_S = 0.5
Pace = Callable[[datetime, int], None]


@dataclass(frozen=True)
class Plan:
    """How to play. Speed 0 is as fast as the broker takes; `origin`, `sos_at` are aware times of the recordings."""

    recordings: Sequence[Recording]
    bands: dict[str, str]
    """The device id of each subject."""
    zone: ZoneInfo
    origin: datetime
    speed: float = 1.0
    shifts: dict[str, timedelta] = field(default_factory=dict)
    until: datetime | None = None
    pace: Pace | None = None
    pace_s: float = 60.0
    sos_at: datetime | None = None
    sos_band: str | None = None

    def rows(self) -> int:
        """How many rows the files hold."""
        return sum(extent.count for recording in self.recordings for extent in recording.extents.values())

    def messages(self) -> Iterable[Outgoing]:
        """All messages in the order of delivery."""
        streams = [
            rows(recording, subject, self.zone, self.shifts.get(subject, timedelta(0)))
            for recording in self.recordings
            for subject in recording.extents
        ]
        return messages(merged(streams))


def assign(recordings: Sequence[Recording], wanted: dict[str, str], devices: Sequence[str]) -> dict[str, str]:
    """A band for each subject: those wanted, then the free bands in order. Raises ConfigurationError."""
    names = subjects(recordings)
    for subject, device_id in wanted.items():
        if subject not in names:
            raise ConfigurationError(f"--map {subject}: no file has this subject")
        if device_id not in devices:
            raise ConfigurationError(f"--map {subject}={device_id}: the bands file has no such band")
    free = iter([device_id for device_id in devices if device_id not in wanted.values()])
    bands = {subject: wanted.get(subject) or next(free, "") for subject in names}
    if "" in bands.values():
        raise ConfigurationError(f"--bands: {len(devices)} bands are too few for {len(names)} subjects")
    return bands


def aligned(recordings: Sequence[Recording], origin: datetime, zone: tzinfo) -> dict[str, timedelta]:
    """Shifts, in whole days, that let every subject begin within the day after `origin`.

    They are added to what the clocks of `zone` show, so that everybody keeps the hour of day at which they were
    recorded: at another hour, the rules would evaluate sleep as waking.
    """
    return {subject: _shift(first_of(recordings, subject), origin, zone) for subject in subjects(recordings)}


def _shift(first: datetime, origin: datetime, zone: tzinfo) -> timedelta:
    first = first.astimezone(zone)
    shift = timedelta(days=(origin.astimezone(zone).date() - first.date()).days)
    return shift if first + shift >= origin else shift + timedelta(days=1)


def earliest(recordings: Sequence[Recording]) -> datetime:
    """The time of the first row of all."""
    return min(first_of(recordings, subject) for subject in subjects(recordings)).astimezone(UTC)


class Emergency:
    """One SOS, repeated until the service says `received`."""

    def __init__(self, sender: Sender, band: str, at: datetime) -> None:
        self._sender = sender
        self._band = band
        self._at = at
        self.event_id = f"{band}-{secrets.token_hex(6)}"
        self.sent = 0
        self._next = 0.0

    @property
    def due_at(self) -> float:
        """The time of the press, seconds since 1970."""
        return self._at.timestamp()

    @property
    def heard(self) -> list[str]:
        """The states the band was told."""
        return [state for event_id, state in self._sender.sos_states if event_id == self.event_id]

    def press(self) -> None:
        """Press, or press again where it is time and nobody has heard."""
        if not self.heard and time.monotonic() >= self._next:
            self._next = time.monotonic() + SOS_REPEAT_S
            self.sent += 1
            payload = Sos(event_id=self.event_id, ts=self._at).model_dump_json(exclude_none=True).encode()
            self._sender.publish(self._band, Kind.SOS, payload)

    def wait(self) -> None:
        """Go on pressing until somebody has heard, at most `SOS_WAIT_S`."""
        end = time.monotonic() + SOS_WAIT_S
        while not self.heard and time.monotonic() < end:
            self.press()
            time.sleep(0.05)

    def view(self) -> dict[str, Any]:
        """The SOS as the summary shows it."""
        return {"event_id": self.event_id, "band": self._band, "sent": self.sent, "heard": self.heard}


class Player:
    """Plays one plan."""

    def __init__(self, plan: Plan, sender: Sender) -> None:
        self._plan = plan
        self._sender = sender
        self._counts: Counter[str] = Counter()
        self._bytes = 0
        self._emergency = Emergency(sender, plan.sos_band, plan.sos_at) if plan.sos_band and plan.sos_at else None
        self._began = 0.0
        self._paced_until = float("-inf")

    def play(self) -> dict[str, Any]:
        """Publish everything and return the summary. Raises Unavailable and InvalidInput."""
        plan = self._plan
        if self._emergency and plan.sos_band:
            self._sender.listen(plan.sos_band)
        end = plan.until.timestamp() if plan.until else float("inf")
        began = self._began = time.monotonic()
        first = last = None
        with tqdm(total=plan.rows(), unit=" rows", disable=None, mininterval=0.5, file=sys.stderr) as bar:
            for message in plan.messages():
                if message.delivered >= end:
                    break
                self._until(message.delivered)
                self._send(message)
                first, last = first or message.delivered, message.delivered
                bar.update()
        if self._emergency:
            self._emergency.wait()
        self._sender.drain()
        return self._summary(time.monotonic() - began, first, last)

    def _until(self, moment: float) -> None:
        """Wait until a message is due, and press the SOS when its own time comes on the way there."""
        if self._emergency and self._emergency.due_at <= moment:
            if self._emergency.sent:
                self._emergency.press()
            else:
                # Connections overtake each other, but what was recorded before the press has to precede it, and the
                # rest has to follow.
                self._reach(self._emergency.due_at)
                self._sender.drain()
                self._emergency.press()
                self._sender.drain()
        self._reach(moment)

    def _reach(self, moment: float) -> None:
        plan = self._plan
        if plan.pace is not None and moment >= self._paced_until:
            self._sender.drain()
            plan.pace(datetime.fromtimestamp(moment, UTC), self._sender.published)
            self._paced_until = moment - moment % plan.pace_s + plan.pace_s
            if plan.speed:
                # The process that this waited for may have set a clock to the moment: the schedule begins anew with it.
                self._began = time.monotonic() - (moment - plan.origin.timestamp()) / plan.speed
        if plan.speed:
            due = self._began + (moment - plan.origin.timestamp()) / plan.speed
            while (wait_s := due - time.monotonic()) > 0:
                time.sleep(min(wait_s, SLICE_S))
                if self._emergency and self._emergency.sent:
                    self._emergency.press()

    def _send(self, message: Outgoing) -> None:
        self._sender.publish(self._plan.bands[message.subject], message.kind, message.payload)
        self._counts[message.kind] += 1
        self._bytes += len(message.payload)

    def _summary(self, seconds: float, first: float | None, last: float | None) -> dict[str, Any]:
        sent = sum(self._counts.values())
        return {
            "messages": dict(self._counts),
            "bytes": self._bytes,
            "seconds": round(seconds, 3),
            "messages_per_second": round(sent / seconds, 1) if seconds else None,
            "from": first and datetime.fromtimestamp(first, UTC).isoformat(),
            "to": last and datetime.fromtimestamp(last, UTC).isoformat(),
            "bands": self._plan.bands,
            "sos": self._emergency and self._emergency.view(),
        }


def pace_by_lines(now: datetime, published: int) -> None:
    """Say on standard output what time it is and how much has been sent, and wait for a line on standard input.

    Raises Unavailable when standard input ends.
    """
    print(json.dumps({"now": now.isoformat(), "published": published}), flush=True)
    if not sys.stdin.readline():
        raise Unavailable("--pace: standard input ended, nobody moves the clock")
