"""The transaction of a batch: store what is new, judge it, remember the states, open or close incidents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from alerts.detection import device_state as band_rows
from alerts.detection.bands import Band
from alerts.incidents import wearer
from alerts.incidents.opening import apply_verdicts
from eldercare.community import commands
from eldercare.platform.database import Connection
from eldercare.protocol.mqtt_v1 import MAX_AHEAD, CommandResult
from ingest.pipeline.counters import Counters
from ingest.pipeline.evaluation import judge, judge_again
from ingest.pipeline.pressed import Pressed
from ingest.pipeline.recall import recall
from ingest.protocols.mqtt_v1 import Decoded, Reason, Rejected, clock_refusal
from ingest.protocols.told import DeviceReading
from ingest.storage import dead_letters, readings
from ingest.storage.dead_letters import Refused


class Received(NamedTuple):
    """A message of the telemetry lane, decoded.

    `payload` is its beginning, as much as is kept of what is rejected. `at` is when it came, seconds of the monotonic
    clock. `press`: it is one, and belongs to the other lane. `retained`: the broker had kept it for whoever subscribes,
    so it says nothing of the band as it is now.
    """

    topic: str
    payload: bytes
    decoded: Decoded
    at: float
    press: Pressed | None = None
    retained: bool = False


@dataclass(slots=True)
class _Parts:
    """A batch, once it is known which bands there are and what time it is."""

    told: list[DeviceReading] = field(default_factory=list)
    answers: list[tuple[Received, Sequence[CommandResult]]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)
    no_fixes: int = 0
    partial: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch; of the bands `held` nothing is stored, because somebody else has their rows."""

    counters: Counters
    held: frozenset[str] = frozenset()


async def write(conn: Connection, batch: Sequence[Received], zone: tzinfo, max_age: timedelta) -> Written:
    """Store a batch of telemetry in one transaction and return what became of it; durable when this returns.

    Raises psycopg.Error with nothing stored.
    """
    async with conn.transaction():
        now, bands, held = await band_rows.lock(conn, _names(batch), zone)
        parts = _part([each for each in batch if each.decoded.device_id not in held], bands, now, max_age)
        new = await readings.store(conn, parts.told, now)
        judgement = judge(new, bands, now)
        if judgement.again:
            judge_again(judgement, bands, await recall(conn, judgement.again, now))
        # The newest position is written before incidents open, which take it over.
        await band_rows.save(conn, [bands[name] for name in sorted(parts.heard)], judgement.latest, now)
        await apply_verdicts(conn, judgement.judged, now)
        await _answer(conn, parts, now)
        await dead_letters.store(conn, parts.refused, now)
    counters = _counted(parts, new)
    counters.not_measured, counters.rule_errors = judgement.not_measured, judgement.errors
    return Written(counters, held)


async def write_unjudged(conn: Connection, batch: Sequence[Received], zone: tzinfo, max_age: timedelta) -> Counters:
    """The same where somebody has held the bands for too long: nothing is lost, and nothing is judged."""
    async with conn.transaction():
        now, bands = await band_rows.look(conn, _names(batch), zone)
        parts = _part(batch, bands, now, max_age)
        new = await readings.store(conn, parts.told, now)
        await _answer(conn, parts, now)
        await dead_letters.store(conn, parts.refused, now)
    counters = _counted(parts, new)
    counters.unjudged = len(new)
    return counters


def _names(batch: Sequence[Received]) -> set[str]:
    return {each.decoded.device_id for each in batch if each.decoded.ours and each.decoded.device_id}


def _counted(parts: _Parts, new: Sequence[DeviceReading]) -> Counters:
    counters = Counters(
        rows=len(new),
        duplicates=len(parts.told) - len(new),
        no_fix=parts.no_fixes,
        partial=parts.partial,
        answers=sum(len(answers) for _, answers in parts.answers),
    )
    for each in parts.refused:
        counters.rejected[each.rejected.reason] += each.elements
    return counters


def _part(batch: Sequence[Received], bands: Mapping[str, Band], now: datetime, max_age: timedelta) -> _Parts:
    parts = _Parts()
    earliest, latest = (now - max_age).timestamp(), (now + MAX_AHEAD).timestamp()
    for received in batch:
        decoded = received.decoded
        device_id = decoded.device_id
        if decoded.rejected:
            parts.refused += dead_letters.of_message(received.topic, received.payload, decoded.rejected)
        if device_id is None or not decoded.ours:
            continue
        if device_id not in bands:
            rejected = Rejected(Reason.UNKNOWN_BAND, f"device_id: {device_id} is not enrolled, or retired")
            parts.refused.append(Refused(received.topic, received.payload, rejected))
            continue
        if not received.retained:
            parts.heard.add(device_id)
        parts.no_fixes += decoded.no_fixes
        parts.partial += len(decoded.unread)
        if decoded.answers:
            parts.answers.append((received, decoded.answers))
        unbelieved: list[Rejected] = []
        for reading in decoded.readings:
            if earliest <= reading.ts.timestamp() <= latest:  # numbers compare faster than zoned times
                parts.told.append(DeviceReading(device_id, reading, received.retained))
            elif refusal := clock_refusal(reading.ts, now, max_age):
                unbelieved.append(refusal)
        if unbelieved:
            parts.refused += dead_letters.of_message(received.topic, received.payload, unbelieved)
    return parts


async def _answer(conn: Connection, parts: _Parts, now: datetime) -> None:
    for received, answers in parts.answers:
        device_id = str(received.decoded.device_id)
        unknown = [
            Rejected(Reason.UNKNOWN_COMMAND, f"id: {answer.id!r} is no command to this band, nor a word")
            for answer in answers
            if not await wearer.heard(conn, device_id, answer.id, now)
            and not await commands.answer(conn, device_id, answer.id, answer.status, answer.detail, now)
        ]
        parts.refused += dead_letters.of_message(received.topic, received.payload, unknown)
