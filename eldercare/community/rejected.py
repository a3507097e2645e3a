"""What bands sent that could not be used, and why: for whoever makes a band, or wonders why one is silent."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import orjson
from psycopg import sql

from eldercare.accounts import audit
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community.devices import check_id
from eldercare.platform import pagination
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden, InvalidInput
from eldercare.platform.pagination import Page
from eldercare.platform.validation import fields
from eldercare.protocol.mqtt_v1 import TOPIC_PREFIX

SHOWN = timedelta(days=1)
"""How far back to look where nobody says how far."""
_SPAN = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
PRINTED_CHARS = 200


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """A refused message, or the elements of an array that were refused for one reason.

    `received_at` is the service's time. `detail` names the field. `payload` is the first KiB, as text; None where the
    viewer may not see what bands measure.
    """

    id: int
    received_at: datetime
    topic: str
    reason: str
    detail: str
    payload: str | None


async def listing(
    conn: Connection,
    viewer: Viewer,
    *,
    device_id: str | None = None,
    since: datetime,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[RejectedMessage]:
    """What came at `since` (aware) or later, newest first. Duty sees payloads, admin the reasons alone.

    Raises Forbidden for everybody else, InvalidInput for a wrong cursor, limit or band.
    """
    if not viewer.has(Role.DUTY, Role.ADMIN):
        raise Forbidden("what bands sent in vain is for duty and admin")
    pagination.check_limit(limit, 1000)
    after = pagination.decode("rejected", cursor, (int,))
    readable = viewer.has(Role.DUTY)
    found = await read(
        conn,
        since=since,
        device_id=device_id,
        before_id=after[0] if after else None,
        limit=limit + 1,
        payloads=readable,
    )
    if readable and found:
        await audit.record(conn, viewer, "rejected", detail={"device_id": device_id})
    return pagination.page("rejected", found, limit, lambda message: (message.id,))


async def read(
    conn: Connection,
    *,
    since: datetime,
    device_id: str | None = None,
    before_id: int | None = None,
    limit: int,
    payloads: bool = True,
) -> list[RejectedMessage]:
    """The newest `limit` messages, for whoever administers the service itself. Raises InvalidInput for a wrong band."""
    conditions: list[sql.Composable] = [sql.SQL("received_at >= {}").format(sql.Literal(since))]
    if device_id is not None:
        check_id(device_id)
        conditions.append(sql.SQL("starts_with(topic, {})").format(sql.Literal(f"{TOPIC_PREFIX}/{device_id}/")))
    if before_id is not None:
        conditions.append(sql.SQL("id < {}").format(sql.Literal(before_id)))
    query = sql.SQL(
        "select id, received_at, topic, reason, detail, case when {} then payload end as payload from rejected"
        " where {} order by id desc limit {}"
    ).format(sql.Literal(payloads), sql.SQL(" and ").join(conditions), sql.Literal(limit))
    rows = await (await conn.execute(query)).fetchall()
    return [_message(*row) for row in rows]


def _message(
    id: int, received_at: datetime, topic: str, reason: str, detail: str, payload: bytes | None
) -> RejectedMessage:
    text = None if payload is None else payload.decode(errors="backslashreplace")
    return RejectedMessage(id, received_at, topic, reason, detail, text)


def since_of(text: str, now: datetime, zone: tzinfo) -> datetime:
    """The time that `30m`, `2h`, `7d` (before `now`) or RFC 3339 (without an offset: in `zone`) names.

    Raises InvalidInput for anything else.
    """
    try:
        if span := _SPAN.fullmatch(text):
            return fields.moment("since", now - int(span[1]) * _UNITS[span[2]])
        moment = datetime.fromisoformat(text)
        return fields.moment("since", moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(now.tzinfo)
    except (ValueError, OverflowError, InvalidInput) as error:
        raise InvalidInput("since", f"{text!r} is neither 30m, 2h, 7d nor RFC 3339") from error


def lines(messages: Sequence[RejectedMessage], zone: tzinfo) -> Iterator[str]:
    """The messages for people: the oldest first, as in a log, each payload on a line of its own."""
    for message in reversed(messages):
        at = message.received_at.astimezone(zone).isoformat(timespec="seconds")
        yield f"{at}  {_printable(message.topic)}  {message.reason}  {_printable(message.detail)}"
        if message.payload:
            more = " …" if len(message.payload) > PRINTED_CHARS else ""
            yield f"    {_printable(message.payload[:PRINTED_CHARS])}{more}"


def json_lines(messages: Sequence[RejectedMessage]) -> Iterator[str]:
    """The messages for programs: the oldest first, a JSON object each."""
    return (orjson.dumps(message).decode() for message in reversed(messages))


def _printable(text: str) -> str:
    """`text` with escapes for what cannot be printed: what a band sent must not move the cursor of whoever reads it."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
