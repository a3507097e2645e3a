"""Migrations: plain SQL files in `eldercare/migrations`, run by yoyo, forward only."""

from importlib.resources import as_file, files
from urllib.parse import urlsplit, urlunsplit

from yoyo import get_backend, read_migrations


def migrate(database_url: str) -> list[str]:
    """Apply what is not applied yet, in order, under a lock; returns the names applied now."""
    parts = urlsplit(database_url)
    backend = get_backend(urlunsplit(parts._replace(scheme="postgresql+psycopg")))
    try:
        with as_file(files("eldercare") / "migrations") as folder, backend.lock():
            pending = backend.to_apply(read_migrations(str(folder)))
            names = [migration.id for migration in pending]
            backend.apply_migrations(pending)
        return names
    finally:
        backend.connection.close()
