"""What to do when a service that a test needs is not there."""

import os
from typing import NoReturn

import pytest


def missing(what: str, how: str) -> NoReturn:
    """Skip the test, naming what is missing and how to get it; where services are required, fail it."""
    reason = f"{what} is missing: {how}"
    if os.environ.get("CI") == "true" or os.environ.get("ELDERCARE_REQUIRE_SERVICES") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
