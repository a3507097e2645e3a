"""What decides is named twice, for import-linter and for the measuring of branches: both must mean the same modules."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]


def test_whatever_may_know_no_driver_has_all_its_branches_measured() -> None:
    contract = next(each for each in TOOLS["importlinter"]["contracts"] if each["name"].startswith("what decides"))
    assert set(contract["source_modules"]) <= set(TOOLS["coverage"]["run"]["source_pkgs"])
    assert TOOLS["coverage"]["run"]["branch"]
    assert TOOLS["coverage"]["report"]["fail_under"] == 100


def test_whatever_is_measured_is_found_without_importing_anything() -> None:
    packages = {module.rpartition(".")[0] for module in TOOLS["coverage"]["run"]["source_pkgs"]}
    for package in packages:
        assert "import " not in (ROOT / package.replace(".", "/") / "__init__.py").read_text(encoding="utf-8"), package
