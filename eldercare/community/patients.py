"""Whose doctor somebody is, and how long their bands were worn, for all of them at once."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from psycopg import sql
from psycopg.rows import class_row

from eldercare.accounts import access
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community import plausible
from eldercare.platform.database import Connection

MOST = 200
"""Patients of one list; a practice's session has a dozen."""


@dataclass(frozen=True, slots=True)
class Patient:
    """A resident whose health the viewer sees. `had_band_h` is for how many hours of the time looked at they had a
    band, and `hours` in how many of them a heart was measured."""

    id: int
    name: str
    gender: str | None
    birth_date: date | None
    has_band: bool
    had_band_h: float
    hours: int


class Patients(NamedTuple):
    """Those whose health the viewer sees, by id, of whom there may be `more`; how many are the viewer's patients and
    have not agreed that the clinic sees them."""

    seen: list[Patient]
    more: bool
    not_agreed: int


_AGREED = sql.SQL("exists (select from consent c where c.resident_id = r.id and c.purpose = 'clinic'"
                  " and c.withdrawn_at is null)")  # fmt: skip
_MINE = sql.SQL("exists (select from resident_contact k where k.resident_id = r.id and k.kind = 'doctor'"
                " and k.person_id = {viewer})")  # fmt: skip
_SEEN = sql.SQL(
    """
    select r.id, r.name, r.gender, r.birth_date, coalesce(worn.has_band, false) as has_band,
           coalesce(worn.had_band_h, 0)::float8 as had_band_h, coalesce(worn.hours, 0) as hours
    from (select * from resident r where r.left_at is null and {clinic} and {agreed} order by r.id limit {limit}) r
    left join lateral (
        select bool_or(a.period @> {now}) as has_band,
               sum(extract(epoch from least(coalesce(upper(a.period), 'infinity'), {now})
                   - greatest(lower(a.period), {start}))) / 3600 as had_band_h,
               sum((select count(distinct floor(extract(epoch from h.ts) / 3600)) from heart_rate h
                where h.device_id = a.device_id and h.ts >= greatest(lower(a.period), {start})
                  and h.ts < least(coalesce(upper(a.period), 'infinity'), {now})
                  and h.bpm between {least} and {most} and coalesce(h.quality, 100) >= {quality}))::integer as hours
        from assignment a where a.resident_id = r.id and a.period && tstzrange({start}, {now}, '[]')
    ) worn on true
    order by r.id
    """
)
_NOT_AGREED = sql.SQL("select count(*) from resident r where r.left_at is null and {mine} and not {agreed}")


async def listing(conn: Connection, viewer: Viewer, start: datetime, now: datetime) -> Patients:
    """The patients of a doctor, and for duty everybody's who have agreed to be seen by the clinic; what of them was
    measured in [`start`, `now`). Raises Forbidden for everybody else. The caller audits."""
    access.require_role(viewer, Role.DOCTOR, Role.DUTY)
    query = _SEEN.format(
        clinic=access.clinic(viewer),
        agreed=_AGREED,
        now=sql.Literal(now),
        start=sql.Literal(start),
        least=sql.Literal(plausible.BPM[0]),
        most=sql.Literal(plausible.BPM[1]),
        quality=sql.Literal(plausible.LEAST_QUALITY),
        limit=sql.Literal(MOST + 1),
    )
    async with conn.cursor(row_factory=class_row(Patient)) as rows:
        # Unprepared, as charts are: the plan leaves out every chunk but those that hold these times.
        await rows.execute(query, prepare=False)
        seen = await rows.fetchall()
    mine = _MINE.format(viewer=sql.Literal(viewer.person_id))
    row = await (await conn.execute(_NOT_AGREED.format(mine=mine, agreed=_AGREED))).fetchone()
    return Patients(seen[:MOST], len(seen) > MOST, row[0] if row else 0)
