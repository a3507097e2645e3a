-- depends: 0024_history
-- transactional: false
-- What whoever goes to somebody has to know, as a doctor wrote it: with who and when, and with a history.

alter table resident
    add column if not exists emergency_note    text,                 -- null: none
    add column if not exists emergency_note_by bigint,               -- the person
    add column if not exists emergency_note_at timestamptz;
alter table resident
    drop constraint if exists resident_emergency_note_check,
    add constraint resident_emergency_note_check
        check (emergency_note <> '' and length(emergency_note) <= 500) not valid;
alter table resident validate constraint resident_emergency_note_check;

create or replace function medical_facts(r resident) returns jsonb language sql stable as $$
    select jsonb_build_object(
        'conditions', nullif(r.conditions, ''),
        'medicines', nullif(r.medicines, ''),
        'allergies', nullif(r.allergies, ''),
        'mobility', nullif(r.mobility, ''),
        'notes', nullif(r.notes, ''),
        'emergency_note', nullif(r.emergency_note, ''),
        'rule_overrides', nullif(r.rule_overrides, '{}'),
        'limits_reason', nullif(r.limits_reason, ''),
        'limits_signature', case when r.limits_signed_by is not null and r.limits_signed = r.rule_overrides then
            jsonb_build_object('person_id', r.limits_signed_by, 'at', r.limits_signed_at) end)
$$;
create or replace trigger resident_history_of_resident
    after insert or update of conditions, medicines, allergies, mobility, notes, emergency_note, rule_overrides,
        limits_reason, limits_signed, limits_signed_by, limits_signed_at on resident
    for each row execute function keep_resident_history();
