-- depends: 0003_clock_plan
-- Wrong passwords in a row, counted for all api processes together. The key is a hash: what somebody types for a user
-- name may well be a password.

create table login_failure (
    key      bytea primary key,                     -- SHA-256 of user name and source
    failures integer not null,
    last_at  timestamptz not null                   -- the wall's clock, as for sessions
);
create index login_failure_last on login_failure (last_at);
