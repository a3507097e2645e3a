-- depends: 0026_consultation
-- transactional: false
-- The hours in which a doctor sees people, and who comes when. No doctor has two at once, and no two people one slot.

create table if not exists clinic_session (
    id        bigint generated always as identity primary key,
    doctor_id bigint not null references person,
    begins_at timestamptz not null,
    ends_at   timestamptz not null,
    place     text not null check (place <> '' and length(place) <= 200),
    made_by   bigint not null,                      -- the person
    check (begins_at < ends_at),
    constraint clinic_session_one_at_a_time exclude using gist
        (int8range(doctor_id, doctor_id, '[]') with &&, tstzrange(begins_at, ends_at) with &&)
);
create index concurrently if not exists clinic_session_begins on clinic_session (begins_at, id);

create table if not exists clinic_slot (
    session_id  bigint not null references clinic_session on delete cascade,
    resident_id bigint not null references resident on delete cascade,
    begins_at   timestamptz not null,
    ends_at     timestamptz not null,
    why         text not null default '' check (length(why) <= 500),
    outcome     text check (outcome in ('came', 'missed')),  -- null: nobody has said
    primary key (session_id, resident_id),
    check (begins_at < ends_at),
    constraint clinic_slot_one_at_a_time exclude using gist
        (int8range(session_id, session_id, '[]') with &&, tstzrange(begins_at, ends_at) with &&)
);
create index concurrently if not exists clinic_slot_resident on clinic_slot (resident_id);
