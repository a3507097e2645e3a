"""What people mean by a reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.replies.parse import Intent, Reply, for_the_carrier, understand


@pytest.mark.parametrize(
    ("text", "intent", "code"),
    [
        ("1", Intent.ACCEPT, None),
        (" １ ", Intent.ACCEPT, None),
        ("1。", Intent.ACCEPT, None),
        ("1 123", Intent.ACCEPT, 123),
        ("1，123", Intent.ACCEPT, 123),
        ("1#123", Intent.ACCEPT, 123),
        ("123 1", Intent.ACCEPT, 123),
        ("1 1", Intent.ACCEPT, 1),
        ("１　１２３", Intent.ACCEPT, 123),
        ("去", Intent.ACCEPT, None),
        ("我去", Intent.ACCEPT, None),
        ("我去了", Intent.ACCEPT, None),
        ("我去！", Intent.ACCEPT, None),
        ("去 123", Intent.ACCEPT, 123),
        ("123去", Intent.ACCEPT, 123),
        ("1 去 123", Intent.ACCEPT, 123),
        ("Yes", None, None),
        ("go 123", Intent.ACCEPT, 123),
        ("9", Intent.DECLINE, None),
        ("9 123", Intent.DECLINE, 123),
        ("不去", Intent.DECLINE, None),
        ("去不了", Intent.DECLINE, None),
        ("No.", Intent.DECLINE, None),
        ("2", Intent.ADDRESS, None),
        ("地址？", Intent.ADDRESS, None),
        ("出发了", Intent.EN_ROUTE, None),
        ("On my way!", Intent.EN_ROUTE, None),
        ("到了", Intent.ARRIVE, None),
        ("我到了 123", Intent.ARRIVE, 123),
        ("arrived", Intent.ARRIVE, None),
    ],
)
def test_understood(text: str, intent: Intent, code: int | None) -> None:
    assert understand(text) == Reply(intent, code)


@pytest.mark.parametrize("text", ["", "好的", "OK", "收到", "谁?", "123", "5", "1 2 3", "👍", "去不去"])
def test_what_may_mean_anything_means_nothing(text: str) -> None:
    assert understand(text).intent is None


def test_a_code_longer_than_any_id_names_nothing() -> None:
    assert understand("1 " + "9" * 30) == Reply(Intent.ACCEPT, None)
    assert understand(f"1 {2**63}") == Reply(Intent.ACCEPT, None)
    assert understand(f"1 {2**63 - 1}") == Reply(Intent.ACCEPT, 2**63 - 1)


@given(st.text(max_size=1600))
def test_no_text_is_too_much(text: str) -> None:
    reply = understand(text)
    assert reply.code is None or 0 <= reply.code < 2**63


def test_words_of_the_carrier() -> None:
    assert for_the_carrier(" Stop ")
    assert not for_the_carrier("1")
