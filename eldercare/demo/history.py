"""Two invented months before the demo began, of a few who agreed that the clinic sees them, so that a doctor finds
something worth reading. The bands themselves send the last day."""

from typing import Any, NamedTuple

import psycopg


class Story(NamedTuple):
    """How somebody's last weeks differ from those before: beats per minute more at night in the last `faster_days`
    days, hours a day in which the band is worn in the last two weeks, and the share of her steps that she still makes
    in them. `urgent`: her heart was too fast once, and somebody went."""

    faster_bpm: int = 0
    faster_days: int = 0
    worn_h: int = 24
    steps: float = 1.0
    urgent: bool = False


STORIES = (
    Story(faster_bpm=9, faster_days=11, urgent=True),
    Story(worn_h=3),
    Story(steps=0.3),
    Story(),
)
_PATIENTS = """
    select r.id, a.device_id from person p
    join resident_contact k on k.person_id = p.id and k.kind = 'doctor'
    join resident r on r.id = k.resident_id and r.left_at is null
    join assignment a on a.resident_id = r.id and a.period @> eldercare_now()
    where p.username = 'doctor' and exists (select from consent c where c.resident_id = r.id
        and c.purpose = 'clinic' and c.withdrawn_at is null)
    order by r.id limit %s
"""
# A value every ten minutes from sixty days ago to yesterday: slower at night, faster on the walk of the morning, with
# an hour on the charger in the evening and one day without any signal.
_HEART = """
    insert into heart_rate (device_id, ts, received_at, bpm, quality, motion, steps)
    select %(band)s, ts, ts,
           (case when night then 55 else 70 end + length(%(band)s) + %(place)s
            + case when night and age < %(faster_days)s then %(faster_bpm)s else 0 end
            + case when walks then 18 else 0 end
            + 3 * sin(extract(epoch from ts) / 5400) + 2 * sin(extract(epoch from ts) / 700))::smallint,
           90, case when walks then 'active' else 'rest' end,
           case when walks then (440 * case when age < 15 then %(steps)s::float8 else 1 end)::integer else 0 end
    from generate_series(eldercare_now() - interval '60 days', eldercare_now() - interval '1 day', '10 minutes') ts,
         lateral (select extract(hour from ts at time zone %(zone)s)::integer as hour,
                         extract(epoch from eldercare_now() - ts) / 86400 as age) l,
         lateral (select hour not between 6 and 21 as night, hour in (8, 15) as walks) n
    where hour <> 19 and not (age between 16 and 17)
      and (age >= 15 or %(worn_h)s = 24 or hour - 9 between 0 and %(worn_h)s - 1)
    on conflict do nothing
"""
_STATUS = """
    insert into device_status (device_id, ts, received_at, battery_pct, worn)
    select %(band)s, ts, ts, 40 + (hour * 7) %% 60,
           hour <> 19 and (age >= 15 or %(worn_h)s = 24 or hour - 9 between 0 and %(worn_h)s - 1)
    from generate_series(eldercare_now() - interval '60 days', eldercare_now() - interval '1 day', '30 minutes') ts,
         lateral (select extract(hour from ts at time zone %(zone)s)::integer as hour,
                         extract(epoch from eldercare_now() - ts) / 86400 as age) l
    where not (age between 16 and 17)
    on conflict do nothing
"""
_URGENT = """
    with called as (
        insert into incident (subject, kind, severity, state, resident_id, device_id, source, occurred_at, opened_at,
            round_started_at, bpm, detail, owner_id, accepted_at, accepted_via, arrived_at, resolved_at, disposition,
            note)
        select 'resident:' || %(resident)s::text, 'heart_rate', 'urgent', 'resolved', %(resident)s, %(band)s, 'rule',
               at, at, at, 134, '{"reason": "high_urgent", "limit": 131}', p.id, at + interval '40 s', 'voice',
               at + interval '9 min', at + interval '31 min', 'helped', '头晕，坐着，喝了水好些'
        from (select eldercare_now() - interval '9 days 3 hours' as at) moment,
             (select id from person where username = 'grid1') p
        returning id, owner_id, opened_at
    )
    insert into incident_event (incident_id, at, kind, actor_id, via, detail)
    select id, opened_at + after, kind, case when kind <> 'opened' then owner_id end, via, detail::jsonb
    from called, (values (interval '0', 'opened', 'rule', '{"reason": "high_urgent"}'),
                         (interval '40 s', 'accepted', 'voice', '{}'),
                         (interval '9 min', 'arrived', 'voice', '{}'),
                         (interval '31 min', 'resolved', 'voice', '{"disposition": "helped"}'))
                 as told (after, kind, via, detail)
"""


def write(conn: psycopg.Connection[Any], zone: str) -> int:
    """Write the months of as many patients as there are stories; returns of how many. For the first start alone."""
    patients = conn.execute(_PATIENTS, (len(STORIES),)).fetchall()
    for place, ((resident_id, band), story) in enumerate(zip(patients, STORIES, strict=False)):
        values = {"resident": resident_id, "band": band, "place": place, "zone": zone, **story._asdict()}
        conn.execute(_HEART, values)
        conn.execute(_STATUS, values)
        if story.urgent:
            conn.execute(_URGENT, values)
    return len(patients)
