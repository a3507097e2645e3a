"""What duty and admin do beside the committee's list: somebody is looked after from now on, or no longer."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from eldercare.accounts import audit
from eldercare.accounts.access import require_role
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import resident_schema, residents
from eldercare.community.resident_import import store
from eldercare.community.resident_import.check import Entry, parsed
from eldercare.community.resident_import.columns import HEADINGS, Column
from eldercare.community.resident_import.recognise import recognise
from eldercare.platform.database import Connection
from eldercare.platform.errors import InvalidInput

_AS_IN_A_LIST = ("external_id", "name", "address", "phone")


async def add(conn: Connection, viewer: Viewer, values: Mapping[str, Any], today: date) -> int:
    """Add a resident, checked as a row of the list is, so that nobody is there twice; returns their id.

    Raises InvalidInput naming the field, also for somebody who is there already; Forbidden.
    """
    require_role(viewer, Role.DUTY, Role.ADMIN)
    residents.check_may_change(viewer, values)
    checked = {**values, **_as_in_a_list(values, today)}
    # This waits as the import does: two at once would each find nobody.
    await store.one_at_a_time(conn)
    entry = Entry(0, checked, {name: Column(0, name, "", name) for name in HEADINGS})
    found = recognise([entry], await store.everybody(conn))
    if found.bad:
        raise InvalidInput(found.bad[0].heading, found.bad[0].reason)
    if found.known:
        there = found.known[entry.place]
        raise InvalidInput("name", f"已在库里，编号 {there['id']} / is there already as resident {there['id']}")
    resident_id = await residents.create(conn, checked, today, by=viewer.person_id)
    await audit.record(
        conn, viewer, "file", resident_id=resident_id, action="create", detail={"fields": sorted(checked)}
    )
    return resident_id


def _as_in_a_list(values: Mapping[str, Any], today: date) -> dict[str, Any]:
    missing = [name for name in resident_schema.REQUIRED if not values.get(name)]
    if missing:
        raise InvalidInput(missing[0], "不能为空 / must not be empty")
    return {name: parsed(name, values[name], today) for name in _AS_IN_A_LIST if values.get(name)}


async def leave(conn: Connection, viewer: Viewer, resident_id: int, now: datetime, today: date) -> None:
    """No rule speaks about them from now on, and no list shows them. Raises NotFound, Forbidden."""
    await residents.update(conn, viewer, resident_id, {"left_at": now}, today)


async def come_back(conn: Connection, viewer: Viewer, resident_id: int, today: date) -> None:
    """Undo `leave`. Raises NotFound, Forbidden."""
    await residents.update(conn, viewer, resident_id, {"left_at": None}, today)
