"""Opening incidents: an SOS as one statement, and what the rules found. Whoever calls commits, once.

One incident may be open per subject and kind; the partial unique index `incident_one_open` decides between two
processes, so opening is always "insert, or merge into the one that is open".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from psycopg.types.json import Jsonb

from alerts.kinds import Cleared, Finding, IncidentState, Press, Verdict
from eldercare.clock import NOW
from eldercare.database import Connection, one_line
from eldercare.wire import SosState

PLAUSIBLE_AGE = timedelta(days=400)
"""A press said to be older than this comes from a band whose clock is wrong."""

LONG_OVER = timedelta(minutes=10)
"""A band still repeats a press for a moment after its incident is closed; one that comes later is strange."""

BAND_STATES = {
    IncidentState.OPEN: SosState.RECEIVED,
    IncidentState.ACCEPTED: SosState.ACCEPTED,
    IncidentState.EN_ROUTE: SosState.ARRIVING,
    IncidentState.ON_SITE: SosState.ARRIVING,
    IncidentState.HANDED_TO_120: SosState.ACCEPTED,
    IncidentState.RESOLVED: SosState.CLOSED,
}
"""What the wearer is told in each state of the incident."""


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


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an incident is about: a resident, a band that nobody knows, or the network."""

    key: str
    resident_id: int | None = None
    device_id: str | None = None


NETWORK = Subject("network")


def resident_subject(resident_id: int, device_id: str | None) -> Subject:
    """The resident, with the band that told."""
    return Subject(f"resident:{resident_id}", resident_id, device_id)


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict about somebody."""

    subject: Subject
    verdict: Verdict


def _dedup_key(press: Press) -> tuple[str, bool]:
    """The press's name among those of its band, and whether its clock alone makes that name.

    A press without a name of its own gets one.
    """
    if press.event_id is not None or press.ts is not None:
        ts = press.ts.isoformat() if press.ts else None
        return json.dumps([press.event_id, ts], ensure_ascii=False), press.event_id is None
    return _own_name(press), False


def _own_name(press: Press) -> str:
    """Its beginning, the digest, is the whole name of a retained copy, which is handed out at every subscription."""
    return f"{press.digest}:{'' if press.retained else uuid4()}"


# The one statement. `known` sees presses committed before it began. Two processes that hear the same press at the same
# moment meet at incident_one_open: the second waits there, then finds the press among the newest of the incident and
# does nothing. It takes no lock on device_state, so no batch of telemetry can stand before it. coalesce() keeps the
# planner from asking the index of periods, where all of today's assignments are, for the one of this band. Of an open
# incident `due_at` stays: its ladder climbs by itself, and only somebody who has it in hand must hear of the press now.
# Its presses are searched for as long as `known` is, or a name heard again after a day would be neither new nor known.
_RAISE_SOS = one_line(
    """
