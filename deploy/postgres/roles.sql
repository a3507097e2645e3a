-- The two roles of the database (docs/roles.md), as its administrator; may be run again, as to give them new passwords.
-- Their passwords come in OWNER_PASSWORD (left as it is where that is not set) and SERVICE_PASSWORD.
\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv service_password SERVICE_PASSWORD
select 'create role eldercare login' where not exists (select from pg_roles where rolname = 'eldercare') \gexec
\if :{?owner_password}
alter role eldercare password :'owner_password';
\endif
select 'create role eldercare_service login'
    where not exists (select from pg_roles where rolname = 'eldercare_service') \gexec
alter role eldercare_service login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'service_password';
