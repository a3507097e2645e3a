"""A list as committees keep it: found headings, checked cells, faults by row and column."""

from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eldercare.errors import InvalidInput
from eldercare.resident_import import columns, table
from eldercare.resident_import.check import BadCell, check
from eldercare.resident_import.table import Row, Unreadable

TODAY = date(2026, 5, 4)


def rows(*lines: list[table.Cell]) -> list[Row]:
    return [Row(number, list(cells)) for number, cells in enumerate(lines, start=1)]


def bad(*lines: list[table.Cell]) -> list[tuple[int, str]]:
    return [(cell.row, cell.letter) for cell in check(rows(*lines), TODAY).bad]


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("姓名", "name"),
        (" 老人 姓名* ", "name"),
        ("Name", "name"),
        ("ＮＡＭＥ", "name"),
        ("家庭住址（详细）", "address"),
        ("Date of Birth", "birth_date"),
        ("是否独居", "lives_alone"),
        ("lives_alone", "lives_alone"),
        ("序号", None),
        ("身份证号", None),
        ("", None),
    ],
)
def test_headings_mean_fields_in_both_languages(heading: str, field: str | None) -> None:
    assert columns.field_of(heading) == field


def test_no_heading_means_two_fields() -> None:
    words = [word.replace(" ", "") for several in columns.HEADINGS.values() for word in several]
    assert len(words) == len(set(words))


def test_headings_are_found_below_a_title() -> None:
    found = columns.find(rows(["名册"], ["", ""], ["序号", "姓名", "住址"], ["1", "王秀英", "梧桐路1号"]))
    assert (found.row, found.ignored) == (3, ("序号",))
    assert [(column.letter, column.field) for column in found.columns] == [("B", "name"), ("C", "address")]


def test_a_list_without_the_needed_columns_says_which() -> None:
    with pytest.raises(InvalidInput, match=r"\(address\)"):
        columns.find(rows(["姓名", "电话"], ["王秀英", ""]))


def test_two_columns_of_one_meaning_are_refused() -> None:
    with pytest.raises(InvalidInput, match="A 列“姓名”和 C 列“老人姓名”"):
        columns.find(rows(["姓名", "地址", "老人姓名"]))


def test_a_good_row_in_the_forms_people_write() -> None:
    checked = check(
        rows(
            ["编号", "姓名", "地址", "出生年月", "独居", "电话", "纬度", "经度", "手环"],
            ["7", "王秀英", "梧桐路1号", "1938年5月", "√", "13812345678", "31.2", "121.4", "ｂａｎｄ-１"],
            ["8", "李阿妹", "梧桐路2号", date(1940, 1, 2), "", "", "", "", ""],
        ),
        TODAY,
    )
    assert checked.bad == []
    assert checked.months_only == 1
    assert checked.entries[0].values == {
        "external_id": "7", "name": "王秀英", "address": "梧桐路1号", "birth_date": date(1938, 5, 1),
        "lives_alone": True, "phone": "+8613812345678", "home_lat": 31.2, "home_lon": 121.4, "device_id": "band-1",
    }  # fmt: skip
    assert checked.entries[1].values == {
        "external_id": "8", "name": "李阿妹", "address": "梧桐路2号", "birth_date": date(1940, 1, 2),
    }  # fmt: skip


def test_a_good_row_all_in_english() -> None:
    checked = check(
        rows(
            ["File number", "Full name", "Address", "Date of birth", "Gender", "Lives alone", "Phone", "Notes"],
            ["7", "Wang Xiuying", "1 Wutong Road", "1938-05-02", "female", "yes", "+8613812345678", date(2026, 3, 1)],
            ["8", "Li Amei", "2 Wutong Road", "", "", "no", "", ""],
        ),
        TODAY,
    )
    assert checked.bad == []
    assert checked.headings.ignored == ()
    assert [entry.values for entry in checked.entries] == [
        {
            "external_id": "7", "name": "Wang Xiuying", "address": "1 Wutong Road", "birth_date": date(1938, 5, 2),
            "gender": "female", "lives_alone": True, "phone": "+8613812345678", "notes": "2026-03-01",
        },
        {"external_id": "8", "name": "Li Amei", "address": "2 Wutong Road", "lives_alone": False},
    ]  # fmt: skip


def test_every_fault_is_reported_once_where_it_stands() -> None:
    heading: list[table.Cell] = ["姓名", "地址", "出生日期", "性别", "纬度", "经度", "家属姓名", "家属电话", "手环"]
    assert bad(
        heading,
        ["", "梧桐路1号", "1938-13-01", "?", "91", "121.4", "", "139", "a b"],
        ["王秀英", Unreadable("#REF!"), "", "", "31.2", "", "", "13912345678"],
        ["李阿妹"],
    ) == [
        (2, "A"), (2, "C"), (2, "D"), (2, "E"), (2, "H"), (2, "I"),
        (3, "B"), (3, "F"), (3, "G"),
        (4, "B"),
    ]  # fmt: skip


