"""What several workers of the tests share: ports, and the tests themselves."""

import socket
from dataclasses import dataclass
from typing import Any

import pytest
from _pytest.nodeid import NodeId

from tests.support.services.processes import BLOCK, FIRST_PORT, Ports, free_port
from tests.support.workers import part_of, tell_apart


def test_two_processes_give_out_no_port_of_each_others() -> None:
    one, other = Ports(), Ports()
    own = {one.next() for _ in range(3 * BLOCK)}
    assert len(own) > BLOCK / 2
    assert min(own) > FIRST_PORT
    assert own.isdisjoint(other.next() for _ in range(3 * BLOCK))


def test_a_port_that_somebody_has_is_passed_over() -> None:
    ports = Ports()
    following = ports.next() + 1
    with socket.socket() as held:
        # A server of the last run may have left connections behind, which a plain bind takes for somebody.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", following))
        assert ports.next() > following
    assert free_port() != free_port()


def test_what_starts_whole_systems_is_one_part_and_every_other_file_one_by_itself() -> None:
    heavy = ["tests/faults/test_ingest_faults.py::test_a[x::y]", "tests/integration/demo/test_demo.py::test_b"]
    assert len({part_of(each) for each in heavy}) == 1
    files = ["tests/unit/test_a.py::test_b[1]", "tests/unit/test_a.py::test_c", "tests/browser/test_a.py::test_b"]
    assert [part_of(each) for each in files] == ["tests/unit/test_a.py"] * 2 + ["tests/browser/test_a.py"]


@dataclass
class Named:
    """What of a test tells it from others."""

    _id: NodeId
    name: str

    @property
    def nodeid(self) -> str:
        return str(self._id)


def _named(*names: str) -> list[Any]:
    return [Named(NodeId.parse("tests/a.py::test_b"), name) for name in names]


def test_tests_that_a_library_names_alike_are_told_apart_so_that_a_worker_runs_them_all() -> None:
    items = _named("test_b[GET /a]", "test_b[POST /a]")
    tell_apart(items)
    assert [item.nodeid for item in items] == ["tests/a.py::test_b[GET /a]", "tests/a.py::test_b[POST /a]"]
    with pytest.raises(pytest.UsageError, match="share a name"):
        tell_apart(_named("test_b", "test_b"))
