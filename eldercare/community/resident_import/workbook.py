"""The cells of an xlsx or xlsm file, of whatever program has written it, as they show.

Parts are read by the local names of their elements, so that the strict and the transitional form, and files without
styles, positions or a true dimension, are the same. Safe on hostile or broken files: sizes are bounded before anything
is unpacked and while it is read, no document type is taken, and no formula is ever computed.
"""

import io
import posixpath
import zipfile
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from eldercare.community.resident_import.cell_values import Styles, decoded, value_of
from eldercare.community.resident_import.cells import Cell, Row, column_letter
from eldercare.platform.errors import InvalidInput

FIELD = "file"
LAST_ROW = 1_048_576
"""A spreadsheet has no row beyond this."""
MOST_FILLED = 1_500_000
"""Cells of one sheet that hold anything."""
MOST_ELEMENTS = 5_000_000
"""Elements of all parts that are read. Empty cells count, and a formatted column has a million of them."""
MOST_CHARACTERS = 50_000_000
"""Characters of all texts that cells share."""
MOST_MERGED = 1_000_000

Attributes = dict[str, str]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read."""

    unpacked_bytes: int
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its rows that hold anything, whether people see it, and the letters of its hidden columns."""

    name: str
    rows: list[Row]
    hidden: bool
    hidden_columns: tuple[str, ...]


