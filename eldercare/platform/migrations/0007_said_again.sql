-- depends: 0006_pressed_again
-- transactional: false
-- A word to the wearer is said again until the band has shown that it hears: the broker's acknowledgement is no sign.

alter table notification
    add column if not exists said integer not null default 0,      -- how often the broker has taken this word
    add column if not exists answered boolean not null default false,  -- the band has spoken since; said again then, and heard next
    add column if not exists say_again_at timestamptz;             -- null: not said yet, heard, superseded, or old enough

create index concurrently if not exists notification_say_again on notification (say_again_at) where say_again_at is not null;
create index concurrently if not exists notification_word on notification ((content ->> 'id')) where purpose = 'sos_state';
