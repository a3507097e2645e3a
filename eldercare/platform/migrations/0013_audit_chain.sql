-- depends: 0012_band_state
-- transactional: false
-- The audit log names whom a read showed, and is sealed: each seal carries the hash of its rows and of the seal before.
-- What the services may not do with it, functions of the owner do for them, within limits. docs/roles.md says how an
-- existing installation gets the two roles; without them everything works, and the log is as safe as before.

alter table audit add column if not exists residents int8multirange;  -- whom it showed, where more than resident_id alone
create index concurrently if not exists audit_residents on audit using gist (residents) where residents is not null;
create index concurrently if not exists audit_at on audit (at);

create table if not exists audit_seal (
    id        bigint primary key,                   -- 1, 2, 3, … without a gap
    sealed_at timestamptz not null default clock_timestamp(),
    ids       int8multirange not null,              -- the rows of audit that it covers
    count     bigint not null,
    highest   bigint not null,                      -- the highest id that this seal or one before it covers
    rows_to   timestamptz not null,                 -- the newest `at` among its rows
    previous  bytea not null,                       -- hash of the seal before; of the first one: 32 zero bytes
    hash      bytea not null
);
create index concurrently if not exists audit_seal_sealed on audit_seal (sealed_at);

-- Where the chain begins since retention dropped what came before.
create table if not exists audit_checkpoint (
    through    bigint primary key,                  -- the last seal that was dropped
    dropped_at timestamptz not null default clock_timestamp(),
    rows       bigint not null,                     -- of the seals dropped at this time
    rows_to    timestamptz not null,
    hash       bytea not null                       -- of that last seal
);

-- What a row says, in one form: jsonb has only one, and columns that come later do not change it.
create or replace function audit_digest(a audit) returns bytea language sql stable set timezone = 'UTC' as $$
    select sha256(convert_to(jsonb_build_array(
        a.id, a.at, a.viewer_id, a.role, a.action, a.what, a.resident_id, a.detail, a.residents::text)::text, 'UTF8'))
$$;

create or replace function audit_rows(ids int8multirange, out count bigint, out rows_to timestamptz, out digest bytea)
language sql stable as $$
    select count(*), max(a.at), sha256(coalesce(string_agg(audit_digest(a), ''::bytea order by a.id), ''::bytea))
    from audit a where a.id >= lower(ids) and a.id < upper(ids) and ids @> a.id
$$;

create or replace function audit_hash(id bigint, ids int8multirange, count bigint, previous bytea, digest bytea) returns bytea
language sql immutable as $$
    select sha256(convert_to(id || ' ' || ids::text || ' ' || count || ' ', 'UTF8') || previous || digest)
$$;

-- Seal what is committed and not sealed yet, at most `most` rows; returns how many. A row whose transaction commits after
-- younger ones were sealed comes into a later seal: each looks back an hour, longer than any transaction may last.
create or replace function audit_seal(most integer) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    newest audit_seal;
    settled bigint;
    covered int8multirange;
    fresh int8multirange;
    sealed record;
begin
    if not pg_try_advisory_xact_lock(1635083369, 1) then  -- somebody is at it
        return 0;
    end if;
    select * into newest from audit_seal order by id desc limit 1;
    select highest into settled from audit_seal where sealed_at < clock_timestamp() - interval '1 hour'
        order by sealed_at desc, id desc limit 1;
    select range_agg(s.ids) into covered from audit_seal s where sealed_at >= clock_timestamp() - interval '1 hour';
    select range_agg(int8range(id, id, '[]')) into fresh from (
        select id from audit where id > coalesce(settled, 0) and not coalesce(covered @> id, false) order by id limit most
    ) unsealed;
    if fresh is null then
        return 0;
    end if;
    select * into sealed from audit_rows(fresh);
    insert into audit_seal (id, ids, count, highest, rows_to, previous, hash)
    select next.id, fresh, sealed.count, greatest(newest.highest, upper(fresh) - 1), sealed.rows_to, next.previous,
           audit_hash(next.id, fresh, sealed.count, next.previous, sealed.digest)
    from (select coalesce(newest.id, (select max(through) from audit_checkpoint), 0) + 1 as id,
                 coalesce(newest.hash, (select hash from audit_checkpoint order by through desc limit 1),
                          decode(repeat('00', 32), 'hex')) as previous) next;
    return sealed.count;
end $$;

-- Drop the oldest seals with their rows, as far as all of these are older than `before`, at most `most` seals; the newest
-- seal stays. The chain goes on from the checkpoint. Nobody drops what is younger than half a year. Returns how many rows.
create or replace function audit_drop(before timestamptz, most integer) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    youngest constant timestamptz := least(eldercare_now(), clock_timestamp()) - interval '180 days';
    last audit_seal;
    dropped bigint;
