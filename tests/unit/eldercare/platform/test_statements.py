"""Statements in files: what they need is given, and nothing else."""

import ast
from pathlib import Path

import pytest

from eldercare.platform import statements

ROOT = Path(__file__).parents[4]
PACKAGES = ("alerts", "api", "device_sim", "eldercare", "ingest")
MOST_LINES = 30


def test_a_part_that_is_missing_or_unknown_is_named() -> None:
    with pytest.raises(ValueError, match=r"open\.sql: the parts \['graver', 'tells_owner'\] are on one side only"):
        statements.load("alerts.incidents", "open", tell="select 1")
    with pytest.raises(ValueError, match=r"lease\.sql: the parts \['more'\]"):
        statements.load("alerts.notifications", "lease", more="true")


@pytest.mark.parametrize("file", sorted(ROOT.glob("[a-z]*/**/*.sql")), ids=lambda file: file.stem)
def test_each_says_what_it_does(file: Path) -> None:
    if file.relative_to(ROOT).parts[0] in PACKAGES:
        assert file.read_text(encoding="utf-8").startswith("-- ")


def test_no_statement_in_the_code_is_longer_than_a_screen() -> None:
    long = []
    for file in (each for package in PACKAGES for each in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            text = isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
            lines = (node.end_lineno or 0) - node.lineno + 1 if text else 0
            if lines > MOST_LINES + 2 and "select" in ast.unparse(node):
                long.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert long == []
