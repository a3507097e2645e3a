-- The ladders a community starts with, as data: alerts.ladder.Ladder says what the words mean. Seconds everywhere.
-- An SOS is exempt from hours and limits other than those of the carriers. Tasks call nobody and wait for the day.

insert into policy (kind, severity, ladder) values
('sos', 'sos', '{
    "steps": [
        {"after_s": 0,   "targets": ["duty", "grid"],             "channels": ["voice", "sms"]},
        {"after_s": 60,  "targets": ["grid_backup", "duty_lead"], "channels": ["voice", "sms"]},
        {"after_s": 180, "targets": ["family", "clinic"],         "channels": ["voice", "sms"], "ask_120": true}
    ],
    "repeat_s": 300, "arrival_s": 1200, "remind_s": 1200, "confirm_120_s": 1800
}'),
('heart_rate', 'urgent', '{
    "steps": [
        {"after_s": 0,   "targets": ["duty"],             "channels": ["voice", "sms"]},
        {"after_s": 180, "targets": ["grid"],             "channels": ["voice", "sms"]},
        {"after_s": 600, "targets": ["clinic", "family"], "channels": ["voice", "sms"]}
    ],
    "repeat_s": 900, "arrival_s": 1200, "remind_s": 1200
}'),
('heart_rate', 'warning', '{
    "steps": [
        {"after_s": 0,   "targets": ["duty"], "channels": ["sms"]},
        {"after_s": 600, "targets": ["grid"], "channels": ["sms"]}
    ],
    "arrival_s": 1200, "remind_s": 3600
}'),
('wandering', 'warning', '{
    "steps": [
        {"after_s": 0,   "targets": ["duty"], "channels": ["sms"]},
        {"after_s": 600, "targets": ["grid"], "channels": ["sms"]}
    ],
    "arrival_s": 1200, "remind_s": 3600
}'),
('network', 'urgent', '{
    "steps": [{"after_s": 0, "targets": ["duty", "admin"], "channels": ["voice", "sms"]}],
    "repeat_s": 1800, "arrival_s": null, "remind_s": 1800
}'),
('network', 'warning', '{
    "steps": [{"after_s": 0, "targets": ["duty", "admin"], "channels": ["voice", "sms"]}],
    "repeat_s": 1800, "arrival_s": null, "remind_s": 1800
}'),
('silent', 'task', '{
    "steps": [{"after_s": 0}], "arrival_s": null, "remind_s": 86400, "hours": {"start": "08:00", "end": "20:00"}
}'),
('off_wrist', 'task', '{
    "steps": [{"after_s": 0}], "arrival_s": null, "remind_s": 86400, "hours": {"start": "08:00", "end": "20:00"}
}'),
('no_heart_rate', 'task', '{
    "steps": [{"after_s": 0}], "arrival_s": null, "remind_s": 86400, "hours": {"start": "08:00", "end": "20:00"}
}'),
('low_battery', 'task', '{
    "steps": [{"after_s": 0}], "arrival_s": null, "remind_s": 86400, "hours": {"start": "08:00", "end": "20:00"}
}');
