-- depends: 0022_known_until
-- transactional: false
-- Words that relatives of one resident leave each other. Who may read them is decided by the resident's consent.

create table if not exists family_note (
    id          bigint generated always as identity primary key,
    resident_id bigint not null references resident on delete cascade,
    author_id   bigint not null references person,
    written_at  timestamptz not null,
    text        text not null check (text <> '' and length(text) <= 500)
);

create index concurrently if not exists family_note_resident on family_note (resident_id, id desc);
