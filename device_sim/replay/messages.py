"""Recorded rows as the messages a band would have sent. Pure."""

from collections.abc import Iterator
from datetime import UTC
from typing import NamedTuple

import orjson

from device_sim.replay.recordings import Measure, Row
from eldercare.protocol.mqtt_v1 import Kind

STEP_MINUTE_S = 60.0
"""A row of steps counts the minute that begins at its time."""


class Outgoing(NamedTuple):
    """A payload to be published for a subject at `delivered` (seconds since 1970)."""

    delivered: float
    subject: str
    kind: Kind
    payload: bytes


class Steps(NamedTuple):
    """Steps not yet sent, and until when their wearer is known to move (seconds since 1970)."""

    total: int
    until: float


def messages(rows: Iterator[Row]) -> Iterator[Outgoing]:
    """One message per heart rate and per position; a heart rate carries the steps since the one before it.

    `motion` is `active` in a minute with steps and left out otherwise: whether the counter ran is not recorded.
    """
    steps: dict[str, Steps] = {}
    for row in rows:
        if row.measure is Measure.STEPS:
            pending = steps.get(row.subject, Steps(0, 0))
            until = max(pending.until, row.ts.timestamp() + STEP_MINUTE_S)
            steps[row.subject] = Steps(pending.total + int(row.values[0]), until)
        elif row.measure is Measure.HEART_RATE:
            yield _heart_rate(row, steps)
        else:
            yield _location(row)


def _heart_rate(row: Row, steps: dict[str, Steps]) -> Outgoing:
    message: dict[str, object] = {"ts": _time(row), "bpm": row.values[0]}
    pending = steps.get(row.subject)
    if pending is not None:
        if pending.total:
            message["steps"] = pending.total
            steps[row.subject] = Steps(0, pending.until)
        if row.ts.timestamp() < pending.until:
            message["motion"] = "active"
    return Outgoing(row.delivered, row.subject, Kind.HEART_RATE, orjson.dumps(message))


def _location(row: Row) -> Outgoing:
    message: dict[str, object] = {"ts": _time(row), "lat": row.values[0], "lon": row.values[1], "source": "gnss"}
    if len(row.values) > 2:
        message["accuracy_m"] = row.values[2]
    return Outgoing(row.delivered, row.subject, Kind.LOCATION, orjson.dumps(message))


def _time(row: Row) -> str:
    return row.ts.astimezone(UTC).isoformat()
