"""Opening incidents: an SOS as one statement, and what the rules found. Whoever calls commits, once.

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

from alerts.kinds import Cleared, Finding, IncidentState, Named, Press, Verdict
from eldercare.clock import NOW
from eldercare.database import Connection, Numbered
from eldercare.wire import SosState

PLAUSIBLE_AGE = timedelta(days=400)
"""A press said to be older than this comes from a band whose clock is wrong."""

LONG_OVER = timedelta(minutes=10)
"""A band still repeats a press for a moment after its incident is closed; what comes later is another press."""

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


def _parameters(press: Press, plausible_age: timedelta) -> dict[str, Any]:
    """`name` is null where the band gave none. `bytes`, its digest, names the press then; `once` and `own`, where only
    copies that another session of ours hears shall be the same press. `prefix`: other names may begin with this one."""
    named, copy = press.named, press.retained or press.redelivered
    by_bytes = f"{press.digest}:"
    own = f"{by_bytes}{press.heard_by}:" if named is Named.NOTHING and not copy else None
    # What a number names is named by it alone: a band that sends it again may send its time anew.
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
        "trigger": press.trigger,
        "lat": press.lat,
        "lon": press.lon,
        "acc": press.accuracy_m,
        "bpm": press.bpm,
        "payload": press.payload,
    }


# The one statement. `known` sees presses committed before it began. Two processes that hear the same press at the same
# moment meet at incident_one_open: the second waits there, then finds the press among the last of the incident and does
# nothing; those are few, so that a press costs the same however many there were. It takes no lock on device_state, so
# no batch of telemetry can stand before it. coalesce() keeps the planner from asking the index of periods, where all of
# today's assignments are, for the one of this band. Of an open incident `due_at` stays: its ladder climbs by itself,
# and only somebody who has it in hand must hear of the press now. A name is searched for there as long as `known` does,
# or one heard again after a day would be neither new nor known. Who wore the band is asked of the press's own time, and
# what was last known of a wearer is theirs only if it is from their days. A name is used again by a band that began to
# count anew, so one that comes long after its incident is over rings, unless the broker says that it is a copy; without
# a name the same bytes may be another press as soon as it is over.
_RAISE_SOS = Numbered(
    """
