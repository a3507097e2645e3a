-- A press opens an incident, or merges into the one that is open; one that is known changes nothing.
--
-- The one statement. `known` sees presses committed before it began. Two processes that hear the same press at the
-- same moment meet at incident_one_open: the second waits there, then finds the press among the last of the incident
-- and does nothing; those are few, so that a press costs the same however many there were. It takes no lock on
-- device_state, so no batch of telemetry can stand before it. coalesce() keeps the planner from asking the index of
-- periods, where all of today's assignments are, for the one of this band. Of an open incident `due_at` stays: its
-- policy goes on by itself, and only somebody who has it in hand must hear of the press now. A name is searched for
-- there as long as `known` does, or one heard again after a day would be neither new nor known. Who wore the band is
-- asked of the press's own time, and what was last known of a wearer is theirs only if it is from their days. A name
-- is used again by a band that began to count anew, so one that comes long after its incident is over rings, unless
-- the broker says that it is a copy; without a name the same bytes may be another press as soon as it is over.
with clock_now as (select $now as now),
evaluated as (
    select *, %(name)s::text is not null and (clock_right or not %(clock_is_name)s) as is_named from (
        select now, coalesce(%(ts)s::timestamptz between now - %(age)s::interval and now + %(ahead)s::interval,
                        false)
                    as clock_right from clock_now) as clock_read
),
press as (
    select *, case when is_named then %(name)s else coalesce(%(once)s, %(bytes)s) end as key,
           case when clock_right then %(ts)s::timestamptz else now end as at, extract(epoch from now) as s
    from evaluated
),
known as (
    select incident.id, incident.state
    from press
    join lateral (
        select incident_id, received_at from sos_press where device_id = %(device_id)s and dedup_key = key
        union all
        select incident_id, received_at from sos_press where %(prefix)s and device_id = %(device_id)s
            and (starts_with(dedup_key, key) or event_id = %(event_id)s)
    ) heard on true
    join incident on incident.id = incident_id
    where %(retained)s or received_at > now - %(known_for)s::interval and (
        state <> 'resolved'
        or is_named and coalesce(resolved_at between now - %(over)s::interval and now, true)
        or %(redelivered)s and case when is_named then not coalesce(clock_right and %(ts)s > resolved_at, false)
                                    else received_at > now - %(copied_for)s::interval end)
    order by incident.id desc
    limit 1
),
band as (
    select device.id is not null as enrolled, resident_id, not still as handed_over,
           case when coalesce(period @> location_ts, true) then lat end as lat,
           case when coalesce(period @> location_ts, true) then lon end as lon, accuracy_m, location_ts,
           case when coalesce(period @> bpm_ts, true) then nullif(bpm, 0) end as bpm, bpm_ts
    from press
    left join device on device.id = %(device_id)s and (retired_at is null or retired_at > at)
    left join lateral (
        select resident_id, period, period @> now as still, period @> at as then from assignment
        where assignment.device_id = %(device_id)s and device.id is not null
          and (coalesce(period @> at, false) or coalesce(period @> now, false))
        order by 4 desc limit 1
    ) worn on true
    left join device_state on device_state.device_id = %(device_id)s
),
opened as (
    insert into incident (
        subject, kind, severity, resident_id, device_id, source, occurred_at, opened_at, round_started_at, due_at, late,
        lat, lon, accuracy_m, position_at, bpm, recent_presses, detail)
    select coalesce('resident:' || resident_id, 'device:' || %(device_id)s), 'sos', 'sos', resident_id, %(device_id)s,
           %(trigger)s, at, now, now, now, at < now - %(late_after)s::interval,
           coalesce(%(lat)s, lat), coalesce(%(lon)s, lon),
           case when %(lat)s::float8 is not null then %(acc)s when lat is not null then accuracy_m end,
           case when %(lat)s::float8 is not null then at when lat is not null then location_ts end,
           coalesce(%(bpm)s, bpm), array[s || ' ' || key],
           jsonb_strip_nulls(jsonb_build_object(
               'clock_wrong', case when %(ts)s::timestamptz is not null and not clock_right then true end,
               'unknown_band', case when not enrolled then true end,
               'unassigned_band', case when enrolled and resident_id is null then true end,
               'handed_over', case when handed_over then true end,
               'bpm_at', case when %(bpm)s::int is null and bpm > 0 then bpm_ts end))
    from press, band
    where not exists (select from known)
    on conflict (subject, kind) where state <> 'resolved' do update set
        press_count = incident.press_count + 1,
        due_at = due_when_pressed(incident, excluded.due_at),
        late = incident.late and excluded.late,
        (lat, lon, accuracy_m, position_at) = (select newest.* from (values
            (incident.lat, incident.lon, incident.accuracy_m, incident.position_at),
            (excluded.lat, excluded.lon, excluded.accuracy_m, excluded.position_at)
        ) as newest order by column4 desc nulls last limit 1),
        bpm = coalesce(excluded.bpm, incident.bpm),
        recent_presses = (excluded.recent_presses || incident.recent_presses)[:%(remembered)s::int]
    where not exists (
        select from press, unnest(incident.recent_presses) as each, substr(each, strpos(each, ' ') + 1) as earlier
        where case when %(own)s::text is null or is_named
            then earlier = key and split_part(each, ' ', 1)::float8 > s - extract(epoch from %(known_for)s::interval)
            else starts_with(earlier, %(bytes)s) and not starts_with(earlier, %(own)s)
                 and split_part(each, ' ', 1)::float8 > s - extract(epoch from %(heard_twice_for)s::interval) end)
    returning id, state, press_count
),
remembered as (
    insert into sos_press (device_id, dedup_key, event_id, echo, ts, received_at, incident_id, payload)
    select %(device_id)s, key, %(event_id)s, %(echo)s, %(ts)s, now, id, %(payload)s from press, opened
    on conflict (device_id, dedup_key) do update
    set received_at = excluded.received_at, incident_id = excluded.incident_id, payload = excluded.payload
),
happened as (
    select id as incident_id, now as at, case press_count when 1 then 'opened' else 'pressed_again' end as kind,
           null::bigint as actor_id, 'band' as via,
           jsonb_strip_nulls(jsonb_build_object(
               'event_id', %(event_id)s::text, 'ts', %(ts)s::timestamptz, 'trigger', %(trigger)s::text,
               'presses', case when press_count > %(told_singly)s::int then press_count end)) as detail
    from press, opened where press_count <= %(told_singly)s::int or mod(press_count, %(told_each)s::int) = 0
),
told as ($tell)
-- Whoever looks at it counts the presses that the timeline leaves out.
select id, state, case press_count when 1 then 'opened' else 'merged' end, pg_notify('incident', id::text) from opened
union all
select id, state, 'duplicate', null from known
union all
select incident.id, state, 'duplicate', null
from band join incident on subject = coalesce('resident:' || band.resident_id, 'device:' || %(device_id)s)
    and kind = 'sos' and state <> 'resolved'
where not exists (select from opened) and not exists (select from known)
