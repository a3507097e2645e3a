-- depends: 0004_login_failure
-- Who handed an incident back is not called again at once, as everybody else is in the new round.

alter table incident add column declined_id bigint references person;

-- Whether a call was ended by us is asked at every callback that says that it is over.
create index notification_ends on notification (ends_id) where ends_id is not null;
