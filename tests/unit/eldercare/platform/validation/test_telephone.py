"""Telephone numbers as people write them are brought into E.164, or refused where they would ring nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eldercare.platform.errors import InvalidInput
from eldercare.platform.validation import telephone


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("13812345678", "+8613812345678"),
        (" 138-1234-5678 ", "+8613812345678"),
        ("138.1234.5678", "+8613812345678"),
        ("138·1234·5678", "+8613812345678"),
        ("138–1234—5678", "+8613812345678"),
        ("１３８１２３４５６７８", "+8613812345678"),
        ("＋８６（０２１）６２３４５６７８", "+862162345678"),
        ("8613812345678", "+8613812345678"),
        ("+86 138 1234 5678", "+8613812345678"),
        ("0086 13812345678", "+8613812345678"),
        ("013812345678", "+8613812345678"),
        ("+86 013812345678", "+8613812345678"),
        ("+86 021-62345678", "+862162345678"),
        ("+86 (0)21 6234 5678", "+862162345678"),
        ("86-21-62345678", "+862162345678"),
        ("021-62345678", "+862162345678"),
        ("（０５１２）62345678", "+8651262345678"),
        ("010 8888 6666", "+861088886666"),
        ("400-820-8820", "+864008208820"),
        ("\u202a13812345678\u202c", "+8613812345678"),
        ("\ufeff138\u200b1234\u20605678\xa0", "+8613812345678"),
        ("138\u30001234\u20035678", "+8613812345678"),
        ("'13812345678", "+8613812345678"),
        ("tel:+8613812345678", "+8613812345678"),
        ("电话：13812345678", "+8613812345678"),
        ("13812345678\r\n", "+8613812345678"),
        ("+852 9123 4567", "+85291234567"),
        ("+44 20 7946 0000", "+442079460000"),
        ("+1 (202) 555-0123", "+12025550123"),
        ("+99910000001", "+99910000001"),
        ("00999 10000001", "+99910000001"),
    ],
)
def test_telephone_numbers_become_e164(typed: str, number: str) -> None:
    assert telephone.e164("phone", typed) == number


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "is no telephone number"),
        ("12", "short number"),
        ("120", "short number"),
        ("12345", "short number"),
        ("95588", "short number"),
        ("62345678", "area code"),
        ("6234567", "area code"),
        ("١٣٨١٢٣٤٥٦٧٨", "no telephone number"),
        ("1381234567", "no telephone number"),
        ("138123456789", "no telephone number"),
        ("12812345678", "no telephone number"),
        ("021-6234567", "no telephone number"),
        ("(0512) 6234567", "no telephone number"),
        ("+861381234567", "no telephone number"),
        ("+86 62345678", "no telephone number"),
        ("+0123456789", "no telephone number"),
        ("+15550001", "no telephone number"),
        ("+" + "1" * 16, "no telephone number"),
        ("+999123", "no telephone number"),
        ("+9991234567890123", "no telephone number"),
        ("138+12345678", "no telephone number"),
        ("138ABCD5678", "no telephone number"),
        ("无", "no telephone number"),
        ("13812345678（女儿）", "no telephone number"),
        ("女儿13812345678", "no telephone number"),
        ("1.38123E+10", "shortened by Excel"),
        ("1.38123e10", "shortened by Excel"),
        ("13812345678.0", "a .0"),
        ("051262345670.00", "a .0"),
        ("13812345678/13912345678", "more than one"),
        ("13812345678、021-62345678", "more than one"),
        ("13812345678，13912345678", "more than one"),
        ("13812345678 13912345678", "more than one"),
        ("13812345678\n13912345678", "more than one"),
        ("13812345678\r13912345678", "more than one"),
        ("13812345678或62345678", "more than one"),
        ("021-62345678转8001", "extension"),
        ("021-62345678-8001", "extension"),
        ("021-62345678 ext. 12", "extension"),
        ("62345678#12", "extension"),
        ("+1 900 555 0123", "no telephone number"),
    ],
)
def test_what_would_ring_nobody_is_refused_with_the_reason(typed: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        telephone.e164("phone", typed)


def test_a_long_cell_is_shown_in_part_and_in_one_line() -> None:
    with pytest.raises(InvalidInput) as refused:
        telephone.e164("phone", "13812345678\n" + "9" * 200)
    assert "\n" not in refused.value.reason
    assert "…" in refused.value.reason


@given(st.text() | st.from_regex(r"[+0]{0,2}[0-9 ()\-.]{5,16}", fullmatch=True))
def test_a_number_is_e164_and_stays_so_or_is_refused(typed: str) -> None:
    try:
        number = telephone.e164("phone", typed)
    except InvalidInput:
        return
    assert telephone.E164.fullmatch(number)
    assert telephone.e164("phone", number) == number
    assert telephone.caller(typed) == number


@pytest.mark.parametrize(
    ("said", "number"),
    [("+99910000001", "+99910000001"), ("+8602162345678", "+862162345678"), ("+15550001234", "+15550001234"),
     ("anonymous", ""), ("", ""), ("Bank", ""), ("+86 1381234567", "+861381234567"), ("12345", "")],
)  # fmt: skip
def test_who_calls_keeps_a_number_that_no_plan_knows(said: str, number: str) -> None:
    assert telephone.caller(said) == number


def test_what_may_ring_somebody() -> None:
    assert telephone.known("+8613812345678")
    assert telephone.known("+99910000001")
    assert not telephone.known("+86021623456")
    assert not telephone.known("13812345678")
