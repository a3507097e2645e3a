"""Lists as they come: whatever would send help to the wrong door, or to half of one, is read rightly or refused."""

from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from eldercare.community.resident_import import table, words
from eldercare.community.resident_import.cells import AsTyped, Cell, Row, typed
from eldercare.community.resident_import.check import Checked, check, parsed
from eldercare.community.resident_import.recognise import recognise
from eldercare.platform.errors import InvalidInput
from eldercare.tools import import_residents
from tests.support.sheets import line, row, text, xlsx

TODAY = date(2026, 5, 4)
HEADINGS: list[Cell] = ["编号", "姓名", "家庭住址", "网格"]


def of(*lines: list[Cell], sheet: str = "表1", beside: dict[int, int] | None = None) -> Checked:
    """The list of these lines, the first of which is the headings."""
    first = Row(1, list(lines[0]), sheet, beside=beside or {})
    return check([first, *(Row(at, list(cells), sheet) for at, cells in enumerate(lines[1:], start=2))], TODAY)


def told(checked: Checked) -> list[str]:
    return [import_residents.line(cell) for cell in checked.bad]


def csv(folder: Path, content: str, encoding: str = "utf-8") -> Checked:
    path = folder / "list.csv"
    path.write_bytes(content.encode(encoding))
    return check(table.read(path), TODAY)


@pytest.mark.parametrize(
    "word",
    ["同上", "（同上）", "同上。", "同上一户", "同前行", "同第2行", "同1号", "↑", "↑↑", "〃", "“", "见上", "如上",
     "梧桐路同上", "as above", "Ditto", "同 上", "【同左】"],
)  # fmt: skip
@pytest.mark.parametrize("at", [2, 3])
def test_what_points_at_another_cell_is_no_address_and_no_grid(word: str, at: int) -> None:
    cells: list[Cell] = ["2", "李国强", "梧桐路2号", "第1网格"]
    cells[at] = word
    [fault] = told(of(HEADINGS, ["1", "王桂兰", "梧桐路1号", "第1网格"], cells))
    assert fault.startswith("第 3 行 row 3 " + "ABCD"[at])
    assert "write it out" in fault


@pytest.mark.parametrize("address", ["同济路12号", "同心村同上街3号", "大同路1号", "上海路", "同仁里2栋", "见山路1号"])
def test_a_street_is_no_pointer(address: str) -> None:
    assert of(HEADINGS, ["1", "王桂兰", address, ""]).bad == []


@pytest.mark.parametrize("word", ["无", "—", "/", "不详", "待定", "……", "地址不详", "？？", "*"])
def test_an_address_that_is_none_is_refused(word: str) -> None:
    [fault] = told(of(HEADINGS, ["1", "王桂兰", word, ""]))
    assert "is no address" in fault


@pytest.mark.parametrize("word", ["..", "＋＋", "（）"])
def test_a_grid_of_signs_is_refused(word: str) -> None:
    [fault] = told(of(HEADINGS, ["1", "王桂兰", "梧桐路1号", word]))
    assert "is no grid" in fault


@pytest.mark.parametrize(
    "name", ["第一网格小计", "小计", "本页合计：", "共20人", "王桂兰（已故）", "王桂兰(2025年去世)", "迁出-王桂兰"]
)
def test_a_name_that_is_a_sum_or_of_somebody_gone_is_refused(name: str) -> None:
    [fault] = told(of(HEADINGS, ["1", name, "梧桐路1号", ""]))
    assert fault.startswith("第 2 行 row 2 B")


@pytest.mark.parametrize(
    "label", ["第一网格合计", "小 计", "本页小计", "第1页 共3页", "1/3页", "制表人：张三", "总计：2人"]
)
def test_labels_of_sums_and_pages_are_nobody_wherever_they_stand(label: str) -> None:
    checked = of(HEADINGS, ["1", "王桂兰", "梧桐路1号", ""], ["", label, "", "2"], ["2", "李国强", "梧桐路2号", ""])
    assert (checked.bad, [words for _, _, words in checked.skipped]) == ([], [label])


def test_an_address_cut_off_at_its_comma_is_refused(tmp_path: Path) -> None:
    more = csv(tmp_path, "编号,姓名,地址\n1,王桂兰,梧桐路1号,201室\n2,李国强,梧桐路2号\n")
    assert ["quote what holds commas" in fault for fault in told(more)] == [True]
    shifted = csv(tmp_path, "编号,姓名,地址,备注\n1,王桂兰,梧桐路1号,201室,\n2,李国强,梧桐路2号,\n")
    assert [cell.row for cell in shifted.bad] == [2]
    assert csv(tmp_path, "编号,姓名,地址\n1,王桂兰,梧桐路1号,\n2,李国强,梧桐路2号,\n").bad == []


