"""Takes the next step of every incident that is due: claim, decide, write, send.

Two statements stand between the notice and the provider's request, each a transaction of its own. The claim brings
everything the decision needs, and holds nothing once it has. One statement writes what is decided. Its rows are born
leased, so that this very process sends them at once. It writes nothing of an incident that changed since it was read,
or that somebody holds. A few such incidents are waited for, for a moment and one at a time. For the others, whoever
changed them gives notice, or the poll comes to them.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

import psycopg

from alerts.channels.base import Outgoing
from alerts.escalation import carry_out, claim
from alerts.escalation.plan import later, plan_for
from alerts.escalation.situation import PlanningContext
from alerts.incidents import effects, store, unreadable
from alerts.incidents.case import Case
from alerts.model.incident import IncidentState, Severity
from alerts.notifications.sender import Sender
from eldercare.platform.database import Connection, Numbered
from eldercare.platform.log import logger
from eldercare.protocol.mqtt_v1 import SosState

SLICE = 50
"""How many incidents one look takes: of a thousand at once the first are rung before the last is read."""
HELD_MS = 100
"""Milliseconds to wait for an incident that somebody holds: longer than a batch of presses takes."""
HELD_MOST = 3
"""How many such incidents one look waits for, one after the other."""

_log = logger(__name__)

_HOLD = "select from incident where id = %s for no key update"


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look came to: what was due, an SOS before the rest; whose step was taken (`moved`); what was written to
    be sent at once; which were reopened and when."""

    due: tuple[Case, ...] = ()
    moved: frozenset[int] = frozenset()
    written: tuple[Outgoing, ...] = ()
    reopened: tuple[tuple[int, datetime], ...] = ()
    since: float | None = None
    """A moment before it was written, in monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Taken:
    """How many steps were taken (`moved`), and which incidents changed or were held as they were looked at (`held`)."""

    moved: int
    held: tuple[Case, ...] = ()


async def run_once(
    conn: Connection, sender: Sender, planning: PlanningContext, now: datetime | None = None, limit: int = SLICE
) -> int:
    """Take the next step of up to `limit` incidents that are due at `now` (None: the database's clock), and wait for a
    few that somebody holds.

    `conn` commits by itself. What is to be sent at once is handed to `sender`. Returns how many steps were taken; the
    caller comes back until that is fewer than `limit`.
    """
    taken = await take(conn, sender, planning, now, limit)
    return taken.moved + await wait_for(conn, taken.held, sender, planning, now, limit - taken.moved)


async def take(
    conn: Connection, sender: Sender, planning: PlanningContext, now: datetime | None = None, limit: int = SLICE
) -> Taken:
    """Take steps as `run_once` does, but wait for no incident that somebody holds."""
    moved, left, unread = 0, list[Case](), list[int]()
    while True:
        asked = limit - moved
        # What somebody holds, or what cannot be read, would stand before the rest at every look.
        aside = [case.id for case in left] + unread
        try:
            look = await _look(conn, claim.CLAIM, aside, sender, planning, now, asked)
        except store.UNREADABLE as error:
            look, failed = await _one_by_one(conn, aside, error, sender, planning, now, asked)
        else:
            await _follow(conn, sender, look)
            failed = []
        moved += len(look.moved)
        missed = [case for case in look.due if case.id not in look.moved]
        left += missed
        unread += failed
        if not (missed or failed) or len(look.due) + len(failed) < asked:
            return Taken(moved, tuple(left))


async def wait_for(
    conn: Connection,
    held: Sequence[Case],
    sender: Sender,
    planning: PlanningContext,
    now: datetime | None = None,
    limit: int = SLICE,
) -> int:
    """Take the step of a few of these, one after the other, and wait for each at most `HELD_MS`; returns how many.

    `conn` is for this alone, so that no first call waits for it.
    """
    moved = 0
    for case in _worth_waiting_for(held)[:limit]:
        try:
            look = await _hold(conn, case.id, sender, planning, now)
        except store.UNREADABLE as error:
            await unreadable.look_after(conn, case.id, now, error)
            continue
        await _follow(conn, sender, look)
        moved += len(look.moved)
    return moved


async def _one_by_one(
    conn: Connection,
    aside: Sequence[int],
    why: Exception,
    sender: Sender,
    planning: PlanningContext,
    now: datetime | None,
    limit: int,
) -> tuple[_Look, list[int]]:
    """Look at one incident at a time, because one of them cannot be read; returns also which ones cannot."""
    unreadable.say("look", why)
    due, moved, failed = list[Case](), set[int](), list[int]()
    for incident_id in await claim.due_ids(conn, aside, now, limit):
        try:
            look = await _look(conn, claim.CLAIM_THESE, [incident_id], sender, planning, now, 1)
        except store.UNREADABLE as error:
            failed.append(incident_id)
            await unreadable.look_after(conn, incident_id, now, error)
            continue
        await _follow(conn, sender, look)
        due += look.due
        moved |= look.moved
    return _Look(tuple(due), frozenset(moved)), failed


async def _look(
    conn: Connection,
    which: Numbered,
    ids: Sequence[int],
    sender: Sender,
    planning: PlanningContext,
    now: datetime | None,
    limit: int,
    put_off: bool = False,
) -> _Look:
    """Read what is due, decide, write. `ids` are those that `which` leaves out, or the only ones that it looks at.
    `put_off`: nothing is decided, and the timeline says that the step has failed."""
    found = await claim.read(conn, which, ids, now, limit)
    if not found:
        return _Look()
    moment = found[0].now
    plans = [later(due) if put_off else plan_for(due, planning) for due in found]
    since = monotonic()
    written = await carry_out.carry_out(conn, [due.version for due in found], plans, sender, moment)
    again = [plan.case.id for plan in plans if any(kind == "reopened" for kind, _ in plan.events)]
    reopened = tuple((incident_id, moment) for incident_id in again if incident_id in written.moved)
    return _Look(tuple(due.case for due in found), written.moved, written.messages, reopened, since)


def _worth_waiting_for(left: Sequence[Case]) -> Sequence[Case]:
    """A few of the incidents that changed or were held as they were looked at, an SOS before the rest.

    They are chosen by chance. In any fixed order, some that stay held would keep waiting those behind them, whose bands
    only press without a pause.
    """
    wanted = [case for case in left if case.severity is Severity.SOS] or left
    return random.sample(wanted, min(len(wanted), HELD_MOST))


async def _hold(
    conn: Connection, incident_id: int, sender: Sender, planning: PlanningContext, now: datetime | None
) -> _Look:
    """Look at this incident alone, waiting for whoever holds it, but no longer than `HELD_MS`.

    A statement of its own reads it once it is held. The statement that waited would see nothing else of what was
    written meanwhile, such as who has just been called by another process.
    """
    try:
        async with conn.transaction():
            await conn.execute(f"set local lock_timeout = {HELD_MS}")
            await conn.execute(_HOLD, (incident_id,))
            return await _look(conn, claim.CLAIM_THESE, [incident_id], sender, planning, now, 1)
    except psycopg.errors.LockNotAvailable:
        return _Look()
    except carry_out.REFUSED:
        # It is refused even read anew and held. It is tried again later, and its timeline says so.
        _log.exception("step_failed", incident=incident_id)
        return await _look(conn, claim.CLAIM_THESE, [incident_id], sender, planning, now, 1, put_off=True)


async def _follow(conn: Connection, sender: Sender, look: _Look) -> None:
    """Do what comes after a look that is committed: the telephones first."""
    sender.take(look.written, look.since)
    for incident_id, at in look.reopened:
        # No telephone waits for this, and an acceptance meanwhile tells the band by itself.
        try:
            await effects.tell_band(conn, incident_id, SosState.RECEIVED, at, only_while=IncidentState.OPEN)
        except psycopg.errors.LockNotAvailable:
            _log.warning("word_waits", incident=incident_id)  # `wearer.set_right` says it


async def warm(conn: Connection) -> None:
    """Prepare the statements; nothing is claimed and nothing written."""
    await claim.warm(conn)
    await carry_out.warm(conn)
