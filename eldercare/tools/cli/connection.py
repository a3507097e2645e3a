"""How a command reaches the database: one transaction, and one line for what is wrong with the address."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from eldercare.platform.errors import ConfigurationError
from eldercare.platform.settings import Settings

T = TypeVar("T")


def with_connection(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    """Run `work` in one transaction, committed at its end."""
    from eldercare.platform.database import COMMAND, connect

    url = settings.required("database_url")

    async def go() -> T:
        # The transaction begins here: a noun's own `conn.transaction()`, were it the first, would commit at its end.
        async with await connect(url, application_name="eldercare cli", limits=COMMAND) as conn, conn.transaction():
            return await work(conn)

    return with_database_errors(lambda: asyncio.run(go()))


def with_database_errors(work: Callable[[], T]) -> T:
    import psycopg

    try:
        return work()
    except psycopg.OperationalError as error:
        raise ConfigurationError(f"ELDERCARE_DATABASE_URL: {' '.join(str(error).split())}") from error
    except psycopg.errors.UndefinedTable as error:
        raise ConfigurationError("the database has no schema of ours: run `eldercare migrate` first") from error