@pytest.mark.parametrize(
    ("content", "address"),
    [
        ("编号\t姓名\t地址\n1\t王桂兰\t梧桐路1号,201室,东门,甲,乙\n", "梧桐路1号,201室,东门,甲,乙"),
        ("编号|姓名|地址\n1|王桂兰|梧桐路1号,201室,东门\n", "梧桐路1号,201室,东门"),
        ("编号，姓名，地址\n1，王桂兰，梧桐路1号\n", "梧桐路1号"),
        ('"编号";"姓名";"地址"\n1;王桂兰;"梧桐路1号;201室,东,门"\n', "梧桐路1号;201室,东,门"),
        ("名册,,,,,,,\n编号\t姓名\t地址\n1\t王桂兰\t梧桐路1号\n", "梧桐路1号"),
    ],
)
def test_what_parts_the_headings_parts_the_cells(tmp_path: Path, content: str, address: str) -> None:
    [entry] = csv(tmp_path, content).entries
    assert entry.values["address"] == address


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_rare_and_private_characters_and_traditional_headings(tmp_path: Path, encoding: str) -> None:
    checked = csv(tmp_path, "編號,姓名,聯絡電話,地址\n1,𠮷\ue863䶮,13812345678,梧桐路1號\n", encoding)
    assert checked.bad == []
    assert checked.entries[0].values == {
        "external_id": "1", "name": "𠮷\ue863䶮", "phone": "+8613812345678", "address": "梧桐路1號",
    }  # fmt: skip


def test_a_part_of_the_address_in_a_column_of_its_own_is_missed_in_the_address() -> None:
    headings: list[Cell] = ["编号", "姓名", "家庭住址", "楼栋", "室号"]
    checked = of(
        headings,
        ["1", "王桂兰", "梧桐路1号", "3栋", "201"],
        ["2", "李国强", "梧桐路2号3栋201室", "3栋", "201"],
        ["3", "赵四", "梧桐路12号", "2", "无"],
        ["4", "钱五", "梧桐路4号", date(2026, 3, 2), ""],
    )
    assert [(cell.row, cell.letter) for cell in checked.bad] == [(2, "D"), (2, "E"), (4, "D"), (5, "D")]
    assert all("write it there" in fault for fault in told(checked))


def test_what_stands_below_a_heading_merged_over_two_columns_is_not_lost() -> None:
    headings: list[Cell] = ["编号", "姓名", "家庭住址", "", "电话", ""]
    lines: list[list[Cell]] = [["1", "王桂兰", "梧桐路1号", "201室", "13812345678", "13912345678"],
                               ["2", "李国强", "梧桐路2号", "", "", ""]]  # fmt: skip
    checked = of(headings, *lines, beside={3: 2, 5: 4})
    assert [(cell.row, cell.letter, cell.heading) for cell in checked.bad] == [(2, "D", "家庭住址"), (2, "F", "电话")]
    unmerged = of(headings, *lines)
    assert (unmerged.bad, unmerged.unnamed) == ([], ("表1!D", "表1!F"))


def test_a_second_list_with_other_columns_in_the_same_sheet_is_refused() -> None:
    checked = of(
        ["编号", "姓名", "家庭住址"], ["1", "王桂兰", "梧桐路1号"],
        ["姓名", "编号", "家庭住址"], ["李国强", "2", "梧桐路2号"],
    )  # fmt: skip
    assert "are other headings" in told(checked)[0]


@pytest.mark.parametrize("mark", ["'", "’", "‘", "`", "＇"])
def test_an_apostrophe_that_is_part_of_the_text_marks_it_as_typed(tmp_path: Path, mark: str) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for cells in (["编号", "姓名", "地址"], [f"{mark}31010119380502100000", "王桂兰", "梧桐路1号"]):
        sheet.append(cells)
    book.save(tmp_path / "list.xlsx")
    checked = check(table.read(tmp_path / "list.xlsx"), TODAY)
    assert checked.bad == []
    assert checked.entries[0].values["external_id"] == "31010119380502100000"
    assert isinstance(typed(f" {mark}1 "), AsTyped)
    assert typed("'") == "'"


def test_many_of_one_name_at_one_door_are_compared_in_bounded_time() -> None:
    lines: list[list[Cell]] = [[f"{1900 + at % 100}-{at % 12 + 1}-{at % 28 + 1}", "王桂兰", "路"] for at in range(8400)]
    lines += [["", "王桂兰", "路"], ["", "王桂兰", "路"], ["1899-01-01", "王桂兰", "路"]]
    checked = of(["出生日期", "姓名", "地址"], *lines)
    assert len(checked.bad) == len(lines) - 2100


