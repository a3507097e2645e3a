"""What a measurement has to meet, as a table, and as what the run says at its end."""

from pathlib import Path

import pytest

from benchmarks import goals
from benchmarks.goals import Goals


def test_the_table_names_what_is_missed_and_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(goals.FILE, str(tmp_path / "rows"))
    measured = Goals()
    measured.at_most("incidents a day", 0.03, 0.05, "never said, because it is met")
    measured.at_least("episodes found", 0.5, 0.95, "half of them are too short")
    with pytest.raises(SystemExit) as ended:
        measured.finish()
    assert ended.value.code == 1
    met, missed, why = capsys.readouterr().out.splitlines()
    assert met.split() == ["met", "0.030", "at", "most", "0.05", "incidents", "a", "day"]
    assert missed.split() == ["MISSED", "0.500", "at", "least", "0.95", "episodes", "found"]
    assert why.strip() == "because half of them are too short"
    assert list(goals.table(goals.read(tmp_path / "rows"))) == [met, missed, why]


def test_a_goal_is_met_where_the_figure_is_the_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(goals.FILE, raising=False)
    measured = Goals()
    measured.at_most("a", 0.05, 0.05)
    measured.at_least("b", 0.95, 0.95)
    with pytest.raises(SystemExit) as ended:
        measured.finish()
    assert ended.value.code == 0


def test_a_run_adds_its_rows_to_those_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(goals.FILE, str(tmp_path / "rows"))
    assert goals.read(tmp_path / "rows") == []
    for name in ("rules", "trends"):
        measured = Goals()
        measured.at_most(name, 0, 1)
        with pytest.raises(SystemExit):
            measured.finish()
    assert [row.name for row in goals.read(tmp_path / "rows")] == ["rules", "trends"]
