-- The steps of several incidents: each is written where its incident is as it was read, and nobody holds it. The
-- messages of a step are born leased, so that this very process sends them at once.
with held as materialized (
    select i.id from incident i join jsonb_to_recordset(%(seen)s) as seen (id bigint, version xid)
      on i.id = seen.id and i.xmin = seen.version
    for no key update of i skip locked
),
moved as (
    update incident i set $assignments
    from jsonb_populate_recordset(null::incident, %(cases)s) c where i.id = c.id and i.id in (select id from held)
    returning i.id
),
happened as (
    select incident_id, %(now)s::timestamptz as at, kind, null::bigint as actor_id, 'ladder' as via, detail
    from jsonb_to_recordset(%(events)s) as e (incident_id bigint, kind text, detail jsonb)
    where incident_id in (select id from held)
),
told as ($tell),
message as (
    select * from jsonb_to_recordset(%(rows)s) as m (reference text, incident_id bigint, person_id bigint, channel text,
        address text, purpose text, round int, step int, language text, content jsonb, leased boolean)
    where incident_id in (select id from held)
),
-- What a band is asked to do is known by its name, for the answer.
commanded as (
    insert into command (id, device_id, action, created_at, expires_at)
    select content ->> 'id', address, content ->> 'action', %(now)s, (content ->> 'expires_at')::timestamptz
    from message where purpose = 'command'
),
written as (
    $write
    returning id, reference, incident_id, channel, address, language, purpose, content, attempts, status
)
select id, reference, incident_id, channel, address, language, purpose, content, attempts
from written where status = 'sending'
union all
select null, null, id, null, null, null, null, null, null from moved
