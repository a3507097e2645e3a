"""Migrations: plain SQL files in `eldercare/migrations`, run by yoyo, forward only."""

from importlib.resources import as_file, files
from urllib.parse import urlsplit, urlunsplit

import psycopg
from yoyo import get_backend, read_migrations

SERVICE_ROLE = "eldercare_service"
"""The role of the services, where an installation has given them one beside the owner's (docs/roles.md)."""


def migrate(database_url: str) -> list[str]:
    """Apply what is not applied yet, in order, under a lock; returns the names applied now.

    Where there is a role for the services, it gets what they need of every table, and no more of the audit log.
    """
    parts = urlsplit(database_url)
    backend = get_backend(urlunsplit(parts._replace(scheme="postgresql+psycopg")))
    try:
        with as_file(files("eldercare") / "migrations") as folder, backend.lock():
            pending = backend.to_apply(read_migrations(str(folder)))
            names = [migration.id for migration in pending]
            backend.apply_migrations(pending)
    finally:
        backend.connection.close()
    _grant(database_url)
    return names


def _grant(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        # Two at once would update the same rows of the catalogue, and one of them would fail.
        conn.execute("select pg_advisory_xact_lock(1635083369, 2)")
        conn.execute("select grant_services(rolname) from pg_roles where rolname = %s", (SERVICE_ROLE,))
