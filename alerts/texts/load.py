"""Reads the context of an incident's messages from its rows."""

from contextlib import suppress
from datetime import datetime, tzinfo
from typing import Any

from alerts.model.geo import bearing_deg, distance_m
from alerts.model.incident import IncidentKind, IncidentState, Severity
from alerts.texts.context import MessageContext
from eldercare.platform.database import Connection
from eldercare.platform.errors import NotFound

MESSAGE_CONTEXT = """
    json_build_object(
        'incident_id', i.id, 'kind', i.kind, 'severity', i.severity,
        'reason', case when i.source = 'rule' then coalesce(i.detail ->> 'reason', 'rule') else i.source end,
        'occurred_at', i.occurred_at, 'late', i.late, 'late_s', extract(epoch from i.opened_at - i.occurred_at),
        'resident_name', r.name,
        'age', case when isfinite(r.birth_date) then extract(year from age(i.opened_at, r.birth_date))::int end,
        'address', r.address, 'entry', r.entry, 'device_id', i.device_id,
        'lat', i.lat, 'lon', i.lon, 'accuracy_m', i.accuracy_m, 'position_at', i.position_at,
        'home_lat', r.home_lat, 'home_lon', r.home_lon, 'press_count', i.press_count,
        'state', i.state, 'arrival_due_at', i.arrival_due_at,
        'wearer', case when coalesce(i.wearer_said_at, i.wearer_asked_at) >= i.round_started_at
                       then coalesce(i.wearer_said, 'silent') end,
        -- Who never said "I am going" is not who goes: duty, who noted that 120 is there.
        'owner_name', (select o.name from person o where o.id = i.owner_id and i.accepted_at is not null))
"""
"""SQL: the context as one JSON value, over `incident i left join resident r`."""

_MESSAGE_CONTEXTS = (
    f"select {MESSAGE_CONTEXT} from incident i left join resident r on r.id = i.resident_id where i.id = any(%s)"  # noqa: S608
)


def to_context(row: dict[str, Any], now: datetime, zone: tzinfo) -> MessageContext:
    """The context from one JSON value made by `MESSAGE_CONTEXT`, as of `now` (aware), for readers in `zone`."""
    lat, lon, home = row["lat"], row["lon"], (row["home_lat"], row["home_lon"])
    state = IncidentState(row["state"])
    from_home = lat is not None and home[0] is not None
    return MessageContext(
        incident_id=row["incident_id"],
        kind=IncidentKind(row["kind"]),
        severity=Severity(row["severity"]),
        reason=row["reason"],
        occurred_at=datetime.fromisoformat(row["occurred_at"]),
        zone=zone,
        resident_name=row["resident_name"],
        age=row["age"],
        address=row["address"],
        entry=row["entry"] or "",
        device_id=row["device_id"],
        lat=lat,
        lon=lon,
        accuracy_m=row["accuracy_m"],
        distance_m=distance_m(*home, lat, lon) if from_home else None,
        bearing_deg=bearing_deg(*home, lat, lon) if from_home else None,
        position_age_minutes=_age_minutes(row["position_at"], now),
        late_minutes=round(row["late_s"] / 60) if row["late"] else None,
        press_count=row["press_count"],
        owner_name=row["owner_name"],
        state=state,
        called_120=state is IncidentState.HANDED_TO_120 and _is_ahead(row["arrival_due_at"], now),
        wearer=row["wearer"],
    )


async def message_context(conn: Connection, incident_id: int, now: datetime, zone: tzinfo) -> MessageContext:
    """The context of one incident's messages, for readers in `zone`. Raises NotFound."""
    found = await message_contexts(conn, [incident_id], now, zone)
    if not found:
        raise NotFound("incident", incident_id)
    return found[0]


async def message_contexts(
    conn: Connection, incident_ids: list[int], now: datetime, zone: tzinfo
) -> list[MessageContext]:
    """The contexts of several incidents, in the given order, without unknown ones and such as cannot be read."""
    rows = await (await conn.execute(_MESSAGE_CONTEXTS, (incident_ids,))).fetchall()
    by_id = {}
    for (row,) in rows:
        with suppress(TypeError, ValueError):
            by_id[row["incident_id"]] = to_context(row, now, zone)
    return [by_id[incident_id] for incident_id in incident_ids if incident_id in by_id]


def _is_ahead(at: str | None, now: datetime) -> bool:
    return at is not None and datetime.fromisoformat(at) > now


def _age_minutes(at: str | None, now: datetime) -> int | None:
    if at is None:
        return None
    return max(0, round((now - datetime.fromisoformat(at)).total_seconds() / 60))
