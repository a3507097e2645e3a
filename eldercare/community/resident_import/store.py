"""Writes the checked list into the database: new residents, updates by the committee's number, grids, bands, family."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import sql

from eldercare.accounts.viewers import COMMAND_LINE, Role
from eldercare.community import devices, likeness, people, resident_history, resident_rows
from eldercare.community.resident_import.check import BadCell, Entry
from eldercare.community.resident_import.recognise import recognise
from eldercare.community.resident_schema import FACTS
from eldercare.platform.database import Connection
from eldercare.platform.errors import EldercareError

DEFAULTS: dict[str, Any] = {name: known.empty for name, known in FACTS.items() if known.called}
"""The columns of a resident that a list may fill, and what a new resident has where it does not."""


@dataclass(slots=True)
class Stored:
    """What was done, and what stood in the way, upon which the caller rolls back."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    assigned: int = 0
    family: int = 0
    grids: list[str] = field(default_factory=list)
    bad: list[BadCell] = field(default_factory=list)


async def one_at_a_time(conn: Connection) -> None:
    """Let nobody else add residents until this transaction ends."""
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('eldercare import', 0))")


async def store(conn: Connection, entries: Sequence[Entry], now: datetime) -> Stored:
    """Write every entry. An empty cell changes nothing. Whoever calls rolls back when `bad` is not empty."""
    # Two lists at once, each in an order of its own, would wait for one another's residents.
    await one_at_a_time(conn)
    await resident_history.writes(conn, COMMAND_LINE.person_id)
    stored = Stored()
    found = recognise(entries, await everybody(conn))
    grids = await _grids(conn, entries, stored)
    stored.bad += found.bad
    ids: dict[tuple[str, int], int] = {}
    new: list[Entry] = []
    refused = {(cell.sheet, cell.row) for cell in stored.bad}
    taken = [entry for entry in entries if entry.place not in refused]
    for entry in taken:
        current = found.known.get(entry.place)
        if current is None:
            new.append(entry)
            continue
        ids[entry.place] = current["id"]
        changed = await _update(conn, current, _columns(entry, grids))
        stored.updated += changed
        stored.unchanged += not changed
    ids.update(await _insert(conn, new, grids))
    stored.created = len(new)
    await _bands(conn, taken, ids, now, stored)
    await _families(conn, taken, ids, stored)
    return stored


def _columns(entry: Entry, grids: dict[str, int]) -> dict[str, Any]:
    values = {name: value for name, value in entry.values.items() if name in DEFAULTS}
    if "grid" in entry.values:
        values["grid_id"] = grids.get(likeness.grid(entry.values["grid"]))
    return values


async def everybody(conn: Connection) -> list[dict[str, Any]]:
    """The columns that a list may fill, of everybody there is, also of those who have left."""
    names = ["id", "left_at", *DEFAULTS]
    query = sql.SQL("select {} from resident order by id").format(resident_rows.columns(names))
    rows = await (await conn.execute(query)).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


async def _grids(conn: Connection, entries: Sequence[Entry], stored: Stored) -> dict[str, int]:
    """The ids of all grids by likeness; the list's new ones are made, each under the name that stands first."""
    ids: dict[str, int] = {}
    several: dict[str, list[str]] = {}
    for grid in await people.grids(conn):
        ids.setdefault(likeness.grid(grid.name), grid.id)
        several.setdefault(likeness.grid(grid.name), []).append(grid.name)
    for entry in entries:
        name = entry.values.get("grid")
        if not name:
            continue
        alike = likeness.grid(name)
        if len(several.get(alike, ())) > 1:
            names = "、".join(several[alike])
            stored.bad.append(entry.bad("grid", f"库里有几个这样的网格：{names}，请先合并 / several grids are alike"))
        elif alike not in ids:
            ids[alike] = await people.create_grid(conn, name, "")
            stored.grids.append(name)
    return ids


async def _update(conn: Connection, current: dict[str, Any], values: dict[str, Any]) -> bool:
    changes = {name: value for name, value in values.items() if not _same(name, current[name], value)}
    if not changes:
        return False
    await conn.execute(resident_rows.update(changes, current["id"]), changes)
    return True


_LIKENESS = {"name": likeness.key, "address": likeness.address, "external_id": likeness.number}


