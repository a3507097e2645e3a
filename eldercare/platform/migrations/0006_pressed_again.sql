-- depends: 0005_declined
-- transactional: false
-- A band that is pressed without end: who goes hears of it at once, and then after growing pauses.

alter table incident
    add column if not exists times_told integer not null default 0,  -- how often whoever has it in hand heard of further presses
    add column if not exists tell_after timestamptz;                 -- not again before this

-- When an incident is due that is pressed again: an open one climbs by itself; in hand, whoever has it is told now, or
-- when the pause since the last telling is over. A pause longer than any comes from a clock that went back since.
create or replace function due_when_pressed(i incident, now timestamptz) returns timestamptz language sql immutable as $$
    select case when i.state = 'open' then i.due_at
                when i.tell_after between now and now + interval '10 minutes' then least(i.due_at, i.tell_after)
                else now end
$$;

-- Of these calls one at a time waits at the provider (`alerts.outbox`).
create index concurrently if not exists notification_repeats on notification (status)
    where purpose = 'pressed_again' and channel = 'voice' and status in ('queued', 'sending', 'sent');
