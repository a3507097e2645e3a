"""A list as people keep it: the rows of an xlsx or csv file, as text, dates, or what cannot be read.

Safe on hostile or broken files: sizes are bounded before anything is unpacked, and no formula is ever computed.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from eldercare.community.resident_import import columns, workbook
from eldercare.community.resident_import.cells import AsTyped, Cell, Number, Row, Unreadable, column_letter, typed
from eldercare.community.resident_import.workbook import FIELD, Limits
from eldercare.platform.errors import InvalidInput

__all__ = ["AsTyped", "Book", "Cell", "Number", "Row", "Unreadable", "column_letter", "read", "read_book"]

MOST_BYTES = 20 * 1024 * 1024
MOST_UNPACKED_BYTES = 200 * 1024 * 1024
MOST_ROWS = 50_000
MOST_COLUMNS = 200

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FORMULA_TEXT = re.compile(r'="(.*)"', re.DOTALL)
_LONGEST_LINE = 10_000
_DELIMITERS = ",\t;|，"
_SEPARATOR = re.compile(r"sep=(.)")


@dataclass(frozen=True, slots=True)
class Book:
    """What a file holds: its rows, with the names of sheets that people do not see and whose rows are not among them,
    and the letters of hidden columns, by sheet."""

    rows: list[Row]
    hidden_sheets: tuple[str, ...] = ()
    hidden_columns: tuple[str, ...] = ()


def read(path: Path) -> list[Row]:
    """Every row of every sheet that people see. Raises InvalidInput("file", reason)."""
    return read_book(path).rows


def read_book(path: Path) -> Book:
    """The rows as `read` gives them, with what is hidden. Raises InvalidInput("file", reason)."""
    try:
        if not path.is_file() and path.exists():
            raise InvalidInput(FIELD, f"{path} 不是文件 / is no file")
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise InvalidInput(FIELD, f"大于 {MOST_BYTES // 2**20} MiB / is larger than {MOST_BYTES // 2**20} MiB")
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(FIELD, f"{path}: {error.strerror}") from error
    book = _workbook(data) if data.startswith(b"PK") else Book(list(_bounded(_csv(data))))
    if not book.rows:
        hidden = "、".join(book.hidden_sheets)
        also = f"；隐藏的工作表不读：{hidden} · hidden sheets are not read" if hidden else ""
        raise InvalidInput(FIELD, f"没有任何内容 / is empty{also}")
    return book


def _bounded(rows: Iterator[Row]) -> Iterator[Row]:
    filled = 0
    for row in rows:
        if not any(cell != "" for cell in row.cells):
            continue
        filled += 1
        if filled > MOST_ROWS:
            raise InvalidInput(FIELD, f"超过 {MOST_ROWS} 行 / has more than {MOST_ROWS} rows")
        yield row


def _workbook(data: bytes) -> Book:
    sheets = workbook.read(data, Limits(MOST_UNPACKED_BYTES, MOST_ROWS, MOST_COLUMNS))
    seen = [sheet for sheet in sheets if not sheet.hidden]
    rows = [row for sheet in seen for row in sheet.rows]
    return Book(
        list(_bounded(iter(rows))),
        tuple(sheet.name for sheet in sheets if sheet.hidden and sheet.rows),
        tuple(f"{sheet.name}!{letter}" for sheet in seen for letter in sheet.hidden_columns if sheet.rows),
    )


def _csv(data: bytes) -> Iterator[Row]:
    _refuse_other_kinds(data)
    text = _decoded(data)
    if "\0" in text:
        raise InvalidInput(FIELD, "既不是 xlsx 也不是 csv / is neither xlsx nor csv")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if number == 1 and _chosen_delimiter(text):
                continue
            if len(cells) > MOST_COLUMNS and any(cells[MOST_COLUMNS:]):
                raise InvalidInput(FIELD, f"第 {number} 行超出 {MOST_COLUMNS} 列 / row {number} has too many columns")
            yield Row(number, [_csv_cell(cell) for cell in cells[:MOST_COLUMNS]])
    except csv.Error as error:
        raise InvalidInput(FIELD, f"第 {number + 1} 行不是 csv / row {number + 1} is no csv: {error}") from error


def _csv_cell(cell: str) -> str:
    """The text of a cell, without the ways in which people keep a spreadsheet from making a number of it."""
    text = cell.strip()
    formula = _FORMULA_TEXT.fullmatch(text)
    if formula:
        return AsTyped(formula[1].replace('""', '"').strip())
    return typed(text)


def _refuse_other_kinds(data: bytes) -> None:
    start = data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise InvalidInput(FIELD, "有密码，请去掉密码再导入 / has a password: save it without one")
        raise InvalidInput(FIELD, "是旧的 xls 文件，请另存为 xlsx / is an old xls file: save it as xlsx")
    if start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<head", b"<style")):
        raise InvalidInput(FIELD, "是网页或 XML，不是表格文件，请另存为 xlsx / is a web page or XML: save it as xlsx")
    if start.startswith(b"%pdf"):
        raise InvalidInput(FIELD, "是 PDF 文件，请用 xlsx 或 csv / is a PDF file: use xlsx or csv")


def _decoded(data: bytes) -> str:
    # Excel in China saves csv in GB18030, and "Unicode text" in UTF-16.
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ("utf-16",) if marked else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            if encoding == "utf-8-sig":
                _refuse_broken_utf8(data, error.start)
            continue
        return text
    raise InvalidInput(FIELD, "不是 UTF-8 或 GB18030 文本，也不是 xlsx / is neither UTF-8 nor GB18030 text, nor xlsx")


def _refuse_broken_utf8(data: bytes, where: int) -> None:
    """Refuse UTF-8 with a wrong byte: it is not GB18030, in which every name would become another."""
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    if sum(char > "\x7f" for char in text) - wrong > 10 * wrong:
        line = data[:where].count(b"\n") + 1
        raise InvalidInput(FIELD, f"第 {line} 行有坏掉的字 / row {line} holds a damaged character")


def _delimiter(text: str) -> str:
    chosen = _chosen_delimiter(text)
    if chosen:
        return chosen
    lines = list(islice((line for line in io.StringIO(text) if line.strip()), columns.HEADING_WITHIN))

    def likely(delimiter: str) -> tuple[int, int]:
        """An address has commas too: what parts the headings is what parts the cells."""
        headings = max(sum(_is_heading(word) for word in line[:_LONGEST_LINE].split(delimiter)) for line in lines)
        return headings, sum(line.count(delimiter) for line in lines)

    return max(_DELIMITERS, key=likely) if lines else _DELIMITERS[0]


def _is_heading(word: str) -> bool:
    return columns.field_of(word.strip('" \r\n')) is not None


def _chosen_delimiter(text: str) -> str | None:
    """The delimiter that the first line names in the way of Excel (`sep=;`)."""
    chosen = _SEPARATOR.fullmatch(text[: text.find("\n")].strip())
    return chosen[1] if chosen else None
