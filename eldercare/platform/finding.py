"""What the doctor has to say. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from eldercare.platform.redaction import redacted


class Level(StrEnum):
    """An error breaks the promise, a warning weakens it or hides that it is broken; a note is to be known."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    OK = "ok"


_SIGNS = {Level.ERROR: "✗", Level.WARNING: "!", Level.NOTE: "i", Level.OK: "✓"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was found and what to do, each Chinese first with English beside it."""

    level: Level
    what: str
    todo: str = ""

    def __str__(self) -> str:
        todo = f" → {self.todo}" if self.todo else ""
        return redacted(f"{_SIGNS[self.level]} {self.level:<7} {self.what}{todo}")


def error(what: str, todo: str) -> Finding:
    """Something that breaks the promise."""
    return Finding(Level.ERROR, what, todo)


def warning(what: str, todo: str) -> Finding:
    """Something that weakens it."""
    return Finding(Level.WARNING, what, todo)


def note(what: str, todo: str = "") -> Finding:
    """Something to know."""
    return Finding(Level.NOTE, what, todo)


def ok(what: str) -> Finding:
    """Something that was checked and is right."""
    return Finding(Level.OK, what)


def some(names: list[str], most: int = 5) -> str:
    """A few of the names, and how many more there are."""
    more = f" … +{len(names) - most}" if len(names) > most else ""
    return ", ".join(names[:most]) + more
