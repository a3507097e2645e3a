-- depends: 0025_emergency_note
-- transactional: false
-- Consultations: a draft is its author's alone, and what is signed stays as it was signed. Whatever has to be said
-- afterwards is added.

create table if not exists consultation (
    id          bigint generated always as identity primary key,
    resident_id bigint not null references resident on delete cascade,
    doctor_id   bigint not null references person,
    at          timestamptz not null,               -- when she was seen: when the draft was begun
    reason      text not null check (length(reason) <= 500),
    findings    text not null check (length(findings) <= 4000),
    advice      text not null check (length(advice) <= 4000),
    next_on     date,
    state       text not null default 'draft' check (state in ('draft', 'signed')),
    version     integer not null default 1,         -- grows with each saving
    saved_at    timestamptz not null,
    signed_at   timestamptz,
    check ((state = 'signed') = (signed_at is not null))
);
create unique index concurrently if not exists consultation_one_draft on consultation (resident_id, doctor_id) where state = 'draft';
create index concurrently if not exists consultation_resident on consultation (resident_id, id desc);
create index concurrently if not exists consultation_doctor on consultation (doctor_id);

create table if not exists consultation_amendment (
    id              bigint generated always as identity primary key,
    consultation_id bigint not null references consultation on delete cascade,
    author_id       bigint not null references person,
    at              timestamptz not null,
    text            text not null check (text <> '' and length(text) <= 4000)
);
create index concurrently if not exists consultation_amendment_of on consultation_amendment (consultation_id, id);
create index concurrently if not exists consultation_amendment_author on consultation_amendment (author_id);

-- What is signed goes with the resident alone, and so do its amendments with it.
create or replace function refuse_change_of_signed() returns trigger language plpgsql as $$
begin
    if old.state = 'draft' then
        return case when tg_op = 'DELETE' then old else new end;
    end if;
    if tg_op = 'DELETE' and not exists (select from resident where id = old.resident_id) then
        return old;
    end if;
    raise exception 'a signed consultation is never changed' using errcode = 'insufficient_privilege';
end $$;
create or replace trigger consultation_signed_stays before update or delete on consultation
    for each row execute function refuse_change_of_signed();
create or replace trigger consultation_is_never_emptied before truncate on consultation
    for each statement execute function refuse_change();

create or replace function refuse_change_of_amendment() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and not exists (select from consultation where id = old.consultation_id) then
        return old;
    end if;
    raise exception '% is written once and never changed', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create or replace trigger consultation_amendment_is_append_only before update or delete on consultation_amendment
    for each row execute function refuse_change_of_amendment();
create or replace trigger consultation_amendment_is_never_emptied before truncate on consultation_amendment
    for each statement execute function refuse_change();

create or replace function refuse_amendment_of_draft() returns trigger language plpgsql as $$
begin
    if not exists (select from consultation where id = new.consultation_id and state = 'signed') then
        raise exception 'a draft is not amended' using errcode = 'check_violation';
    end if;
    return new;
end $$;
create or replace trigger consultation_amendment_of_signed before insert on consultation_amendment
    for each row execute function refuse_amendment_of_draft();

-- What the services' role may do, and no more of amendments than to read and to add them.
create or replace function grant_services(service name) returns void language plpgsql set search_path = public, pg_temp as $$
declare
    ours text;
begin
    execute format('grant usage on schema public to %I', service);
    execute format('grant select, insert, update, delete on all tables in schema public to %I', service);
    execute format('grant usage on all sequences in schema public to %I', service);
    execute format('revoke all on audit, audit_seal, audit_checkpoint, resident_history, consultation_amendment from %I', service);
    execute format('grant select on audit, audit_seal, audit_checkpoint, resident_history, consultation_amendment to %I', service);
    execute format('grant insert (viewer_id, role, action, what, resident_id, detail, residents) on audit to %I', service);
    execute format('grant insert (resident_id, fact, by_id, before, after) on resident_history to %I', service);
    execute format('grant insert (consultation_id, author_id, at, text) on consultation_amendment to %I', service);
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
