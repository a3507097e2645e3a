"""Opens incidents: an SOS by one statement, and what the rules found. The caller commits, once.

One incident may be open per subject and kind; the partial unique index `incident_one_open` decides between two
processes, so opening is always "insert, or merge into the one that is open".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from psycopg.types.json import Jsonb

from alerts.incidents import effects, known, store
from alerts.incidents.effects import Talking
from alerts.incidents.feed import tell
from alerts.model.incident import (
    BAND_STATES,
    SEVERITY_ORDER,
    TECHNICAL,
    Cleared,
    Finding,
    IncidentState,
    Named,
    Press,
    Subject,
    SubjectVerdict,
)
from eldercare.platform import statements
from eldercare.platform.clock import NOW
from eldercare.platform.database import Connection, Numbered
from eldercare.protocol.mqtt_v1 import LATE_AFTER, MAX_AGE, MAX_AHEAD, SosState

LONG_OVER = timedelta(minutes=10)
"""A band still repeats a press for a moment after its incident is closed; what comes later is another press."""
KNOWN_FOR = timedelta(hours=24)
"""How long a name counts as the same press."""
COPIED_FOR = timedelta(minutes=1)
"""How long the broker may redeliver a press without a name."""
HEARD_TWICE_FOR = timedelta(seconds=30)
"""How soon another session of ours hears the same press without a name."""
TOLD_SINGLY, TOLD_EACH = 30, 50
"""The timeline tells the first `TOLD_SINGLY` presses one by one, and after them every `TOLD_EACH`-th."""
REMEMBERED = 64
"""How many of an incident's last presses are compared with each new one."""
WORD_STANDS = known.KNOWN_URGENT - timedelta(minutes=15)
"""How long the wearer's word that they are well keeps the same episode a warning: no longer than that of whoever
resolves what is urgent. It is a little less than the two hours after which a rule tells what lasts again: they answer
some minutes after the first telling, and the second one calls people."""
ENDS_AGAIN_AFTER = timedelta(hours=6)
"""What ended by itself, with only the wearer asked, does not within so long: what comes and goes is for a person."""
SHOW_WELL = ("measured_again", "moved_again")
"""Reasons of what is over that show that the wearer is well. A band that says that it is not worn shows nothing of the
kind: one may say so where it feels no blood flow."""


@dataclass(frozen=True, slots=True)
class Raised:
    """What became of a press: `opened` an incident, `merged` into the open one, or a `duplicate` of a known press."""

    incident_id: int
    state: IncidentState
    outcome: Literal["opened", "merged", "duplicate"]
    event_id: str | None

    @property
    def sos_state(self) -> SosState:
        """What the band hears now."""
        return BAND_STATES[self.state]


def _parameters(press: Press, plausible_age: timedelta) -> dict[str, Any]:
    """The values of the statement. `name` is null where the band gave none; then `bytes`, its digest, names the press.
    `once` and `own` are for a press of which only the copies that another session of ours hears are the same press.
    `prefix`: other names may begin with this one."""
    named, copy = press.named, press.retained or press.redelivered
    by_bytes = f"{press.digest}:"
    own = f"{by_bytes}{press.heard_by}:" if named is Named.NOTHING and not copy else None
    # A number names a press alone: a band that sends it again may send its time anew.
    ts = press.ts.isoformat() if press.ts and press.event_id is None else None
    return {
        "device_id": press.device_id,
        "name": json.dumps([press.event_id, ts], ensure_ascii=False) if named is Named.NAME else None,
        "bytes": by_bytes,
        "once": own and f"{own}{uuid4()}",
        "own": own,
        "prefix": press.retained or (press.redelivered and named is not Named.NAME),
        "retained": press.retained,
        "redelivered": press.redelivered,
        "clock_is_name": press.event_id is None,
        "event_id": press.event_id,
        "echo": press.echo,
        "ts": press.ts,
        "age": plausible_age,
        "over": LONG_OVER,
        "ahead": MAX_AHEAD,
        "late_after": LATE_AFTER,
        "known_for": KNOWN_FOR,
        "copied_for": COPIED_FOR,
        "heard_twice_for": HEARD_TWICE_FOR,
        "told_singly": TOLD_SINGLY,
        "told_each": TOLD_EACH,
        "remembered": REMEMBERED,
        "trigger": press.trigger,
        "lat": press.lat,
        "lon": press.lon,
        "acc": press.accuracy_m,
        "bpm": press.bpm,
        "payload": press.payload,
    }


_RAISE_SOS = Numbered(statements.load("alerts.incidents", "raise_sos", now=NOW, tell=tell("happened")))


