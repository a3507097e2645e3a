"""A list as people keep it: the cells of an xlsx or csv file, as text, dates, or what cannot be read.

Safe on hostile or broken files: sizes are bounded before anything is unpacked, and no formula is ever computed.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from eldercare.errors import InvalidInput

MOST_BYTES = 20 * 1024 * 1024
MOST_UNPACKED_BYTES = 300 * 1024 * 1024
MOST_ROWS = 50_000
MOST_COLUMNS = 200
FIELD = "file"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell whose content cannot be taken; says why."""

    reason: str


Cell = str | date | Unreadable
"""Text (trimmed, "" where empty), a day, or a reason."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row with the number that a spreadsheet shows beside it."""

    number: int
    cells: list[Cell]


def read(path: Path) -> list[Row]:
    """Every row of the first sheet that has any. Raises InvalidInput("file", reason)."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise InvalidInput(FIELD, f"大于 {MOST_BYTES // 2**20} MiB / is larger than {MOST_BYTES // 2**20} MiB")
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(FIELD, f"{path}: {error.strerror}") from error
    rows = list(_bounded(_xlsx(data) if data.startswith(b"PK") else _csv(data)))
    if not rows:
        raise InvalidInput(FIELD, "没有任何内容 / is empty")
    return rows


def column_letter(index: int) -> str:
    """The letters of a column as a spreadsheet shows them; 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _bounded(rows: Iterator[Row]) -> Iterator[Row]:
    filled = 0
    for row in rows:
        if not any(cell != "" for cell in row.cells):
            continue
        filled += 1
        if filled > MOST_ROWS:
            raise InvalidInput(FIELD, f"超过 {MOST_ROWS} 行 / has more than {MOST_ROWS} rows")
        yield row


def _xlsx(data: bytes) -> Iterator[Row]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
        if unpacked > MOST_UNPACKED_BYTES:
            raise InvalidInput(FIELD, "解压后过大 / is too large when unpacked")
        # Twice: what the cells showed when the file was saved, and where a formula was never computed.
        shown = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        written = load_workbook(io.BytesIO(data), read_only=True, data_only=False)
        for name in shown.sheetnames:
            for book in (shown, written):
                book[name].reset_dimensions()  # what a file says of its own size may be wrong
            pairs = zip(shown[name].iter_rows(), written[name].iter_rows(), strict=False)
            found = False
            for number, (values, formulas) in enumerate(pairs, start=1):
                cells = zip(values[:MOST_COLUMNS], formulas[:MOST_COLUMNS], strict=False)
                row = Row(number, [_cell(value, formula) for value, formula in cells])
                found = found or any(cell != "" for cell in row.cells)
                yield row
            if found:
                return
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, SyntaxError, OSError) as error:
        raise InvalidInput(FIELD, f"不是可读的 xlsx 文件 / is no readable xlsx file: {error}") from error


def _cell(shown: Any, written: Any) -> Cell:
    value = shown.value
    if value is None:
        if getattr(written, "data_type", None) == "f":
            return Unreadable("公式没有结果，请粘贴为数值 / is a formula without a result: paste it as a value")
        return ""
    if getattr(shown, "data_type", None) == "e":
        return Unreadable(f"公式出错 {value} / is the error {value}")
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).strip()


def _csv(data: bytes) -> Iterator[Row]:
    text = _decoded(data)
    if "\0" in text:
        raise InvalidInput(FIELD, "既不是 xlsx 也不是 csv / is neither xlsx nor csv")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield Row(number, [cell.strip() for cell in cells[:MOST_COLUMNS]])
    except csv.Error as error:
        raise InvalidInput(FIELD, f"第 {number + 1} 行不是 csv / row {number + 1} is no csv: {error}") from error


def _decoded(data: bytes) -> str:
    # Excel in China saves csv in GB18030, and "Unicode text" in UTF-16.
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ("utf-16",) if marked else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidInput(FIELD, "不是 UTF-8 或 GB18030 文本，也不是 xlsx / is neither UTF-8 nor GB18030 text, nor xlsx")


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(",\t;", key=first.count)
