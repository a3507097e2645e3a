"""A database's schema as text, for comparing what the migrations make with what was agreed.

After a new migration: `python -m tests.support.schema URL > tests/support/schema.txt`, with the address of a migrated
database, and read the difference before committing it.
"""

import sys

import psycopg

COLUMNS = """
    select format('column %s.%s %s%s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                  case when a.attnotnull then ' not null' else '' end,
                  case a.attidentity when 'a' then ' identity' else '' end,
                  coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''))
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') and c.relname !~ '^_?yoyo'
"""
CONSTRAINTS = """
    select format('constraint %s.%s %s', c.relname, o.conname, pg_get_constraintdef(o.oid))
    from pg_constraint o join pg_class c on c.oid = o.conrelid
    where c.relnamespace = 'public'::regnamespace and o.contype <> 'n' and c.relname !~ '^_?yoyo'
"""
INDEXES = """
    select 'index ' || pg_get_indexdef(i.indexrelid)
    from pg_index i join pg_class c on c.oid = i.indrelid
    where c.relnamespace = 'public'::regnamespace and c.relname !~ '^_?yoyo'
"""
FUNCTIONS = """
    select format('function %s returns %s: %s', p.oid::regprocedure, format_type(p.prorettype, null), md5(p.prosrc))
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
"""
TRIGGERS = """
    select 'trigger ' || pg_get_triggerdef(t.oid)
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where c.relnamespace = 'public'::regnamespace and not t.tgisinternal and t.tgname <> 'ts_insert_blocker'
"""
OPTIONS = """
    select format('options %s %s', c.relname, array_to_string(c.reloptions, ', '))
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.reloptions is not null
"""
DATA = """
    select format('policy %s %s %s', kind, severity, md5(ladder::text)) from policy where resident_id is null
"""


def describe(url: str) -> str:
    """Tables, constraints, indexes, functions, triggers and the rows that migrations bring, one a line, sorted."""
    with psycopg.connect(url) as conn:
        lines = [
            str(row[0])
            for query in (COLUMNS, CONSTRAINTS, INDEXES, FUNCTIONS, TRIGGERS, OPTIONS, DATA)
            for row in conn.execute(query)  # type: ignore[arg-type]
        ]
    return "\n".join(sorted(lines)) + "\n"


if __name__ == "__main__":
    sys.stdout.write(describe(sys.argv[1]))
