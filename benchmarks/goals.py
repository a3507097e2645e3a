"""Goals that a measurement has to meet: what is missed is printed at its end, and its exit status says so."""

import sys


class Goals:
    """Collects figures with their goals."""

    def __init__(self) -> None:
        self._missed: list[str] = []

    def at_most(self, name: str, figure: float, goal: float) -> None:
        """A figure that may not be above its goal."""
        self._note(name, figure, "at most", goal, met=figure <= goal)

    def at_least(self, name: str, figure: float, goal: float) -> None:
        """A figure that may not be below its goal."""
        self._note(name, figure, "at least", goal, met=figure >= goal)

    def finish(self) -> None:
        """Print what was missed, and end the process: status 1 where anything was."""
        for line in self._missed:
            print(f"missed: {line}")
        sys.exit(1 if self._missed else 0)

    def _note(self, name: str, figure: float, bound: str, goal: float, *, met: bool) -> None:
        if not met:
            self._missed.append(f"{name}: {figure:.3f}, {bound} {goal:g} was the goal")