with moment as (select :now as now),
press as (
    select now,
           %(ts)s::timestamptz between now - %(plausible_age)s::interval and now + interval '5 minutes' as clock_right,
           case when %(clock_is_key)s and %(ts)s::timestamptz
                     not between now - %(plausible_age)s::interval and now + interval '5 minutes'
                then %(other_key)s else %(key)s end as key
    from moment
),
known as (
    select incident.id, incident.state
    from press
    join sos_press on device_id = %(device_id)s
        and case when %(retained)s then starts_with(dedup_key, key)
                 else dedup_key = key and received_at > now - interval '24 hours' end
    join incident on incident.id = incident_id
    order by incident.id desc
    limit 1
),
band as (
    select device.id is not null as enrolled, resident_id, state.*
    from moment
    left join device on device.id = %(device_id)s and retired_at is null
    left join assignment
        on assignment.device_id = %(device_id)s and device.id is not null and coalesce(period @> now, false)
    left join device_state state on state.device_id = %(device_id)s
),
opened as (
    insert into incident (
        subject, kind, severity, resident_id, device_id, source, occurred_at, opened_at, round_started_at, due_at, late,
        lat, lon, accuracy_m, position_at, bpm, detail)
    select coalesce('resident:' || resident_id, 'device:' || %(device_id)s), 'sos', 'sos', resident_id, %(device_id)s,
           %(trigger)s, case when clock_right then %(ts)s else now end, now, now, now,
           coalesce(clock_right and %(ts)s < now - interval '10 minutes', false),
           coalesce(%(lat)s, lat), coalesce(%(lon)s, lon),
           case when %(lat)s::float8 is null then band.accuracy_m else %(accuracy_m)s end,
           case when %(lat)s::float8 is null then location_ts when clock_right then %(ts)s else now end,
           coalesce(%(bpm)s, nullif(bpm, 0)),
           jsonb_strip_nulls(jsonb_build_object(
               'presses', jsonb_build_object(key, now),
               'clock_wrong', case when not clock_right then true end,
               'unknown_band', case when not enrolled then true end,
               'unassigned_band', case when enrolled and resident_id is null then true end,
               'bpm_at', case when %(bpm)s::int is null and bpm > 0 then bpm_ts end))
    from press, band
    where not exists (select from known)
    on conflict (subject, kind) where state <> 'resolved' do update set
        press_count = incident.press_count + 1,
        due_at = due_when_pressed(incident, excluded.due_at),
        late = incident.late and excluded.late,
        (lat, lon, accuracy_m, position_at) = (select newest.* from (values
            (incident.lat, incident.lon, incident.accuracy_m, incident.position_at),
            (excluded.lat, excluded.lon, excluded.accuracy_m, excluded.position_at)
        ) as newest order by column4 desc nulls last limit 1),
        bpm = coalesce(excluded.bpm, incident.bpm),
        detail = incident.detail || jsonb_build_object('presses', excluded.detail -> 'presses' || coalesce(
            (select jsonb_object_agg(earlier.key, value) from jsonb_each(incident.detail -> 'presses') earlier
             where (value #>> '{}')::timestamptz > excluded.opened_at - interval '10 minutes'), '{}'))
    where not coalesce((incident.detail #>> array['presses', (select key from press)])::timestamptz
                       > excluded.opened_at - interval '24 hours', false)
    returning id, state, press_count
),
remembered as (
    insert into sos_press (device_id, dedup_key, event_id, ts, received_at, incident_id, payload)
    select %(device_id)s, key, %(event_id)s, %(ts)s, now, id, %(payload)s from press, opened
    on conflict (device_id, dedup_key) do update
    set received_at = excluded.received_at, incident_id = excluded.incident_id, payload = excluded.payload
),
told as (
    insert into incident_event (incident_id, at, kind, via, detail)
    select id, now, case press_count when 1 then 'opened' else 'pressed_again' end, 'band',
           jsonb_strip_nulls(jsonb_build_object(
               'event_id', %(event_id)s::text, 'ts', %(ts)s::timestamptz, 'trigger', %(trigger)s::text))
    from press, opened
)
select id, state, case press_count when 1 then 'opened' else 'merged' end, pg_notify('incident', id::text) from opened
union all
select id, state, 'duplicate', null from known
""".replace(":now", NOW, 1)
)


async def raise_sos(conn: Connection, press: Press, *, plausible_age: timedelta = PLAUSIBLE_AGE) -> Raised:
    """Open an incident for a press, or merge into the open one; one that was heard within 24 hours changes nothing.

    A retained copy of any press ever heard changes nothing either. A second press of another name counts, is told in
    the timeline and, where somebody has it in hand, makes it due. A band that nobody knows, or nobody wears, is a
    subject of its own. Position and heart rate are the press's, else the last known with their time. A clock that is
    more than 5 min ahead or older than `plausible_age` is not believed.
    """
    key, clock_is_key = _dedup_key(press)
    parameters = {
        "device_id": press.device_id,
        "key": key,
        "other_key": _own_name(press),
        "retained": press.retained,
        "clock_is_key": clock_is_key,
        "event_id": press.event_id,
        "ts": press.ts,
        "plausible_age": plausible_age,
        "trigger": press.trigger,
        "lat": press.lat,
        "lon": press.lon,
        "accuracy_m": press.accuracy_m,
        "bpm": press.bpm,
        "payload": press.payload,
    }
    row = await (await conn.execute(_RAISE_SOS, parameters, prepare=True)).fetchone()
    if row is None:
        # Another process committed the same press while this statement waited for it: a new statement sees it.
        row = await (await conn.execute(_RAISE_SOS, parameters, prepare=True)).fetchone()
    if row is None:
        # Neither new nor known should not be. But no press is given up for its name: under a fresh one it counts.
        row = await (await conn.execute(_RAISE_SOS, {**parameters, "key": parameters["other_key"]})).fetchone()
        assert row is not None  # noqa: S101  a fresh name opens or merges
    return Raised(row[0], IncidentState(row[1]), row[2], press.event_id)


async def long_over(conn: Connection, incident_id: int) -> bool:
    """Whether the incident was resolved more than `LONG_OVER` ago, by the database's clock."""
    query = "select from incident where id = %s and state = 'resolved' and resolved_at < eldercare_now() - %s"
    return (await (await conn.execute(query, (incident_id, LONG_OVER))).fetchone()) is not None


_GRAVER = """(array_position(array['sos', 'urgent', 'warning', 'task'], excluded.severity)
        < array_position(array['sos', 'urgent', 'warning', 'task'], incident.severity))"""
# Open, whoever is to be asked is asked by the ladder; in hand, the owner is told as of a second press, save of a task.
_TELLS_OWNER = "(incident.state <> 'open' and excluded.severity <> 'task')"

_OPEN = f"""
with moment as (select %(now)s::timestamptz as now),
before as (
    select severity from incident where subject = %(subject)s and kind = %(kind)s and state <> 'resolved'
),
opened as (
    insert into incident (
        subject, kind, severity, resident_id, device_id, source, occurred_at, opened_at, round_started_at, due_at,
        lat, lon, accuracy_m, position_at, bpm, detail)
    select %(subject)s, %(kind)s, %(severity)s, %(resident_id)s, %(device_id)s, 'rule', %(at)s, now, now, now,
           lat, lon, accuracy_m, location_ts,
           -- What the admin sees as well (`access`) tells nothing of anybody's heart.
           case when %(kind)s not in ('silent', 'low_battery') then nullif(bpm, 0) end, %(detail)s
    from moment left join device_state on device_state.device_id = %(device_id)s
    on conflict (subject, kind) where state <> 'resolved' do update set
        severity = case when {_GRAVER} then excluded.severity else incident.severity end,
        round = incident.round + ({_GRAVER} and incident.state = 'open')::int,
        press_count = incident.press_count + {_TELLS_OWNER}::int,
        next_step = case when {_GRAVER} then 0 else incident.next_step end,
        stepped_at = case when {_GRAVER} then null else incident.stepped_at end,
        declined_id = case when {_GRAVER} then null else incident.declined_id end,
        round_started_at = case when {_GRAVER} then excluded.round_started_at else incident.round_started_at end,
        due_at = case when {_GRAVER} then excluded.due_at
                      when {_TELLS_OWNER} then due_when_pressed(incident, excluded.due_at)
                      else incident.due_at end,
        tell_after = case when not {_GRAVER} then incident.tell_after end,
        detail = (incident.detail - 'cleared_at') || excluded.detail
    -- What goes on says nothing new; what became graver does, and what was over and is here again.
    where {_GRAVER} or incident.detail ? 'cleared_at'
    returning id, xmax = 0 as is_new
),
told as (
    insert into incident_event (incident_id, at, kind, via, detail)
    select id, now, case when is_new then 'opened'
                         when exists (select from before where severity = %(severity)s) then 'found_again'
                         else 'raised' end, 'rule',
           jsonb_build_object('severity', %(severity)s::text) || %(detail)s
    from opened, moment
)
select id, is_new, pg_notify('incident', id::text) from opened
"""  # noqa: S608  constants of ours

_CLEAR = """
with moment as (select %(now)s::timestamptz as now),
found as (
    select id, severity in ('task', 'warning') and state = 'open' as ends
    from incident where subject = %(subject)s and kind = %(kind)s and state <> 'resolved'
    for no key update
),
ended as (
    update incident set state = 'resolved', disposition = 'cleared', resolved_at = now, due_at = null
    from found, moment where incident.id = found.id and ends
),
noted as (
    update incident set detail = detail || jsonb_build_object('cleared_at', now)
    from found, moment where incident.id = found.id and not ends
),
unsent as (
    update notification set status = 'cancelled', reason = 'cleared', finished_at = now
    from found, moment where incident_id = found.id and ends and status = 'queued'
),
told as (
    insert into incident_event (incident_id, at, kind, via, detail)
    select id, now, unnest(case when ends then array['cleared', 'resolved'] else array['cleared'] end), 'rule',
           jsonb_build_object('reason', %(reason)s::text, 'at', %(at)s::timestamptz)
    from found, moment
)
select id, ends, pg_notify('incident', id::text) from found
"""


async def _open(conn: Connection, subject: Subject, finding: Finding, now: datetime) -> None:
    await conn.execute(
        _OPEN,
        {
            "now": now,
            "subject": subject.key,
            "resident_id": subject.resident_id,
            "device_id": subject.device_id,
            "kind": finding.kind,
            "severity": finding.severity,
            "at": finding.at,
            "detail": Jsonb({"reason": finding.reason, **finding.detail}),
        },
        prepare=True,
    )


async def _clear(conn: Connection, subject: Subject, cleared: Cleared, now: datetime) -> None:
    await conn.execute(
        _CLEAR,
        {"now": now, "subject": subject.key, "kind": cleared.kind, "reason": cleared.reason, "at": cleared.at},
        prepare=True,
    )


async def apply_verdicts(conn: Connection, judged: Sequence[Judged], now: datetime) -> None:
    """Open what was found and close what is over.

    A finding merges into the open incident of its kind; a graver one changes it, and starts its ladder again. One that
    comes after the last was over is written down, and whoever has it in hand hears of it, unless it is a task.
    What is over is written into the timeline; a task or a warning that nobody has accepted ends by itself, anything
    urgent or owned stays for a person. The order is kept per subject; between subjects it is the same in every process.
    """
    for item in sorted(judged, key=lambda item: item.subject.key):
        match item.verdict:
            case Finding() as finding:
                await _open(conn, item.subject, finding, now)
            case Cleared() as cleared:
                await _clear(conn, item.subject, cleared, now)
