"""One fresh, migrated database per test, copied from a template that is migrated once."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


def answers(url: str) -> bool:
    """Whether the server takes a connection now."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


class DatabaseServer:
    """A PostgreSQL server seen through the address of an administrator."""

    def __init__(self, admin_url: str, *, copies_files: bool = False) -> None:
        """`copies_files`: a database is copied as files, which takes half the work where files are kept in memory. On a
        disk each of the 600 would be flushed."""
        self.admin_url = admin_url
        self._copied = sql.SQL("strategy file_copy" if copies_files else "")
        self._administrator: psycopg.Connection | None = None
        self._session = f"eldercare_test_{os.getpid()}"
        self._template = f"{self._session}_template"
        self._numbers = itertools.count(1)

    def url(self, name: str) -> str:
        """The address of another database of this server."""
        return urlunsplit(urlsplit(self.admin_url)._replace(path=f"/{name}"))

    def prepare(self, migrate: Callable[[str], object]) -> None:
        """Make the template: an empty database, migrated once, that nobody may connect to afterwards."""
        self._create(self._template, "template0")
        migrate(self.url(self._template))
        self.admin(
            sql.SQL("alter database {} with allow_connections false").format(sql.Identifier(self._template)),
            sql.SQL("select pg_terminate_backend(pid) from pg_stat_activity where datname = {}").format(
                sql.Literal(self._template)
            ),
        )

    @contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[str]:
        """The address of a fresh database, dropped at the end with whoever is still connected to it."""
        name = f"{self._session}_{next(self._numbers)}"
        self._create(name, self._template if migrated else "template0")
        try:
            yield self.url(name)
        finally:
            self._drop(name)

    def close(self) -> None:
        """Remove the template."""
        self.admin(sql.SQL("alter database {} with allow_connections true").format(sql.Identifier(self._template)))
        self._drop(self._template)
        self.hang_up()

    def _create(self, name: str, template: str) -> None:
        create = sql.SQL("create database {} template {} {}")
        self.admin(create.format(sql.Identifier(name), sql.Identifier(template), self._copied))

    def _drop(self, name: str) -> None:
        self.admin(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def admin(self, *statements: sql.Composed) -> None:
        """Run statements as the administrator, each committed by itself."""
        conn = self._connected()
        for statement in statements:
            conn.execute(statement)

    def hang_up(self) -> None:
        """Close the administrator's connection; the next statement opens another."""
        if self._administrator is not None:
            self._administrator.close()
            self._administrator = None

    def _connected(self) -> psycopg.Connection:
        """The administrator's connection. It is kept: to make one costs as much as what a test asks of it."""
        if self._administrator is None or not _lives(self._administrator):
            self._administrator = psycopg.connect(self.admin_url, autocommit=True)
        return self._administrator


def _lives(conn: psycopg.Connection) -> bool:
    """Whether the server at the other end is still the one that was connected to."""
    try:
        conn.execute("")
    except psycopg.OperationalError:
        return False
    return True
