"""Several workers share the tests by files: the longest kinds first, and what starts whole systems one by one.

`make test` starts two (`TEST_WORKERS`); pytest by itself runs everything in one process, in random order. A worker is a
process with services of its own. Under workers the order stays random within a kind of test.
"""

from collections import Counter
from pathlib import Path, PurePosixPath

import pytest
from _pytest.nodeid import NodeId
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parents[1]
LONGEST_FIRST = ("faults", "browser", "integration", "stories", "unit")
"""Folders. Files of unit tests take a second or two each: at the end they fill up whichever worker has nothing left."""
WHOLE_SYSTEMS = "whole systems"
STARTS_A_WHOLE_SYSTEM = {"tests/browser/test_demo.py", "tests/integration/demo/test_demo.py"}


def part_of(nodeid: str) -> str:
    """What is handed to one worker as a whole: a file, or all files that start whole systems (two at once are slow)."""
    file = nodeid.partition("::")[0]
    if file in STARTS_A_WHOLE_SYSTEM or PurePosixPath(file).parts[:2] == ("tests", "faults"):
        return WHOLE_SYSTEMS
    return file


def longest_first(items: list[pytest.Item]) -> None:
    """Sort by folder; within a folder the order stays as it is."""
    ranks = {TESTS / folder: rank for rank, folder in enumerate(LONGEST_FIRST)}
    last = len(ranks)
    items.sort(key=lambda item: next((ranks[each] for each in item.path.parents if each in ranks), last))


def tell_apart(items: list[pytest.Item]) -> None:
    """Give every test a node id of its own. Raises UsageError where two share one.

    Workers know a test by its node id: of several with the same, as schemathesis makes them, one would run. What tells
    those apart is in their names.
    """
    for item in items:
        file = item.nodeid.partition("::")[0]
        if not item.nodeid.endswith(item.name):
            item._id = NodeId.parse(f"{file}::{item.name}")
    twice = [nodeid for nodeid, times in Counter(item.nodeid for item in items).items() if times > 1]
    if twice:
        raise pytest.UsageError(f"several tests share a name, of which one would run: {', '.join(twice)}")


class ByParts(LoadScopeScheduling):
    """Gives each worker the next part when it is nearly done with its own."""

    def _split_scope(self, nodeid: str) -> str:
        return part_of(nodeid)
