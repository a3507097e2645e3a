-- depends: 0013_audit_chain
-- transactional: false
-- What a provider brings back names its call by a random reference: a number of a row may be given again after a crash,
-- since `alerts` does not wait for the disk. Rows of the version before have none.

alter table notification add column if not exists reference text;
create unique index concurrently if not exists notification_reference on notification (reference) where reference is not null;

-- The provider's id of the call on which the owner said "I go": every other call about the incident is hung up.
alter table incident add column if not exists accepted_call text;

-- Texts from people that were acted upon, so that the same one handed in again is not acted upon twice.
create table if not exists heard_text (
    name     text primary key,                       -- a digest of the text and of the provider's id of it
    heard_at timestamptz not null,
    answer   text                                    -- what was answered; null: nothing
);
create index concurrently if not exists heard_text_heard on heard_text (heard_at);