def test_doubles_name_the_earlier_row() -> None:
    checked = check(
        rows(
            ["编号", "姓名", "地址", "手环"],
            ["7", "王秀英", "梧桐路1号", "band-1"],
            ["7", "李阿妹", "梧桐路2号", "band-1"],
            ["", "周根娣", "梧桐路3号", ""],
            ["", "周根娣", "梧桐路3号", ""],
            ["9", "周根娣", "梧桐路3号", ""],
        ),
        TODAY,
    )
    assert [(cell.row, cell.letter, cell.reason.split(" / ")[1]) for cell in checked.bad] == [
        (3, "A", "is in row 2 already"),
        (3, "D", "is in row 2 already"),
        (5, "B", "is in row 4 already"),
    ]


def test_a_list_without_rows_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no rows"):
        check(rows(["姓名", "地址"]), TODAY)


@given(st.lists(st.lists(st.text(max_size=12) | st.dates(), max_size=6), max_size=6))
def test_whatever_stands_in_a_list_is_taken_or_reported(lines: list[list[table.Cell]]) -> None:
    heading: list[table.Cell] = ["姓名", "地址", "出生日期", "电话", "独居"]
    if not lines:
        return
    checked = check(rows(heading, *lines), TODAY)
    faulty = {cell.row for cell in checked.bad}
    for entry in checked.entries:
        assert entry.row in faulty or {"name", "address"} <= set(entry.values)
    assert all(isinstance(cell, BadCell) and cell.reason for cell in checked.bad)


def test_columns_have_the_letters_of_a_spreadsheet() -> None:
    assert [table.column_letter(index) for index in (0, 25, 26, 51, 52, 701, 702)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip


def saved(path: Path, cells: dict[str, object]) -> Path:
    book = openpyxl.Workbook()
    book.create_sheet("名册")
    for where, value in cells.items():
        book["名册"][where] = value
    book.save(path)
    return path


def test_formulas_are_never_computed_and_say_so(tmp_path: Path) -> None:
    found = table.read(saved(tmp_path / "list.xlsx", {"A1": "姓名", "B1": "地址", "A3": '=HYPERLINK("x")', "B3": "路"}))
    assert [row.number for row in found] == [1, 3]
    cell = found[1].cells[0]
    assert isinstance(cell, Unreadable)
    assert "paste it as a value" in cell.reason
    assert found[1].cells[1] == "路"


def test_numbers_and_truths_become_text(tmp_path: Path) -> None:
    cells = {"A1": 13812345678, "B1": 1.5, "C1": True, "D1": date(1938, 5, 2), "E1": " 王 ", "F1": 13812345678.0}
    found = table.read(saved(tmp_path / "list.xlsx", cells))
    assert found[0].cells == ["13812345678", "1.5", "1", date(1938, 5, 2), "王", "13812345678"]


@pytest.mark.parametrize("content", [b"PK\x03\x04 and no zip", b"", b"\n\n ,,\n", b"\xff\xfe\x00\xd8", b'a,"b\n'])
def test_broken_files_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "list"
    file.write_bytes(content)
    with pytest.raises(InvalidInput) as refused:
        table.read(file)
    assert refused.value.field == "file"


def test_a_file_that_unpacks_to_gigabytes_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_UNPACKED_BYTES", 1000)
    with pytest.raises(InvalidInput, match="too large when unpacked"):
        table.read(saved(tmp_path / "list.xlsx", {"A1": "姓名"}))


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "list.csv"
    file.write_text("姓名,地址\n" + "王,路\n" * 50)
    monkeypatch.setattr(table, "MOST_ROWS", 50)
    with pytest.raises(InvalidInput, match="more than 50 rows"):
        table.read(file)
    monkeypatch.setattr(table, "MOST_BYTES", 100)
    with pytest.raises(InvalidInput, match="larger"):
        table.read(file)
    with pytest.raises(InvalidInput, match="No such file"):
        table.read(tmp_path / "nothing")


def test_a_workbook_with_nothing_in_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        table.read(saved(tmp_path / "list.xlsx", {}))


def test_times_of_a_cell_become_days_and_errors_say_so(tmp_path: Path) -> None:
    cells = {"A1": datetime.fromisoformat("1938-05-02T08:30"), "B1": "#REF!"}
    found = table.read(saved(tmp_path / "list.xlsx", cells))
    assert found[0].cells[0] == date(1938, 5, 2)
    assert isinstance(found[0].cells[1], Unreadable)
    assert "#REF!" in found[0].cells[1].reason


def test_text_in_no_known_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b"\xff\xff\xff,\x80")
    with pytest.raises(InvalidInput, match="neither UTF-8 nor GB18030"):
        table.read(file)


def test_a_table_of_semicolons_or_tabs_is_a_csv_too(tmp_path: Path) -> None:
    for delimiter in ";\t,":
        file = tmp_path / "list.csv"
        file.write_text(f"\n姓名{delimiter}地址\n王{delimiter}路\n")
        assert [row.cells for row in table.read(file)] == [["姓名", "地址"], ["王", "路"]]
