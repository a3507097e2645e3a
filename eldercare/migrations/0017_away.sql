-- depends: 0016_client_ids
-- Until somebody is back no rule speaks about them: who said so and when stands beside it, and no absence is without end.

alter table resident
    add column away_by     bigint,                  -- the person who said so
    add column away_set_at timestamptz;

update resident set away_until = eldercare_now() + interval '31 days', away_set_at = eldercare_now()
where away_until > eldercare_now() + interval '31 days';