def _same(name: str, old: Any, new: Any) -> bool:
    """Whether the two values are the same, perhaps in another writing."""
    alike = _LIKENESS.get(name)
    return bool(old == new or (alike and old and new and alike(old) == alike(new)))


async def _insert(conn: Connection, new: Sequence[Entry], grids: dict[str, int]) -> dict[tuple[str, int], int]:
    """Insert the new residents; returns their ids by place."""
    rows = await (
        await conn.execute(
            "select nextval(pg_get_serial_sequence('resident', 'id')) from generate_series(1, %s)", (len(new),)
        )
    ).fetchall()
    ids = {entry.place: row[0] for entry, row in zip(new, rows, strict=True)}
    residents = [{**DEFAULTS, **_columns(entry, grids), "id": ids[entry.place]} for entry in new]
    async with conn.cursor() as cursor:
        await cursor.executemany(resident_rows.insert(["id", *DEFAULTS]), residents)
    return ids


async def _bands(
    conn: Connection, entries: Sequence[Entry], ids: dict[tuple[str, int], int], now: datetime, stored: Stored
) -> None:
    rows = await (
        await conn.execute("select resident_id, device_id from assignment where period @> %s::timestamptz", (now,))
    ).fetchall()
    wearing: dict[int, set[str]] = {}
    for resident_id, device_id in rows:
        wearing.setdefault(resident_id, set()).add(device_id)
    existing = {row[0] for row in await (await conn.execute("select id from device")).fetchall()}
    written = {device_id.lower(): device_id for device_id in existing}
    await devices.hold(conn, [entry.values["device_id"] for entry in entries if entry.values.get("device_id")])
    for entry in entries:
        device_id = entry.values.get("device_id")
        worn = wearing.get(ids[entry.place], set())
        if device_id is None or device_id in worn:
            continue
        if worn:
            bands = ", ".join(sorted(worn))
            reason = f"现戴 {bands}，请先解除（eldercare device take-off） / wears {bands}: unassign it first"
            stored.bad.append(entry.bad("device_id", reason))
            continue
        other = written.get(device_id.lower(), device_id)
        if other != device_id:
            reason = f"库里是 {other}，大小写不同就是另一只 / is written {other} here"
            stored.bad.append(entry.bad("device_id", reason))
            continue
        try:
            if device_id not in existing:
                await devices.create(conn, device_id)
            await devices.assign(conn, device_id, ids[entry.place], since=now)
            stored.assigned += 1
        except EldercareError as error:
            stored.bad.append(entry.bad("device_id", f"不能分配 / cannot be assigned: {error}"))


async def _families(
    conn: Connection, entries: Sequence[Entry], ids: dict[tuple[str, int], int], stored: Stored
) -> None:
    rows = await (
        await conn.execute(
            "select k.resident_id, p.name, p.id, p.phone from resident_contact k join person p on p.id = k.person_id"
            " where k.kind = 'family'"
        )
    ).fetchall()
    linked = {(resident_id, likeness.key(name)): (person_id, phone) for resident_id, name, person_id, phone in rows}
    rows = await (
        await conn.execute("select name, phone, id from person where phone is not null and left_at is null")
    ).fetchall()
    known = {(likeness.key(name), phone): person_id for name, phone, person_id in rows}
    for entry in entries:
        name, phone = entry.values.get("family_name"), entry.values.get("family_phone")
        if name is None:
            continue
        resident_id, alike = ids[entry.place], likeness.key(name)
        if (resident_id, alike) in linked:
            person_id, old = linked[resident_id, alike]
            if phone and phone != old:
                await _renumber(conn, person_id, phone)
                stored.family += 1
            continue
        person_id = known.get((alike, phone)) or await people.create(conn, name=name, phone=phone, roles=[Role.FAMILY])
        if phone:
            known[alike, phone] = person_id
        linked[resident_id, alike] = (person_id, phone)
        await people.link(conn, resident_id, person_id, "family", relation=entry.values.get("family_relation", ""))
        stored.family += 1


async def _renumber(conn: Connection, person_id: int, phone: str) -> None:
    await conn.execute("update contact_method set active = false where person_id = %s", (person_id,))
    await conn.execute("update person set phone = %s where id = %s", (phone, person_id))
    for channel in ("voice", "sms"):
        await people.add_contact_method(conn, person_id, channel, phone)