begin
    if before > youngest then
        raise exception 'the audit log keeps at least 180 days' using errcode = 'insufficient_privilege';
    end if;
    select s.* into last from (select * from audit_seal order by id limit most) s
    where s.id < coalesce((select min(id) from audit_seal where rows_to >= before), s.id + 1)
      and s.id < (select max(id) from audit_seal)
    order by s.id desc limit 1;
    if last.id is null then
        return 0;
    end if;
    perform set_config('eldercare.audit_drop', 'on', true);
    with gone as (
        delete from audit a using audit_seal s
        where s.id <= last.id and a.id >= lower(s.ids) and a.id < upper(s.ids) and s.ids @> a.id returning a.id
    )
    select count(*) into dropped from gone;
    insert into audit_checkpoint (through, rows, rows_to, hash)
    select last.id, dropped, max(rows_to), last.hash from audit_seal where id <= last.id;
    delete from audit_seal where id <= last.id;
    perform set_config('eldercare.audit_drop', 'off', true);
    return dropped;
end $$;

create or replace function refuse_change_of_audit() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('eldercare.audit_drop', true) = 'on'
       and current_user = (select pg_get_userbyid(relowner) from pg_class where oid = tg_relid) then
        return null;
    end if;
    raise exception '% is written once and never changed', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create or replace trigger audit_is_append_only before update or delete or truncate on audit
    for each statement execute function refuse_change_of_audit();
create or replace trigger audit_seal_is_append_only before update or delete or truncate on audit_seal
    for each statement execute function refuse_change_of_audit();
create or replace trigger audit_checkpoint_is_append_only before update or delete or truncate on audit_checkpoint
    for each statement execute function refuse_change_of_audit();

-- Readings older than `before` go: whole chunks of a hypertable, which only its owner drops, else at most `most` rows.
-- Returns how many chunks or rows. Nobody drops what is younger than 30 days.
create or replace function drop_readings(noun text, before timestamptz, most integer) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    dropped bigint;
begin
    if noun not in ('heart_rate', 'location', 'device_status') then
        raise exception '% is no table of readings', noun using errcode = 'invalid_parameter_value';
    end if;
    if before > least(eldercare_now(), clock_timestamp()) - interval '30 days' then
        raise exception 'readings are kept for at least 30 days' using errcode = 'insufficient_privilege';
    end if;
    if exists (select from pg_extension where extname = 'timescaledb') then
        execute format('select count(*) from drop_chunks(%L::regclass, older_than => %L::timestamptz)', noun, before)
            into dropped;
        return dropped;
    end if;
    execute format(
        'delete from %1$I r using (select old.device_id, old.ts from device d cross join lateral'
        '   (select device_id, ts from %1$I where device_id = d.id and ts < $1 order by ts limit $2) old limit $2) o'
        ' where r.device_id = o.device_id and r.ts = o.ts', noun) using before, most;
    get diagnostics dropped = row_count;
    return dropped;
end $$;

-- What the services' role may do; run again by every `eldercare migrate`, so that later tables are included.
create or replace function grant_services(service name) returns void language plpgsql set search_path = public, pg_temp as $$
declare
    ours text;
begin
    execute format('grant usage on schema public to %I', service);
    execute format('grant select, insert, update, delete on all tables in schema public to %I', service);
    execute format('grant usage on all sequences in schema public to %I', service);
    execute format('revoke all on audit, audit_seal, audit_checkpoint from %I', service);
    execute format('grant select on audit, audit_seal, audit_checkpoint to %I', service);
    execute format('grant insert (viewer_id, role, action, what, resident_id, detail, residents) on audit to %I', service);
    execute format('grant execute on function audit_seal(integer), audit_drop(timestamptz, integer),'
                   ' drop_readings(text, timestamptz, integer) to %I', service);
    -- Which migrations there are is read by the doctor and written by `migrate` alone.
    for ours in select relname from pg_class
                where relnamespace = 'public'::regnamespace and relkind = 'r' and relname ~ '^_?yoyo' loop
        execute format('revoke insert, update, delete on %I from %I', ours, service);
    end loop;
end $$;
revoke execute on function audit_seal(integer), audit_drop(timestamptz, integer),
    drop_readings(text, timestamptz, integer), grant_services(name) from public;

do $$
begin
    if exists (select from pg_roles where rolname = 'eldercare_service') then
        perform grant_services('eldercare_service');
    end if;
end $$;
