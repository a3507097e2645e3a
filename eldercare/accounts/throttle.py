"""Wrong passwords make whoever types them wait, longer each time; nobody else waits for them.

Failures are counted for a user name together with its source: a browser in which this person has logged in before, or
else a network address. So an attacker who keeps a name busy holds up no duty officer at the usual desk, not even behind
a proxy where all come from one address, and holds up nobody for longer than `LONGEST` after the last guess.

Guesses that are spread, over names from one network or over networks at one name, are counted together as well: there
every try is taken at the pace of its `Spread`.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from eldercare.platform.database import Connection
from eldercare.platform.errors import TooManyAttempts
from eldercare.platform.log import logger

FREE = 5
"""Wrong passwords in a row that cost nothing: people mistype."""
LONGEST = timedelta(minutes=1)
"""The longest wait. At a guess a minute a password of eight characters is safe, and a minute is what somebody in a
hurry can bear."""
FORGOTTEN = timedelta(minutes=15)
"""Failures are forgotten when there was none for so long."""

_log = logger(__name__)


def wait(failures: int) -> timedelta:
    """How long after the last of so many failures in a row the next try is taken: 2 s, doubled each time."""
    if failures < FREE:
        return timedelta(0)
    return min(LONGEST, timedelta(seconds=2 ** min(failures - FREE + 1, 16)))


def network(address: str) -> str:
    """The network of whoever has this address: the address itself in IPv4, its /64 in IPv6, the least that a customer
    has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address


@dataclass(frozen=True, slots=True)
class Spread:
    """Guesses counted together: `burst` of them at once, then one `every` so often."""

    name: str
    burst: int
    every: timedelta


async def take_spread(conn: Connection, spread: Sequence[Spread], now: datetime) -> None:
    """Count a try under each of these, before it is looked at. Raises TooManyAttempts, and then counts nothing once the
    transaction is rolled back. `now` is the wall's time."""
    # A row holds the time at which all of its tries will be forgotten, one per `every`. Rows are always taken in this
    # order.
    for each in sorted(spread, key=lambda each: each.name):
        row = await (
            await conn.execute(
                "insert into login_failure as f (key, failures, last_at) values (%(key)s, 0, %(now)s + %(every)s)"
                " on conflict (key) do update set last_at = greatest(f.last_at, %(now)s) + %(every)s"
                " where f.last_at <= %(now)s + %(most)s returning last_at",
                {
                    "key": _key(each.name, "spread"),
                    "now": now,
                    "every": each.every,
                    "most": each.every * (each.burst - 1),
                },
            )
        ).fetchone()
        if row is None:
            _log.warning("logins_throttled", source=each.name)
            raise TooManyAttempts(math.ceil(each.every.total_seconds()))


async def give_back(conn: Connection, spread: Sequence[Spread]) -> None:
    """Take the try back: the password was right, so it was no guess."""
    for each in sorted(spread, key=lambda each: each.name):
        await conn.execute(
            "update login_failure set last_at = last_at - %s where key = %s", (each.every, _key(each.name, "spread"))
        )


async def take(conn: Connection, username: str, source: str, now: datetime) -> None:
    """Count a try as failed before it is looked at; `clear` takes that back. `now` is the wall's time.

    The caller commits this before verifying the password, so that tries at the same time cannot all be the first.
    Raises TooManyAttempts, and then counts nothing: knocking on a closed door keeps it closed no longer.
    """
    key = _key(username, source)
    await conn.execute("delete from login_failure where last_at < %s", (now - FORGOTTEN,))
    row = await (
        await conn.execute("select failures, last_at from login_failure where key = %s for update", (key,))
    ).fetchone()
    failures, last_at = row or (0, now)
    # A clock that went back since makes nobody wait for it to catch up.
    left = min(last_at, now) + wait(failures) - now if last_at < now + LONGEST else timedelta(0)
    # A try that waited for the row may bring an older `now` than the row holds. That is no reason to wait where none is
    # asked.
    if failures >= FREE and left > timedelta(0):
        _log.warning("login_throttled", source=told(source), failures=failures)
        raise TooManyAttempts(math.ceil(left.total_seconds()))
    await conn.execute(
        "insert into login_failure as f (key, failures, last_at) values (%s, 1, %s)"
        " on conflict (key) do update set failures = f.failures + 1,"
        " last_at = case when f.last_at > excluded.last_at + %s then excluded.last_at"
        "                else greatest(f.last_at, excluded.last_at) end",
        (key, now, LONGEST),
    )


async def clear(conn: Connection, username: str, source: str) -> None:
    """Forget the failures: the password was right."""
    await conn.execute("delete from login_failure where key = %s", (_key(username, source),))


def told(source: str) -> str:
    """The source as a log may name it. A browser's is hashed: what the browser is known by lets it past the queue."""
    kind, _, name = source.partition(" ")
    return f"{kind} {hashlib.sha256(name.encode()).hexdigest()[:8]}" if kind == "browser" else source


def _key(username: str, source: str) -> bytes:
    return hashlib.sha256(f"{username.strip().lower()}\n{source}".encode("utf-8", "replace")).digest()
