"""Logging in and out, and what of it is written down."""

from typing import Any

import pytest

from eldercare.accounts import sessions
from eldercare.accounts.viewers import Role
from eldercare.community import people
from eldercare.platform.database import Connection
from eldercare.platform.errors import InvalidInput, Unauthenticated
from tests.support.community import NOW

PASSWORD = "correct horse battery"


@pytest.fixture
def cheap_passwords() -> None:
    """They cost here what they cost outside."""


async def user(conn: Connection, username: str = "zhang", *roles: Role) -> int:
    return await people.create(
        conn,
        name="张伟",
        roles=roles or [Role.DUTY],
        username=username,
        password_hash=sessions.hash_password(PASSWORD),
    )


async def test_a_login_gives_a_token_that_the_database_does_not_know(conn: Connection) -> None:
    person_id = await user(conn, "zhang", Role.ADMIN, Role.DUTY_LEAD)
    login = await sessions.login(conn, " Zhang ", PASSWORD, "a browser")
    assert (login.viewer.person_id, login.viewer.role) == (person_id, Role.DUTY)
    assert login.viewer.roles == {Role.ADMIN, Role.DUTY_LEAD, Role.DUTY}
    row = await (await conn.execute("select token_hash, person_id from session")).fetchone()
    assert row is not None
    assert row[1] == person_id
    assert login.token.encode() not in bytes(row[0])
    session = await sessions.resume(conn, login.token)
    assert (session.viewer, session.key) == (login.viewer, bytes(row[0]))


@pytest.mark.parametrize(
    ("username", "password"),
    [("zhang", "wrong"), ("nobody", PASSWORD), ("", ""), ("zhang\0", PASSWORD), ("zhang", "x" * 100_000)],
)
async def test_whatever_is_wrong_the_answer_is_the_same(conn: Connection, username: str, password: str) -> None:
    await user(conn)
    with pytest.raises(Unauthenticated) as refused:
        await sessions.login(conn, username, password)
    assert str(refused.value) == "the username or the password is wrong"


async def test_an_unknown_user_costs_a_verification_too(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    verify = sessions._verify

    def counted(stored: str, password: str) -> bool:
        verified.append(stored)
        return verify(stored, password)

    monkeypatch.setattr(sessions, "_verify", counted)
    with pytest.raises(Unauthenticated):
        await sessions.login(conn, "nobody", PASSWORD)
    assert verified[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_browser_is_known_to_whom_logged_in_there_until_the_password_changes(conn: Connection) -> None:
    person_id = await user(conn)
    await user(conn, "li")
    browser = (await sessions.login(conn, "zhang", PASSWORD)).browser
    assert await sessions.knows(conn, " Zhang ", browser)
    assert browser != (await sessions.login(conn, "zhang", PASSWORD)).browser
    for username, claimed in [("li", browser), ("nobody", browser), ("zhang", ""), ("zhang", "张."), ("zhang", "a.b")]:
        assert not await sessions.knows(conn, username, claimed)
    await people.set_password(conn, person_id, sessions.hash_password("another password"))
    assert not await sessions.knows(conn, "zhang", browser)


@pytest.mark.parametrize("roles", [[Role.VOLUNTEER], [Role.CARE_WORKER]])
async def test_only_the_five_roles_log_in(conn: Connection, roles: list[Role]) -> None:
    await user(conn, "zhang", *roles)
    with pytest.raises(Unauthenticated):
        await sessions.login(conn, "zhang", PASSWORD)


async def test_a_session_ends_by_logout_time_leaving_and_change_of_password(conn: Connection) -> None:
    person_id = await user(conn)
    tokens = [(await sessions.login(conn, "zhang", PASSWORD)).token for _ in range(2)]
    await sessions.end(conn, (await sessions.resume(conn, tokens[0])).key)
    await sessions.resume(conn, tokens[1])
    await conn.execute("update session set expires_at = clock_timestamp() - interval '1 second'")
    for token in [*tokens, "guess", ""]:
        with pytest.raises(Unauthenticated):
            await sessions.resume(conn, token)
    third = (await sessions.login(conn, "zhang", PASSWORD)).token
    await people.set_password(conn, person_id, sessions.hash_password("another password"))
    with pytest.raises(Unauthenticated):
        await sessions.resume(conn, third)
    fourth = (await sessions.login(conn, "zhang", "another password")).token
    await people.leave(conn, person_id, NOW)
    with pytest.raises(Unauthenticated):
        await sessions.resume(conn, fourth)
    with pytest.raises(Unauthenticated):
        await sessions.login(conn, "zhang", "another password")


async def test_a_used_session_goes_on_but_not_for_ever(conn: Connection) -> None:
    await user(conn)
    token = (await sessions.login(conn, "zhang", PASSWORD)).token
    await conn.execute("update session set expires_at = clock_timestamp() + interval '1 hour'")
    assert (await sessions.resume(conn, token)).expires_at > (await _wall(conn)) + sessions.IDLE * 0.99
    await conn.execute(
        "update session set created_at = clock_timestamp() - %s + interval '1 hour',"
        " expires_at = clock_timestamp() + interval '30 minutes'",
        (sessions.LONGEST,),
    )
    assert (await sessions.resume(conn, token)).expires_at < (await _wall(conn)) + sessions.IDLE * 0.05


async def test_a_session_begun_before_the_clock_went_back_lasts_no_longer_than_others(conn: Connection) -> None:
    await user(conn)
    login = await sessions.login(conn, "zhang", PASSWORD)
    await conn.execute("update session set expires_at = expires_at + interval '1 day'")
    assert (await sessions.resume(conn, login.token)).expires_at < login.expires_at + sessions.IDLE / 2


async def test_sessions_do_not_follow_the_settable_clock(conn: Connection) -> None:
    await user(conn)
    token = (await sessions.login(conn, "zhang", PASSWORD)).token
    await conn.execute("insert into clock (origin, started_at, speed) values ('2099-01-01', now(), 1000)")
    await sessions.resume(conn, token)


async def test_a_role_taken_away_acts_at_the_next_request(conn: Connection) -> None:
    person_id = await user(conn, "zhang", Role.DUTY, Role.GRID)
    token = (await sessions.login(conn, "zhang", PASSWORD)).token
    await people.set_roles(conn, person_id, [Role.GRID])
    assert (await sessions.resume(conn, token)).viewer.roles == {Role.GRID}
    await people.set_roles(conn, person_id, [])
    with pytest.raises(Unauthenticated):
        await sessions.resume(conn, token)


async def test_weaker_hashes_are_renewed_at_login(conn: Connection) -> None:
    from argon2 import PasswordHasher

    await user(conn)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await conn.execute("update person set password_hash = %s", (weak,))
    login = await sessions.login(conn, "zhang", PASSWORD)
    assert await sessions.knows(conn, "zhang", login.browser)
    row = await (await conn.execute("select password_hash from person")).fetchone()
    assert row is not None
    assert "m=19456,t=2,p=1" in row[0]
    await sessions.login(conn, "zhang", PASSWORD)


@pytest.mark.parametrize("password", ["short", "x" * 257])
def test_a_password_no_login_would_take_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput, match="password"):
        sessions.hash_password(password)


async def test_a_username_is_taken_once(conn: Connection) -> None:
    await user(conn)
    with pytest.raises(InvalidInput, match="taken"):
        await user(conn)
    with pytest.raises(InvalidInput, match="username"):
        await user(conn, "Zhang Wei")


async def _wall(conn: Connection) -> Any:
    row = await (await conn.execute("select clock_timestamp()")).fetchone()
    assert row is not None
    return row[0]
