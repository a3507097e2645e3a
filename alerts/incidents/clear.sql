-- What a rule found is over. A task or a warning that nobody has accepted ends by itself. Of what is urgent it ends only
-- where the wearer alone was asked, or is to be, and what the band says shows that they are well: no person was told,
-- who would look for what is no longer there. Where one has just ended so, the next stays: nobody else would ever hear
-- of what comes and goes.
with moment as (select %(now)s::timestamptz as now),
found as (
    select i.id, i.state = 'open' and (i.severity in ('task', 'warning') or alone) as ends, alone
    from incident i
    cross join lateral (
        select i.severity = 'urgent' and %(reason)s = any(%(show_well)s::text[])
           and i.round = 1 and i.previous_owner_id is null and i.handler_id is null and i.wearer_said is null
           and (i.wearer_asked_at is not null or i.next_step = 0 and $asks_first)
           and not exists (select from notification n
                           where n.incident_id = i.id and n.person_id is not null and n.status <> 'cancelled')
           and not exists (select from incident last
                           where last.resident_id = i.resident_id and last.subject = i.subject and last.kind = i.kind
                             and last.state = 'resolved' and last.severity = 'urgent' and last.disposition = 'cleared'
                             and last.wearer_asked_at is not null
                             and last.resolved_at > %(now)s::timestamptz - %(ends_again_after)s::interval) as alone
    ) told
    where i.id = %(id)s and i.state <> 'resolved'
),
ended as (
    update incident set state = 'resolved', disposition = 'cleared', resolved_at = now, due_at = null
    from found, moment where incident.id = found.id and ends
),
noted as (
    update incident set detail = detail || jsonb_build_object('cleared_at', now)
    from found, moment where incident.id = found.id and not ends
),
unsent as (
    update notification set status = 'cancelled', reason = 'cleared', finished_at = now
    from found, moment where incident_id = found.id and ends and status = 'queued'
),
happened as (
    select id as incident_id, now as at,
           unnest(case when ends then array['cleared', 'resolved'] else array['cleared'] end) as kind,
           null::bigint as actor_id, 'rule' as via,
           jsonb_strip_nulls(jsonb_build_object('reason', %(reason)s::text, 'at', %(at)s::timestamptz,
                                                'wearer_alone', case when ends and alone then true end)) as detail
    from found, moment
),
said as ($tell)
select ends and alone from found
