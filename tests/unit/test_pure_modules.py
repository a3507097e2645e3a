"""What decides is named twice, for import-linter and for the measuring of branches: both must mean the same modules."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]


def test_whatever_may_know_no_driver_has_all_its_branches_measured() -> None:
    contract = next(each for each in TOOLS["importlinter"]["contracts"] if each["name"].startswith("what decides"))
    assert contract["source_modules"] == TOOLS["coverage"]["run"]["source_pkgs"]
    assert TOOLS["coverage"]["run"]["branch"]
    assert TOOLS["coverage"]["report"]["fail_under"] == 100


def test_every_provider_is_known_to_the_registry_alone() -> None:
    contract = next(each for each in TOOLS["importlinter"]["contracts"] if each["type"] == "protected")
    folders = [each.parent for each in (ROOT / "alerts" / "channels").glob("*/__init__.py")]
    assert folders
    assert set(contract["protected_modules"]) == {f"alerts.channels.{folder.name}" for folder in folders}


def test_whatever_is_measured_is_found_without_importing_anything() -> None:
    packages = {module.rpartition(".")[0] for module in TOOLS["coverage"]["run"]["source_pkgs"]}
    for package in packages:
        assert "import " not in (ROOT / package.replace(".", "/") / "__init__.py").read_text(encoding="utf-8"), package