async def raise_sos(conn: Connection, press: Press, *, plausible_age: timedelta = MAX_AGE) -> Raised:
    """Open an incident for a press, or merge into the open one. A known press changes nothing.

    A press is known if its name was heard within 24 hours; if its incident was resolved more than `LONG_OVER` ago, only
    a redelivered copy is. A retained copy of any press ever heard changes nothing either. A press without a name is
    known as long as its incident lasts: by its bytes, where they may hide a name; else only where another session of
    ours has just heard it.

    Any other press counts, is told in the timeline and, where somebody has the incident in hand, makes it due. The
    incident is about whoever wore the band at the press's own time; a band that nobody knows, or nobody wears, is a
    subject of its own. Position and heart rate are the press's, else the last known of the wearer with their time. A
    clock that is more than 5 min ahead or older than `plausible_age` is not believed.
    """
    parameters = _parameters(press, plausible_age)
    row = await _RAISE_SOS.row(conn, parameters)
    if row is None:
        # Another process committed the same press while this statement waited for it: a new statement sees it.
        row = await _RAISE_SOS.row(conn, parameters)
    if row is None:
        # No press should be neither new nor known. But none is given up for its name: under a fresh one it counts.
        fresh = {"name": None, "once": f"{press.digest}:{uuid4()}", "own": None}
        row = await _RAISE_SOS.row(conn, {**parameters, **fresh})
        assert row is not None  # noqa: S101  a fresh name opens or merges
    return Raised(row[0], IncidentState(row[1]), row[2], press.event_id)


# What the wearer has said that they are well of does not get graver by being found once more, while their word stands.
_GRAVER = """(array_position(%(gravest_first)s::text[], excluded.severity)
        < array_position(%(gravest_first)s::text[], incident.severity)
        and not (incident.wearer_said is not distinct from 'well'
                 and coalesce(incident.wearer_said_at > excluded.opened_at - %(word_stands)s::interval, false)
                 and coalesce(incident.detail ->> 'episode_at' = excluded.detail ->> 'episode_at', false)))"""
# While an incident is open, the policy calls people. Once it has an owner, tell the owner as for a repeated press;
# tasks tell nobody.
_TELLS_OWNER = "(incident.state <> 'open' and excluded.severity <> 'task')"

_OPEN = statements.load("alerts.incidents", "open", graver=_GRAVER, tells_owner=_TELLS_OWNER, tell=tell("happened"))

_HOLD = """
select id from incident where subject = %(subject)s and kind = %(kind)s and state <> 'resolved' for no key update
"""
"""A statement by itself, so that the next one sees what whoever held it before has written, such as a call."""

_CLEAR = statements.load("alerts.incidents", "clear", asks_first=store.ASKS_FIRST, tell=tell("happened"))


async def _open(conn: Connection, subject: Subject, finding: Finding, now: datetime) -> None:
    await conn.execute(
        _OPEN,
        {
            "now": now,
            "subject": subject.key,
            "resident_id": subject.resident_id,
            "device_id": subject.device_id,
            "kind": finding.kind,
            "technical": list(TECHNICAL),
            "severity": finding.severity,
            "gravest_first": list(SEVERITY_ORDER),
            "at": finding.at,
            "known": known.by_default(finding.severity),
            "word_stands": WORD_STANDS,
            "detail": Jsonb(_detail(finding)),
        },
        prepare=True,
    )


def _detail(finding: Finding) -> dict[str, Any]:
    detail = {"reason": finding.reason, **finding.detail}
    if finding.episode_at is not None:
        detail["episode_at"] = finding.episode_at.isoformat()
    return detail


async def _clear(conn: Connection, subject: Subject, cleared: Cleared, now: datetime) -> None:
    about = {"subject": subject.key, "kind": cleared.kind}
    held = await (await conn.execute(_HOLD, about, prepare=True)).fetchone()
    if held is None:
        return
    values = {
        "id": held[0],
        "now": now,
        "reason": cleared.reason,
        "at": cleared.at,
        "show_well": list(SHOW_WELL),
        "ends_again_after": ENDS_AGAIN_AFTER,
    }
    row = await (await conn.execute(_CLEAR, values, prepare=True)).fetchone()
    if row is not None and row[0]:
        await effects.stop_calling(conn, held[0], Talking(), "cleared", now)  # their own telephone may ring


async def apply_verdicts(conn: Connection, verdicts: Sequence[SubjectVerdict], now: datetime) -> None:
    """Open what was found and close what is over.

    A finding merges into the open incident of its kind. Where somebody resolved that while the same episode went on, it
    opens none for a while (`KNOWN`), unless it is graver. A graver one changes the incident, and starts its policy
    again. One that comes after the last was over is written down, and the owner hears of it, unless it is a task. What
    is over is written into the timeline. Then a task or a warning that nobody has accepted ends by itself, and so does
    what is urgent and of which only the wearer was asked, where what the band says shows that they are well
    (`SHOW_WELL`), once in `ENDS_AGAIN_AFTER`; whatever else is urgent or owned stays for a person. The order is kept
    per subject; between subjects it is the same in every process.
    """
    for item in sorted(verdicts, key=lambda item: item.subject.key):
        match item.verdict:
            case Finding() as finding:
                await _open(conn, item.subject, finding, now)
            case Cleared() as cleared:
                await _clear(conn, item.subject, cleared, now)
