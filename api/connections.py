"""Connections before there is a request: the server does not wait for one that says nothing.

uvicorn bounds how long an idle connection lives after an answer, and how large the head of a request may be. Here the
head has to arrive in time as well. Where all connections are taken, the one that has said nothing for longest is ended.
"""

import asyncio
import resource
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from api.pace import ABORT
from eldercare.platform.log import logger

HEAD_S = 10.0
MOST_FILES = 16_384
"""Open files to ask of the system, which gives 1,024 by default; every stream is one."""
SPARE_FILES = 100
"""Files kept for the database, the log and static files."""

_log = logger(__name__)
_silent: "dict[Protocol, None]" = {}
"""Connections that have not sent a whole head yet, the oldest first."""


def more_files() -> None:
    """Let this process have as many connections as the system allows, up to `MOST_FILES`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections() -> int:
    """How many connections this process takes at once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(SPARE_FILES, (MOST_FILES if soft == resource.RLIM_INFINITY else soft) - SPARE_FILES)


class Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, with a time for the head of each request."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for a head. Where there are too many connections, end the one that has waited longest."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            _log.warning("too_many_connections", connections=len(self.connections))
            next(iter(_silent), self).transport.abort()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting for a head."""
        self._heard()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A whole head ends the wait, half of one does not begin it anew."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._heard()
            if self.cycle is not before:
                cast(dict[str, Any], self.scope)[ABORT] = self.transport.abort
        elif self._late is None:
            self._wait()

    def _wait(self) -> None:
        _silent[self] = None
        self._late = self.loop.call_later(HEAD_S, self._end)

    def _heard(self) -> None:
        _silent.pop(self, None)
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _end(self) -> None:
        self._late = None
        _silent.pop(self, None)
        self.transport.abort()
