-- The first schema. Runs on TimescaleDB and on plain PostgreSQL 15 or newer, where hypertables are ordinary tables.
-- Times are timestamptz (UTC inside), positions WGS-84 degrees, distances metres.

-- The one clock ---------------------------------------------------------------------------------------------------

create table clock (
    singleton  boolean primary key default true check (singleton),
    origin     timestamptz not null,
    started_at timestamptz not null,
    speed      double precision not null check (speed >= 0)
);

create function eldercare_now() returns timestamptz language sql stable as $$
    select coalesce(
        (select origin + (statement_timestamp() - started_at) * speed from clock),
        statement_timestamp())
$$;

-- Places and people -----------------------------------------------------------------------------------------------

create table meta (
    key   text primary key,
    value jsonb not null
);

create table grid (
    id        bigint generated always as identity primary key,
    name      text not null unique,
    community text not null
);

create table person (
    id            bigint generated always as identity primary key,
    name          text not null check (name <> ''),
    phone         text check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    language      text not null default 'zh' check (language in ('zh', 'en')),
    username      text unique check (username ~ '^[a-z0-9][a-z0-9._-]{1,62}$'),
    password_hash text,
    created_at    timestamptz not null default eldercare_now(),
    left_at       timestamptz,
    check ((username is null) = (password_hash is null))
);

create table person_role (
    person_id bigint not null references person on delete cascade,
    role      text not null check (role in
        ('duty', 'duty_lead', 'grid', 'family', 'doctor', 'admin', 'care_worker', 'volunteer')),
    primary key (person_id, role)
);
create index person_role_role on person_role (role, person_id);

create table contact_method (
    id        bigint generated always as identity primary key,
    person_id bigint not null references person on delete cascade,
    channel   text not null check (channel in ('voice', 'sms')),
    address   text not null,
    position  smallint not null default 1,
    active    boolean not null default true,
    unique (person_id, channel, address)
);

create table grid_worker (
    grid_id   bigint not null references grid on delete cascade,
    person_id bigint not null references person on delete cascade,
    position  smallint not null check (position >= 1), -- 1 is the grid's own worker, 2 and more are the backups
    primary key (grid_id, person_id)
);

create table session (
    token_hash bytea primary key,
    person_id  bigint not null references person on delete cascade,
    created_at timestamptz not null default clock_timestamp(),  -- sessions live on the wall's clock
    expires_at timestamptz not null,
    board_at   timestamptz,                         -- first look at the duty board: the sitting is audited once
    user_agent text
);
create index session_person on session (person_id);

-- Residents, bands, consents --------------------------------------------------------------------------------------

create table resident (
    id             bigint generated always as identity primary key,
    external_id    text unique,                     -- the committee's own number in its list
    name           text not null check (name <> ''),
    gender         text check (gender in ('female', 'male')),
    birth_date     date,
    phone          text check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    language       text not null default 'zh' check (language in ('zh', 'en')),
    address        text not null,
    grid_id        bigint references grid,
    home_lat       double precision check (home_lat between -90 and 90),
    home_lon       double precision check (home_lon between -180 and 180),
    safe_radius_m  integer not null default 500 check (safe_radius_m between 50 and 100000),
    lives_alone    boolean not null default false,  -- 独居
    disabled       boolean not null default false,  -- 失能
    low_income     boolean not null default false,  -- 低保
    hardship       boolean not null default false,  -- 特困
    needs          text not null default '',
    conditions     text not null default '',
    medicines      text not null default '',
    allergies      text not null default '',
    mobility       text not null default '',
    entry          text not null default '',        -- how to get in
    notes          text not null default '',
    away_until     timestamptz,                     -- hospital, visit; SOS is exempt
    away_reason    text,
    rule_overrides jsonb not null default '{}',     -- personal thresholds, keys of alerts.rules' thresholds
    created_at     timestamptz not null default eldercare_now(),
    left_at        timestamptz,
    check ((home_lat is null) = (home_lon is null))
);
create index resident_grid on resident (grid_id);

create table resident_contact (
    resident_id bigint not null references resident on delete cascade,
    person_id   bigint not null references person on delete cascade,
    kind        text not null check (kind in ('family', 'doctor', 'neighbour', 'care_worker', 'volunteer')),
    relation    text not null default '',           -- 女儿, 邻居, ...
    holds_key   boolean not null default false,
    position    smallint not null default 1,
    primary key (resident_id, person_id, kind)
);
create index resident_contact_person on resident_contact (person_id);

