"""An API inside a test, which nobody is hurried by."""

import pytest

from api import pace, turns


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gives up waiting for an API in this process, however slow the machine is.

    A test about giving up sets a time of its own.
    """
    monkeypatch.setattr(turns, "PATIENCE_S", 120.0)
    monkeypatch.setattr(pace, "ANSWER_S", 120.0)
