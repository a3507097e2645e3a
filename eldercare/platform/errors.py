"""The one tree of domain errors. `api.errors` maps each class to an HTTP status; the CLI maps them to exit statuses."""

from typing import Any


class EldercareError(Exception):
    """Base of every error this product raises on purpose."""


class InvalidInput(EldercareError):
    """Somebody handed in a value that cannot be used; names the field and the reason."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class NotFound(EldercareError):
    """The named thing does not exist, or the viewer may not know that it does."""

    def __init__(self, noun: str, key: object) -> None:
        super().__init__(f"{noun} {key} not found")
        self.noun = noun
        self.key = key


class Forbidden(EldercareError):
    """The viewer is known and may not do this."""


class Unauthenticated(EldercareError):
    """Nobody is logged in, or the session or token has ended."""


class TooManyAttempts(EldercareError):
    """Too many wrong passwords; the next try is taken after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many wrong passwords, try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class TooManyRequests(EldercareError):
    """One person, or one network, asks for more at a time than is their share. They may ask again after `retry_after_s`
    seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many requests at a time")
        self.retry_after_s = retry_after_s


class TooLarge(EldercareError):
    """The answer would be larger than one may be; says what to ask for instead."""


class Conflict(EldercareError):
    """The thing is in a state that does not allow this change; says which state."""


class Outdated(EldercareError):
    """What somebody changes has been changed since they read it, perhaps by themselves in another window. `stands` is
    what stands now, a dataclass that they may see."""

    def __init__(self, message: str, stands: Any) -> None:
        super().__init__(message)
        self.stands = stands


class ConfigurationError(EldercareError):
    """A setting is missing or wrong. The CLI prints it as one line and exits with status 2."""


class Unavailable(EldercareError):
    """The database, the broker or a provider cannot be reached right now; trying again may help."""