def resident(**values: Any) -> dict[str, Any]:
    return {
        "id": 1, "external_id": "WT1", "name": "王桂兰", "birth_date": date(1938, 5, 2), "phone": None,
        "address": "梧桐路1号", "left_at": None, **values,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "known", "taken"),
    [
        (["王桂兰", "1945-06-07", "梧桐路9号", ""], {}, False),  # another of the same name
        (["王桂兰", "1945-06-07", "梧桐路1号", ""], {}, True),  # the birth is corrected
        (["王桂兰", "1938-05-02", "梧桐路9号", ""], {}, True),  # moved
        (["王桂兰", "1945-06-07", "梧桐路9号", "13812345678"], {"phone": "+8613812345678"}, True),
        (["李国强", "1938-05-02", "梧桐路9号", ""], {}, True),  # another name by the very day of birth
        (["李国强", "1938-05", "梧桐路9号", ""], {}, False),  # a month is shared by many
        (["李国强", "1938-05", "梧桐路1号", ""], {}, True),
        (["李国强", "1938-06", "梧桐路1号", ""], {}, False),
        (["李国强", "1938-01-01", "梧桐路9号", ""], {"birth_date": date(1938, 1, 1)}, False),  # a year is, too
        (["李国强", "", "梧桐路1号", ""], {}, False),
        (["李国强", "1938-05-02", "梧桐路1号", ""], {"birth_date": None}, False),
    ],
)
def test_a_number_brings_nobody_to_another_persons_door(cells: list[Cell], known: dict[str, Any], taken: bool) -> None:
    checked = of(["编号", "姓名", "出生日期", "地址", "电话"], ["WT1", *cells])
    assert checked.bad == []
    found = recognise(checked.entries, [resident(**known)])
    assert (bool(found.known), bool(found.bad)) == (taken, not taken)


@pytest.mark.parametrize(
    "name",
    ["王桂兰13812345678", "310101193805021234", "梧桐路18号", "3栋201室", "2单元王桂兰", "女", "Ｍale", "王桂兰&李国强",
     "王桂兰＋李国强", "王桂兰夫妇", "老两口"],
)  # fmt: skip
def test_a_name_is_one_name_and_nothing_else(name: str) -> None:
    [fault] = told(of(HEADINGS, ["1", name, "梧桐路1号", ""]))
    assert fault.startswith("第 2 行 row 2 B")


@pytest.mark.parametrize(
    "name", ["王桂兰", "欧阳 娜娜", "古丽·艾合买提", "李和平", "Mary O'Brien", "老人12", "王女士", "张单"]
)
def test_a_name_is_taken(name: str) -> None:
    assert of(HEADINGS, ["1", name, "梧桐路1号", ""]).entries[0].values["name"] == name


def test_nought_degrees_are_no_home() -> None:
    [fault] = told(
        of(["姓名", "地址", "纬度", "经度"], ["王桂兰", "梧桐路1号", "0", "0.0"], ["李", "路2号", "31.2", "0"])
    )
    assert "第 2 行 row 2 C" in fault
    assert "is no place" in fault


LINES = line(1, "编号", "姓名", "地址") + line(2, "1", "王桂兰", "路1号")


@pytest.mark.parametrize("names", [("表", "表"), ("", "表"), ("表", " ")])
def test_sheets_that_cannot_be_told_apart_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    """Two rows at one place would be given each other's bands."""
    with pytest.raises(InvalidInput, match="names of their own"):
        table.read(xlsx(tmp_path / "list.xlsx", LINES, LINES, names=names))


@pytest.mark.parametrize(
    "cells", [(text("A2", "1"), text("C2", "路1号"), text("C2", "路9号")), (text("A2", "1"), text("B3", "王桂兰"))]
)
def test_a_cell_twice_or_of_another_row_is_damage(tmp_path: Path, cells: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="第 2 行之后"):
        table.read(xlsx(tmp_path / "list.xlsx", line(1, "姓名", "地址"), line(1, "编号") + row(2, *cells)))


def test_a_cell_of_megabytes_is_refused_at_its_row(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="row 2"):
        csv(tmp_path, "编号,姓名,地址\n1,王桂兰," + "路，" * 500_000 + "\n")


def test_a_field_typed_by_itself_is_read_as_a_cell_is() -> None:
    assert parsed("phone", "021-62345678", TODAY) == "+862162345678"
    assert parsed("phone", "无", TODAY) is None
    with pytest.raises(InvalidInput, match="write it out"):
        parsed("address", "同上", TODAY)


def test_words_alone() -> None:
    assert words.says_something("\ue863")
    assert words.says_something("𠮷")
    assert not words.says_something("—/…")
    assert not words.is_note("注意安全")


def test_two_columns_of_one_meaning_stay_refused() -> None:
    with pytest.raises(InvalidInput, match="mean the same"):
        of(["编号", "姓名", "家庭住址", "姓名"], ["1", "王桂兰", "路1号", "王小明"])
