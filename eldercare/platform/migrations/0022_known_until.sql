-- depends: 0021_signed_limits
-- transactional: false
-- Whoever resolves an incident while its episode goes on may say until when they know of it. Null: for as long as the
-- service itself says (also what the version before writes).

alter table incident add column if not exists known_until timestamptz;
