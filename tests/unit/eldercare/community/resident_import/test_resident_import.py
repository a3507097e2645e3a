"""A list as committees keep it: found headings, checked cells, faults by row and column."""

from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eldercare.community.resident_import import columns, table
from eldercare.community.resident_import.check import BadCell, check
from eldercare.community.resident_import.recognise import recognise
from eldercare.community.resident_import.table import AsTyped, Number, Row, Unreadable
from eldercare.platform.errors import InvalidInput

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


def test_headings_may_be_two_rows_of_which_some_are_parted() -> None:
    first = Row(2, ["编号", "姓名", "地址", "家属", "", "", date(2026, 1, 1)], beside={4: 3, 5: 3})
    second = Row(3, ["编号", "姓名", "地址", "姓名", "电话", "与老人关系", "", "备注"], below={0: 2, 1: 2, 2: 2})
    line = Row(4, ["1", "王秀英", "梧桐路1号", "王芳", "13912345678", "女儿", "x", "y"])
    checked = check([Row(1, ["名册"]), first, second, line], TODAY)
    assert checked.bad == []
    assert (checked.headings.row, checked.headings.ignored) == (3, ())
    assert checked.entries[0].values == {
        "external_id": "1", "name": "王秀英", "address": "梧桐路1号", "family_name": "王芳",
        "family_phone": "+8613912345678", "family_relation": "女儿", "notes": "y",
    }  # fmt: skip


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
        (6, "B", "is in row 4 already"),
    ]


def faults(*lines: list[table.Cell], heading: list[table.Cell] | None = None) -> list[tuple[int, str, str]]:
    head: list[table.Cell] = heading or ["编号", "姓名", "地址", "网格", "电话", "手环", "出生日期"]
    return [(cell.row, cell.letter, cell.reason) for cell in check(rows(head, *lines), TODAY).bad]


@pytest.mark.parametrize(
    ("letter", "shown"),
    [
        ("A", "3.10101E+17"), ("A", "310101193805020000"), ("A", "10001.0"), ("A", "2026/3/12"), ("A", "12%"), ("A",
        "#####"),
        ("A", date(2026, 3, 12)), ("A", Number("310101193805021000", "3.1E17", "太长")), ("A", "WT1\nWT2"), ("A",
        "同上"),
        ("B", "同上"), ("B", "王秀英、李阿妹"), ("B", "王秀英/李阿妹"), ("B", "王秀英\n李阿妹"), ("B",
        "王秀英，李阿妹"), ("B", "龚?娣"),
        ("B", "龚\ufffd娣"), ("B", "合计"), ("B", "无"), ("B", "123"), ("B", "#N/A"), ("B", date(2026, 3, 12)), ("B",
        "无名？"),
        ("C", "同上"), ("C", "〃"), ("C", "3月12日"), ("C", date(2026, 3, 12)), ("C", "3.1E+10"),
        ("C", Number("201.5", "201.5", "小数")),
        ("D", "同上"), ("D", "3月1日"), ("D", "Mar-01"), ("D", Number("0.5", "0.5", "小数")),
        ("E", "1.38123E+10"), ("E", "13812345678/13912345678"), ("E", "120"), ("E", "同上"), ("E", Number("1", "1",
        "太长")),
        ("E", date(2026, 3, 12)), ("F", "1.0E+05"), ("F", "band-1,band-2"), ("F", "12-Mar"), ("F", "同上"),
        ("G", Number("1938.1", "1938.1", "小数")), ("G", "同上"),
    ],
)  # fmt: skip
def test_what_a_spreadsheet_or_a_hurry_has_spoilt_is_refused_where_it_stands(letter: str, shown: table.Cell) -> None:
    line: list[table.Cell] = ["WT1", "王秀英", "梧桐路1号", "第3网格", "13812345678", "band-1", "1938-05-02"]
    line[ord(letter) - 65] = shown
    found = faults(line)
    assert [(row, where) for row, where, _ in found] == [(2, letter)]
    assert found[0][2].strip()


