"""What numbers show under the formats that lists use."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eldercare.community.resident_import.number_format import plain, shown


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ("12", "General", "12"),
        ("12", "G/通用格式", "12"),
        ("12", "@", "12"),
        ("12", "00000", "00012"),
        ("0", "000", "000"),
        ("0", "#", ""),
        ("7", "??0", "7"),
        ("1234567", "000", "1234567"),
        ("13812345678", "000-0000-0000", "138-1234-5678"),
        ("12", r"\W\T00000", "WT00012"),
        ("12", '"WT"00000', "WT00012"),
        ("12", '[Red]"WT"000_);[蓝色]-000', "WT012"),
        ("-12", "000;(000)", "(012)"),
        ("-12", "000", "-012"),
        ("0", '000;-000;"无"', "无"),
        ("12", '000;-000;"无";@', "012"),
        ("12", '"a;b"0', "a;b12"),
        ("12", "[$-804]000", "012"),
        ("12", "[$¥-804]0", "¥12"),
        ("1.5", "0.00", "1.50"),
        ("1.005", "0", "1"),
        ("12", "0*-", "12"),
        ("12", '"无"', "无"),
        ("3", 'General"号"', "3号"),
        ("3", '"第"0"网格"', "第3网格"),
    ],
)
def test_shown(value: str, code: str, text: str) -> None:
    assert shown(Decimal(value), code) == text


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("12", "#,##0"),
        ("12", "0%"),
        ("12", "0.00E+00"),
        ("12", "# ?/?"),
        ("12", "[DBNum1]General"),
        ("12", "[<100]0;00"),
        ("12", "General0"),
        ("12", "General General"),
        ("12", "0.0.0"),
        ("12", ".00"),
        ("12", "."),
        ("12", "0." + "0" * 40),
        ("1" + "0" * 15, "0"),
    ],
)
def test_what_is_not_known_is_not_guessed(value: str, code: str) -> None:
    assert shown(Decimal(value), code) is None


def test_plain_numbers_have_no_point_where_they_are_whole() -> None:
    assert [plain(Decimal(value)) for value in ("12", "12.0", "1.2E3", "0.1", "37.50")] == [
        "12",
        "12",
        "1200",
        "0.1",
        "37.5",
    ]


@given(st.integers(0, 10**15 - 1), st.integers(1, 20))
def test_zeros_in_front_are_kept(value: int, places: int) -> None:
    assert shown(Decimal(value), "0" * places) == str(value).zfill(places)


@given(st.text(max_size=20), st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_no_format_breaks_it(code: str, value: Decimal) -> None:
    assert isinstance(shown(value, code), str | None)
