"""Adding somebody who is called or logs in, from the command line: the first of them before there is any page."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from eldercare.accounts import sessions
from eldercare.accounts.viewers import LOGIN_ROLES, Role
from eldercare.community import people
from eldercare.platform.database import Connection
from eldercare.platform.errors import InvalidInput

LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Added:
    """`password` is told once, and None for somebody who does not log in; `shares` are others at the same number."""

    id: int
    password: str | None
    shares: tuple[str, ...]


async def add_person(
    conn: Connection,
    name: str,
    roles: Sequence[str],
    phone: str | None,
    grid: str | None,
    username: str | None,
    language: str,
) -> Added:
    """Make the person, with a password where there is a username. Raises InvalidInput naming the field."""
    wanted = [_role(role) for role in roles]
    if language not in LANGUAGES:
        raise InvalidInput("language", f"{language} is neither zh nor en")
    if phone is None and username is None:
        raise InvalidInput("phone", "somebody needs a telephone to be called, or a username to log in")
    if username is not None and not set(wanted) & set(LOGIN_ROLES):
        raise InvalidInput("role", f"none of {', '.join(roles)} logs in")
    if grid is not None and Role.GRID not in wanted:
        raise InvalidInput("grid", "only somebody with the role grid works one")
    if grid is None and Role.GRID in wanted:
        raise InvalidInput("grid", "is missing: who works no grid would never be called")
    password = secrets.token_urlsafe(12) if username else None
    person_id = await people.create(
        conn,
        name=name,
        phone=phone,
        roles=wanted,
        language=language,
        username=username,
        password_hash=sessions.hash_password(password) if password else None,
    )
    if grid is not None:
        await people.add_grid_worker(conn, grid, person_id)
    return Added(person_id, password, await people.at_the_number_of(conn, person_id))


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        raise InvalidInput("role", f"{word} is none of {', '.join(Role)}") from None
