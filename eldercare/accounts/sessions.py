"""Logging in gives a random token, sent as cookie or bearer. Only its hash is stored.

Sessions live on the wall's clock (`clock_timestamp()`): a replay that moves the settable one must neither end nor
prolong them.
"""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from eldercare.accounts.viewers import Viewer, viewer_of
from eldercare.platform.database import Connection
from eldercare.platform.errors import Conflict, InvalidInput, Unauthenticated

IDLE = timedelta(hours=24)
"""A session ends this long after its last use."""
LONGEST = timedelta(days=30)
"""A session ends this long after its beginning, however much it is used. A board in use begins another one before."""
NEAR_ITS_END = timedelta(days=1)
"""This long before that end, `Session.ends_at` begins to say when it is, and `renew` to take the session."""
PROLONGED_EVERY = timedelta(minutes=5)
GRACE = timedelta(minutes=2)
"""How long a renewed session's old token still serves what is under way with it."""
MOST_SESSIONS = 50
"""The most sessions of one person, who may have several desks and telephones, and programs that never log out."""
MAX_PASSWORD_CHARS = 256

# OWASP's second choice of parameters: 19 MiB, so that a few logins at once stay far below the memory of a service.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODYS = _hasher.hash(secrets.token_urlsafe())
_REFUSED = "the username or the password is wrong"


@dataclass(frozen=True, slots=True)
class Login:
    """A session just begun. `token` is told once and stored nowhere; `browser` is for `knows`, at the next login."""

    token: str
    viewer: Viewer
    expires_at: datetime
    browser: str


@dataclass(frozen=True, slots=True)
class Session:
    """A request's session; `key` (the token's hash) names it to `end`."""

    key: bytes
    viewer: Viewer
    expires_at: datetime
    ends_at: datetime | None = None
    """When the session ends, however much it is used; None where that is not near."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose token it is; no more than is needed to say whose turn it is."""

    person_id: int
    on_duty: bool


def hash_password(password: str) -> str:
    """The argon2id hash to store. Takes some 20 ms of CPU. Raises InvalidInput for a password that no login takes."""
    if not 8 <= len(password) <= MAX_PASSWORD_CHARS:
        raise InvalidInput("password", f"needs 8 to {MAX_PASSWORD_CHARS} characters")
    return _hasher.hash(password)


async def login(conn: Connection, username: str, password: str, user_agent: str | None = None) -> Login:
    """Begin a session. Raises Unauthenticated: the same error after the same work, whatever was wrong."""
    row = await _account(conn, username)
    person_id, name, language, stored, roles = row or (0, "", "zh", _NOBODYS, [])
    # This runs in a thread: argon2 lets go of the interpreter, and the loop goes on serving.
    right = await asyncio.to_thread(_verify, stored, password[: MAX_PASSWORD_CHARS + 1])
    viewer = viewer_of(person_id, name, roles, language)
    if row is None or not right or viewer is None:
        raise Unauthenticated(_REFUSED)
    if _hasher.check_needs_rehash(stored):
        stored = await asyncio.to_thread(_hasher.hash, password)
        await _store_hash(conn, person_id, stored)
    return await _begin(conn, viewer, user_agent, _mark(stored, secrets.token_urlsafe(12)))


class Standing(StrEnum):
    """What is known of who wants to log in, before the password is looked at."""

    BROWSER = "browser"
    """The browser is one that this person has logged in with before, under the password of today."""
    NAME = "name"
    """The name is somebody's."""
    NOBODY = "nobody"
    """The name is nobody's."""


async def standing(conn: Connection, username: str, browser: str | None) -> Standing:
    """How well this visitor is known; `browser` is what a login gave. It does the same work for everybody."""
    row = await _account(conn, username)
    stored, given = row[3] if row else _NOBODYS, browser or ""
    marked = hmac.compare_digest(_mark(stored, given.partition(".")[0]).encode(), given.encode("utf-8", "replace"))
    if row is None:
        return Standing.NOBODY
    return Standing.BROWSER if marked else Standing.NAME


async def knows(conn: Connection, username: str, browser: str) -> bool:
    """Whether `browser` is what a login of this person gave, under the password of today."""
    return await standing(conn, username, browser) is Standing.BROWSER


