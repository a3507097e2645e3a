-- depends: 0016_client_ids
-- transactional: false
-- Until somebody is back no rule speaks about them: who said so and when stands beside it, and no absence is without end.

alter table resident
    add column if not exists away_by     bigint,                  -- the person who said so
    add column if not exists away_set_at timestamptz;

-- A few at a time, so that nobody who changes a resident waits for all of them.
do $$
begin
    loop
        update resident set away_until = eldercare_now() + interval '31 days', away_set_at = eldercare_now()
        where id in (select id from resident where away_until > eldercare_now() + interval '31 days'
                     order by id limit 200 for no key update);
        exit when not found;
        commit;
    end loop;
end $$;
