"""The chain of hashes over the audit log: sealed each minute, verified by the doctor, cut off by retention.

A seal covers the rows that were committed and not sealed before; nobody who writes a row waits for it.
"""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from eldercare.platform.database import Connection

ROWS_A_SEAL = 20_000
"""The most rows of one seal. An installation that is older than the chain has more than one seal should take."""
SEALS_A_LOOK = 1_000


@dataclass(frozen=True, slots=True)
class Verified:
    """What the whole chain says. `broken` is the oldest seal that does not fit its rows or the seal before (None: all
    do), `strays` how many rows no seal covers though seals after them do. `waiting` rows come into the next seal."""

    seals: int
    rows: int
    broken: int | None
    strays: int
    waiting: int
    head: str
    sealed_at: datetime | None


async def seal(conn: Connection) -> int:
    """Seal what is not sealed yet, and commit each slice; returns how many rows, 0 where another process is at it."""
    sealed = 0
    while True:
        row = await (await conn.execute("select audit_seal(%s)", (ROWS_A_SEAL,))).fetchone()
        await conn.commit()
        sealed += row[0] if row else 0
        if row is None or row[0] < ROWS_A_SEAL:
            return sealed


async def head(conn: Connection) -> tuple[int, str]:
    """Number and hash of the newest seal, 0 without one. A copy kept elsewhere shows that a chain was made anew."""
    row = await (
        await conn.execute("select id, encode(hash, 'hex') from audit_seal order by id desc limit 1")
    ).fetchone()
    return (row[0], row[1]) if row else (0, "")


async def drop(conn: Connection, before: datetime, most_seals: int) -> int:
    """Drop the oldest periods whose rows are all older than `before`, at most so many seals; returns how many rows."""
    row = await (await conn.execute("select audit_drop(%s, %s)", (before, most_seals))).fetchone()
    return int(row[0]) if row else 0


_LOOK = """
with chain as (
    select id, ids, count, previous, hash, coalesce(lag(hash) over (order by id),
        case when %(after)s = 0 then coalesce((select hash from audit_checkpoint order by through desc limit 1),
                                              decode(repeat('00', 32), 'hex'))
             else (select hash from audit_seal where id = %(after)s) end) as expected,
        coalesce(lag(id) over (order by id), nullif(%(after)s, 0),
                 (select max(through) from audit_checkpoint), 0) + 1 as number
    from (select * from audit_seal where id > %(after)s order by id limit %(most)s) slice
)
select chain.id, chain.count,
       chain.id = number and previous = expected and rows.count = chain.count
       and hash = audit_hash(chain.id, ids, chain.count, previous, rows.digest)
from chain cross join lateral audit_rows(chain.ids) rows
order by chain.id
"""
_UNCOVERED = """
select count(*) filter (where id <= highest), count(*) filter (where id > highest)
from (select id from audit) a cross join (select coalesce(max(highest), 0) as highest from audit_seal) s
"""


async def verify(conn: Connection) -> Verified:
    """Compute every hash again. This takes some seconds for each million rows."""
    seals = rows = after = 0
    broken: int | None = None
    while broken is None:
        found = await (await conn.execute(_LOOK, {"after": after, "most": SEALS_A_LOOK})).fetchall()
        if not found:
            break
        broken = next((number for number, _, right in found if not right), None)
        seals += len(found)
        rows += sum(count for _, count, _ in found)
        after = found[-1][0]
    covered, waiting = await (await conn.execute(_UNCOVERED)).fetchone() or (0, 0)
    total = await (await conn.execute("select coalesce(sum(count), 0), max(sealed_at) from audit_seal")).fetchone()
    assert total is not None  # noqa: S101  an aggregate has a row
    _, newest = await head(conn)
    return Verified(seals, rows, broken, max(0, covered - int(total[0])), waiting, newest, total[1])


@dataclass(frozen=True, slots=True)
class Protection:
    """Who may do what with the log: `role` asks; `owner` owns it. `alters`: the role could change what is written."""

    role: str
    owner: str
    alters: bool


async def protection(conn: Connection) -> Protection:
    """What keeps the role of this connection from changing the log. Nothing does where the role owns the table."""
    async with conn.cursor(row_factory=class_row(Protection)) as cursor:
        await cursor.execute(
            "select current_user::text as role, pg_get_userbyid(relowner)::text as owner,"
            " pg_has_role(current_user, relowner, 'member') or has_table_privilege('audit', 'update, delete, truncate')"
            " as alters from pg_class where oid = 'audit'::regclass"
        )
        found = await cursor.fetchone()
    assert found is not None  # noqa: S101  the table is there
    return found
