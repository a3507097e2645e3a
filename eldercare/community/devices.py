"""Bands: who wears which from when to when, and how each is doing. Periods of one band never overlap."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from eldercare.accounts import access
from eldercare.accounts.viewers import Role, Scope, Viewer
from eldercare.platform import pagination
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, InvalidInput, NotFound
from eldercare.platform.pagination import Page
from eldercare.protocol.mqtt_v1 import DEVICE_ID

SERVICES = "eldercare"
"""How the services' own names at the broker begin."""


class BandState(StrEnum):
    """Where a band is. It is worn by an assignment, and by nothing else."""

    IN_STOCK = "in_stock"
    WORN = "worn"
    IN_REPAIR = "in_repair"
    LOST = "lost"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Device:
    """A band, who wears it now (None: nobody), and its newest technical state. `last_seen_at` is the service's time."""

    id: str
    model: str
    state: str
    created_at: datetime
    retired_at: datetime | None
    resident_id: int | None
    resident_name: str | None
    assigned_since: datetime | None
    last_seen_at: datetime | None
    battery_pct: int | None
    charging: bool | None
    worn: bool | None
    signal_dbm: int | None
    firmware: str | None
    status_ts: datetime | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A resident wears a band from `since` (included) to `until` (excluded; None: still)."""

    id: int
    device_id: str
    resident_id: int
    since: datetime
    until: datetime | None


_DEVICE = sql.SQL(
    """
    select d.id, d.model,
           case when d.state in ('worn', 'in_stock') then case when a.id is null then 'in_stock' else 'worn' end
                else d.state end as state,
           d.created_at, d.retired_at, r.id as resident_id, r.name as resident_name,
           lower(a.period) as assigned_since, s.last_seen_at, s.battery_pct, s.charging,
           case when s.status_ts <@ a.period then s.worn end as worn, s.signal_dbm,
           s.firmware, s.status_ts
    from device d
    left join assignment a on a.device_id = d.id and a.period @> eldercare_now()
    left join resident r on r.id = a.resident_id
    left join device_state s on s.device_id = d.id
    where ({seen}) and {condition}
    order by d.id
    limit {limit}
    """
)


async def listing(
    conn: Connection,
    viewer: Viewer,
    *,
    free: bool | None = None,
    retired: bool = False,
    cursor: str | None = None,
    limit: int = 200,
) -> Page[Device]:
    """The bands of the residents whom `viewer` sees, by id; all of them for duty and admin. `free` asks for those worn
    by nobody."""
    pagination.check_limit(limit, 1000)
    after = pagination.decode("devices", cursor, (str,)) or ("",)
    conditions = [sql.SQL("d.id > {}").format(sql.Literal(after[0]))]
    if free is not None:
        conditions.append(sql.SQL("(a.id is null) = {}").format(sql.Literal(free)))
    if not retired:
        conditions.append(sql.SQL("d.retired_at is null").format())
    found = await _select(conn, viewer, sql.SQL(" and ").join(conditions), limit + 1)
    return pagination.page("devices", found, limit, lambda device: (device.id,))


async def get(conn: Connection, viewer: Viewer, device_id: str) -> Device:
    """One band. Raises NotFound, also where it is worn by somebody whom `viewer` may not see."""
    found = await _select(conn, viewer, sql.SQL("d.id = {}").format(sql.Literal(device_id)), 1)
    if not found:
        raise NotFound("device", device_id)
    return found[0]


def check_id(device_id: str) -> None:
    """Check that a band may have this id. Raises InvalidInput for one the topics cannot carry, or named like a
    service's.

    A band's id is its user name and client id at the broker: one named like a service would take over its session.
    """
    if not DEVICE_ID.fullmatch(device_id):
        raise InvalidInput("device_id", f"{device_id[:70]!r} is not 1 to 64 of A-Z a-z 0-9 _ -")
    if device_id.lower().startswith(SERVICES):
        raise InvalidInput("device_id", f"{device_id!r} begins with {SERVICES!r}, as the services' own names do")


async def create(conn: Connection, device_id: str, *, model: str = "", mqtt_password_hash: str | None = None) -> None:
    """Make a band. Raises InvalidInput for an id the topics cannot carry, Conflict where there is one of that name."""
    check_id(device_id)
    made = await conn.execute(
        "insert into device (id, model, mqtt_password_hash) values (%s, %s, %s) on conflict do nothing",
        (device_id, model, mqtt_password_hash),
    )
    if not made.rowcount:
        raise Conflict(f"there is a band {device_id} already")


async def hold(conn: Connection, device_ids: Iterable[str]) -> None:
    """Hold the rows of these bands, as far as there are any, until the end of the transaction.

    Call it before changing several in one transaction, in whatever order. Ingest and the watch hold what is remembered
    of bands in the order of ids; two who take theirs in different orders would wait for each other.
    """
    wanted = list(device_ids)
    await conn.execute('select from device where id = any(%s) order by id collate "C" for no key update', (wanted,))
    await conn.execute(
        "select from device_state where device_id = any(%s) order by device_id for no key update", (wanted,)
    )


async def assign(
    conn: Connection, device_id: str, resident_id: int, *, since: datetime, until: datetime | None = None
) -> int:
    """`resident_id` wears the band from `since` until `until`; returns the assignment's id.

    This forgets what the rules remembered of the wearer before. Raises Conflict where somebody wears it in that time,
    or it is lost, in repair or retired; NotFound without the band or the resident, InvalidInput for a period that ends
    before it begins.
    """
    if until is not None and until <= since:
        raise InvalidInput("until", "is not after the beginning")
    state = await _hold(conn, device_id)
    if state not in (BandState.IN_STOCK, BandState.WORN):
        raise Conflict(f"the band {device_id} is {state.replace('_', ' ')}: put it in stock first")
    try:
        async with conn.transaction():
            row = await (
                await conn.execute(
                    "insert into assignment (device_id, resident_id, period)"
                    " values (%s, %s, tstzrange(%s, %s)) returning id",
                    (device_id, resident_id, since, until),
                )
            ).fetchone()
    except psycopg.errors.ExclusionViolation as error:
        raise Conflict(await _who_wears(conn, device_id, since, until)) from error
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFound("resident", resident_id) from error
    await _forget_wearer(conn, device_id)
    assert row is not None  # noqa: S101  an insert returns its row
    assignment_id: int = row[0]
    return assignment_id


async def unassign(conn: Connection, device_id: str, *, at: datetime) -> Assignment:
    """End the period that `at` lies in; what the band says from `at` on is nobody's. Raises NotFound where it is
    worn by nobody, InvalidInput where the period has only begun at `at`."""
    await _hold(conn, device_id)
    async with conn.cursor(row_factory=class_row(Assignment)) as cursor:
        await cursor.execute(
            "update assignment set period = tstzrange(lower(period), %(at)s)"
            " where device_id = %(device)s and period @> %(at)s and lower(period) < %(at)s"
            " returning id, device_id, resident_id, lower(period) as since, upper(period) as until",
            {"device": device_id, "at": at},
        )
        ended = await cursor.fetchone()
    if ended is None:
        begun = await conn.execute(
            "select from assignment where device_id = %s and lower(period) = %s", (device_id, at)
        )
        if begun.rowcount:
            raise InvalidInput("at", "the period has only begun then")
        raise NotFound("wearer of band", device_id)
    await _forget_wearer(conn, device_id)
    return ended


async def assignments(
    conn: Connection, *, device_id: str | None = None, resident_id: int | None = None
) -> list[Assignment]:
    """The periods of a band, or of a resident, oldest first."""
    async with conn.cursor(row_factory=class_row(Assignment)) as cursor:
        await cursor.execute(
            "select id, device_id, resident_id, lower(period) as since, upper(period) as until from assignment"
            " where (%(device)s::text is null or device_id = %(device)s)"
            " and (%(resident)s::bigint is null or resident_id = %(resident)s) order by lower(period), id",
            {"device": device_id, "resident": resident_id},
        )
        return await cursor.fetchall()


async def set_state(conn: Connection, device_id: str, state: BandState, *, at: datetime) -> int | None:
    """The band is in stock, in repair, lost or retired from `at` on: worn by nobody; returns who wore it until then.

    A retired band has no password any more; `enroll` gives it another should it come back. A band that still presses
    rings all the same, as one that is nobody's. Raises NotFound, InvalidInput for `worn`: only assigning makes it that.
    """
    if state is BandState.WORN:
        raise InvalidInput("state", "a band is worn by assigning it to somebody")
    await _hold(conn, device_id)
    worn_by = await _end_periods(conn, device_id, at)
    await conn.execute(
        "update device set state = %(state)s::text, retired_at = case when %(state)s = 'retired' then %(at)s end,"
        " mqtt_password_hash = case when %(state)s <> 'retired' then mqtt_password_hash end"
        " where id = %(device)s and state <> %(state)s",
        {"state": str(state), "at": at, "device": device_id},
    )
    await _forget_wearer(conn, device_id)
    return worn_by


async def retire(conn: Connection, device_id: str, *, at: datetime) -> None:
    """The band leaves service: worn by nobody, its password worthless at the next `enroll`. Raises NotFound."""
    if await _hold(conn, device_id) is BandState.RETIRED:
        raise NotFound("device", device_id)
    await set_state(conn, device_id, BandState.RETIRED, at=at)


async def worn_by(conn: Connection, resident_id: int, at: datetime) -> list[str]:
    """The bands that a resident wears at a time."""
    rows = await conn.execute(
        "select device_id from assignment where resident_id = %s and period @> %s::timestamptz order by device_id",
        (resident_id, at),
    )
    return [row[0] for row in await rows.fetchall()]


async def last_heard(conn: Connection) -> datetime | None:
    """When the service heard the newest message of any band, by its own clock; None where it never did."""
    row = await (await conn.execute("select max(last_seen_at) from device_state")).fetchone()
    return row[0] if row else None


async def _end_periods(conn: Connection, device_id: str, at: datetime) -> int | None:
    """End the period that lasts, and drop those to come; returns whose the first of them was."""
    rows = await conn.execute(
        "select resident_id from assignment where device_id = %s and period @> %s::timestamptz", (device_id, at)
    )
    row = await rows.fetchone()
    values = {"at": at, "device": device_id}
    await conn.execute("delete from assignment where device_id = %(device)s and lower(period) >= %(at)s", values)
    await conn.execute(
        "update assignment set period = tstzrange(lower(period), %(at)s)"
        " where device_id = %(device)s and period @> %(at)s",
        values,
    )
    return row[0] if row else None


async def _select(conn: Connection, viewer: Viewer, condition: sql.Composable, limit: int) -> list[Device]:
    everything = viewer.has(Role.DUTY, Role.ADMIN)
    seen = access.TRUE if everything else access.resident(viewer, Scope.CONTACT)
    async with conn.cursor(row_factory=class_row(Device)) as cursor:
        await cursor.execute(_DEVICE.format(seen=seen, condition=condition, limit=sql.Literal(limit)))
        return await cursor.fetchall()


async def _hold(conn: Connection, device_id: str) -> BandState:
    """Hold the band's row until the end of the transaction; returns where it is. Raises NotFound.

    Otherwise two that write overlapping periods at one moment would wait for each other in the exclusion constraint.
    """
    row = await (
        await conn.execute("select state from device where id = %s for no key update", (device_id,))
    ).fetchone()
    if row is None:
        raise NotFound("device", device_id)
    return BandState(row[0])


async def _who_wears(conn: Connection, device_id: str, since: datetime, until: datetime | None) -> str:
    row = await (
        await conn.execute(
            "select a.resident_id, r.name, lower(a.period), upper(a.period)"
            " from assignment a join resident r on r.id = a.resident_id"
            " where a.device_id = %s and a.period && tstzrange(%s, %s) order by a.period limit 1",
            (device_id, since, until),
        )
    ).fetchone()
    if row is None:  # whoever was in the way has just gone
        return f"the band {device_id} was assigned at the same moment"
    resident_id, name, since, until = row
    end = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
    return f"the band {device_id} is worn by {name} (resident {resident_id}) since {since:%Y-%m-%d %H:%M} UTC{end}"


async def _forget_wearer(conn: Connection, device_id: str) -> None:
    # The rules' memory and the newest values are the last wearer's. That the band lives, and its battery, stay known.
    await conn.execute(
        "update device_state set rules = '{}', bpm = null, bpm_ts = null, lat = null, lon = null, accuracy_m = null,"
        " location_ts = null, worn = null where device_id = %s",
        (device_id,),
    )
