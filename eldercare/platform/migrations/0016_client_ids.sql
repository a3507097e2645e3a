-- depends: 0015_calendar
-- The names under which our sessions stand with the broker end in something that nobody can guess: whoever knows them
-- could take the presses over wherever the broker lets clients choose their ids; and two deployments at one broker must
-- not have the same. Where there are bands already the sessions keep their names, with what waits in them.

insert into meta (key, value)
select 'client_ids', jsonb_build_object('suffix',
    case when exists (select from device) then '' else '-' || replace(gen_random_uuid()::text, '-', '') end)
on conflict (key) do nothing;
