"""The pages for whoever carries on say what is there."""

import re
from pathlib import Path

import pytest

from tests.support import architecture

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RECORDS = sorted((DOCS / "decisions").glob("0*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted(DOCS.rglob("*.md"))]


def test_the_drawing_is_the_one_that_the_contracts_make() -> None:
    assert architecture.drawing() in architecture.PAGE.read_text(encoding="utf-8"), (
        "python -m tests.support.architecture prints the drawing that belongs into the page"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    files = re.findall(r"`((?:alerts|api|benchmarks|deploy|device_sim|docs|eldercare|ingest|tests)/[\w./-]*)`", text)
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    topics = "eldercare/v1/"
    missing = [name for name in files if not name.startswith(topics) and not (ROOT / name).exists()]
    missing += [name for name in links if not (page.parent / name).exists()]
    assert missing == []


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem[:4])
def test_a_decision_has_a_date_a_status_and_a_line_in_the_index(record: Path) -> None:
    title, _, line, *_ = record.read_text(encoding="utf-8").splitlines()
    number, _, words = title.removeprefix("# ").partition(". ")
    assert int(number) == int(record.stem[:4])
    date, _, status = line.partition(" · ")
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", date)
    assert re.fullmatch(r"accepted|superseded by \d+", status)
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8").splitlines()
    assert f"| {number} | {date} | {status} | [{words}]({record.name}) |" in index


def test_the_glossary_names_words_of_the_code() -> None:
    rows = [line.split("|")[1:-1] for line in (DOCS / "glossary.md").read_text(encoding="utf-8").splitlines()]
    named = {word for row in rows if len(row) == 4 for word in re.findall(r"`([\w.]+)`", row[2])}
    assert len(named) > 40
    packages = ("alerts", "api", "device_sim", "eldercare", "ingest")
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for package in packages
        for file in (ROOT / package).rglob("*")
        if file.suffix in {".py", ".sql"}
    )
    assert [word for word in sorted(named) if not re.search(rf"\b{re.escape(word)}\b", code)] == []
