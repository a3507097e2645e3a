"""What a spreadsheet has spoilt is known as such."""

import pytest

from eldercare.platform.validation import spreadsheets


@pytest.mark.parametrize(
    "shown",
    ["3.10101E+17", "3.10101e17", "3E+17", "３．１０１０１Ｅ＋１７", "1.5E-05", "310101193805020000",
     "1234567890123450", "10001.0",
     "12%", "0.5 %", "3月12日", "2026/3/12", "2026-03-12", "2026-03-12 00:00:00", "2026年3月", "12-Mar", "Mar-12",
     " 3-Jan-26 "],
)  # fmt: skip
def test_a_code_that_was_spoilt(shown: str) -> None:
    assert spreadsheets.spoilt(shown)


@pytest.mark.parametrize(
    "shown",
    ["WT00012", "00012345", "310101193805020012", "31010119380502001X", "123456789012345", "123450000000000", "3E12",
     "1.2.3",
     "3-12", "2023-05-001", "", "第3网格", "band-12"],
)  # fmt: skip
def test_a_code_as_it_was_typed(shown: str) -> None:
    assert spreadsheets.spoilt(shown) is None


@pytest.mark.parametrize("shown", ["#N/A", "#REF!", "#DIV/0!", "########", "#name?"])
def test_an_error_is_no_value(shown: str) -> None:
    assert spreadsheets.error(shown)


@pytest.mark.parametrize("shown", ["#3", "3#楼", "", "N/A"])
def test_a_value_is_no_error(shown: str) -> None:
    assert spreadsheets.error(shown) is None
