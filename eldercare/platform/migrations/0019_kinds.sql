-- depends: 0018_providers
-- transactional: false
-- What the rules find besides: stillness, a resting rate that rises, a spot value that the clinic should see; leaving
-- home at night and no pulse are urgent. And what they learn of each person in weeks.

alter table incident
    drop constraint if exists incident_kind_check,
    add constraint incident_kind_check check (kind in ('sos', 'heart_rate', 'wandering', 'silent', 'off_wrist',
        'no_heart_rate', 'low_battery', 'network', 'stillness', 'resting_rate', 'spot_value')) not valid;

create table if not exists habits (
    resident_id bigint primary key references resident on delete cascade,
    learnt      jsonb not null default '{}',              -- by rule, as alerts.rules.registry writes it; at most 8 KB
    through     date not null,                            -- the last day that is in it; a day ends at noon
    renewed_at  timestamptz not null default eldercare_now()
);

insert into policy (kind, severity, ladder) values
('wandering', 'urgent', '{
    "steps": [
        {"after_s": 0,   "targets": ["duty"],             "channels": ["voice", "sms"]},
        {"after_s": 120, "targets": ["grid"],             "channels": ["voice", "sms"]},
        {"after_s": 300, "targets": ["family", "grid_backup"], "channels": ["voice", "sms"]}
    ],
    "repeat_s": 900, "arrival_s": 1200, "remind_s": 1200
}'),
('no_heart_rate', 'urgent', '{
    "steps": [
        {"after_s": 0,   "targets": ["duty"],             "channels": ["voice", "sms"]},
        {"after_s": 120, "targets": ["grid"],             "channels": ["voice", "sms"]},
        {"after_s": 300, "targets": ["family", "grid_backup"], "channels": ["voice", "sms"]}
    ],
    "repeat_s": 900, "arrival_s": 1200, "remind_s": 1200
}'),
('stillness', 'urgent', '{
    "steps": [
        {"after_s": 0,   "targets": ["duty"],             "channels": ["voice", "sms"]},
        {"after_s": 300, "targets": ["grid"],             "channels": ["voice", "sms"]},
        {"after_s": 900, "targets": ["family", "grid_backup"], "channels": ["voice", "sms"]}
    ],
    "repeat_s": 1800, "arrival_s": 1200, "remind_s": 1200
}'),
('no_heart_rate', 'warning', '{
    "steps": [
        {"after_s": 0,   "targets": ["duty"], "channels": ["sms"]},
        {"after_s": 600, "targets": ["grid"], "channels": ["sms"]}
    ],
    "arrival_s": 1200, "remind_s": 3600
}'),
('stillness', 'task', '{
    "steps": [{"after_s": 0}], "arrival_s": null, "remind_s": 86400, "hours": {"start": "08:00", "end": "20:00"}
}'),
('stillness', 'warning', '{
    "steps": [
        {"after_s": 0,   "targets": ["duty"], "channels": ["sms"]},
        {"after_s": 600, "targets": ["grid"], "channels": ["sms"]}
    ],
    "arrival_s": 1200, "remind_s": 3600
}'),
('resting_rate', 'task', '{
    "steps": [{"after_s": 0}], "arrival_s": null, "remind_s": 86400, "hours": {"start": "08:00", "end": "20:00"}
}'),
('spot_value', 'task', '{
    "steps": [{"after_s": 0}], "arrival_s": null, "remind_s": 86400, "hours": {"start": "08:00", "end": "20:00"}
}')
on conflict do nothing;
