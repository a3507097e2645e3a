"""Workbooks of other programs, of people who merge and hide, and of whoever means harm."""

import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from eldercare.community.resident_import import table, workbook
from eldercare.community.resident_import.cells import AsTyped, Number, Row, Unreadable
from eldercare.platform.errors import InvalidInput
from tests.support import sheets

HEAD = sheets.line(1, "编号", "姓名", "地址", "网格")
WANG = sheets.line(2, "WT1", "王秀英", "梧桐路1号", "第3网格")


def cells(path: Path) -> list[list[Any]]:
    return [row.cells for row in table.read(path)]


def one(path: Path) -> Any:
    return table.read(path)[0].cells[0]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("prefix", ["", "x"])
@pytest.mark.parametrize("absolute", [False, True])
def test_the_forms_in_which_programs_write(tmp_path: Path, strict: bool, prefix: str, absolute: bool) -> None:
    path = sheets.xlsx(tmp_path / "a.xlsx", HEAD + WANG, strict=strict, prefix=prefix, absolute=absolute)
    assert cells(path) == [["编号", "姓名", "地址", "网格"], ["WT1", "王秀英", "梧桐路1号", "第3网格"]]


def test_cells_and_rows_without_their_place(tmp_path: Path) -> None:
    rows = "<row><c><v>1</v></c><c/><c t='b'><v>1</v></c></row><row/><row><c t='str'><v>王</v></c></row>"
    found = table.read(sheets.xlsx(tmp_path / "a.xlsx", rows))
    assert [(row.number, row.cells) for row in found] == [(1, ["1", "", "1"]), (3, ["王"])]


def test_shared_texts_with_runs_and_readings(tmp_path: Path) -> None:
    shared = (
        "<si><t>王</t></si><si><r><t>李</t></r><r><rPr/><t>阿妹</t></r><rPh><t>リ</t></rPh></si>"
        "<si><t>WT1_x000D_</t></si><si><t>_x005F_x000D_</t></si><si><t>_xD883__xDEE9_ 𰻞</t></si>"
    )
    rows = sheets.row(1, *(f'<c r="{letter}1" t="s"><v>{index}</v></c>' for index, letter in enumerate("ABCDEF")))
    found = cells(sheets.xlsx(tmp_path / "a.xlsx", rows, shared=shared))[0]
    assert found[:5] == ["王", "李阿妹", "WT1", "_x000D_", "\U00030ee9 𰻞"]
    assert isinstance(found[5], Unreadable)


@pytest.mark.parametrize(
    ("value", "code", "shown", "good"),
    [
        ("12345", "General", "12345", True),
        ("12345", "00000000", "00012345", True),
        ("12345", "@", "12345", True),
        ("12345", "0", "12345", True),
        ("12345", "&quot;WT&quot;00000000", "WT00012345", True),
        ("3", "&quot;第&quot;0&quot;网格&quot;", "第3网格", True),
        ("3", "General&quot;号&quot;", "3号", True),
        ("13812345678", "000-0000-0000", "138-1234-5678", True),
        ("13812345678", "General", "13812345678", True),
        ("13812345678.0", "General", "13812345678", True),
        ("1.3812345678E+10", "General", "13812345678", True),
        ("310101193805021", "General", "310101193805021", True),
        ("12345.000000000002", "General", "12345", True),
        ("310101193805021234", "0", "310101193805021234", False),
        ("3.10101193805021E+17", "General", "310101193805021000", False),
        ("3.10101193805021E+17", "000000000000000000", "310101193805021000", False),
        ("1000000000000000", "0", "1000000000000000", False),
        ("12345", "0.00", "12345.00", False),
        ("12345", "#,##0", "12345", False),
        ("0.12", "0%", "0.12", False),
        ("12345", "0.00E+00", "12345", False),
        ("12345", "[DBNum1]General", "12345", False),
        ("12345.5", "General", "12345.5", False),
        ("-12345", "General", "-12345", False),
    ],
)
def test_numbers_are_what_they_show(tmp_path: Path, value: str, code: str, shown: str, good: bool) -> None:
    found = one(sheets.xlsx(tmp_path / "a.xlsx", sheets.row(1, sheets.number("A1", value, 1)), formats=(code,)))
    assert isinstance(found, Number)
    assert (found, found.spoilt is None, found.exact) == (shown, good, value)


