"""What duty and admin do with bands: hand out, take off, replace, put away. Each change leaves an audit row."""

from datetime import datetime

from eldercare.accounts import access, audit
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import devices, residents
from eldercare.community.devices import BandState
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, InvalidInput


async def assign(
    conn: Connection, viewer: Viewer, device_id: str, resident_id: int, now: datetime, *, also: bool = False
) -> None:
    """The resident wears this band from now on. Raises Conflict where they wear another (unless `also`), where the band
    is somebody's, lost, in repair or retired, and where they have left; NotFound, Forbidden."""
    _require(viewer)
    resident = await residents.get(conn, viewer, resident_id)
    if resident.left_at is not None:
        raise Conflict(f"{resident.name} (resident {resident_id}) has left")
    worn = [band for band in await devices.worn_by(conn, resident_id, now) if band != device_id]
    if worn and not also:
        raise Conflict(f"{resident.name} wears {', '.join(worn)}: take it off or replace it")
    await devices.assign(conn, device_id, resident_id, since=now)
    await _record(conn, viewer, "assign", device_id, resident_id)


async def take_off(conn: Connection, viewer: Viewer, device_id: str, now: datetime) -> int:
    """Nobody wears the band from now on, and it is in stock; returns who did. Raises NotFound, Forbidden."""
    _require(viewer)
    ended = await devices.unassign(conn, device_id, at=now)
    await _record(conn, viewer, "take_off", device_id, ended.resident_id)
    return ended.resident_id


async def replace(conn: Connection, viewer: Viewer, device_id: str, by: str, state: BandState, now: datetime) -> int:
    """Whoever wears the band wears `by` instead from now on, and the old one is in `state`; returns who.

    Raises Conflict where nobody wears the old one or the new one cannot be worn, InvalidInput, NotFound, Forbidden.
    """
    _require(viewer)
    if by == device_id:
        raise InvalidInput("by", "is the same band")
    await devices.hold(conn, [device_id, by])
    resident_id = await devices.set_state(conn, device_id, state, at=now)
    if resident_id is None:
        raise Conflict(f"the band {device_id} is worn by nobody")
    await devices.assign(conn, by, resident_id, since=now)
    await _record(conn, viewer, "replace", device_id, resident_id, by=by, state=state)
    return resident_id


async def set_state(conn: Connection, viewer: Viewer, device_id: str, state: BandState, now: datetime) -> int | None:
    """The band is in stock, in repair, lost or retired from now on; returns who wore it until then.

    Raises InvalidInput for `worn`, NotFound, Forbidden.
    """
    _require(viewer)
    resident_id = await devices.set_state(conn, device_id, state, at=now)
    await _record(conn, viewer, "state", device_id, resident_id, state=state)
    return resident_id


def _require(viewer: Viewer) -> None:
    access.require_role(viewer, Role.DUTY, Role.ADMIN)


async def _record(
    conn: Connection, viewer: Viewer, action: str, device_id: str, resident_id: int | None, **detail: str
) -> None:
    whole = {"device_id": device_id, **{name: str(value) for name, value in detail.items()}}
    await audit.record(conn, viewer, "device", resident_id=resident_id, action=action, detail=whole)
