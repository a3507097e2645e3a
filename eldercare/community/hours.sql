-- One row for each hour of a resident in which her bands told anything.
select date_bin('1 hour', h.ts, %(origin)s) as at,
       count(*) filter (where counts),
       (avg(h.bpm) filter (where counts))::float8,
       sum(h.steps)::integer,
       max(h.ts) filter (where counts),
       max(h.ts) filter (where h.motion = 'active' or h.steps >= %(few)s)
from assignment a
join heart_rate h on h.device_id = a.device_id and h.ts >= lower(a.period)
                 and h.ts < coalesce(upper(a.period), 'infinity') and h.ts >= %(start)s and h.ts < %(end)s
cross join lateral (
    select h.bpm between %(least)s and %(most)s and coalesce(h.quality, 100) >= %(quality)s as counts
) plausible
where a.resident_id = %(resident)s and a.period && tstzrange(%(start)s, %(end)s)
group by 1
order by 1