@pytest.mark.parametrize("code", ["14", "31", "57", "yyyy/m/d", "[$-804]yyyy&quot;年&quot;m&quot;月&quot;", "m/d"])
def test_days(tmp_path: Path, code: str) -> None:
    rows = sheets.row(1, sheets.number("A1", "14002", 1))
    assert one(sheets.xlsx(tmp_path / "a.xlsx", rows, formats=(code,))) == date(1938, 5, 2)
    since_1904 = sheets.xlsx(tmp_path / "b.xlsx", rows, formats=(code,), book='<workbookPr date1904="1"/>')
    assert one(since_1904) == date(1942, 5, 3)


@pytest.mark.parametrize("value", ["1e999", "NaN", "Infinity", "-1e400", "abc", "1E+300000000"])
@pytest.mark.parametrize("code", ["General", "yyyy/m/d", "00000"])
def test_numbers_that_are_none(tmp_path: Path, value: str, code: str) -> None:
    found = one(sheets.xlsx(tmp_path / "a.xlsx", sheets.row(1, sheets.number("A1", value, 1)), formats=(code,)))
    assert isinstance(found, Unreadable)


@pytest.mark.parametrize("value", ["0.5", "-5", "9999999999", "1e30"])
def test_days_that_are_none(tmp_path: Path, value: str) -> None:
    found = one(sheets.xlsx(tmp_path / "a.xlsx", sheets.row(1, sheets.number("A1", value, 1)), formats=("14",)))
    assert isinstance(found, Unreadable)


def test_days_and_errors_as_words_of_the_file(tmp_path: Path) -> None:
    rows = sheets.row(
        1,
        '<c r="A1" t="d"><v>1938-05-02T00:00:00</v></c><c r="B1" t="d"><v>gestern</v></c>',
        '<c r="C1" t="e"><v>#N/A</v></c><c r="D1"><f>A1&amp;B1</f></c><c r="E1" t="str"><f>A1</f><v>王</v></c>',
        '<c r="F1" t="str"><f>A1</f><v></v></c><c r="G1" s="99"><v>7</v></c>',
    )
    found = cells(sheets.xlsx(tmp_path / "a.xlsx", rows))[0]
    assert found[0] == date(1938, 5, 2)
    assert [isinstance(cell, Unreadable) for cell in found[1:4]] == [True, True, True]
    assert found[4:] == ["王", "", "7"]


def test_an_apostrophe_marks_what_was_typed(tmp_path: Path) -> None:
    cell = '<c r="A1" s="1" t="inlineStr"><is><t>310101193805021000</t></is></c>'
    found = one(sheets.xlsx(tmp_path / "a.xlsx", sheets.row(1, cell), formats=("@",), quoted=(1,)))
    assert found == "310101193805021000"
    assert isinstance(found, AsTyped)


def test_what_is_merged_downwards_stands_in_every_row(tmp_path: Path) -> None:
    rows = HEAD + WANG + sheets.line(3, "WT2", "李阿妹", "梧桐路2号") + sheets.line(5, "WT3", "周根娣", "梧桐路3号")
    rows += sheets.line(6, "WT4", "陈宝珍", "梧桐路4号")
    found = table.read(
        sheets.xlsx(tmp_path / "a.xlsx", rows, after='<mergeCells><mergeCell ref="D2:D5"/></mergeCells>')
    )
    assert [row.cells[3:] for row in found] == [["网格"], ["第3网格"], ["第3网格"], ["第3网格"], []]
    assert [dict(row.below) for row in found] == [{}, {}, {3: 2}, {3: 2}, {}]


def test_what_is_merged_sideways_is_known(tmp_path: Path) -> None:
    after = '<mergeCells><mergeCell ref="$B$2:$C$2"/><mergeCell ref="A9:B9"/></mergeCells>'
    found = table.read(sheets.xlsx(tmp_path / "a.xlsx", HEAD + WANG, after=after))
    assert dict(found[1].beside) == {2: 1}
    assert found[0] == Row(1, ["编号", "姓名", "地址", "网格"], "表1")


