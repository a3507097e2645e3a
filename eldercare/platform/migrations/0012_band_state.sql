-- depends: 0011_presses
-- transactional: false
-- Where a band is, is one column, and assignments are its writer: also those of the version before, which goes on
-- setting `retired_at`. A person who was removed by mistake comes back to their grids, residents and telephones.

-- A check of its own, so that nobody waits while the bands that are there are checked.
alter table device add column if not exists state text not null default 'in_stock';
alter table device
    drop constraint if exists device_state_check,
    add constraint device_state_check check (state in ('in_stock', 'worn', 'in_repair', 'lost', 'retired')) not valid;
alter table device validate constraint device_state_check;
alter table person add column if not exists left_from jsonb;  -- what `people.leave` took from them

create or replace function band_state_of_retirement() returns trigger language plpgsql as $$
begin
    if new.retired_at is distinct from old.retired_at then
        new.state := case when new.retired_at is not null then 'retired'
                          when new.state = 'retired' then 'in_stock' else new.state end;
    elsif new.state is distinct from old.state then
        new.retired_at := case when new.state = 'retired' then coalesce(new.retired_at, eldercare_now()) end;
    end if;
    return new;
end $$;
create or replace trigger device_state_of_retirement before update of retired_at, state on device
    for each row execute function band_state_of_retirement();

create or replace function band_state_of_assignment() returns trigger language plpgsql as $$
declare band text := case when tg_op = 'DELETE' then old.device_id else new.device_id end;
begin
    if exists (select from assignment where device_id = band and period @> eldercare_now()) then
        update device set state = 'worn' where id = band and state not in ('worn', 'retired');
    else
        update device set state = 'in_stock' where id = band and state = 'worn';
    end if;
    return null;
end $$;
create or replace trigger assignment_band_state after insert or update or delete on assignment
    for each row execute function band_state_of_assignment();

-- The bands that are there, a few at a time: assignments go on meanwhile. A band is looked at when it is held, so that
-- whoever hands it out or takes it back in that moment has done so, or comes afterwards and sets the state anew.
do $$
declare
    past text := '';
    few text[];
begin
    loop
        select array_agg(id order by id) into few from (
            select id from device where id > past order by id limit 200 for no key update) held;
        exit when few is null;
        update device d set state = known.state
        from (select id, case when retired_at is not null then 'retired'
                              when exists (select from assignment a where a.device_id = device.id
                                           and a.period @> eldercare_now()) then 'worn'
                              when device.state in ('worn', 'retired') then 'in_stock'
                              else device.state end as state
              from device where id = any(few)) known
        where d.id = known.id and d.state <> known.state;
        past := few[array_upper(few, 1)];
        commit;
    end loop;
end $$;
