"""Two months of one invented person, as a doctor sees them: a resting rate that rises, and gaps."""

from datetime import datetime

from eldercare.platform.database import Connection

_HEART = """
insert into heart_rate (device_id, ts, received_at, bpm, quality, motion, steps)
select %(band)s, ts, ts,
       (case when night then 56 else 72 end + case when age < 9 and night then 9 else 0 end
        + 4 * sin(extract(epoch from ts) / 5400) + 3 * sin(extract(epoch from ts) / 700)
        + case when local = 10 then 22 else 0 end)::smallint, 90,
       case when night then 'rest' when local in (8, 10, 16) then 'active' else 'rest' end,
       case when night then 0 when local in (8, 10, 16) then 30 else 0 end
from generate_series(%(now)s::timestamptz - interval '60 days', %(now)s, %(every)s::interval) ts,
     lateral (select extract(hour from ts at time zone 'Asia/Shanghai')::int as local,
                     extract(epoch from %(now)s - ts) / 86400 as age) l,
     lateral (select local not between 6 and 21 as night) n
where not (age between 11.2 and 12.6) and not (age between 4.0 and 4.6)
on conflict do nothing
"""
_STATUS = """
insert into device_status (device_id, ts, received_at, worn)
select %(band)s, ts, ts, not (age between 4.0 and 4.6)
from generate_series(%(now)s::timestamptz - interval '60 days', %(now)s, interval '15 min') ts,
     lateral (select extract(epoch from %(now)s - ts) / 86400 as age) l
where not (age between 11.2 and 12.6)
on conflict do nothing
"""


async def two_months(conn: Connection, band: str, now: datetime, every: str = "1 minute") -> None:
    """Sixty days of a value `every` so often up to `now`, with a day without signal and one on the table."""
    values = {"band": band, "now": now, "every": every}
    await conn.execute(_HEART, values)
    await conn.execute(_STATUS, values)
