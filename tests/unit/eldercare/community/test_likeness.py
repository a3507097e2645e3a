"""Two ways of writing are one where people mean the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eldercare.community import likeness


@pytest.mark.parametrize(
    "written",
    ["王秀英", "王 秀英", "王　秀　英", " 王秀英 ", "王\xa0秀英", "王\u200b秀英", "王秀英\ufeff", "王\n秀英"],
)
def test_blanks_in_a_name_do_not_matter(written: str) -> None:
    assert likeness.key(written) == likeness.key("王秀英")


@pytest.mark.parametrize("dot", "·•・‧∙⋅･．.")
def test_every_middle_dot_is_one(dot: str) -> None:
    assert likeness.key(f"阿依古丽{dot}买买提") == likeness.key("阿依古丽买买提")


def test_width_and_case_do_not_matter_and_names_do() -> None:
    assert likeness.key("ＭＡＲＹ Ann") == likeness.key("mary-ann")
    assert likeness.key("王秀英") != likeness.key("王秀荣")
    assert likeness.key("𰻞") != likeness.key("\ue863")


@pytest.mark.parametrize(
    "written", ["梧桐路1弄2-301室", "梧桐路１弄２－３０１室", "梧桐路 1弄 2—301室", "梧桐路1弄，2-301（室）"]
)
def test_addresses(written: str) -> None:
    assert likeness.address(written) == likeness.address("梧桐路1弄2-301室")


def test_a_dash_parts_house_and_room() -> None:
    assert likeness.address("1-23") != likeness.address("12-3")
    assert likeness.number("WT-1") != likeness.number("WT1")
    assert likeness.number("ｗｔ－１ ") == likeness.number("WT-1")


@pytest.mark.parametrize(
    "written",
    ["第3网格", "3网格", "三号网格", "3号网格", "网格3", "第三网格", "第03网格", "3", "三", "3号", "第三",
     "３号网格", " 第 3 网格",
     "Grid 3", "grid no. 3", "网格三", "③网格", "3#网格", "No.3网格", "叁网格"],
)  # fmt: skip
def test_a_grid_written_in_many_ways(written: str) -> None:
    assert likeness.grid(written) == likeness.grid("第3网格")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("第十二网格", "12网格"),
        ("二十网格", "20号网格"),
        ("第一百零三网格", "103网格"),
        ("梧桐里第3网格", "梧桐里三号网格"),
        ("第1-3网格", "1—3网格"),
        ("第三网格（南）", "第3网格(南)"),
    ],
)
def test_more_grids_that_are_one(one: str, other: str) -> None:
    assert likeness.grid(one) == likeness.grid(other)


def test_grids_that_are_several() -> None:
    written = ["第3网格", "第13网格", "第30网格", "三里屯网格", "五一网格", "第51网格", "梧桐里第3网格", "第1-3网格",
               "十百网格", "第3网格员",
               "东3网格", "第零十网格"]  # fmt: skip
    assert len({likeness.grid(each) for each in written}) == len(written)


@given(st.text(max_size=30))
def test_a_key_is_its_own_key(written: str) -> None:
    for key in (likeness.key, likeness.address, likeness.number):
        assert key(key(key(written))) == key(key(written))


@given(st.integers(0, 99))
def test_chinese_numerals(value: int) -> None:
    tens, ones = divmod(value, 10)
    digits = "零一二三四五六七八九"
    numeral = digits[value] if value < 10 else f"{digits[tens] if tens > 1 else ''}十{digits[ones] if ones else ''}"
    assert likeness.grid(f"第{numeral}网格") == likeness.grid(f"{value}网格")