def test_hidden_rows_columns_and_sheets_are_known(tmp_path: Path) -> None:
    rows = HEAD + sheets.line(2, "WT1", "王秀英", "梧桐路1号", attributes='hidden="1"')
    path = sheets.xlsx(
        tmp_path / "a.xlsx", rows, HEAD, HEAD, names=("名册", "旧", "更旧"), states=("visible", "hidden", "veryHidden")
    )
    book = table.read_book(path)
    assert [(row.sheet, row.number, row.hidden) for row in book.rows] == [("名册", 1, False), ("名册", 2, True)]
    assert book.hidden_sheets == ("旧", "更旧")
    wide = sheets.xlsx(tmp_path / "b.xlsx", HEAD, dimension='<cols><col min="2" max="3" hidden="1"/></cols>')
    assert table.read_book(wide).hidden_columns == ("表1!B", "表1!C")
    with pytest.raises(InvalidInput, match="旧"):
        table.read(sheets.xlsx(tmp_path / "c.xlsx", HEAD, names=("旧",), states=("hidden",)))


def test_rows_that_no_spreadsheet_has_are_refused_at_once(tmp_path: Path) -> None:
    for number in (2_000_000_000, 1_048_577, 0, -1):
        path = sheets.xlsx(tmp_path / "a.xlsx", HEAD + sheets.row(number, sheets.text("A2", "王")))
        with pytest.raises(InvalidInput, match=rf"表1.*{number}"):
            table.read(path)
    far = sheets.xlsx(tmp_path / "b.xlsx", HEAD + sheets.line(1_048_576, "WT1"), dimension='<dimension ref="A1:XFD9"/>')
    assert [row.number for row in table.read(far)] == [1, 1_048_576]
    lying = sheets.xlsx(tmp_path / "c.xlsx", HEAD + WANG, dimension='<dimension ref="A1:A1"/>')
    assert len(cells(lying)) == 2
    empty = sheets.xlsx(tmp_path / "d.xlsx", HEAD + '<row r="2000000000"/>')
    assert len(cells(empty)) == 1


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (WANG + sheets.line(2, "WT2"), "第 2 行顺序不对"),
        (WANG + HEAD, "第 1 行顺序不对"),
        (sheets.row(1, sheets.text("GS1", "x")), "GS1"),
        (sheets.row(1, sheets.text("XFE1", "x")), "第 1 行之后读不出来"),
        (sheets.row(1, sheets.text("1", "x")), "第 1 行之后读不出来"),
        ('<row r="x"/>', "表1"),
        (WANG + "<row><c>", "第 3 行之后读不出来"),
        (sheets.row(3, '<c r="A3" s="x"><v>1</v></c>'), "第 3 行之后读不出来"),
    ],
)
def test_what_is_damaged_is_named_with_its_sheet_and_row(tmp_path: Path, rows: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        table.read(sheets.xlsx(tmp_path / "a.xlsx", rows))
    assert "\n" not in str(refused.value)


def test_a_damaged_part_or_a_missing_one(tmp_path: Path) -> None:
    good = sheets.xlsx(tmp_path / "a.xlsx", HEAD + WANG * 1)
    data = bytearray(good.read_bytes())
    at = data.index(b"xl/worksheets/sheet1.xml") + 40
    data[at : at + 20] = bytes(20)
    (tmp_path / "b.xlsx").write_bytes(data)
    (tmp_path / "c.xlsx").write_bytes(good.read_bytes()[:-30])
    with zipfile.ZipFile(good) as packed, zipfile.ZipFile(tmp_path / "d.xlsx", "w") as other:
        for name in packed.namelist():
            if "sheet1" not in name:
                other.writestr(name, packed.read(name))
    with zipfile.ZipFile(tmp_path / "e.xlsx", "w") as other:
        other.writestr("hello.txt", "hello")
    for name in "bcde":
        with pytest.raises(InvalidInput) as refused:
            table.read(tmp_path / f"{name}.xlsx")
        assert refused.value.field == "file"
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "old xls"),
        (b"\xef\xbb\xbf<html><table><tr><td>1</td></tr></table></html>", "web page"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "XML"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "neither"),
        ("编号,姓名\n".encode() * 20 + b"WT1,\xe7\x8e\n", "第 21 行有坏掉的字"),
    ],
)
def test_other_files_are_called_what_they_are(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "list.xlsx").write_bytes(content)
    with pytest.raises(InvalidInput, match=words):
        table.read(tmp_path / "list.xlsx")


