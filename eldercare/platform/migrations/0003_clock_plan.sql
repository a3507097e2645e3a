-- depends: 0002_default_policies
-- A function in plain SQL that reads a table is planned anew at every call, before the first row of an SOS is written
-- and again before anybody is called; PL/pgSQL keeps its plan for the session.

create or replace function eldercare_now() returns timestamptz language plpgsql stable as $$
begin
    return coalesce(
        (select origin + (statement_timestamp() - started_at) * speed from clock),
        statement_timestamp());
end
$$;