async def resume(conn: Connection, token: str) -> Session:
    """The session of a request, prolonged every few minutes at most. Raises Unauthenticated when it has ended, or when
    the person has left or lost their roles."""
    key = _hash(token)
    row = await (
        await conn.execute(
            "select p.id, p.name, p.language, s.expires_at,"
            # A session that lasts longer than any can was begun before the clock went back.
            " s.expires_at - clock_timestamp() not between %(idle)s - %(every)s and %(idle)s"
            " and s.expires_at <> s.created_at + %(longest)s,"
            " array(select role from person_role where person_id = p.id),"
            " case when s.created_at + %(longest)s < clock_timestamp() + %(near)s then s.created_at + %(longest)s end"
            " from session s join person p on p.id = s.person_id"
            " where s.token_hash = %(key)s and s.expires_at > clock_timestamp() and p.left_at is null",
            {"key": key, "idle": IDLE, "every": PROLONGED_EVERY, "longest": LONGEST, "near": NEAR_ITS_END},
        )
    ).fetchone()
    viewer = viewer_of(row[0], row[1], row[5], row[2]) if row else None
    if row is None or viewer is None:
        raise Unauthenticated("nobody is logged in, or the session has ended")
    expires_at = await _prolong(conn, key) if row[4] else row[3]
    return Session(key, viewer, expires_at, row[6])


async def renew(conn: Connection, session: Session, user_agent: str | None = None) -> Login:
    """Begin another session for whoever holds this one, which ends in a moment. Raises Conflict where it has long to
    go."""
    if session.ends_at is None:
        raise Conflict("the session lasts for more than another day; it is renewed in its last")
    await conn.execute(
        "update session set created_at = clock_timestamp() + %s - %s, expires_at = clock_timestamp() + %s"
        " where token_hash = %s",
        (GRACE, LONGEST, GRACE, session.key),
    )
    return await _begin(conn, session.viewer, user_agent, "")


async def holder(conn: Connection, token: str) -> Holder | None:
    """Who holds the session of this token, or None where there is none. `resume` says what they may do."""
    row = await (
        await conn.execute(
            "select p.id, exists (select from person_role where person_id = p.id and role in ('duty', 'duty_lead'))"
            " from session s join person p on p.id = s.person_id"
            " where s.token_hash = %s and s.expires_at > clock_timestamp() and p.left_at is null",
            (_hash(token),),
        )
    ).fetchone()
    return Holder(*row) if row else None


async def end(conn: Connection, key: bytes) -> None:
    """Log out: the token is worth nothing from now on."""
    await conn.execute("delete from session where token_hash = %s", (key,))


async def end_all(conn: Connection, person_id: int) -> int:
    """Log a person out everywhere, as after a change of password; returns how many sessions ended."""
    return (await conn.execute("delete from session where person_id = %s", (person_id,))).rowcount


async def _account(conn: Connection, username: str) -> tuple[int, str, str, str, list[str]] | None:
    if "\0" in username:
        return None
    row = await (
        await conn.execute(
            "select p.id, p.name, p.language, p.password_hash,"
            " array(select role from person_role where person_id = p.id)"
            " from person p where p.username = %s and p.left_at is null",
            (username.strip().lower(),),
        )
    ).fetchone()
    return (row[0], row[1], row[2], row[3], row[4]) if row else None


async def _begin(conn: Connection, viewer: Viewer, user_agent: str | None, browser: str) -> Login:
    token = secrets.token_urlsafe(32)
    await conn.execute("delete from session where expires_at < clock_timestamp()")
    # A session used for longer than its first minutes, such as a desk's, outlasts one that a program began and forgot.
    await conn.execute(
        "delete from session where token_hash in (select token_hash from session where person_id = %s"
        " order by expires_at > created_at + %s + interval '1 minute' desc, expires_at desc offset %s)",
        (viewer.person_id, IDLE, MOST_SESSIONS - 1),
    )
    row = await (
        await conn.execute(
            "insert into session (token_hash, person_id, created_at, expires_at, user_agent)"
            " values (%s, %s, clock_timestamp(), clock_timestamp() + %s, %s) returning expires_at",
            (_hash(token), viewer.person_id, IDLE, user_agent.replace("\0", "")[:200] if user_agent else None),
        )
    ).fetchone()
    assert row is not None  # noqa: S101  an insert returns its row
    return Login(token, viewer, row[0], browser)


async def _prolong(conn: Connection, key: bytes) -> datetime:
    row = await (
        await conn.execute(
            "update session set expires_at = least(clock_timestamp() + %s, created_at + %s)"
            " where token_hash = %s returning expires_at",
            (IDLE, LONGEST, key),
        )
    ).fetchone()
    if row is None:
        raise Unauthenticated("the session has just ended")
    expires_at: datetime = row[0]
    return expires_at


async def _store_hash(conn: Connection, person_id: int, password_hash: str) -> None:
    await conn.execute("update person set password_hash = %s where id = %s", (password_hash, person_id))


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _mark(stored: str, name: str) -> str:
    # Nobody but us knows the stored hash, and a new password makes strangers of all browsers.
    return f"{name}.{hmac.digest(stored.encode(), name.encode('utf-8', 'replace'), 'sha256').hex()}"


def _hash(token: str) -> bytes:
    # A token of 256 random bits needs no slow hash; this keeps a leaked table from being a bunch of keys.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
