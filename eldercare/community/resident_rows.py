"""Statements about the row of a resident, made from the names of its columns: those of `resident_schema`."""

from collections.abc import Iterable

from psycopg import sql


def columns(names: Iterable[str], alias: str = "resident") -> sql.Composed:
    """The columns of the table, which the statement calls `alias`."""
    return sql.SQL(", ").join(sql.Identifier(alias, name) for name in names)


def insert(names: Iterable[str]) -> sql.Composed:
    """The statement for a new row; the values are parameters of these names. `id` may be among them."""
    given = list(names)
    return sql.SQL("insert into resident ({}) overriding system value values ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, given)), sql.SQL(", ").join(map(sql.Placeholder, given))
    )


def update(names: Iterable[str], resident_id: int) -> sql.Composed:
    """The statement that changes values of one resident's row; they are parameters of these names."""
    assignments = (sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in names)
    return sql.SQL("update resident set {} where id = {}").format(
        sql.SQL(", ").join(assignments), sql.Literal(resident_id)
    )
