-- One row for each local day of a resident in which a heart was measured.
select (h.ts at time zone %(zone)s)::date as day,
       percentile_cont(0.05) within group (order by h.bpm) filter (where counts),
       percentile_cont(0.5) within group (order by h.bpm) filter (where counts),
       percentile_cont(0.95) within group (order by h.bpm) filter (where counts)
from assignment a
join heart_rate h on h.device_id = a.device_id and h.ts >= lower(a.period)
                 and h.ts < coalesce(upper(a.period), 'infinity') and h.ts >= %(start)s and h.ts < %(end)s
cross join lateral (
    select h.bpm between %(least)s and %(most)s and coalesce(h.quality, 100) >= %(quality)s as counts
) plausible
where a.resident_id = %(resident)s and a.period && tstzrange(%(start)s, %(end)s)
group by day
having count(*) filter (where counts) > 0
order by day
