"""The transaction of a batch: store what is new, evaluate it, remember the states, open or close incidents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from alerts.detection import device_state
from alerts.detection.devices import Device
from alerts.incidents import wearer
from alerts.incidents.opening import apply_verdicts
from eldercare.community import commands
from eldercare.platform.database import Connection
from eldercare.protocol.mqtt_v1 import MAX_AHEAD, CommandResult
from ingest.pipeline.counters import Counters
from ingest.pipeline.evaluation import evaluate_again, evaluate_readings
from ingest.pipeline.pressed import Pressed
from ingest.pipeline.recall import recall
from ingest.protocols.device_reading import DeviceReading
from ingest.protocols.mqtt_v1 import Decoded, Reason, Rejected, clock_refusal
from ingest.storage import dead_letters, readings
from ingest.storage.dead_letters import Refused


class Received(NamedTuple):
    """A message of the telemetry pipeline, decoded.

    `payload` is its first KiB, which is kept of what is rejected. `at` is when it came, in seconds of the monotonic
    clock. `press` is set where it is a press, which belongs to the SOS pipeline. `retained`: the broker had kept it, so
    it says nothing of the band as it is now.
    """

    topic: str
    payload: bytes
    decoded: Decoded
    at: float
    press: Pressed | None = None
    retained: bool = False


@dataclass(slots=True)
class _Parts:
    """A batch divided by what becomes of it, once bands and time are known."""

    readings: list[DeviceReading] = field(default_factory=list)
    command_results: list[tuple[Received, Sequence[CommandResult]]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)
    no_fixes: int = 0
    partial: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch. Nothing is stored of the bands `held`, because somebody else has their rows."""

    counters: Counters
    held: frozenset[str] = frozenset()


async def write(conn: Connection, batch: Sequence[Received], zone: tzinfo, max_age: timedelta) -> Written:
    """Store a batch of telemetry in one transaction and return what became of it; durable when this returns.

    `zone` is the community's. Readings older than `max_age` are rejected. Raises psycopg.Error with nothing stored.
    """
    async with conn.transaction():
        now, devices, held = await device_state.lock(conn, _names(batch), zone)
        parts = _part([each for each in batch if each.decoded.device_id not in held], devices, now, max_age)
        new = await readings.store(conn, parts.readings, now)
        evaluation = evaluate_readings(new, devices, now)
        if evaluation.again:
            evaluate_again(evaluation, devices, await recall(conn, evaluation.again, now))
        # The newest position is written before incidents open, because they copy it.
        await device_state.save(conn, [devices[name] for name in sorted(parts.heard)], evaluation.latest, now)
        await apply_verdicts(conn, evaluation.verdicts, now)
        await _note_command_results(conn, parts, now)
        await dead_letters.store(conn, parts.refused, now)
    counters = _counted(parts, new)
    counters.not_measured, counters.rule_errors = evaluation.not_measured, evaluation.errors
    return Written(counters, held)


async def write_unevaluated(conn: Connection, batch: Sequence[Received], zone: tzinfo, max_age: timedelta) -> Counters:
    """Store a batch and evaluate nothing, where somebody has held the bands for too long: nothing is lost."""
    async with conn.transaction():
        now, devices = await device_state.look(conn, _names(batch), zone)
        parts = _part(batch, devices, now, max_age)
        new = await readings.store(conn, parts.readings, now)
        await _note_command_results(conn, parts, now)
        await dead_letters.store(conn, parts.refused, now)
    counters = _counted(parts, new)
    counters.unjudged = len(new)
    return counters


def _names(batch: Sequence[Received]) -> set[str]:
    return {each.decoded.device_id for each in batch if each.decoded.ours and each.decoded.device_id}


def _counted(parts: _Parts, new: Sequence[DeviceReading]) -> Counters:
    counters = Counters(
        rows=len(new),
        duplicates=len(parts.readings) - len(new),
        no_fix=parts.no_fixes,
        partial=parts.partial,
        answers=sum(len(results) for _, results in parts.command_results),
    )
    for each in parts.refused:
        counters.rejected[each.rejected.reason] += each.elements
    return counters


def _part(batch: Sequence[Received], devices: Mapping[str, Device], now: datetime, max_age: timedelta) -> _Parts:
    parts = _Parts()
    earliest, latest = (now - max_age).timestamp(), (now + MAX_AHEAD).timestamp()
    for received in batch:
        decoded = received.decoded
        device_id = decoded.device_id
        if decoded.rejected:
            parts.refused += dead_letters.of_message(received.topic, received.payload, decoded.rejected)
        if device_id is None or not decoded.ours:
            continue
        if device_id not in devices:
            rejected = Rejected(Reason.UNKNOWN_BAND, f"device_id: {device_id} is not enrolled, or retired")
            parts.refused.append(Refused(received.topic, received.payload, rejected))
            continue
        if not received.retained:
            parts.heard.add(device_id)
        parts.no_fixes += decoded.no_fixes
        parts.partial += len(decoded.unread)
        if decoded.command_results:
            parts.command_results.append((received, decoded.command_results))
        unbelieved: list[Rejected] = []
        for reading in decoded.readings:
            if earliest <= reading.ts.timestamp() <= latest:  # numbers compare faster than zoned times
                parts.readings.append(DeviceReading(device_id, reading, received.retained))
            elif refusal := clock_refusal(reading.ts, now, max_age):
                unbelieved.append(refusal)
        if unbelieved:
            parts.refused += dead_letters.of_message(received.topic, received.payload, unbelieved)
    return parts


async def _note_command_results(conn: Connection, parts: _Parts, now: datetime) -> None:
    for received, results in parts.command_results:
        device_id = str(received.decoded.device_id)
        unknown = [
            Rejected(Reason.UNKNOWN_COMMAND, f"id: {result.id!r} is no command to this band, nor a word")
            for result in results
            if not await wearer.heard(conn, device_id, result.id, now)
            and not await commands.answer(conn, device_id, result.id, result.status, result.detail, now)
        ]
        parts.refused += dead_letters.of_message(received.topic, received.payload, unknown)
