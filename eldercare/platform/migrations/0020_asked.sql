-- depends: 0019_kinds
-- transactional: false
-- Whoever wears the band is asked first where no pulse and stillness are urgent: how she is asked, and what she said.

alter table incident
    add column if not exists wearer_asked_at timestamptz,  -- when she was asked; null: never, or by no version that asks
    add column if not exists wearer_said     text,         -- well, help, unclear; null: nothing
    add column if not exists wearer_said_at  timestamptz;

alter table notification
    drop constraint if exists notification_purpose_check,
    add constraint notification_purpose_check check (purpose in
    ('alarm', 'ask', 'second', 'pressed_again', 'stand_down', 'hang_up', 'sos_state', 'command')) not valid;

-- Null: the service itself has asked the band.
alter table command alter column requested_by drop not null;

-- A ladder that a community has edited stays. The version before cannot read the new ones: it calls duty and duty lead
-- at once, as for every ladder that it cannot read.
-- The new ones have one step more at the beginning, so what is under way is moved one step on. Else whoever has taken
-- the last step would take it once more, reach nobody new, and wait a whole repeat. It is one statement with the change
-- of the ladder, which finds nothing the second time, so no incident is moved twice.
with replaced as (update policy set ladder = '{
    "steps": [
        {"after_s": 0,   "targets": ["resident"],         "channels": ["band", "voice"]},
        {"after_s": 45,  "targets": ["duty"],             "channels": ["voice", "sms"]},
        {"after_s": 165, "targets": ["grid"],             "channels": ["voice", "sms"]},
        {"after_s": 345, "targets": ["family", "grid_backup"], "channels": ["voice", "sms"]}
    ],
    "repeat_s": 900, "arrival_s": 1200, "remind_s": 1200
}'
where kind = 'no_heart_rate' and severity = 'urgent' and resident_id is null and ladder = '{
    "steps": [
        {"after_s": 0,   "targets": ["duty"],             "channels": ["voice", "sms"]},
        {"after_s": 120, "targets": ["grid"],             "channels": ["voice", "sms"]},
        {"after_s": 300, "targets": ["family", "grid_backup"], "channels": ["voice", "sms"]}
    ],
    "repeat_s": 900, "arrival_s": 1200, "remind_s": 1200
}' returning kind, severity)
update incident set next_step = next_step + 1 from replaced
where incident.kind = replaced.kind and incident.severity = replaced.severity and state <> 'resolved' and next_step > 0
  and not exists (select from policy own where own.resident_id = incident.resident_id
                  and own.kind = incident.kind and own.severity = incident.severity);

with replaced as (update policy set ladder = '{
    "steps": [
        {"after_s": 0,   "targets": ["resident"],         "channels": ["band", "voice"]},
        {"after_s": 45,  "targets": ["duty"],             "channels": ["voice", "sms"]},
        {"after_s": 345, "targets": ["grid"],             "channels": ["voice", "sms"]},
        {"after_s": 945, "targets": ["family", "grid_backup"], "channels": ["voice", "sms"]}
    ],
    "repeat_s": 1800, "arrival_s": 1200, "remind_s": 1200
}'
where kind = 'stillness' and severity = 'urgent' and resident_id is null and ladder = '{
    "steps": [
        {"after_s": 0,   "targets": ["duty"],             "channels": ["voice", "sms"]},
        {"after_s": 300, "targets": ["grid"],             "channels": ["voice", "sms"]},
        {"after_s": 900, "targets": ["family", "grid_backup"], "channels": ["voice", "sms"]}
    ],
    "repeat_s": 1800, "arrival_s": 1200, "remind_s": 1200
}' returning kind, severity)
update incident set next_step = next_step + 1 from replaced
where incident.kind = replaced.kind and incident.severity = replaced.severity and state <> 'resolved' and next_step > 0
  and not exists (select from policy own where own.resident_id = incident.resident_id
                  and own.kind = incident.kind and own.severity = incident.severity);
