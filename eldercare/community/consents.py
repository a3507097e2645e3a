"""Consents: dated, per resident and purpose, with who gave them and how. Withdrawal acts at the next request."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import psycopg
from psycopg.rows import class_row

from eldercare.accounts.viewers import Viewer
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, Forbidden, NotFound
from eldercare.platform.validation import fields


class Purpose(StrEnum):
    """What a resident may agree to."""

    FAMILY_HEALTH = "family_health"
    FAMILY_LOCATION = "family_location"
    CLINIC = "clinic"


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent; it stands while `withdrawn_at` is None."""

    id: int
    resident_id: int
    purpose: str
    given_by: str
    method: str
    given_at: datetime
    withdrawn_at: datetime | None


async def give(
    conn: Connection, resident_id: int, purpose: Purpose, *, given_by: str, now: datetime, method: str = "paper"
) -> int:
    """Record a consent given `now`; returns its id. Raises Conflict where one stands, NotFound without the resident."""
    try:
        async with conn.transaction():
            row = await (
                await conn.execute(
                    "insert into consent (resident_id, purpose, given_by, method, given_at)"
                    " values (%s, %s, %s, %s, %s) returning id",
                    (
                        resident_id,
                        purpose,
                        fields.text("given_by", given_by, most=100, required=True),
                        fields.text("method", method, most=100, required=True),
                        now,
                    ),
                )
            ).fetchone()
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(f"the consent {purpose} of resident {resident_id} stands already") from error
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFound("resident", resident_id) from error
    assert row is not None  # noqa: S101  an insert returns its row
    consent_id: int = row[0]
    return consent_id


async def refuse_to_oneself(conn: Connection, viewer: Viewer, resident_id: int) -> None:
    """Check that a consent of this resident would not let the viewer see more. Raises Forbidden: a relative, or the
    doctor, has a colleague write down that it was given."""
    row = await (
        await conn.execute(
            "select exists (select from resident_contact where resident_id = %s and person_id = %s"
            " and kind in ('family', 'doctor'))",
            (resident_id, viewer.person_id),
        )
    ).fetchone()
    if row and row[0]:
        raise Forbidden("a consent under which you would see more yourself is for somebody else to record")


async def withdraw(conn: Connection, resident_id: int, purpose: Purpose, now: datetime) -> None:
    """End the standing consent. Raises NotFound where none stands."""
    # A set clock may stand before the day of consent; the withdrawal still acts.
    ended = await conn.execute(
        "update consent set withdrawn_at = greatest(given_at, %s)"
        " where resident_id = %s and purpose = %s and withdrawn_at is null",
        (now, resident_id, purpose),
    )
    if not ended.rowcount:
        raise NotFound("standing consent", purpose)


async def standing(conn: Connection, resident_id: int) -> list[Consent]:
    """The consents that stand now, by purpose."""
    async with conn.cursor(row_factory=class_row(Consent)) as cursor:
        await cursor.execute(
            "select id, resident_id, purpose, given_by, method, given_at, withdrawn_at from consent"
            " where resident_id = %s and withdrawn_at is null order by purpose",
            (resident_id,),
        )
        return await cursor.fetchall()


async def history(conn: Connection, resident_id: int) -> list[Consent]:
    """Every consent ever given, oldest first."""
    async with conn.cursor(row_factory=class_row(Consent)) as cursor:
        await cursor.execute(
            "select id, resident_id, purpose, given_by, method, given_at, withdrawn_at from consent"
            " where resident_id = %s order by given_at, id",
            (resident_id,),
        )
        return await cursor.fetchall()
