-- depends: 0027_clinic_session
-- What a trigger looks up or writes is always ours. Anybody may make a temporary table, and one of the name `resident`
-- stood before ours: with an empty one the services' role deleted signed consultations, and with one of the name
-- `resident_history` it changed medicines of which no history was kept.

alter function band_state_of_assignment() set search_path = public, pg_temp;
alter function band_state_of_retirement() set search_path = public, pg_temp;
alter function keep_resident_history() set search_path = public, pg_temp;
alter function refuse_amendment_of_draft() set search_path = public, pg_temp;
alter function refuse_change() set search_path = public, pg_temp;
alter function refuse_change_of_amendment() set search_path = public, pg_temp;
alter function refuse_change_of_audit() set search_path = public, pg_temp;
alter function refuse_change_of_history() set search_path = public, pg_temp;
alter function refuse_change_of_signed() set search_path = public, pg_temp;
alter function refuse_deletion_of_named() set search_path = public, pg_temp;
