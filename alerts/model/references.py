"""References: each names a message for good, in its row and in every address that a provider posts to.

The number of a row does not: with `synchronous_commit = off` a crash of the database forgets the newest rows, and their
numbers are given again, to rows of other incidents.
"""

import secrets
from typing import NewType

Reference = NewType("Reference", str)

PATTERN = r"^[A-Za-z0-9_-]{16,128}$"

NEW = "replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')"
"""SQL for a fresh one, for a row that is written in SQL and that no provider is told of."""


def new() -> Reference:
    """A fresh one, of 144 random bits."""
    return Reference(secrets.token_urlsafe(18))