create table device (
    id                 text primary key check (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    model              text not null default '',
    mqtt_password_hash text,                        -- as the broker's password file wants it
    created_at         timestamptz not null default eldercare_now(),
    retired_at         timestamptz
);

-- A band is assigned for a period; periods of one band never overlap. btree_gist is not everywhere, and a range of one
-- hash value says "the same band" with the operators every PostgreSQL has.
create table assignment (
    id          bigint generated always as identity primary key,
    device_id   text not null references device,
    resident_id bigint not null references resident,
    period      tstzrange not null check (not isempty(period) and not lower_inf(period)),
    constraint assignment_one_resident_at_a_time exclude using gist (
        numrange(hashtextextended(device_id, 0)::numeric, hashtextextended(device_id, 0)::numeric, '[]') with &&,
        period with &&)
);
create index assignment_device on assignment (device_id);
create index assignment_resident on assignment (resident_id);

create table consent (
    id           bigint generated always as identity primary key,
    resident_id  bigint not null references resident on delete cascade,
    purpose      text not null check (purpose in ('family_health', 'family_location', 'clinic')),
    given_by     text not null,
    method       text not null default 'paper',
    given_at     timestamptz not null,
    withdrawn_at timestamptz check (withdrawn_at >= given_at)
);
create index consent_resident on consent (resident_id, purpose);
create unique index consent_one_standing on consent (resident_id, purpose) where withdrawn_at is null;

create table audit (
    id          bigint generated always as identity primary key,
    at          timestamptz not null default eldercare_now(),
    viewer_id   bigint not null,
    role        text not null,
    action      text not null,                      -- read, board, export, ...
    what        text not null,                      -- file, heart_rate, locations, ...
    resident_id bigint,                             -- null: more than one, see detail
    detail      jsonb not null default '{}'
);
create index audit_resident on audit (resident_id, at);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is written once and never changed', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger audit_is_append_only before update or delete or truncate on audit
    for each statement execute function refuse_change();

-- Readings --------------------------------------------------------------------------------------------------------
-- The key of heart_rate carries the charted values, so that a chart of thirty days need not touch the heap: that works
-- for pages which VACUUM has seen, so it comes after every 2 % of new rows. Chunks take these options over.

create table heart_rate (
    device_id   text not null,
    ts          timestamptz not null,               -- the band's clock
    received_at timestamptz not null,
    bpm         smallint not null,                  -- beats per minute; 0 is "not measured"
    quality     smallint,
    motion      text check (motion in ('rest', 'active')),
    steps       integer,
    primary key (device_id, ts) include (bpm, quality)
) with (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

create table location (
    device_id   text not null,
    ts          timestamptz not null,
    received_at timestamptz not null,
    lat         double precision not null,
    lon         double precision not null,
    accuracy_m  real,
    source      text check (source in ('gnss', 'wifi', 'cell')),
    speed_mps   real,
    primary key (device_id, ts)
);

create table device_status (
    device_id   text not null,
    ts          timestamptz not null,
    received_at timestamptz not null,
    battery_pct smallint,
    charging    boolean,
    worn        boolean,
    signal_dbm  smallint,
    firmware    text,
    primary key (device_id, ts)
);

do $$
declare noun text;
begin
    if exists (select from pg_available_extensions where name = 'timescaledb') then
        create extension if not exists timescaledb;
        foreach noun in array array['heart_rate', 'location', 'device_status'] loop
            execute format('select create_hypertable(%L, %L, chunk_time_interval => interval ''7 days'','
                           ' create_default_indexes => false)', noun, 'ts');
        end loop;
    end if;
end $$;

-- The newest of each kind and the state of the rules, one row a band, no foreign key to it or from it.
create table device_state (
    device_id    text primary key,
    last_seen_at timestamptz,                       -- when the service last heard anything from it
    bpm          smallint,
    bpm_ts       timestamptz,
    lat          double precision,
    lon          double precision,
    accuracy_m   real,
    location_ts  timestamptz,
    battery_pct  smallint,
    charging     boolean,
    worn         boolean,
    signal_dbm   smallint,
    firmware     text,
    status_ts    timestamptz,
    rules        jsonb not null default '{}'
) with (fillfactor = 50);

create table rejected (
    id          bigint generated always as identity primary key,
    received_at timestamptz not null,
    topic       text not null,
    reason      text not null,                      -- a short name, counted: json, schema, topic, clock, size, ...
    detail      text not null,                      -- names the field
    payload     bytea not null                      -- the first KiB
);
create index rejected_received on rejected (received_at);

create table heartbeat (
    instance   text primary key,                    -- service, host, process
    service    text not null,                       -- ingest.sos, ingest.telemetry, alerts, ...
    started_at timestamptz not null default clock_timestamp(),
    beat_at    timestamptz not null default clock_timestamp(),  -- the wall's clock, not the settable one
    detail     jsonb not null default '{}'
);

create table command (
    id           text primary key,
    device_id    text not null references device,
    action       text not null check (action in ('locate', 'measure_heart_rate', 'buzz', 'call')),
    requested_by bigint not null references person,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    status       text check (status in ('done', 'refused', 'failed')),
    detail       text,
    answered_at  timestamptz
);

-- Incidents -------------------------------------------------------------------------------------------------------

create table policy (
    id          bigint generated always as identity primary key,
    kind        text not null,
    severity    text not null,
    resident_id bigint references resident on delete cascade,  -- null: the community's default
    ladder      jsonb not null,                                -- as alerts.policies.Ladder
    updated_at  timestamptz not null default eldercare_now(),
    updated_by  bigint references person
);
create unique index policy_one_each on policy (kind, severity, coalesce(resident_id, 0));

create table incident (
    id                bigint generated always as identity primary key,
    subject           text not null,                -- resident:12, device:band-0099 (unknown band), network
    kind              text not null check (kind in ('sos', 'heart_rate', 'wandering', 'silent', 'off_wrist',
                                                    'no_heart_rate', 'low_battery', 'network')),
    severity          text not null check (severity in ('sos', 'urgent', 'warning', 'task')),
    state             text not null default 'open'
                      check (state in ('open', 'accepted', 'en_route', 'on_site', 'handed_to_120', 'resolved')),
    resident_id       bigint references resident,
    device_id         text,
    source            text not null,                -- button, fall, rule, telephone
    occurred_at       timestamptz not null,         -- the band's time where it is known, else when it came
    opened_at         timestamptz not null,
    late              boolean not null default false,
    lat               double precision,
    lon               double precision,
    accuracy_m        real,
    position_at       timestamptz,
    bpm               smallint,
    detail            jsonb not null default '{}',
    press_count       integer not null default 1,
    presses_told      integer not null default 1,   -- of these the owner knows
    round             integer not null default 1,   -- 2 and more after reopening
    round_started_at  timestamptz not null,
    next_step         integer not null default 0,
    stepped_at        timestamptz,                  -- when the ladder took its last step of this round
    due_at            timestamptz,
    owner_id          bigint references person,
    previous_owner_id bigint references person,
    accepted_at       timestamptz,
    accepted_via      text,
    arrival_due_at    timestamptz,
    arrived_at        timestamptz,
    resolved_at       timestamptz,
    disposition       text,
    note              text,
    check (state = 'resolved' or due_at is not null),
    check (state not in ('accepted', 'en_route', 'on_site') or owner_id is not null)
);
create unique index incident_one_open on incident (subject, kind) where state <> 'resolved';
create index incident_due on incident (due_at) where state <> 'resolved';
create index incident_resident on incident (resident_id, opened_at desc);
create index incident_opened on incident (opened_at desc);

create table incident_event (
    id          bigint generated always as identity primary key,
    incident_id bigint not null references incident on delete cascade,
    at          timestamptz not null,
    kind        text not null,                      -- opened, pressed_again, step, fell_through, accepted, passed, ...
    actor_id    bigint references person,
    via         text not null,                      -- band, rule, ladder, voice, sms, console, api, watch
    detail      jsonb not null default '{}'
);
create index incident_event_incident on incident_event (incident_id, id);

-- Every press ever heard, so that a repeat within 24 hours is known as one.
create table sos_press (
    device_id   text not null,
    dedup_key   text not null,
    event_id    text,
    ts          timestamptz,
    received_at timestamptz not null,
    incident_id bigint not null references incident on delete cascade,
    payload     bytea not null,
    primary key (device_id, dedup_key)
);
create index sos_press_incident on sos_press (incident_id);

-- One message to one contact method, or to a band. Rows of an immediate step are born leased by who sends them.
create table notification (
    id              bigint generated always as identity primary key,
    incident_id     bigint references incident on delete cascade,  -- null: a command to a band
    person_id       bigint references person,                      -- null: a band
    channel         text not null check (channel in ('voice', 'sms', 'band')),
    address         text not null,
    purpose         text not null check (purpose in
                        ('alarm', 'pressed_again', 'stand_down', 'hang_up', 'sos_state', 'command')),
    round           integer not null default 1,
    step            integer,
    language        text not null default 'zh',
    content         jsonb not null,                 -- what is said or sent, as rendered
    ends_id         bigint references notification on delete cascade,  -- hang_up: the call to end
    status          text not null default 'queued' check (status in
                        ('queued', 'sending', 'sent', 'ringing', 'answered', 'delivered', 'done', 'failed', 'cancelled')),
    reason          text,                           -- why it failed or was cancelled, by name
    send_after      timestamptz not null,
    leased_until    timestamptz,
    attempts        integer not null default 0,
    provider_id     text,
    provider_status text,
    created_at      timestamptz not null,
    sent_at         timestamptz,
    finished_at     timestamptz
);
create index notification_incident on notification (incident_id, id);
create index notification_to_send on notification (coalesce(leased_until, send_after))
    where status in ('queued', 'sending');
create index notification_provider on notification (provider_id) where provider_id is not null;
create index notification_person on notification (person_id, channel, created_at desc);

create table attempt (
    id              bigint generated always as identity primary key,
    notification_id bigint not null references notification on delete cascade,
    started_at      timestamptz not null,
    ended_at        timestamptz,
    provider_id     text,
    error           text
);
create index attempt_notification on attempt (notification_id);
