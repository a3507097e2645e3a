"""What the columns of a list may be called, in Chinese and English. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from eldercare.community.resident_import.cells import Row, column_letter
from eldercare.community.resident_schema import FACTS, REQUIRED
from eldercare.platform.errors import InvalidInput
from eldercare.platform.validation.fields import half_width

# A list knows a grid by its name, not by its id.
HEADINGS: dict[str, tuple[str, ...]] = {
    "grid" if name == "grid_id" else name: known.called for name, known in FACTS.items() if known.called
} | {
    "device_id": ("手环", "手环编号", "手环号", "设备编号", "设备号", "band", "device", "device id"),
    "family_name": ("家属", "家属姓名", "紧急联系人", "紧急联系人姓名", "联系人", "family", "family name",
                    "emergency contact"),
    "family_phone": ("家属电话", "家属联系电话", "紧急联系人电话", "紧急联系电话", "联系人电话", "family phone",
                     "emergency phone", "emergency contact phone"),
    "family_relation": ("关系", "与老人关系", "家属关系", "与本人关系", "relation", "relationship"),
}  # fmt: skip
HEADING_WITHIN = 10
"""How many of the first rows may be the headings: a list may have a title and an explanation above them."""

_PARTS_OF_ADDRESS = frozenset(
    {"楼栋", "楼栋号", "楼号", "栋", "栋号", "幢", "幢号", "单元", "单元号", "室", "室号", "房号", "房间", "房间号"}
    | {"门牌", "门牌号", "门牌号码", "门号", "building", "unit", "room", "roomnumber", "door"}
)
_TRADITIONAL = str.maketrans(
    "編號員別電話機聯繫絡络網獨備註緊係關與環檔現詳細經緯過藥說設戶應",
    "编号员别电话机联系系系网独备注紧系关与环档现详细经纬过药说设户应",
)

_FIELDS = {re.sub(r"[\s_]", "", word): field for field, words in HEADINGS.items() for word in words}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is read: `index` from 0, the letter a spreadsheet shows, and its heading as written."""

    index: int
    field: str
    letter: str
    heading: str


@dataclass(frozen=True, slots=True)
class Headings:
    """The row of headings: the columns read, the headings of those that are not, and the sheet they stand in.

    `named` are the indices of all columns that have a heading, `parts` columns of which a cell would be lost: below a
    heading merged over several, or a part of the address (单元, 室) in a column of its own. `width` is how many cells
    the row has.
    """

    row: int
    columns: tuple[Column, ...]
    ignored: tuple[str, ...]
    sheet: str = ""
    parts: tuple[Column, ...] = ()
    width: int = 0
    named: frozenset[int] = frozenset()


class NoHeadings(InvalidInput):
    """A sheet has no row of headings: it is no list, such as a cover."""


def find(rows: Sequence[Row]) -> Headings:
    """The first row that names the required columns. Raises NoHeadings saying what is missing, and InvalidInput for
    what is there twice."""
    best: Headings | None = None
    for row, below in zip(rows[:HEADING_WITHIN], [*rows[1:], None], strict=False):
        headings = _headings(row)
        if {column.field for column in headings.columns}.issuperset(REQUIRED):
            if below is not None and _goes_on(headings, below):
                headings = _headings(row, below)
            _refuse_doubles(headings)
            return headings
        if best is None or len(headings.columns) > len(best.columns):
            best = headings
    found = {column.field for column in best.columns} if best else set()
    missing = [field for field in REQUIRED if field not in found]
    wanted = "；".join("/".join(HEADINGS[field][:3]) + f" ({field})" for field in missing)
    raise NoHeadings(
        "file", f"前 {HEADING_WITHIN} 行里没有这些列 / the first {HEADING_WITHIN} rows name no column {wanted}"
    )


def field_of(heading: str) -> str | None:
    """The field that a heading means: case, spaces, full width, brackets and an asterisk do not matter."""
    seen = "".join(char for char in half_width(heading) if unicodedata.category(char) != "Cf")
    return _FIELDS.get(_plain(seen))


def _plain(text: str) -> str:
    bare = re.sub(r"\(.*?\)|【.*?】|\[.*?\]|[*※:\s_]|^[0-9]+[.、]", "", text).lower()
    return bare.translate(_TRADITIONAL)


def _goes_on(headings: Headings, below: Row) -> bool:
    """Whether the headings are two rows, most of them merged downwards, and some parted into several below."""
    return any(below.below.get(column.index) == headings.row for column in headings.columns if column.field in REQUIRED)


def _headings(row: Row, second: Row | None = None) -> Headings:
    columns: list[Column] = []
    ignored: list[str] = []
    parts: list[Column] = []
    named: set[int] = set()
    width = max(len(row.cells), len(second.cells) if second else 0)
    for index in range(max(width, *(beside + 1 for beside in row.beside), 0)):
        words = _words(row, second, index)
        if not words:
            left = next((column for column in columns if column.index == row.beside.get(index)), None)
            if left is not None and second is None:
                parts.append(Column(index, left.field, column_letter(index), left.heading))
            continue
        named.add(index)
        text = "".join(words)
        field = field_of(text) or next((field for word in reversed(words) if (field := field_of(word))), None)
        if field:
            columns.append(Column(index, field, column_letter(index), text))
        else:
            ignored.append(text)
            if _plain(half_width(words[-1])) in _PARTS_OF_ADDRESS:
                parts.append(Column(index, "address", column_letter(index), text))
    number = second.number if second else row.number
    return Headings(number, tuple(columns), tuple(ignored), row.sheet, tuple(parts), width, frozenset(named))


def _words(row: Row, second: Row | None, index: int) -> list[str]:
    """What stands over a column: in the second row its own heading, in the first also that of a merged group."""
    if second is None:
        return [text] if (text := _text(row, index)) else []
    words = [_text(row, row.beside.get(index, index))]
    if index not in second.below:
        words.append(_text(second, index))
    return [word for word in words if word]


def _refuse_doubles(headings: Headings) -> None:
    where = f"工作表“{headings.sheet}”" if headings.sheet else ""
    seen: dict[str, Column] = {}
    for column in headings.columns:
        other = seen.setdefault(column.field, column)
        if other is not column:
            raise InvalidInput(
                "file",
                f"{where}{other.letter} 列“{other.heading}”和 {column.letter} 列“{column.heading}”意思相同，请去掉一列"
                f" / columns {other.letter} and {column.letter} mean the same: remove one",
            )


def _text(row: Row, index: int) -> str:
    cell = row.cells[index] if index < len(row.cells) else ""
    return cell if isinstance(cell, str) else ""
