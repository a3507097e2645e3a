-- depends: 0010_called_from
-- transactional: false
-- The last presses of an incident, so that two processes that hear one at once see that it is one: a few in a column of
-- their own. They stood in `detail`, as many as came, were written anew at each press and read with every list.

alter table incident add column if not exists recent_presses text[];  -- newest first: seconds since the epoch, a blank, the name

-- The form in which a band sent its `event_id`, as JSON, where that is no plain text: it hears it in that form.
alter table sos_press add column if not exists echo text;

-- The newest presses of an incident are what its bands are told about.
create index concurrently if not exists sos_press_newest on sos_press (incident_id, received_at desc);
drop index concurrently if exists sos_press_incident;
