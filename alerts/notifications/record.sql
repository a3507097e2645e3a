-- How tries ended, of many messages at once, with their incidents held: who is held by somebody else is left. A call
-- that was just started and that nobody needs any more is ended.
with moment as (select coalesce(%(now)s::timestamptz, eldercare_now()) as now),
outcome as materialized (
    select o.*, n.incident_id, n.purpose, n.created_at + case n.purpose when 'sos_state' then %(tell_band_for)s
                                                               else %(retry_for)s end as give_up_at
    from jsonb_to_recordset(%(outcomes)s) as o (notification_id bigint, reference text, attempts int, provider_id text,
        provider_status text, error text, permanent boolean, provider text)
    join notification n on n.id = o.notification_id and n.reference is not distinct from o.reference
),
held as materialized (
    select i.id, i.state, i.owner_id, i.accepted_via, i.accepted_call, i.round, i.wearer_said from incident i
    where i.id in (select incident_id from outcome) order by i.id for share of i skip locked
),
had as materialized (
    select n.id from notification n
    where n.id in (select notification_id from outcome) order by n.id for no key update of n skip locked
),
evaluated as materialized (
    select outcome.*, now, make_interval(secs => least(%(longest_back_off_s)s, power(2, attempts - 1))) as back_off
    from outcome cross join moment left join held on held.id = outcome.incident_id
    where notification_id in (select id from had) and (outcome.incident_id is null or held.id is not null)
),
tried as (
    insert into attempt (notification_id, started_at, ended_at, provider, provider_id, error)
    select notification_id, now, now, provider, provider_id, error from evaluated
),
recorded as (
    update notification n set
        status = case when error is null then case n.purpose when 'hang_up' then 'done' else 'sent' end
                      when permanent or now + back_off > give_up_at
                      then case when n.said > 0 then 'sent' else 'failed' end
                      else 'queued' end,
        reason = error,
        provider = case when evaluated.provider_id is null then n.provider else evaluated.provider end,
        provider_id = coalesce(evaluated.provider_id, n.provider_id),
        provider_status = coalesce(evaluated.provider_status, n.provider_status),
        send_after = now + back_off,
        leased_until = null,
        sent_at = case when error is null then now else n.sent_at end,
        said = n.said + (error is null and n.purpose = 'sos_state')::int,
        -- After 2, 4, 8, … s, for as long as a word may still help.
        say_again_at = case when error is null and n.purpose = 'sos_state' and now < give_up_at
                            then now + make_interval(secs => least(%(longest_silence_s)s,
                                                                   power(2, least(n.said + 1, 30)))) end,
        finished_at = case when permanent or n.purpose = 'hang_up' and error is null
                           or error is not null and now + back_off > give_up_at then now end
    from evaluated
    -- A failure counts only while nobody else has taken the row up again, a success always.
    where n.id = evaluated.notification_id and n.status in ('queued', 'sending')
      and (error is null or n.attempts = evaluated.attempts)
    returning n.id, n.status
),
unneeded as (
    -- Whatever the row's status is by now: this call was just started, and nobody needs it any more.
    select n.id, evaluated.provider, evaluated.provider_id, now
    from evaluated join notification n on n.id = evaluated.notification_id join held i on i.id = n.incident_id
    where $not_needed
),
ended as ($queue_ends)
select incident_id, bool_or(error is not null) and bool_or(purpose in ('alarm', 'ask')), (select count(*) from ended), null
from evaluated where incident_id is not null group by incident_id
union all
select null, false, 0, array_agg(notification_id)
from outcome where notification_id not in (select notification_id from evaluated)
