"""The committee's list: 3,760 rows taken at once, or none of them."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest

from eldercare.platform.settings import Settings
from eldercare.tools import import_residents
from tests.conftest import MakeSettings
from tests.support.services.processes import wait_until

HEADINGS = ("编号", "姓名", "性别", "出生日期", "联系电话", "家庭住址", "所属网格", "独居", "失能", "低保", "特困",
            "慢性病", "手环编号", "家属姓名", "家属电话", "与老人关系", "身份证号")  # fmt: skip
ROWS = 3760
WITH_BAND = 50


@pytest.fixture
def settings(make_settings: MakeSettings, database_url: str) -> Settings:
    return make_settings(database_url=database_url)


def row(number: int, **cells: Any) -> list[Any]:
    """A row of the list as committees write them, one cell each way that occurs."""
    rng = random.Random(number)
    births: list[Any] = ["1938-05-02", "1938年5月2日", "1938/5/2", "1938.05.02", "19380502", 19380502]
    births += [datetime.fromisoformat("1938-05-02T00:00"), date(1938, 5, 2), ""]
    values = {
        "编号": f"WT{number:05}",
        "姓名": f"老人{number}",
        "性别": rng.choice(["女", "男", ""]),
        "出生日期": births[number % len(births)],
        "联系电话": rng.choice([f"138{number:08}", 13800000000 + number, f"021-6234{number:04}", "", None]),
        "家庭住址": f"梧桐路{number}号",
        "所属网格": f"第{number % 12 + 1}网格",
        "独居": rng.choice(["是", "√", "1", "yes", ""]),
        "失能": rng.choice(["否", "", "no", 0]),
        "低保": rng.choice(["是", "否"]),
        "特困": "",
        "慢性病": rng.choice(["高血压", "", None]),
        "手环编号": f"band-{number:04}" if number <= WITH_BAND else "",
        "家属姓名": f"家属{number}" if number % 3 == 0 else "",
        "家属电话": f"139{number:08}" if number % 3 == 0 else "",
        "与老人关系": "女儿" if number % 3 == 0 else "",
        "身份证号": "310101193805020000",
        **cells,
    }
    return [values[heading] for heading in HEADINGS]


def workbook(path: Path, rows: list[list[Any]], title: bool = True) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    if title:
        sheet.append(["梧桐里社区老年人名册"])
    sheet.append(HEADINGS)
    for cells in rows:
        sheet.append(cells)
    book.save(path)
    return path


def select(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.required("database_url")) as conn:
        return conn.execute(query).fetchall()  # type: ignore[arg-type]


def test_the_whole_list_is_taken_and_again_changes_nothing(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = workbook(tmp_path / "list.xlsx", [row(number) for number in range(1, ROWS + 1)])
    assert import_residents.run(settings, file) == 0
    said = capsys.readouterr().out
    assert f"{ROWS} new, 0 updated, 0 unchanged, {WITH_BAND} bands assigned, {ROWS // 3} relatives" in said
    assert "未用的列 · columns not used: 身份证号" in said
    assert select(settings, "select count(*), count(distinct grid_id) from resident") == [(ROWS, 12)]
    births = select(settings, "select birth_date, count(*) from resident group by 1 order by 1")
    assert births == [(date(1938, 5, 2), ROWS - ROWS // 9), (None, ROWS // 9)]
    assert select(settings, "select bool_and(phone ~ '^\\+86(13|21)') from resident") == [(True,)]
    assert import_residents.run(settings, file) == 0
    assert f"0 new, 0 updated, {ROWS} unchanged, 0 bands assigned, 0 relatives" in capsys.readouterr().out
    assert select(settings, "select count(*) from person") == [(ROWS // 3,)]


def test_a_list_takes_bands_in_the_order_of_ids_whatever_its_own(settings: Settings, tmp_path: Path) -> None:
    """As ingest does, which would wait for this list with a band in hand that the list waits for."""
    file = workbook(tmp_path / "list.xlsx", [row(n, 手环编号=f"band-{3 - n}") for n in (1, 2)])
    url = settings.required("database_url")
    with psycopg.connect(url) as ingest, ThreadPoolExecutor(1) as thread:
        for table, key in (("device", "id"), ("device_state", "device_id")):
            ingest.execute(f"insert into {table} ({key}) values ('band-2'), ('band-1')")  # type: ignore[arg-type]
        ingest.commit()
        ingest.execute("select from device_state where device_id = 'band-1' for no key update")
        importing = thread.submit(import_residents.run, settings, file)
        wait_until(lambda: bool(select(settings, "select 1 from pg_locks where not granted")), "the list to wait")
        ingest.execute("select from device_state where device_id = 'band-2' for no key update nowait")
        ingest.commit()
        assert importing.result() == 0
    assert select(settings, "select count(*) from assignment") == [(2,)]


def test_one_bad_cell_and_nothing_is_taken(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row(number) for number in range(1, 101)]
    rows[49] = row(50, 联系电话="12", 独居="也许")
    rows[79] = row(80, 姓名="", 出生日期="1938-02-30")
    assert import_residents.run(settings, workbook(tmp_path / "list.xlsx", rows)) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in lines[:4]] == [
        "第 52 行 row 52 E 列“联系电话”",
        "第 52 行 row 52 H 列“独居”",
        "第 82 行 row 82 B 列“姓名”",
        "第 82 行 row 82 D 列“出生日期”",
    ]
    assert "4 faults in 2 of 100 rows" in lines[4]
    assert select(settings, "select count(*) from resident") == [(0,)]
    assert select(settings, "select count(*) from grid") == [(0,)]


def test_what_the_database_refuses_is_reported_by_cell_and_rolled_back(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_residents.run(settings, workbook(tmp_path / "first.xlsx", [row(1), row(2)])) == 0
    stolen = row(3, 手环编号="band-0001")
    second_band = row(2, 手环编号="band-0009")
    unnumbered = row(1, 编号="", 手环编号="")
    assert import_residents.run(settings, workbook(tmp_path / "second.xlsx", [stolen, second_band, unnumbered])) == 1
    lines = capsys.readouterr().err.splitlines()
    assert "row 5 B 列“姓名”: 库里已有同名同址的老人，编号 WT00001" in lines[0]
    assert "row 3 M 列“手环编号”: 不能分配" in lines[1]
    assert "row 4 M 列“手环编号”: 现戴 band-0002" in lines[2]
    assert select(settings, "select count(*) from resident") == [(2,)]
    assert select(settings, "select id from device order by 1") == [("band-0001",), ("band-0002",)]


def test_numbers_update_and_empty_cells_change_nothing(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_residents.run(settings, workbook(tmp_path / "a.xlsx", [row(3, 慢性病="高血压", 独居="是")])) == 0
    changed = row(3, 慢性病="", 独居="否", 家庭住址="安平路9号", 家属电话="13900000009")
    assert import_residents.run(settings, workbook(tmp_path / "b.xlsx", [changed])) == 0
    assert "0 new, 1 updated" in capsys.readouterr().out
    assert select(settings, "select conditions, lives_alone, address from resident") == [("高血压", False, "安平路9号")]
    assert select(settings, "select phone from person") == [("+8613900000009",)]
    methods = select(settings, "select address, active from contact_method order by active, channel")
    assert methods == [("+8613900000003", False)] * 2 + [("+8613900000009", True)] * 2


def test_checking_writes_nothing(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert import_residents.run(settings, workbook(tmp_path / "a.xlsx", [row(1)]), check_only=True) == 0
    assert "1 new" in capsys.readouterr().out
    assert select(settings, "select count(*) from resident") == [(0,)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_in_the_encodings_of_spreadsheets(settings: Settings, tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes('姓名,地址,独居,备注\r\n龚㐂娣,"梧桐路1号,2室",√,"两\n行"\r\n'.encode(encoding))
    assert import_residents.run(settings, file) == 0
    taken = select(settings, "select name, address, lives_alone, notes from resident")
    assert taken == [("龚㐂娣", "梧桐路1号,2室", True, "两\n行")]


def imported(settings: Settings, path: Path, *lines: list[Any], heading: tuple[str, ...]) -> int:
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in (list(heading), *lines):
        book.active.append(line)
    book.save(path)
    return import_residents.run(settings, path)


SHORT = ("编号", "姓名", "住址", "网格", "手环", "出生日期")


def test_a_number_that_excel_has_shortened_overwrites_nobody(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, text in ((3.10101193805021e17, None), (0, "3.10101E+17"), (0, "310101193805021000")):
        line = [text or number, "王秀英", "梧桐路1号", "", "band-1", ""]
        assert imported(settings, tmp_path / "a.xlsx", line, heading=SHORT) == 1
        said = capsys.readouterr().err.splitlines()
        assert said[0].startswith("第 2 行 row 2 A 列“编号”: ")
        assert "Excel" in said[0]
        assert "工作表“Sheet”" in said[0]
    assert select(settings, "select count(*) from resident") == [(0,)]


def test_a_number_of_somebody_else_overwrites_nobody(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hers = ["WT1", "王秀英", "梧桐路1号", "第3网格", "band-1", "1938-05-02"]
    assert imported(settings, tmp_path / "a.xlsx", hers, heading=SHORT) == 0
    others = ["WT1", "李阿妹", "安平路9号", "第3网格", "band-2", "1940-01-02"]
    assert imported(settings, tmp_path / "b.xlsx", others, heading=SHORT) == 1
    assert "row 2 A 列“编号”: 编号 WT1 是 王秀英（1938-05-02） 的，不是李阿妹（1940-01-02）" in capsys.readouterr().err
    known = "select r.name, r.address, a.device_id from resident r join assignment a on a.resident_id = r.id"
    assert select(settings, known) == [("王秀英", "梧桐路1号", "band-1")]


def test_cells_keep_the_text_they_show(settings: Settings, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(SHORT)
    sheet.append([12345, "王秀英", "梧桐路1号", 3, 7, ""])
    for cell, code in (("A2", "00000000"), ("D2", '"第"0"网格"'), ("E2", '"band-"0000')):
        sheet[cell].number_format = code
    book.save(tmp_path / "a.xlsx")
    assert import_residents.run(settings, tmp_path / "a.xlsx") == 0
    assert select(settings, "select external_id from resident") == [("00012345",)]
    assert select(settings, "select name from grid") == [("第3网格",)]
    assert select(settings, "select device_id from assignment") == [("band-0007",)]


def test_the_advice_about_doubles_makes_none(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever number is written after it: hers, the row's in the database, or a new one."""
    line = ["", "王秀英", "梧桐路1号", "", "", ""]
    assert imported(settings, tmp_path / "a.xlsx", line, heading=SHORT) == 0
    assert imported(settings, tmp_path / "a.xlsx", line, heading=SHORT) == 0
    assert "0 new, 0 updated, 1 unchanged" in capsys.readouterr().out
    (internal,) = select(settings, "select id from resident")[0]
    assert imported(settings, tmp_path / "a.xlsx", [str(internal), *line[1:]], heading=SHORT) == 0
    assert imported(settings, tmp_path / "a.xlsx", line, heading=SHORT) == 1
    assert (
        f"请在“编号”列写这个编号 / a resident of this name and address is there already: to update, write {internal}"
        in (capsys.readouterr().err)
    )
    assert imported(settings, tmp_path / "a.xlsx", ["WT9", *line[1:]], heading=SHORT) == 1
    assert select(settings, "select external_id from resident") == [(str(internal),)]


