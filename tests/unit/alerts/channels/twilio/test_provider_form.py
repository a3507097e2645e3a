"""A request's form, against the standard library's reading of one."""

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from alerts.channels.twilio.client import form

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(TEXT.filter(bool), TEXT | st.lists(TEXT, min_size=1), min_size=1))
def test_a_form_is_read_back_as_it_was_written(data: dict[str, str | list[str]]) -> None:
    pairs = [(name, one) for name, value in data.items() for one in (value if isinstance(value, list) else [value])]
    assert parse_qsl(form(data).decode("ascii"), keep_blank_values=True, strict_parsing=True) == pairs


def test_what_is_no_text_is_written_as_text() -> None:
    assert form({"Timeout": 30, "AsyncAmd": True, "Event": ("a", "b")}) == b"Timeout=30&AsyncAmd=True&Event=a&Event=b"
