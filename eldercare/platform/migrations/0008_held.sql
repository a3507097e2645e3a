-- depends: 0007_said_again
-- transactional: false
-- Nobody's press, call or answer waits for a row of `person` or `resident` that somebody holds: a foreign key locks the
-- row that it names. Neither is ever deleted by the service (`left_at`), and the triggers go on refusing it.

alter table incident drop constraint if exists incident_resident_id_fkey;
alter table incident
    drop constraint if exists incident_owner_id_fkey,
    drop constraint if exists incident_previous_owner_id_fkey,
    drop constraint if exists incident_declined_id_fkey;
alter table incident_event drop constraint if exists incident_event_actor_id_fkey;
alter table notification drop constraint if exists notification_person_id_fkey;

create or replace function refuse_deletion_of_named() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'resident' and exists (select from incident where resident_id = old.id)
        or tg_table_name = 'person' and (
            exists (select from notification where person_id = old.id)
            or exists (select from incident_event where actor_id = old.id)
            or exists (select from incident where old.id in (owner_id, previous_owner_id, declined_id)))
    then
        raise exception '% % is named by an incident', tg_table_name, old.id using errcode = 'foreign_key_violation';
    end if;
    return old;
end $$;
create or replace trigger resident_named_stays before delete on resident for each row execute function refuse_deletion_of_named();
create or replace trigger person_named_stays before delete on person for each row execute function refuse_deletion_of_named();

-- A press that waits for what somebody holds is kept here, committed and acknowledged, until it can be raised: no other
-- press waits behind it. No foreign key and no other index, so that nothing can be held of it.
create table if not exists sos_aside (
    id          bigint generated always as identity primary key,
    received_at timestamptz not null,
    topic       text not null,
    message     text not null                       -- JSON, as ingest.pressed writes it
);