@pytest.mark.parametrize(
    ("part", "kind"), [("xl/workbook.bin", "xlsb"), ("content.xml", "ods"), ("word/document.xml", "docx")]
)
def test_other_packages_are_called_what_they_are(tmp_path: Path, part: str, kind: str) -> None:
    with zipfile.ZipFile(tmp_path / "list.xlsx", "w") as packed:
        packed.writestr(part, "x")
    with pytest.raises(InvalidInput, match=kind):
        table.read(tmp_path / "list.xlsx")


def test_a_csv_may_be_named_like_a_workbook(tmp_path: Path) -> None:
    (tmp_path / "list.xlsx").write_bytes("姓名,地址\r\n王秀英,梧桐路1号\r\n".encode("gb18030"))
    assert cells(tmp_path / "list.xlsx") == [["姓名", "地址"], ["王秀英", "梧桐路1号"]]


def test_a_csv_keeps_what_was_marked_as_text(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text('sep=;\n"=""00012345""";\'310101193805021000;\t00012\t;\'\n')
    found = cells(tmp_path / "list.csv")
    assert found == [["00012345", "310101193805021000", "00012", "'"]]
    assert [isinstance(cell, AsTyped) for cell in found[0]] == [True, True, False, False]


def test_a_csv_with_too_many_columns(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("姓名,地址\n" + "王," * 300 + "路\n")
    with pytest.raises(InvalidInput, match="row 2 has too many columns"):
        table.read(tmp_path / "list.csv")


def test_a_folder_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is no file"):
        table.read(tmp_path)


def test_a_document_type_is_refused(tmp_path: Path) -> None:
    path = sheets.xlsx(tmp_path / "a.xlsx", HEAD, shared="<si><t>x</t></si>")
    bomb = '<!DOCTYPE sst [<!ENTITY a "aaaaaaaaaa">]><sst><si><t>&a;</t></si></sst>'
    with zipfile.ZipFile(path) as packed, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as other:
        for name in packed.namelist():
            other.writestr(name, bomb if name == "xl/shared.xml" else packed.read(name))
    with pytest.raises(InvalidInput, match="document type"):
        table.read(tmp_path / "b.xlsx")


def test_what_is_read_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ELEMENTS", 100)
    with pytest.raises(InvalidInput, match="too many cells"):
        table.read(sheets.xlsx(tmp_path / "a.xlsx", HEAD + "<c/>" * 100))
    monkeypatch.undo()
    monkeypatch.setattr(workbook, "MOST_FILLED", 3)
    with pytest.raises(InvalidInput, match=r"表1.*too many cells"):
        table.read(sheets.xlsx(tmp_path / "a.xlsx", HEAD))
    monkeypatch.undo()
    monkeypatch.setattr(workbook, "MOST_CHARACTERS", 10)
    with pytest.raises(InvalidInput, match="too much text"):
        table.read(sheets.xlsx(tmp_path / "b.xlsx", HEAD, shared="<si><t>12345678901</t></si>"))
    monkeypatch.undo()
    monkeypatch.setattr(workbook, "MOST_MERGED", 3)
    with pytest.raises(InvalidInput, match="merged"):
        table.read(sheets.xlsx(tmp_path / "c.xlsx", HEAD, after='<mergeCell ref="A1:D1"/>'))
    monkeypatch.undo()
    monkeypatch.setattr(table, "MOST_ROWS", 1)
    with pytest.raises(InvalidInput, match="more than 1 rows"):
        table.read(sheets.xlsx(tmp_path / "d.xlsx", HEAD + WANG))


def test_a_password_within_the_package(tmp_path: Path) -> None:
    data = bytearray(sheets.xlsx(tmp_path / "a.xlsx", HEAD).read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    (tmp_path / "b.xlsx").write_bytes(data)
    with pytest.raises(InvalidInput, match="password"):
        table.read(tmp_path / "b.xlsx")


def test_charts_are_no_lists_and_macros_do_not_matter(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["姓名", "地址"])
    book.create_chartsheet("图")
    book.save(tmp_path / "a.xlsm")
    assert cells(tmp_path / "a.xlsm") == [["姓名", "地址"]]
