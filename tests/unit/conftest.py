"""What every unit test begins with."""

import sys
import tomllib
from pathlib import Path

import pytest

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
MEASURED: list[str] = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["tool"]["coverage"]["run"]["source_pkgs"]
BELOW = tuple(f"{package}." for package in MEASURED)


@pytest.fixture(scope="module", autouse=True)
def _nothing_remembered() -> None:
    """Tests that are not measured leave answers in caches, and the lines behind would not be run any more."""
    for name, module in list(sys.modules.items()):
        if name in MEASURED or name.startswith(BELOW):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
