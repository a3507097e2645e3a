"""`eldercare import-residents` from file to what the terminal says."""

import asyncio
import sys
from pathlib import Path

from eldercare.community.resident_import import table
from eldercare.community.resident_import.check import BadCell, Checked, check
from eldercare.community.resident_import.store import Stored, store
from eldercare.community.resident_import.table import Book
from eldercare.platform import clock
from eldercare.platform.database import COMMAND, connect
from eldercare.platform.settings import Settings

MOST_SHOWN = 200


def run(settings: Settings, file: Path, *, check_only: bool = False) -> int:
    """Import the list; returns the exit status: 0 taken (or, with `check_only`, fit to be), 1 refused and unchanged."""
    return asyncio.run(_run(settings.required("database_url"), file, settings, check_only))


async def _run(url: str, file: Path, settings: Settings, check_only: bool) -> int:
    book = table.read_book(file)
    async with await connect(url, application_name="eldercare import", limits=COMMAND) as conn:
        now = await clock.now(conn)
        checked = check(book.rows, now.astimezone(settings.zone).date())
        stored = Stored()
        bad = checked.bad
        if not bad:
            stored = await store(conn, checked.entries, now)
            bad = stored.bad
        if bad or check_only:
            await conn.rollback()
    if bad:
        _refuse(bad, len(checked.entries))
        return 1
    _tell(book, checked, stored, check_only)
    return 0


def _tell_columns(checked: Checked) -> None:
    for headings in checked.lists:
        of_sheet = f"（{headings.sheet}）" if len(checked.lists) > 1 else ""
        read = "、".join(_short(column.heading) for column in headings.columns)
        print(f"读取的列{of_sheet} · columns read: {read}")
        if headings.ignored:
            print(f"未用的列{of_sheet} · columns not used: {'、'.join(map(_short, headings.ignored))}")


def _refuse(bad: list[BadCell], rows: int) -> None:
    for cell in bad[:MOST_SHOWN]:
        print(line(cell), file=sys.stderr)
    if len(bad) > MOST_SHOWN:
        print(f"…… 另有 {len(bad) - MOST_SHOWN} 处 · and {len(bad) - MOST_SHOWN} more", file=sys.stderr)
    faulty = len({(cell.sheet, cell.row) for cell in bad})
    print(
        f"{rows} 行中 {faulty} 行有错，共 {len(bad)} 处；什么也没有导入 · {len(bad)} faults in {faulty} of {rows} rows:"
        " nothing was imported",
        file=sys.stderr,
    )


def line(cell: BadCell) -> str:
    """One fault as one line: row, column letter and heading, reason, and the sheet where the file has any."""
    where = f"{cell.letter} 列“{_short(cell.heading)}”" if cell.letter else ""
    sheet = f"（工作表“{cell.sheet}” sheet）" if cell.sheet else ""
    return f"第 {cell.row} 行 row {cell.row} {where}: {' '.join(cell.reason.split())}{sheet}"


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 40 else plain[:40] + "…"


def _tell(book: Book, checked: Checked, stored: Stored, check_only: bool) -> None:
    _tell_columns(checked)
    if checked.unread:
        print(f"没有标题行、未读的工作表 · sheets without headings, not read: {'、'.join(checked.unread)}")
    if book.hidden_sheets:
        print(f"隐藏的、未读的工作表 · hidden sheets, not read: {'、'.join(book.hidden_sheets)}")
    if book.hidden_columns:
        print(f"隐藏的列也读了 · hidden columns were read too: {'、'.join(book.hidden_columns)}")
    if checked.unnamed:
        print(f"没有标题、未读的列 · columns without a heading, not read: {'、'.join(checked.unnamed)}")
    for sheet, row, text in checked.skipped[:MOST_SHOWN]:
        where = f"工作表“{sheet}”" if sheet else ""
        print(f"{where}第 {row} 行不是老人，未读 · row {row} is nobody, not read: {_short(text)}")
    if checked.months_only:
        print(f"{checked.months_only} 行只有出生年月，日记为 1 日 · births by month only, taken as its first day")
    if stored.grids:
        print(f"新建网格 · new grids: {'、'.join(stored.grids)}")
    print(
        f"新增 {stored.created}，更新 {stored.updated}，未变 {stored.unchanged}，"
        f"分配手环 {stored.assigned}，家属 {stored.family}"
        f" · {stored.created} new, {stored.updated} updated, {stored.unchanged} unchanged, {stored.assigned} bands"
        f" assigned, {stored.family} relatives"
    )
    if check_only:
        print("仅检查，没有写入 · checked only, nothing was written")
