"""Residents: the list with the newest values of each, and the file of one (一人一档). Fields follow the viewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncCursor, sql
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from eldercare.accounts import access, audit
from eldercare.accounts.viewers import Role, Scope, Viewer
from eldercare.community import limits, resident_history, resident_rows, resident_schema
from eldercare.community.resident_schema import File, Resident
from eldercare.platform import clock, pagination
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden, InvalidInput, NotFound
from eldercare.platform.pagination import Page
from eldercare.platform.validation import fields


@dataclass(frozen=True, slots=True)
class Filters:
    """Which residents; None does not ask. `text` is looked for in name, address, telephone and `external_id`; `flags`
    are some of `resident_schema.FLAGS`."""

    text: str | None = None
    grid_id: int | None = None
    with_band: bool | None = None
    away: bool | None = None
    flags: Mapping[str, bool | None] = field(default_factory=dict)
    left: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """What somebody who is called to a resident needs to get there, and no more. `entry` is how to get in."""

    id: int
    name: str
    address: str
    entry: str | None


_RESIDENT = sql.SQL(
    """
    select r.id, {facts}, g.name as grid, see.health as sees_health, see.location as sees_location,
           a.device_id, s.last_seen_at, s.battery_pct, s.charging,
           case when s.status_ts <@ a.period then s.worn end as worn, s.status_ts,
           case when see.health and s.bpm_ts <@ a.period then s.bpm end as bpm,
           case when see.health and s.bpm_ts <@ a.period then s.bpm_ts end as bpm_ts,
           case when see.location and s.location_ts <@ a.period then s.lat end as lat,
           case when see.location and s.location_ts <@ a.period then s.lon end as lon,
           case when see.location and s.location_ts <@ a.period then s.accuracy_m end as accuracy_m,
           case when see.location and s.location_ts <@ a.period then s.location_ts end as location_ts,
           (select p.name from person p where p.id = r.away_by) as away_by_name, r.away_set_at
    from resident r
    cross join lateral (select {health} as health, {location} as location) see
    left join grid g on g.id = r.grid_id
    left join lateral (select device_id, period from assignment
                       where resident_id = r.id and period @> eldercare_now()
                       order by lower(period) desc, id desc limit 1) a on true
    left join device_state s on s.device_id = a.device_id
    where {contact} and {condition}
    order by r.id
    limit {limit}
    """
)


async def listing(
    conn: Connection, viewer: Viewer, filters: Filters | None = None, *, cursor: str | None = None, limit: int = 100
) -> Page[Resident]:
    """The residents whom `viewer` sees, by id, with what they see of each. Raises InvalidInput for cursor or limit."""
    pagination.check_limit(limit, 5000)
    after = pagination.decode("residents", cursor, (int,)) or (0,)
    condition = sql.SQL("r.id > {} and {}").format(sql.Literal(after[0]), _matches(filters or Filters()))
    found = await _select(conn, viewer, condition, limit + 1)
    return pagination.page("residents", found, limit, lambda resident: (resident.id,))


async def get(conn: Connection, viewer: Viewer, resident_id: int) -> Resident:
    """One resident, with what `viewer` sees of them. Raises NotFound, also for whom the viewer may not know; Forbidden
    for somebody they are called to, who has not agreed to more."""
    if not 0 < resident_id < 2**63:
        raise NotFound("resident", resident_id)
    found = await _select(conn, viewer, sql.SQL("r.id = {}").format(sql.Literal(resident_id)), 1)
    if not found:
        raise await _hidden(conn, viewer, resident_id)
    return found[0]


async def _hidden(conn: Connection, viewer: Viewer, resident_id: int) -> NotFound | Forbidden:
    """Why the resident is not shown. Whoever is called there knows that there is somebody, and is not told
    otherwise."""
    if await doors(conn, viewer, [resident_id]):
        return Forbidden(
            f"resident {resident_id} has not agreed to be seen by you; the incident that you are called to says where"
            " to go and how to get in"
        )
    return NotFound("resident", resident_id)


async def doors(conn: Connection, viewer: Viewer, resident_ids: Sequence[int]) -> dict[int, Door]:
    """The doors of those residents, by id, to whom the viewer is called or goes at this moment."""
    query = sql.SQL("select r.id, r.name, r.address, r.entry from resident r where r.id = any({}) and {}").format(
        sql.Literal(list(resident_ids)), access.called_now(viewer)
    )
    rows = await (await conn.execute(query)).fetchall()
    return {row[0]: Door(row[0], row[1], row[2], row[3] if _may_enter(viewer) else None) for row in rows}


def _may_enter(viewer: Viewer) -> bool:
    # How to get in is for those who may have to: a doctor on the telephone does not.
    return viewer.has(Role.DUTY, Role.ADMIN, Role.GRID, Role.FAMILY)


async def file(conn: Connection, viewer: Viewer, resident_id: int) -> File:
    """The whole file of one resident. Raises NotFound, also for whom the viewer may not know; Forbidden for somebody
    they are called to, who has not agreed to more."""
    if not 0 < resident_id < 2**63:
        raise NotFound("resident", resident_id)
    found = await files(conn, viewer, [resident_id])
    if resident_id not in found:
        raise await _hidden(conn, viewer, resident_id)
    return found[resident_id]


async def files(conn: Connection, viewer: Viewer, resident_ids: Sequence[int]) -> dict[int, File]:
    """The files of several residents, by id; those whom the viewer may not know are left out."""
    wanted = sql.SQL("r.id = any({})").format(sql.Literal(list(resident_ids)))
    seen = {resident.id: resident for resident in await _select(conn, viewer, wanted, len(resident_ids))}
    query = _FILE.format(
        columns=resident_rows.columns(["id", *resident_schema.FILED, "created_at"]), ids=sql.Literal(list(seen))
    )
    async with conn.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(query)).fetchall()
    return {row["id"]: _file(viewer, seen[row["id"]], row) for row in rows}


# A signature of other limits than those that stand is none: the version before changes them and knows nothing of it.
_FILE = sql.SQL(
    "select {columns}, limits_signed is not distinct from rule_overrides as is_signed, limits_signed_at,"
    " (select p.name from person p where p.id = limits_signed_by) as limits_signed_by"
    " from resident where id = any({ids})"
)
_SIGNATURE = ("limits_reason", "limits_signed_by", "limits_signed_at")


def _file(viewer: Viewer, resident: Resident, row: Mapping[str, Any]) -> File:
    hidden = set() if resident.sees_health else {*resident_schema.MEDICAL, *_SIGNATURE}
    if not _may_enter(viewer):
        hidden.add("entry")
    if not row["is_signed"]:
        hidden.update(_SIGNATURE)
    names = {*resident_schema.FILED, *_SIGNATURE}
    facts = {name: None if name in hidden else row[name] for name in names}
    return File(resident=resident, created_at=row["created_at"], **facts)


async def update(conn: Connection, viewer: Viewer, resident_id: int, changes: Mapping[str, Any], today: date) -> None:
    """Change fields of the file; a key that is absent stays. Leaves an audit row with the names of the fields.

    Duty changes all; admin all but the medical ones; a grid worker `away_until`, `away_reason`, `entry`, `needs` and
    `phone` in their grid; a doctor the limits of a patient who has consented. An absence is bounded
    (`resident_schema.check_times`), and says who wrote it; so do limits of their own (`limits.signed`).
    Raises InvalidInput naming the field, Forbidden, NotFound.
    """
    resident = await get(conn, viewer, resident_id)
    values = resident_schema.checked(changes, today)
    stand = await _limits(conn, viewer, resident_id) if limits.FACTS & values.keys() else _Limits({}, False)
    check_may_change(viewer, values, signs_limits=stand.may_sign)
    _check_home(resident, values)
    if not values:
        return
    now = await clock.now(conn)
    desk = viewer.has(Role.DUTY, Role.ADMIN)
    longest = resident_schema.LONGEST_AWAY if desk else resident_schema.LONGEST_AWAY_BY_GRID
    resident_schema.check_times(values, now, longest)
    named = sorted(values)
    if "away_until" in values:
        values |= {"away_by": viewer.person_id, "away_set_at": now}
    values |= limits.signed(values, stand.limits, viewer.person_id, now)
    await _write(conn, resident_rows.update(values, resident_id), values, viewer.person_id)
    await audit.record(conn, viewer, "file", resident_id=resident_id, action="update", detail={"fields": named})


class _Limits(NamedTuple):
    """The limits of their own that stand, and whether the viewer is a doctor who may sign others."""

    limits: Mapping[str, Any]
    may_sign: bool


async def _limits(conn: Connection, viewer: Viewer, resident_id: int) -> _Limits:
    query = sql.SQL("select r.rule_overrides, {} from resident r where r.id = {} for no key update").format(
        access.signs_limits(viewer), sql.Literal(resident_id)
    )
    row = await (await conn.execute(query)).fetchone()
    return _Limits(*row) if row is not None else _Limits({}, False)


async def create(conn: Connection, values: Mapping[str, Any], today: date, by: int | None = None) -> int:
    """Make a resident from checked or unchecked `values` (at least `name` and `address`); returns their id.

    `by` is the person who does (0: the command line), and signs limits that are among the values. Raises InvalidInput
    naming the field.
    """
    for name in resident_schema.REQUIRED:
        if not values.get(name):
            raise InvalidInput(name, "不能为空 / must not be empty")
    checked = resident_schema.checked(values, today)
    _check_home(None, checked)
    now = await clock.now(conn)
    resident_schema.check_times(checked, now)
    if checked.get("away_until") is not None:
        checked["away_set_at"] = now
    if by is not None:
        checked |= limits.signed(checked, {}, by, now)
    query = resident_rows.insert(checked) + sql.SQL(" returning id")
    row = await (await _write(conn, query, checked, by)).fetchone()
    assert row is not None  # noqa: S101  an insert returns its row
    resident_id: int = row[0]
    return resident_id


async def _write(conn: Connection, query: sql.Composed, values: Mapping[str, Any], by: int | None) -> AsyncCursor[Any]:
    await resident_history.writes(conn, by)
    adapted = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in values.items()}
    try:
        async with conn.transaction():
            return await conn.execute(query, adapted)
    except psycopg.errors.UniqueViolation as error:
        raise InvalidInput("external_id", f"“{values.get('external_id')}”已有人使用 / is another resident's") from error
    except psycopg.errors.ForeignKeyViolation as error:
        raise InvalidInput("grid_id", f"没有网格 {values.get('grid_id')} / there is no such grid") from error


async def _select(conn: Connection, viewer: Viewer, condition: sql.Composable, limit: int) -> list[Resident]:
    query = _RESIDENT.format(
        facts=resident_rows.columns(resident_schema.LISTED, "r"),
        contact=access.resident(viewer, Scope.CONTACT),
        health=access.resident(viewer, Scope.HEALTH),
        location=access.resident(viewer, Scope.LOCATION),
        condition=condition,
        limit=sql.Literal(limit),
    )
    async with conn.cursor(row_factory=class_row(Resident)) as cursor:
        return await (await cursor.execute(query)).fetchall()


def _matches(filters: Filters) -> sql.Composable:
    conditions: list[sql.Composable] = []
    if not filters.left:
        conditions.append(sql.SQL("r.left_at is null"))
    if filters.text:
        conditions.append(_named(filters.text))
    if filters.grid_id is not None:
        conditions.append(sql.SQL("r.grid_id = {}").format(sql.Literal(filters.grid_id)))
    if filters.with_band is not None:
        conditions.append(sql.SQL("(a.device_id is not null) = {}").format(sql.Literal(filters.with_band)))
    if filters.away is not None:
        away = sql.SQL("coalesce(r.away_until > eldercare_now(), false) = {}")
        conditions.append(away.format(sql.Literal(filters.away)))
    for flag, wanted in filters.flags.items():
        if wanted is not None:
            conditions.append(sql.SQL("r.{} = {}").format(sql.Identifier(flag), sql.Literal(wanted)))
    return sql.SQL(" and ").join(conditions) if conditions else access.TRUE


_SPELLING = r"[[:space:]\u00a0\u00ad\u200b-\u200f\u2060\ufeff·•・‧∙⋅.‐‑‒–—―−_-]"
"""Blanks, dots and dashes, width and case do not matter, on either side."""


def _named(text: str) -> sql.Composable:
    """The condition that name, address, telephone or number hold `text`, in whatever way either is written."""
    text = text.replace("\0", "").encode("utf-8", "ignore").decode()
    known = sql.SQL("r.name || ' ' || r.address || ' ' || coalesce(r.phone, '') || ' ' || coalesce(r.external_id, '')")
    found = sql.SQL("(position({} in {}) > 0)").format(_alike(sql.Literal(text)), _alike(known))
    try:
        number = fields.phone("text", text)
    except InvalidInput:
        return found
    return sql.SQL("({} or r.phone = {})").format(found, sql.Literal(number))


def _alike(text: sql.Composable) -> sql.Composable:
    return sql.SQL("lower(regexp_replace(normalize({}, NFKC), {}, '', 'g'))").format(text, sql.Literal(_SPELLING))


def check_may_change(viewer: Viewer, values: Mapping[str, Any], *, signs_limits: bool = False) -> None:
    """Check that the viewer's roles may write these fields, or that the viewer is a doctor who signs the limits of this
    resident. Raises Forbidden naming those that they may not."""
    if viewer.has(Role.DUTY):
        return
    allowed: set[str] = set()
    if viewer.has(Role.ADMIN):
        allowed |= resident_schema.NAMES - resident_schema.MEDICAL
    if viewer.has(Role.GRID):
        allowed |= resident_schema.GRID_WORKERS
    if signs_limits:
        allowed |= limits.FACTS
    refused = sorted(set(values) - allowed)
    if refused:
        raise Forbidden(f"your role does not change {', '.join(refused)}")


def _check_home(resident: Resident | None, values: Mapping[str, Any]) -> None:
    lat = values.get("home_lat", resident.home_lat if resident else None)
    lon = values.get("home_lon", resident.home_lon if resident else None)
    if (lat is None) != (lon is None):
        raise InvalidInput(
            "home_lat" if lat is None else "home_lon", "纬度和经度要么都有要么都没有 / needs the other one"
        )
