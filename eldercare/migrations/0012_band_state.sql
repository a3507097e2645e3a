-- depends: 0011_presses
-- Where a band is, is one column, and assignments are its writer: also those of the version before, which goes on
-- setting `retired_at`. A person who was removed by mistake comes back to their grids, residents and telephones.

alter table device add column state text not null default 'in_stock'
    check (state in ('in_stock', 'worn', 'in_repair', 'lost', 'retired'));
alter table person add column left_from jsonb;      -- what `people.leave` took from them

update device set state = case
    when retired_at is not null then 'retired'
    when exists (select from assignment a where a.device_id = device.id and a.period @> eldercare_now()) then 'worn'
    else 'in_stock' end;

create function band_state_of_retirement() returns trigger language plpgsql as $$
begin
    if new.retired_at is distinct from old.retired_at then
        new.state := case when new.retired_at is not null then 'retired'
                          when new.state = 'retired' then 'in_stock' else new.state end;
    elsif new.state is distinct from old.state then
        new.retired_at := case when new.state = 'retired' then coalesce(new.retired_at, eldercare_now()) end;
    end if;
    return new;
end $$;
create trigger device_state_of_retirement before update of retired_at, state on device
    for each row execute function band_state_of_retirement();

create function band_state_of_assignment() returns trigger language plpgsql as $$
declare band text := case when tg_op = 'DELETE' then old.device_id else new.device_id end;
begin
    if exists (select from assignment where device_id = band and period @> eldercare_now()) then
        update device set state = 'worn' where id = band and state not in ('worn', 'retired');
    else
        update device set state = 'in_stock' where id = band and state = 'worn';
    end if;
    return null;
end $$;
create trigger assignment_band_state after insert or update or delete on assignment
    for each row execute function band_state_of_assignment();
