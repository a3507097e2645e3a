"""What seeded bands have told, written with SQL: thirty days of sleep, meals, walks and gaps, and the newest state."""

from datetime import datetime

from eldercare.platform.database import Connection

_HEART_RATE = """
insert into heart_rate (device_id, ts, received_at, bpm, quality, motion)
select d.id, ts, ts + interval '1 second',
       (case when night then 58 else 72 end
        + 6 * sin(extract(epoch from ts) / 5400 + length(d.id)) + 4 * sin(extract(epoch from ts) / 700)
        + case when not night and extract(hour from ts at time zone 'Asia/Shanghai') in (9, 16) then 18 else 0 end
       )::smallint, 90, 'rest'
from device d, generate_series(%(now)s::timestamptz - interval '30 days', %(now)s, interval '5 minutes') ts,
     lateral (select extract(hour from ts at time zone 'Asia/Shanghai') not between 6 and 21 as night) n
where not (extract(hour from ts at time zone 'Asia/Shanghai') = 13 and extract(day from ts)::int %% 2 = 0)
on conflict do nothing
"""

_LOCATION = """
insert into location (device_id, ts, received_at, lat, lon, accuracy_m, source)
select a.device_id, ts, ts + interval '1 second',
       r.home_lat + case when out then 0.0030 * sin(extract(epoch from ts) / 900) else 0.0001 * sin(step) end,
       r.home_lon + case when out then 0.0035 * cos(extract(epoch from ts) / 900) else 0.0001 * cos(step) end,
       case when out then 12 else 25 end, 'gnss'
from assignment a join resident r on r.id = a.resident_id,
     generate_series(%(now)s::timestamptz - interval '24 hours', %(now)s, interval '4 minutes') with ordinality
       as g (ts, step),
     lateral (select extract(hour from ts at time zone 'Asia/Shanghai') in (9, 10, 16) as out) o
on conflict do nothing
"""

_STATE = """
insert into device_state (device_id, last_seen_at, bpm, bpm_ts, lat, lon, accuracy_m, location_ts, battery_pct,
    charging, worn, signal_dbm, firmware, status_ts)
select a.device_id, now - seen, 64 + (r.id * 7 %% 23), now - seen, r.home_lat + away, r.home_lon + away, 20,
       now - seen, case when r.id %% 7 = 4 then 14 else 40 + (r.id * 13 %% 58) end, r.id %% 5 = 0,
       r.id %% 9 <> 2, -71, '2.4.1', now - seen
from assignment a join resident r on r.id = a.resident_id,
     lateral (select %(now)s::timestamptz as now,
                     case when r.id %% 11 = 3 then interval '95 minutes'
                          else interval '1 minute' * (r.id %% 4) end as seen,
                     case when r.id %% 6 = 1 then 0.003 else 0 end as away) x
on conflict (device_id) do nothing
"""


async def newest(conn: Connection, now: datetime) -> None:
    """The newest state of every band."""
    await conn.execute(_STATE, {"now": now})


async def month(conn: Connection, now: datetime) -> None:
    """Readings of the thirty days before `now`."""
    for statement in (_HEART_RATE, _LOCATION):
        await conn.execute(statement, {"now": now})