def test_other_ways_of_writing_change_nothing(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heading = (*SHORT, "家属姓名", "家属电话")
    line = ["WT1", "王秀英", "梧桐路1号", "第3网格", "band-1", "", "王 建国", "13912345678"]
    again = ["ｗｔ１", "王　秀英", "梧桐路１号", "三号网格", "ｂａｎｄ－１", "", "王建国", "139 1234 5678"]
    assert imported(settings, tmp_path / "a.xlsx", line, heading=heading) == 0
    capsys.readouterr()
    assert imported(settings, tmp_path / "a.xlsx", again, heading=heading) == 0
    assert "0 new, 0 updated, 1 unchanged, 0 bands assigned, 0 relatives" in capsys.readouterr().out
    assert select(settings, "select name, external_id from resident") == [("王秀英", "WT1")]


def test_a_grid_is_one_however_it_is_written(settings: Settings, tmp_path: Path) -> None:
    ways = ["第3网格", "3网格", "三号网格", "网格3", " 第 ３ 网格", "第4网格"]
    lines = [[f"WT{n}", f"老人{n}", f"路{n}", way, "", ""] for n, way in enumerate(ways)]
    assert imported(settings, tmp_path / "a.xlsx", *lines, heading=SHORT) == 0
    assert select(settings, "select name from grid order by name") == [("第3网格",), ("第4网格",)]
    with psycopg.connect(settings.required("database_url")) as conn:
        conn.execute("insert into grid (name, community) values ('三号网格', '')")
    assert imported(settings, tmp_path / "b.xlsx", ["WT9", "老人9", "路9", "3网格", "", ""], heading=SHORT) == 1


def test_a_merged_grid_is_every_rows(settings: Settings, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(SHORT)
    for n in range(1, 5):
        sheet.append([f"WT{n}", f"老人{n}", f"路{n}", "第3网格" if n == 1 else "", "", ""])
    sheet.merge_cells("D2:D4")
    book.save(tmp_path / "a.xlsx")
    assert import_residents.run(settings, tmp_path / "a.xlsx") == 0
    names = "select r.external_id, g.name from resident r left join grid g on g.id = r.grid_id order by 1"
    assert select(settings, names) == [("WT1", "第3网格"), ("WT2", "第3网格"), ("WT3", "第3网格"), ("WT4", None)]


def test_cover_hidden_sheets_and_totals_are_told(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = openpyxl.Workbook()
    cover = book.active
    assert cover is not None
    cover.title = "封面"
    cover["B3"] = "梧桐里社区"
    for name in ("南区", "北区", "旧"):
        sheet = book.create_sheet(name)
        sheet.append(SHORT)
        sheet.append([f"{name}1", f"{name}老人", f"{name}1号", "", "", ""])
        sheet.append(["合计", "", "", "", "1人"])
    book["旧"].sheet_state = "hidden"
    book["南区"].column_dimensions["F"].hidden = True
    book.save(tmp_path / "a.xlsx")
    assert import_residents.run(settings, tmp_path / "a.xlsx") == 0
    said = capsys.readouterr().out
    assert "sheets without headings, not read: 封面" in said
    assert "hidden sheets, not read: 旧" in said
    assert "hidden columns were read too: 南区!F" in said
    assert "工作表“北区”第 3 行不是老人" in said
    assert "2 new" in said
    book["南区"].row_dimensions[2].hidden = True
    book.save(tmp_path / "a.xlsx")
    assert import_residents.run(settings, tmp_path / "a.xlsx", check_only=True) == 1
    assert "第 2 行 row 2 : 是隐藏的行" in capsys.readouterr().err


def test_what_a_band_cannot_be_is_told_at_its_cell(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(settings, tmp_path / "a.xlsx", ["WT1", "王秀英", "路1", "", "band-1", ""], heading=SHORT) == 0
    lines = [["WT2", "李阿妹", "路2", "", "eldercare-7", ""], ["WT3", "周根娣", "路3", "", "BAND-1", ""]]
    assert imported(settings, tmp_path / "a.xlsx", *lines, heading=SHORT) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("第 2 行 row 2 E 列“手环”: 不能分配")
    assert said[1].startswith("第 3 行 row 3 E 列“手环”: 库里是 band-1")
