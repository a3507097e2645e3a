"""Which rule cannot watch whom, read from what the rules remember: no reading is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from alerts.detection import device_state
from alerts.rules.rule import Learnt
from alerts.rules.unwatched import Unwatched, unwatched
from eldercare.accounts import audit
from eldercare.accounts.viewers import Scope, Viewer
from eldercare.community import residents
from eldercare.community.resident_schema import Resident
from eldercare.platform.database import Connection

SLICE = 200
"""How many residents are read in one go, so that whoever else waits in this process has their turn in between."""

_KNOWN = """
select r.id, r.name, home_lat, home_lon, safe_radius_m, away_until, rule_overrides::text, h.renewed_at,
       worn.device_id, worn.since, s.last_seen_at, s.rules::text
from resident r
left join habits h on h.resident_id = r.id
left join lateral (
    select device_id, lower(period) as since from assignment
    where resident_id = r.id and period @> %(now)s::timestamptz
    order by lower(period) desc, id desc limit 1
) worn on true
left join device_state s on s.device_id = worn.device_id
where r.left_at is null and r.id > %(after)s and (%(ids)s::bigint[] is null or r.id = any(%(ids)s))
order by r.id
limit %(most)s
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A resident who has not left, the band that they wear (None: none), and what cannot be watched of them."""

    id: int
    name: str
    device_id: str | None
    lacks: tuple[Unwatched, ...]


async def listing(conn: Connection, now: datetime, zone: tzinfo, *, ids: Sequence[int] | None = None) -> list[Person]:
    """Everybody, or those of `ids`, by id, as of `now` (aware); `zone` is the community's.

    It asks for nobody's rights: whoever shows it leaves out what is not the viewer's, as `of_resident` does.
    """
    found: list[Person] = []
    while True:
        values = {"now": now, "after": found[-1].id if found else 0, "most": SLICE, "ids": ids and list(ids)}
        rows = await (await conn.execute(_KNOWN, values)).fetchall()
        learnt = await device_state.habits_of(conn, {row[0]: row[7] for row in rows if row[7] is not None})
        found += [_person(row, learnt.get(row[0], device_state.NOT_LEARNT), now, zone) for row in rows]
        if len(rows) < SLICE:
            return found


def _person(row: Sequence[Any], learnt: Learnt, now: datetime, zone: tzinfo) -> Person:
    resident_id, name, lat, lon, radius_m, away_until, overrides, _, device_id, since, last_seen, rules = row
    profile = device_state.profile_of(resident_id, lat, lon, radius_m, away_until, overrides, learnt, zone)
    state = None if device_id is None else device_state.state_of(device_id, rules or "{}")
    return Person(resident_id, name, device_id, unwatched(state, profile, since, last_seen, now))


async def of_resident(conn: Connection, resident: Resident, now: datetime, zone: tzinfo) -> tuple[Unwatched, ...]:
    """What cannot be watched of one resident as of `now` (aware), as far as it is theirs to see to whom `resident` was
    shown: what is about health, or about whereabouts, is for whoever sees that."""
    seen = {Scope.CONTACT: True, Scope.HEALTH: resident.sees_health, Scope.LOCATION: resident.sees_location}
    people = await listing(conn, now, zone, ids=[resident.id])
    return tuple(each for person in people for each in person.lacks if seen[each.needs.scope])


async def ask(conn: Connection, viewer: Viewer, resident_id: int, now: datetime, zone: tzinfo) -> tuple[Unwatched, ...]:
    """The same, as `viewer` asks for it. It leaves a row in the audit log where any of it is about health or
    whereabouts. Raises NotFound, Forbidden, as `residents.get`."""
    found = await of_resident(conn, await residents.get(conn, viewer, resident_id), now, zone)
    if any(each.needs.scope is not Scope.CONTACT for each in found):
        await audit.record(conn, viewer, "unwatched", resident_id=resident_id)
    return found