with clock_now as (select :now as now),
judged as (
    select *, %(name)s::text is not null and (clock_right or not %(clock_is_name)s) as is_named from (
        select now, coalesce(%(ts)s::timestamptz between now - %(age)s::interval and now + interval '5 minutes', false)
                    as clock_right from clock_now) as clock_read
),
press as (
    select *, case when is_named then %(name)s else coalesce(%(once)s, %(bytes)s) end as key,
           case when clock_right then %(ts)s::timestamptz else now end as at, extract(epoch from now) as s
    from judged
),
known as (
    select incident.id, incident.state
    from press
    join lateral (
        select incident_id, received_at from sos_press where device_id = %(device_id)s and dedup_key = key
        union all
        select incident_id, received_at from sos_press where %(prefix)s and device_id = %(device_id)s
            and (starts_with(dedup_key, key) or event_id = %(event_id)s)
    ) heard on true
    join incident on incident.id = incident_id
    where %(retained)s or received_at > now - interval '24 hours' and (
        state <> 'resolved'
        or is_named and coalesce(resolved_at between now - %(over)s::interval and now, true)
        or %(redelivered)s and case when is_named then not coalesce(clock_right and %(ts)s > resolved_at, false)
                                    else received_at > now - interval '1 minute' end)
    order by incident.id desc
    limit 1
),
band as (
    select device.id is not null as enrolled, resident_id, not still as handed_over,
           case when coalesce(period @> location_ts, true) then lat end as lat,
           case when coalesce(period @> location_ts, true) then lon end as lon, accuracy_m, location_ts,
           case when coalesce(period @> bpm_ts, true) then nullif(bpm, 0) end as bpm, bpm_ts
    from press
    left join device on device.id = %(device_id)s and (retired_at is null or retired_at > at)
    left join lateral (
        select resident_id, period, period @> now as still, period @> at as then from assignment
        where assignment.device_id = %(device_id)s and device.id is not null
          and (coalesce(period @> at, false) or coalesce(period @> now, false))
        order by 4 desc limit 1
    ) worn on true
    left join device_state on device_state.device_id = %(device_id)s
),
opened as (
    insert into incident (
        subject, kind, severity, resident_id, device_id, source, occurred_at, opened_at, round_started_at, due_at, late,
        lat, lon, accuracy_m, position_at, bpm, recent_presses, detail)
    select coalesce('resident:' || resident_id, 'device:' || %(device_id)s), 'sos', 'sos', resident_id, %(device_id)s,
           %(trigger)s, at, now, now, now, at < now - interval '10 minutes',
           coalesce(%(lat)s, lat), coalesce(%(lon)s, lon),
           case when %(lat)s::float8 is not null then %(acc)s when lat is not null then accuracy_m end,
           case when %(lat)s::float8 is not null then at when lat is not null then location_ts end,
           coalesce(%(bpm)s, bpm), array[s || ' ' || key],
           jsonb_strip_nulls(jsonb_build_object(
               'clock_wrong', case when %(ts)s::timestamptz is not null and not clock_right then true end,
               'unknown_band', case when not enrolled then true end,
               'unassigned_band', case when enrolled and resident_id is null then true end,
               'handed_over', case when handed_over then true end,
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
        recent_presses = (excluded.recent_presses || incident.recent_presses)[:64]
    where not exists (
        select from press, unnest(incident.recent_presses) as each, substr(each, strpos(each, ' ') + 1) as earlier
        where case when %(own)s::text is null or is_named
            then earlier = key and split_part(each, ' ', 1)::float8 > s - 86400
            else starts_with(earlier, %(bytes)s) and not starts_with(earlier, %(own)s)
                 and split_part(each, ' ', 1)::float8 > s - 30 end)
    returning id, state, press_count
),
remembered as (
    insert into sos_press (device_id, dedup_key, event_id, echo, ts, received_at, incident_id, payload)
    select %(device_id)s, key, %(event_id)s, %(echo)s, %(ts)s, now, id, %(payload)s from press, opened
    on conflict (device_id, dedup_key) do update
    set received_at = excluded.received_at, incident_id = excluded.incident_id, payload = excluded.payload
),
told as (
    insert into incident_event (incident_id, at, kind, via, detail)
    select id, now, case press_count when 1 then 'opened' else 'pressed_again' end, 'band',
           jsonb_strip_nulls(jsonb_build_object(
               'event_id', %(event_id)s::text, 'ts', %(ts)s::timestamptz, 'trigger', %(trigger)s::text,
               'presses', case when press_count > 30 then press_count end))
    from press, opened where press_count <= 30 or mod(press_count, 50) = 0
)
select id, state, case press_count when 1 then 'opened' else 'merged' end, pg_notify('incident', id::text) from opened
union all
select id, state, 'duplicate', null from known
union all
select incident.id, state, 'duplicate', null
from band join incident on subject = coalesce('resident:' || band.resident_id, 'device:' || %(device_id)s)
    and kind = 'sos' and state <> 'resolved'
where not exists (select from opened) and not exists (select from known)
""".replace(":now", NOW, 1)
)


async def raise_sos(conn: Connection, press: Press, *, plausible_age: timedelta = PLAUSIBLE_AGE) -> Raised:
    """Open an incident for a press, or merge into the open one; one that is known changes nothing.

    Known is one whose name was heard within 24 hours, unless its incident was resolved more than `LONG_OVER` ago: then
    only a redelivered copy is. A retained copy of any press ever heard changes nothing either. A press without a name
    is known as long as its incident lasts: by its bytes, where they may hide a name; else only where another session
    of ours has just heard it. Another press counts, is told in the timeline and, where somebody has it in hand, makes
    it due. The incident is about whoever wore the band at the press's own time; a band that nobody knows, or nobody
    wears, is a subject of its own. Position and heart rate are the press's, else the last known of the
    wearer with their time. A clock that is more than 5 min ahead or older than `plausible_age` is not believed.
    """
    parameters = _parameters(press, plausible_age)
    row = await _RAISE_SOS.row(conn, parameters)
    if row is None:
        # Another process committed the same press while this statement waited for it: a new statement sees it.
        row = await _RAISE_SOS.row(conn, parameters)
    if row is None:
        # Neither new nor known should not be. But no press is given up for its name: under a fresh one it counts.
        fresh = {"name": None, "once": f"{press.digest}:{uuid4()}", "own": None}
        row = await _RAISE_SOS.row(conn, {**parameters, **fresh})
        assert row is not None  # noqa: S101  a fresh name opens or merges
    return Raised(row[0], IncidentState(row[1]), row[2], press.event_id)


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
