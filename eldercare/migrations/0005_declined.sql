-- depends: 0004_login_failure
-- Who handed an incident back is not called again at once, as everybody else is in the new round.

alter table incident add column declined_id bigint references person;
