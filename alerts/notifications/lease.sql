-- Messages that wait, or whose lease has run out, become this process's: those of an SOS first, calls before texts,
-- then the oldest. What has become pointless meanwhile is cancelled instead.
with moment as (select coalesce(%(now)s::timestamptz, eldercare_now()) as now),
-- A provider takes calls one by one: of those that say "pressed again" one at a time stands there before anybody's
-- first call. One of which nothing more is heard stands there no longer than this.
repeat as materialized (
    select id from notification
    where purpose = 'pressed_again' and channel = 'voice' and status in ('queued', 'sending')
      and coalesce(leased_until, send_after) <= (select now from moment)
      and not exists (select from notification other
                      where other.purpose = 'pressed_again' and other.channel = 'voice'
                        and (other.status = 'sending' and other.leased_until > (select now from moment)
                             or other.status = 'sent' and (select now from moment)
                                between other.sent_at and other.sent_at + %(repeat_for)s))
    order by coalesce(leased_until, send_after), id limit 1
    for update skip locked
),
candidate as materialized (
    select n.id, n.incident_id, n.person_id, n.purpose, n.content, n.round
    from notification n left join incident i on i.id = n.incident_id
    where n.status in ('queued', 'sending') and n.id <> all(%(mine)s)
      and case when n.purpose = 'hang_up' then %(hang_ups)s else n.channel = any(%(channels)s) end
      and coalesce(n.leased_until, n.send_after) <= (select now from moment)
      and (n.purpose <> 'pressed_again' or n.channel <> 'voice' or n.id = (select id from repeat))
    order by n.purpose = 'pressed_again', i.severity is distinct from 'sos', n.channel <> 'voice',
        coalesce(n.leased_until, n.send_after)
    limit %(limit)s
    for update of n skip locked
),
evaluated as (
    select candidate.id,
           coalesce(case candidate.purpose
               when 'alarm' then i.state <> all(%(acceptable)s)
                    or i.state = 'open' and i.wearer_said = 'well' and candidate.round < i.round
               when 'ask' then i.state <> 'open'
               when 'command' then i.state <> 'open'
               when 'second' then i.state = 'resolved'
               when 'pressed_again' then i.state = 'resolved' or candidate.person_id is distinct from i.owner_id
               when 'sos_state' then not (%(words)s::jsonb -> i.state) ? (content ->> 'state') end, false) as pointless,
           case candidate.purpose when 'alarm' then case i.state when 'open' then 'wearer_well' else 'not_open' end
                                  when 'ask' then 'not_open' when 'command' then 'not_open' when 'second' then 'resolved'
                                  when 'pressed_again' then 'not_the_owner' else 'superseded' end as why
    from candidate left join incident i on i.id = candidate.incident_id
)
update notification n set
    status = case when not pointless then 'sending' when n.said > 0 then 'sent' else 'cancelled' end,
    reason = case when pointless then why end,
    finished_at = case when pointless then now end,
    leased_until = case when pointless then null else now + %(lease)s end,
    attempts = n.attempts + (not pointless)::int
from evaluated, moment
where n.id = evaluated.id
returning n.id, n.reference, n.incident_id, n.channel, n.address, n.language, n.purpose, n.content, n.attempts,
    n.content ->> 'provider', n.content ->> 'provider_id', n.status