@pytest.mark.parametrize("word", ["无", "没有", "-", "—", "/", "N/A", "null", "不详", "NaN", "暂无"])
def test_words_for_nothing_are_empty(word: str) -> None:
    line: list[table.Cell] = [word, "王秀英", "梧桐路1号", word, word, word, word]
    checked = check(rows(["编号", "姓名", "地址", "网格", "电话", "手环", "出生日期"], line), TODAY)
    assert checked.bad == []
    assert checked.entries[0].values == {"name": "王秀英", "address": "梧桐路1号"}


def test_what_was_typed_as_text_keeps_its_zeros() -> None:
    line: list[table.Cell] = [AsTyped("310101193805021000"), "王秀英", "梧桐路1号", "无", "无", AsTyped("0012"), ""]
    checked = check(rows(["编号", "姓名", "地址", "网格", "电话", "手环", "出生日期"], line), TODAY)
    assert checked.bad == []
    assert checked.entries[0].values["external_id"] == "310101193805021000"


def test_codes_are_read_in_one_width_and_without_what_is_invisible() -> None:
    line: list[table.Cell] = [
        "ＷＴ\u200b１\r\n",
        "王秀英",
        "梧桐路1号",
        "",
        "\u202a13812345678\u202c",
        "ｂａｎｄ－１\ufeff",
        "",
    ]
    checked = check(rows(["编号", "姓名", "地址", "网格", "电话", "手环", "出生日期"], line), TODAY)
    assert checked.bad == []
    values = checked.entries[0].values
    assert (values["external_id"], values["phone"], values["device_id"]) == ("WT1", "+8613812345678", "band-1")


def test_degrees_are_taken_as_exact_as_the_file_has_them() -> None:
    line: list[table.Cell] = [
        "王秀英",
        "梧桐路1号",
        Number("31.21", "31.2134567", "小数"),
        Number("121", "121.4", None),
    ]
    checked = check(rows(["姓名", "地址", "纬度", "经度"], line), TODAY)
    assert (checked.entries[0].values["home_lat"], checked.entries[0].values["home_lon"]) == (31.2134567, 121.4)


@pytest.mark.parametrize(
    ("one", "other", "twice"),
    [
        (["1", "王秀英", "梧桐路1号", "", ""], ["2", "王　秀英", "梧桐路１号", "", ""], True),
        (["1", "王秀英", "梧桐路1号", "", "1938-05-02"], ["2", "王秀英", "梧桐路1号", "", "1938-05-02"], True),
        (["1", "王秀英", "梧桐路1号", "", "1938-05-02"], ["", "王秀英", "梧桐路1号", "", ""], True),
        (["1", "王秀英", "梧桐路1号", "", "1938-05-02"], ["2", "王秀英", "梧桐路1号", "", "1941-05-02"], False),
        (["1", "王秀英", "梧桐路1号", "13812345678", ""], ["2", "王秀英", "安平路9号", "138-1234-5678", ""], True),
        (["1", "王秀英", "梧桐路1号", "13812345678", ""], ["2", "李阿妹", "梧桐路1号", "13812345678", ""], False),
        (["1", "Mary Ann", "1 Road", "", ""], ["2", "ＭＡＲＹ ＡＮＮ", "1 road", "", ""], True),
        (["1", "王秀英", "1-23", "", ""], ["2", "王秀英", "12-3", "", ""], False),
    ],
)
def test_the_same_person_twice(one: list[table.Cell], other: list[table.Cell], twice: bool) -> None:
    found = faults(one, other, heading=["编号", "姓名", "地址", "电话", "出生日期"])
    assert [(row, letter) for row, letter, _ in found] == ([(3, "B")] if twice else [])


