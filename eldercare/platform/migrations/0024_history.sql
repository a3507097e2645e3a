-- depends: 0023_family
-- transactional: false
-- What is written of somebody's health keeps what stood before, who changed it and when. The database does so itself, in
-- one place for every way in, also for the version before. Rows are only added; they go with the resident alone.

create table if not exists resident_history (
    id          bigint generated always as identity primary key,
    resident_id bigint not null references resident on delete cascade,
    fact        text not null,
    at          timestamptz not null default eldercare_now(),
    by_id       bigint,                              -- the person; 0: the command line; null: nobody said who
    before      jsonb,                               -- null: nothing was written there
    after       jsonb,
    check (before is distinct from after)
);
create index concurrently if not exists resident_history_resident on resident_history (resident_id, id desc);

create or replace function refuse_change_of_history() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and not exists (select from resident where id = old.resident_id) then
        return old;
    end if;
    raise exception '% is written once and never changed', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create or replace trigger resident_history_is_append_only before update or delete on resident_history
    for each row execute function refuse_change_of_history();
create or replace trigger resident_history_is_never_emptied before truncate on resident_history
    for each statement execute function refuse_change();

-- What the services' role may do, and no more of the history than to read it and to add to it. Before there is anything
-- that adds to it, so that the version before goes on writing meanwhile.
create or replace function grant_services(service name) returns void language plpgsql set search_path = public, pg_temp as $$
declare
    ours text;
begin
    execute format('grant usage on schema public to %I', service);
    execute format('grant select, insert, update, delete on all tables in schema public to %I', service);
    execute format('grant usage on all sequences in schema public to %I', service);
    execute format('revoke all on audit, audit_seal, audit_checkpoint, resident_history from %I', service);
    execute format('grant select on audit, audit_seal, audit_checkpoint, resident_history to %I', service);
    execute format('grant insert (viewer_id, role, action, what, resident_id, detail, residents) on audit to %I', service);
    execute format('grant insert (resident_id, fact, by_id, before, after) on resident_history to %I', service);
    execute format('grant execute on function audit_seal(integer), audit_drop(timestamptz, integer),'
                   ' drop_readings(text, timestamptz, integer) to %I', service);
    -- Which migrations there are is read by the doctor and written by `migrate` alone.
    for ours in select relname from pg_class
                where relnamespace = 'public'::regnamespace and relkind = 'r' and relname ~ '^_?yoyo' loop
        execute format('revoke insert, update, delete on %I from %I', ours, service);
    end loop;
end $$;
do $$
begin
    if exists (select from pg_roles where rolname = 'eldercare_service') then
        perform grant_services('eldercare_service');
    end if;
end $$;

-- The facts whose changes are kept, null where nothing is written. A signature of other limits than those that stand is
-- none.
create or replace function medical_facts(r resident) returns jsonb language sql stable as $$
    select jsonb_build_object(
        'conditions', nullif(r.conditions, ''),
        'medicines', nullif(r.medicines, ''),
        'allergies', nullif(r.allergies, ''),
        'mobility', nullif(r.mobility, ''),
        'notes', nullif(r.notes, ''),
        'rule_overrides', nullif(r.rule_overrides, '{}'),
        'limits_reason', nullif(r.limits_reason, ''),
        'limits_signature', case when r.limits_signed_by is not null and r.limits_signed = r.rule_overrides then
            jsonb_build_object('person_id', r.limits_signed_by, 'at', r.limits_signed_at) end)
$$;

-- Who writes is said by whoever does, for the transaction, in `eldercare.writer`.
create or replace function keep_resident_history() returns trigger language plpgsql as $$
begin
    insert into resident_history (resident_id, fact, by_id, before, after)
    select new.id, now.key, nullif(current_setting('eldercare.writer', true), '')::bigint,
           nullif(stood.value, 'null'), nullif(now.value, 'null')
    from jsonb_each(medical_facts(new)) now
    join jsonb_each(medical_facts(old)) stood on stood.key = now.key
    where stood.value <> now.value
    order by now.key;
    return null;
end $$;
create or replace trigger resident_history_of_resident
    after insert or update of conditions, medicines, allergies, mobility, notes, rule_overrides, limits_reason,
        limits_signed, limits_signed_by, limits_signed_at on resident
    for each row execute function keep_resident_history();
