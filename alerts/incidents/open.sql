-- What a rule found opens an incident, or merges into the one of its kind that is open: what goes on says nothing
-- new, what became graver starts its escalation policy again, and what was over and is here again is told.
with moment as (select %(now)s::timestamptz as now),
before as (
    select severity from incident where subject = %(subject)s and kind = %(kind)s and state <> 'resolved'
),
-- Whoever resolved it while it went on knows of it, until it is over or until they said, unless it is graver now.
known as (
    select from incident, moment
    where resident_id = %(resident_id)s and subject = %(subject)s and kind = %(kind)s and state = 'resolved'
      and disposition <> 'cleared' and not detail ? 'cleared_at'
      and detail ->> 'episode_at' = %(detail)s::jsonb ->> 'episode_at'
      and coalesce(known_until, resolved_at + %(known)s::interval) > now
      -- What its wearer has called well is a warning, and its episode is urgent all the same.
      and array_position(%(gravest_first)s::text[], case when wearer_said = 'well' then 'urgent' else severity end)
          <= array_position(%(gravest_first)s::text[], %(severity)s::text)
),
opened as (
    insert into incident (
        subject, kind, severity, resident_id, device_id, source, occurred_at, opened_at, round_started_at, due_at,
        lat, lon, accuracy_m, position_at, bpm, detail)
    select %(subject)s, %(kind)s, %(severity)s, %(resident_id)s, %(device_id)s, 'rule', %(at)s, now, now, now,
           lat, lon, accuracy_m, location_ts,
           -- What the admin sees as well (`access`) tells nothing of anybody's heart.
           case when not %(kind)s = any(%(technical)s) then nullif(bpm, 0) end, %(detail)s
    from moment left join device_state on device_state.device_id = %(device_id)s
    where not exists (select from known)
    on conflict (subject, kind) where state <> 'resolved' do update set
        severity = case when $graver then excluded.severity else incident.severity end,
        round = incident.round + ($graver and incident.state = 'open')::int,
        press_count = incident.press_count + $tells_owner::int,
        next_step = case when $graver then 0 else incident.next_step end,
        stepped_at = case when $graver then null else incident.stepped_at end,
        declined_id = case when $graver then null else incident.declined_id end,
        round_started_at = case when $graver then excluded.round_started_at else incident.round_started_at end,
        due_at = case when $graver then excluded.due_at
                      when $tells_owner then due_when_pressed(incident, excluded.due_at)
                      else incident.due_at end,
        tell_after = case when not $graver then incident.tell_after end,
        wearer_said = case when not $graver then incident.wearer_said end,
        wearer_said_at = case when not $graver then incident.wearer_said_at end,
        detail = (incident.detail - 'cleared_at') || excluded.detail
    -- What goes on says nothing new; what became graver does, and what was over and is here again.
    where $graver or incident.detail ? 'cleared_at'
    returning id, xmax = 0 as is_new
),
happened as (
    select id as incident_id, now as at,
           case when is_new then 'opened'
                when exists (select from before where severity = %(severity)s) then 'found_again'
                else 'raised' end as kind,
           null::bigint as actor_id, 'rule' as via,
           jsonb_build_object('severity', %(severity)s::text) || %(detail)s as detail
    from opened, moment
),
told as ($tell)
select id, is_new from opened
