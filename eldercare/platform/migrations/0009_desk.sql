-- depends: 0008_held
-- transactional: false
-- Who deals with an incident at the desk stands beside who goes there. Handling lasts until `handling_until`, or without
-- a limit while somebody goes. Nullable or with a constant default, so that no row is rewritten.

alter table incident
    add column if not exists handler_id     bigint,
    add column if not exists handled_at     timestamptz,
    add column if not exists handled_via    text,
    add column if not exists handling_until timestamptz,
    add column if not exists taken_off_id   bigint,                            -- whom the desk took off: not called in this round
    add column if not exists called_again_at timestamptz,                      -- the desk had the ladder start once more in this round
    add column if not exists added_ids      bigint[] not null default '{}';    -- whom the desk added to the ladder's people

-- A second person beside the owner is called while the incident is in somebody's hands.
alter table notification
    drop constraint if exists notification_purpose_check,
    add constraint notification_purpose_check check (purpose in
    ('alarm', 'second', 'pressed_again', 'stand_down', 'hang_up', 'sos_state', 'command')) not valid;
