"""Goals that a measurement has to meet: a table at its end, and an exit status that says whether any is missed.

`python -m benchmarks` gives every measurement a file to write its rows to, and prints the table of all of them.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "BENCHMARKS_GOALS"
"""The environment variable that names the file for the rows, one JSON object a line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside its goal. `because`: why it is missed, as far as that is known."""

    name: str
    figure: float
    bound: str
    goal: float
    met: bool
    because: str = ""


class Goals:
    """Collects figures with their goals."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def at_most(self, name: str, figure: float, goal: float, because: str = "") -> None:
        """A figure that may not be above its goal."""
        self._rows.append(Row(name, figure, "at most", goal, figure <= goal, because))

    def at_least(self, name: str, figure: float, goal: float, because: str = "") -> None:
        """A figure that may not be below its goal."""
        self._rows.append(Row(name, figure, "at least", goal, figure >= goal, because))

    def finish(self) -> None:
        """Print the table, hand it on, and end the process: status 1 where anything is missed."""
        for line in table(self._rows):
            print(line)
        if path := os.environ.get(FILE):
            with Path(path).open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(asdict(row)) + "\n" for row in self._rows)
        sys.exit(0 if all(row.met for row in self._rows) else 1)


def table(rows: Iterable[Row]) -> Iterator[str]:
    """One line a goal, and one more for why it is missed."""
    for row in rows:
        yield f"{'met   ' if row.met else 'MISSED'}  {row.figure:8.3f}  {row.bound:>8} {row.goal:<6g} {row.name}"
        if row.because and not row.met:
            yield f"{'':8}because {row.because}"


def read(path: Path) -> list[Row]:
    """The rows that measurements have written; none where there is no file."""
    if not path.exists():
        return []
    return [Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