def test_numbers_and_bands_are_doubles_in_any_width_and_case() -> None:
    found = faults(["wt1", "王秀英", "路1", "", "", "band-1", ""], ["ＷＴ１", "李阿妹", "路2", "", "", "BAND-1", ""])
    assert [(row, letter) for row, letter, _ in found] == [(3, "A"), (3, "F")]


def test_rows_that_are_nobody_are_told() -> None:
    checked = check(
        rows(
            ["编号", "姓名", "地址", "网格", "电话"],
            ["1", "王秀英", "梧桐路1号"],
            ["编号", "姓名", "地址", "网格", "电话"],
            ["", "小计", "", "1"],
            ["2", "李阿妹", "梧桐路2号"],
            ["合 计", "", "", "2人"],
            ["共2人"],
            ["Total: 2"],
            ["填表人：张三", "", "", "日期：2026-01-01"],
        ),
        TODAY,
    )
    assert checked.bad == []
    assert [entry.row for entry in checked.entries] == [2, 5]
    assert [row for _, row, _ in checked.skipped] == [3, 4, 6, 7, 8, 9]


def test_nobody_is_taken_for_a_total() -> None:
    assert [(row, letter) for row, letter, _ in faults(
        ["1", "合计", "50"], ["2", "", "梧桐路2号"], ["3", "李阿妹", ""], ["第一网格"], ["备注：王秀英", "李", "路",
         "1", "x"],
        [Unreadable("#REF!")],
    )] == [(2, "B"), (3, "B"), (4, "C"), (5, "B"), (5, "C"), (6, "E"), (7, "A"), (7, "B"), (7, "C")]  # fmt: skip


def test_what_is_merged_is_shared_by_rows_but_nothing_personal_is() -> None:
    heading = Row(1, ["编号", "姓名", "地址", "网格", "电话"])
    first = Row(2, ["1", "王秀英", "梧桐路1号", "第3网格", "13812345678"])
    second = Row(3, ["2", "李阿妹", "梧桐路1号", "第3网格", "13812345678"], below={2: 2, 3: 2, 4: 2}, beside={7: 6})
    checked = check([heading, first, second], TODAY)
    assert [(cell.row, cell.letter) for cell in checked.bad] == [(3, "E")]
    assert checked.entries[1].values["grid"] == "第3网格"
    sideways = Row(3, ["2", "李阿妹", "", "第3网格", ""], beside={2: 1, 9: 8})
    assert [(cell.row, cell.letter) for cell in check([heading, first, sideways], TODAY).bad] == [(3, "C")]


def test_a_hidden_row_is_neither_lost_nor_taken_unseen() -> None:
    hidden = Row(2, ["王秀英", "梧桐路1号"], hidden=True)
    found = check([Row(1, ["姓名", "地址"]), hidden], TODAY).bad
    assert [(cell.row, cell.letter) for cell in found] == [(2, "")]


def test_every_sheet_with_headings_is_a_list_and_a_cover_is_none() -> None:
    cover = [Row(1, ["梧桐里社区"], "封面"), Row(3, ["2026年"], "封面")]
    south = [Row(1, ["姓名", "地址", "编号"], "南区"), Row(2, ["王秀英", "梧桐路1号", "1"], "南区")]
    north = [
        Row(1, ["编号", "姓名", "地址"], "北区"),
        Row(2, ["1", "李阿妹", "安平路1号"], "北区"),
        Row(3, ["", "周"], "北区"),
    ]
    checked = check([*cover, *south, *north], TODAY)
    assert checked.unread == ("封面",)
    assert [headings.sheet for headings in checked.lists] == ["南区", "北区"]
    assert [(cell.sheet, cell.row, cell.letter) for cell in checked.bad] == [("北区", 2, "A"), ("北区", 3, "C")]
    assert "工作表“南区”第 2 行" in checked.bad[0].reason
    with pytest.raises(InvalidInput, match=r"\(address\)"):
        check(cover, TODAY)
    double = [Row(1, ["姓名", "地址", "住址"], "南区")]
    with pytest.raises(InvalidInput, match="工作表“南区”"):
        check(double, TODAY)