def read(data: bytes, limits: Limits) -> list[Sheet]:
    """Every sheet of the workbook, in its order. Raises InvalidInput("file", reason)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            return _Package(packed, limits).sheets()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise InvalidInput(FIELD, f"文件损坏，读不出来 / is damaged: {_line(error)}") from error
    except (ValueError, KeyError, IndexError, OverflowError) as error:
        raise InvalidInput(FIELD, f"不是可读的 xlsx 文件 / is no readable xlsx file: {_line(error)}") from error


class _Package:
    def __init__(self, packed: zipfile.ZipFile, limits: Limits) -> None:
        self._packed, self._limits = packed, limits
        self._elements = 0
        self._parts = {_key(info.filename): info for info in packed.infolist()}
        _refuse_other_kinds(self._parts)
        if sum(info.file_size for info in packed.infolist()) > limits.unpacked_bytes:
            raise InvalidInput(FIELD, "解压后过大 / is too large when unpacked")
        if any(info.flag_bits & 1 for info in packed.infolist()):
            raise InvalidInput(FIELD, "有密码，请去掉密码再导入 / has a password: save it without one")

    def sheets(self) -> list[Sheet]:
        main = self._main()
        relations = self._relations(main)
        named, since_1904 = self._workbook(main)
        by_kind = {kind: target for kind, target in relations.values() if kind in ("sharedStrings", "styles")}
        names = [name for name, _, _ in named]
        twice = next((name for name in names if not name.strip() or names.count(name) > 1), None)
        if twice is not None:
            # A row is known by its sheet and its number.
            raise InvalidInput(FIELD, f"工作表要各有名称：“{twice}” / sheets need names of their own")
        strings = self._strings(by_kind.get("sharedStrings", ""))
        styles = self._styles(by_kind.get("styles", ""), since_1904)
        found = []
        for name, state, relation in named:
            kind, target = relations.get(relation, ("", ""))
            if kind != "worksheet":
                continue  # a chart or a macro holds no list
            if _key(target) not in self._parts:
                raise InvalidInput(FIELD, f"缺少工作表“{name}”的内容 / lacks the content of sheet {name}")
            found.append(self._sheet(name, state != "visible", target, strings, styles))
        return found

    def _main(self) -> str:
        targets = [target for kind, target in self._relations("").values() if kind == "officeDocument"]
        main = targets[0] if targets else "xl/workbook.xml"
        if _key(main) not in self._parts:
            raise InvalidInput(FIELD, "不是 xlsx 工作簿 / is no xlsx workbook")
        return main

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Kind and part of each relation of `part`, by its id; empty where the file has none."""
        folder, name = posixpath.split(part)
        found: dict[str, tuple[str, str]] = {}

        def start(element: str, attributes: Attributes) -> None:
            if element == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "").replace("\\", "/")
                path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
                found[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], path.lstrip("/"))

        self._parse(posixpath.join(folder, "_rels", f"{name}.rels"), start)
        return found

    def _workbook(self, part: str) -> tuple[list[tuple[str, str, str]], bool]:
        sheets: list[tuple[str, str, str]] = []
        since_1904 = False

        def start(element: str, attributes: Attributes) -> None:
            nonlocal since_1904
            if element == "sheet":
                relation = next((value for name, value in attributes.items() if _local(name) == "id"), "")
                sheets.append((attributes.get("name", ""), attributes.get("state", "visible"), relation))
            elif element == "workbookPr":
                since_1904 = attributes.get("date1904", "0").lower() in ("1", "true", "on")

        self._parse(part, start)
        return sheets, since_1904

    def _strings(self, part: str) -> list[str]:
        strings: list[str] = []
        pieces: list[str] = []
        size, inside, phonetic = 0, False, 0

        def start(element: str, attributes: Attributes) -> None:
            nonlocal inside, phonetic
            if element == "si":
                pieces.clear()
            elif element == "rPh":
                phonetic += 1
            elif element == "t":
                inside = not phonetic

        def end(element: str) -> None:
            nonlocal inside, phonetic
            if element == "si":
                strings.append(decoded("".join(pieces)))
            elif element == "rPh":
                phonetic -= 1
            elif element == "t":
                inside = False

        def text(data: str) -> None:
            nonlocal size
            if inside:
                size += len(data)
                if size > MOST_CHARACTERS:
                    raise InvalidInput(FIELD, "文字太多 / holds too much text")
                pieces.append(data)

        self._parse(part, start, end, text)
        return strings

    def _styles(self, part: str, since_1904: bool) -> Styles:
        formats: dict[int, str] = {}
        cells: list[tuple[int, bool]] = []
        inside = False

        def start(element: str, attributes: Attributes) -> None:
            nonlocal inside
            if element == "numFmt":
                formats[int(attributes.get("numFmtId", "0"))] = attributes.get("formatCode", "")
            elif element == "cellXfs":
                inside = True
            elif element == "xf" and inside:
                typed = attributes.get("quotePrefix", "0").lower() in ("1", "true")
                cells.append((int(attributes.get("numFmtId", "0")), typed))

        def end(element: str) -> None:
            nonlocal inside
            if element == "cellXfs":
                inside = False

        self._parse(part, start, end)
        return Styles.of(formats, cells, since_1904)

    def _sheet(self, name: str, hidden: bool, part: str, strings: list[str], styles: Styles) -> Sheet:
        reader = _SheetReader(name, self._limits, strings, styles)
        try:
            self._parse(part, reader.start, reader.end, reader.text)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, IndexError, OverflowError) as error:
            row = reader.row
            raise InvalidInput(
                FIELD,
                f"工作表“{name}”第 {row} 行之后读不出来 / sheet {name} is damaged after row {row}: {_line(error)}",
            ) from error
        return Sheet(name, reader.rows(), hidden, tuple(column_letter(index) for index in sorted(reader.hidden)))

    def _parse(
        self,
        part: str,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        info = self._parts.get(_key(part))
        if info is None or not part:
            return
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = lambda element, attributes: self._count(start, element, attributes)
        if end is not None:
            parser.EndElementHandler = lambda element: end(_local(element))
        if text is not None:
            parser.CharacterDataHandler = text
        with self._packed.open(info) as stream:
            _feed(parser, stream)

    def _count(self, start: Callable[[str, Attributes], None], element: str, attributes: Attributes) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise InvalidInput(FIELD, "格子太多，读不完 / has too many cells")
        start(_local(element), attributes)


@dataclass(slots=True)
class _Line:
    number: int
    hidden: bool
    cells: dict[int, Cell] = field(default_factory=dict)


class _SheetReader:
    """Takes the events of one sheet's part, and makes rows of them."""

    def __init__(self, name: str, limits: Limits, strings: list[str], styles: Styles) -> None:
        self.row = 0
        self.hidden: set[int] = set()
        self._name, self._limits, self._strings, self._styles = name, limits, strings, styles
        self._lines: list[_Line] = []
        self._line = _Line(0, False)
        self._merged: list[tuple[int, int, int, int]] = []
        self._column = self._phonetic = self._filled = 0
        self._kind = self._style = ""
        self._formula = self._numbered = False
        self._into: list[str] | None = None
        self._value: list[str] = []
        self._text: list[str] = []

    def start(self, element: str, attributes: Attributes) -> None:
        if element == "c":
            self._start_cell(attributes)
        elif element == "row":
            self._start_row(attributes)
        elif element == "v":
            self._into = self._value
        elif element == "t":
            self._into = None if self._phonetic else self._text
        elif element == "f":
            self._formula = True
        elif element == "rPh":
            self._phonetic += 1
        elif element == "mergeCell":
            self._merge(attributes.get("ref", ""))
        elif element == "col" and attributes.get("hidden", "0").lower() in ("1", "true"):
            first, last = int(attributes.get("min", "1")), int(attributes.get("max", "1"))
            self.hidden.update(range(first - 1, min(last, self._limits.columns)))

    def end(self, element: str) -> None:
        if element in ("v", "t"):
            self._into = None
        elif element == "rPh":
            self._phonetic -= 1
        elif element == "c":
            self._end_cell()
        elif element == "row" and self._line.cells:
            self._end_row()

    def text(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)

    def rows(self) -> list[Row]:
        """The rows that hold anything; what is merged downwards stands in each of its rows."""
        below: dict[int, dict[int, int]] = {}
        beside: dict[int, dict[int, int]] = {}
        numbers = [line.number for line in self._lines]
        filled = 0
        for top, left, bottom, right in self._merged:
            lines = self._lines[bisect_left(numbers, top) : bisect_right(numbers, bottom)]
            filled += len(lines) * (right - left + 1)
            if filled > MOST_MERGED:
                raise InvalidInput(FIELD, f"工作表“{self._name}”合并的格子太多 / too many merged cells")
            first = lines[0].cells.get(left, "") if lines and lines[0].number == top else ""
            for line in lines:
                for column in range(left + 1, right + 1):
                    beside.setdefault(line.number, {})[column] = left
                if line.number > top and first != "":
                    line.cells[left] = first
                    below.setdefault(line.number, {})[left] = top
        return [
            Row(
                line.number,
                [line.cells.get(index, "") for index in range(max(line.cells) + 1)],
                self._name,
                line.hidden,
                below.get(line.number, {}),
                beside.get(line.number, {}),
            )
            for line in self._lines
        ]

    def _start_row(self, attributes: Attributes) -> None:
        self._numbered = "r" in attributes
        number = int(attributes["r"]) if self._numbered else self.row + 1
        self._line = _Line(number, attributes.get("hidden", "0").lower() in ("1", "true"))
        self._column = -1
        self.row = number

    def _start_cell(self, attributes: Attributes) -> None:
        self._column = _column(attributes["r"]) if "r" in attributes else self._column + 1
        if self._numbered and "r" in attributes and _row(attributes["r"]) != self.row:
            raise ValueError(f"{attributes['r'][:20]!r} stands in another row")
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        self._formula = False
        self._value.clear()
        self._text.clear()

    def _end_cell(self) -> None:
        value = "".join(self._text if self._kind == "inlineStr" else self._value)
        cell = value_of(self._kind, value, self._style, self._formula, self._strings, self._styles)
        if cell == "":
            return
        if self._column in self._line.cells:
            raise ValueError(f"{column_letter(self._column)} twice")
        if self._column >= self._limits.columns:
            raise InvalidInput(
                FIELD,
                f"工作表“{self._name}”{column_letter(self._column)}{self.row} 超出 {self._limits.columns} 列"
                f" / is beyond {self._limits.columns} columns",
            )
        self._filled += 1
        if self._filled > MOST_FILLED:
            raise InvalidInput(FIELD, f"工作表“{self._name}”格子太多 / sheet {self._name} has too many cells")
        self._line.cells[self._column] = cell

    def _end_row(self) -> None:
        line = self._line
        if not 0 < line.number <= LAST_ROW:
            raise InvalidInput(
                FIELD, f"工作表“{self._name}”没有第 {line.number} 行 / sheet {self._name} can have no row {line.number}"
            )
        if self._lines and line.number <= self._lines[-1].number:
            raise InvalidInput(
                FIELD, f"工作表“{self._name}”第 {line.number} 行顺序不对 / row {line.number} is out of order"
            )
        if len(self._lines) >= self._limits.rows:
            raise InvalidInput(FIELD, f"超过 {self._limits.rows} 行 / has more than {self._limits.rows} rows")
        self._lines.append(line)

    def _merge(self, reference: str) -> None:
        first, _, last = reference.replace("$", "").partition(":")
        top, left, bottom, right = _row(first), _column(first), _row(last or first), _column(last or first)
        if (top, left) != (bottom, right):
            self._merged.append((top, left, bottom, min(right, self._limits.columns)))


def _refuse_other_kinds(parts: dict[str, zipfile.ZipInfo]) -> None:
    kinds = {
        "xl/workbook.bin": "xlsb",
        "content.xml": "ods",
        "word/document.xml": "docx",
        "index/document.iwa": "Numbers",
    }
    for part, kind in kinds.items():
        if part in parts:
            raise InvalidInput(FIELD, f"是 {kind} 文件，请另存为 xlsx / is a {kind} file: save it as xlsx")


def _refuse_doctype(*_: object) -> None:
    raise InvalidInput(FIELD, "含有文档类型声明，拒绝读取 / holds a document type, as no workbook does")


def _feed(parser: expat.XMLParserType, stream: IO[bytes]) -> None:
    try:
        parser.ParseFile(stream)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error


def _key(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _column(reference: str) -> int:
    index = 0
    for char in reference:
        if not char.isalpha():
            break
        index = index * 26 + ord(char.upper()) - 64
    if not 0 < index <= 16_384:
        raise ValueError(f"{reference[:20]!r} is no cell")
    return index - 1


def _row(reference: str) -> int:
    return int(reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
