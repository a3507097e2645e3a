-- What providers say of calls and texts, of many at once. It waits for nobody who holds an incident or a message.
with receipt as materialized (
    select * from jsonb_to_recordset(%(receipts)s) as r (place int, reference text, number bigint, provider_id text,
        status text, lower text[], reason text, hung_up text, provider_status text, final boolean, live boolean,
        provider text)
),
known as materialized (
    select receipt.*, n.id, n.incident_id from receipt join notification n on n.reference = receipt.reference
    union all
    select receipt.*, n.id, n.incident_id from receipt join notification n on n.id = receipt.number
    where receipt.reference is null and n.reference is null
      and (n.provider_id is null or receipt.provider_id is null or n.provider_id = receipt.provider_id)
),
held as materialized (
    select i.id, i.state, i.owner_id, i.accepted_via, i.accepted_call, i.round, i.wearer_said from incident i
    where i.id in (select incident_id from known) order by i.id for no key update skip locked
),
had as materialized (
    select n.id from notification n
    where n.id in (select id from known) order by n.id for no key update of n skip locked
),
mine as materialized (
    select known.*, case when ended.id is null then reason else hung_up end as why
    from known
    left join lateral (
        select h.id from notification h
        where h.ends_id = known.id and h.content ->> 'provider_id' = known.provider_id limit 1
    ) ended on true
    where known.id in (select id from had) and (incident_id is null or incident_id in (select id from held))
),
-- Of one call the furthest word counts, whatever the order in which they came.
furthest as (
    select distinct on (id, provider_id) * from mine order by id, provider_id, cardinality(lower) desc, place
),
moved as (
    update notification n set status = f.status, reason = coalesce(f.why, n.reason),
        provider = coalesce(n.provider, f.provider),
        provider_id = coalesce(n.provider_id, f.provider_id), provider_status = f.provider_status,
        leased_until = null, sent_at = coalesce(n.sent_at, %(now)s),
        finished_at = case when f.final then coalesce(n.finished_at, %(now)s) else n.finished_at end
    from furthest f
    where n.id = f.id and n.status = any(f.lower)
      and (n.provider_id is null or f.provider_id is null or n.provider_id = f.provider_id)
      and (n.provider is null or f.provider is null or n.provider = f.provider)
    returning n.id, n.provider_id, n.incident_id, f.final, f.place
),
another as (
    -- A call of the row that nobody told us of: the provider's answer to its request was lost.
    insert into attempt (notification_id, started_at, provider, provider_id)
    select distinct mine.id, %(now)s::timestamptz, mine.provider, mine.provider_id
    from mine join notification n on n.id = mine.id
    where mine.provider_id <> coalesce(n.provider_id, (select m.provider_id from moved m where m.id = n.id limit 1))
      and not exists (select from attempt a where a.notification_id = n.id and a.provider_id = mine.provider_id)
),
unneeded as (
    select n.id, f.provider, f.provider_id
    from furthest f join notification n on n.id = f.id join held i on i.id = n.incident_id
    where f.live and $not_needed
),
ended as ($queue_ends)
select place, incident_id,
       case when place not in (select place from mine) then 'left'
            when place in (select place from moved) then 'moved' else 'noted' end,
       place in (select place from moved where final), incident_id in (select incident_id from ended)
from known