def resident(number: int, **values: object) -> dict[str, object]:
    return {"id": number, "external_id": None, "name": "王秀英", "address": "梧桐路1号", "birth_date": None,
            "phone": None,
            "left_at": None, **values}  # fmt: skip


def recognised(line: list[table.Cell], *residents: dict[str, object]) -> int | str | None:
    """The id that a row means, the column in which it is refused, or None for somebody new."""
    heading: list[table.Cell] = ["编号", "姓名", "地址", "出生日期", "手环"]
    checked = check(rows(heading, line), TODAY)
    assert checked.bad == []
    found = recognise(checked.entries, residents)
    if found.bad:
        return found.bad[0].letter
    known = found.known.get(checked.entries[0].place)
    return None if known is None else known["id"]


HERS = resident(7, external_id="WT1", birth_date=date(1938, 5, 2))


@pytest.mark.parametrize(
    ("line", "there", "found"),
    [
        (["WT1", "王秀英", "梧桐路1号", "1938-05-02"], HERS, 7),
        (["ｗｔ１", "王　秀英", "安平路9号"], HERS, 7),
        (["WT1", "王秀英", "梧桐路1号", "1939-05-02"], HERS, 7),
        (["WT1", "王秀瑛", "梧桐路1号", "1938-05-02"], HERS, 7),
        (["WT1", "王秀瑛", "梧桐路1号", "1938年5月"], HERS, 7),
        (["WT1", "王秀瑛", "梧桐路1号", "1938年6月"], HERS, "A"),
        (["WT1", "李阿妹", "安平路9号", "1940-01-02"], HERS, "A"),
        (["WT1", "李阿妹", "梧桐路1号"], HERS, "A"),
        (["WT1", "李阿妹", "梧桐路1号", "1938-05-02"], resident(7, external_id="WT1"), "A"),
        (["7", "王秀英", "梧桐路1号"], HERS, "A"),
        (["", "王秀英", "梧桐路1号"], HERS, "B"),
        (["", "王秀英", "梧桐路1号", "1945-05-02"], HERS, None),
        (["WT2", "王秀英", "梧桐路1号", "1945-05-02"], HERS, None),
        (["WT2", "王秀英", "梧桐路2号", "1938-05-02"], HERS, None),
        (["WT2", "王秀英", "梧桐路1号"], resident(7), 7),
        (["7", "王秀英", "梧桐路１号"], resident(7), 7),
        (["", "王 秀英", "梧桐路１号"], resident(7), 7),
        (["", "王秀英", "梧桐路1号"], resident(7, left_at=TODAY), None),
        (["WT1", "王秀英", "梧桐路1号"], resident(7, external_id="WT1", left_at=TODAY), 7),
        (["WT1", "王秀英", "梧桐路1号", "", "band-1"], resident(7, external_id="WT1", left_at=TODAY), "A"),
    ],
)
def test_who_of_the_list_is_there_already(line: list[table.Cell], there: dict[str, object], found: object) -> None:
    assert recognised(line, there) == found


def test_several_who_are_alike_are_named() -> None:
    assert recognised(["", "王秀英", "梧桐路1号"], resident(7), resident(8)) == "B"
    assert recognised(["WT3", "王秀英", "梧桐路1号"], resident(7), resident(8, external_id="WT2")) == "A"


def test_two_rows_for_one_resident_are_refused() -> None:
    heading: list[table.Cell] = ["编号", "姓名", "地址", "电话"]
    entries = check(rows(heading, ["", "王秀英", "路1"], ["", "王秀英", "路2", "13812345678"]), TODAY).entries
    found = recognise(entries, [resident(7, address="路1", phone="+8613812345678")])
    assert [(cell.row, cell.letter) for cell in found.bad] == [(3, "B")]


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
