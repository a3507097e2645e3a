"""What is remembered travels as JSON and comes back the same."""

import json

import pytest

from alerts.rules import State, read_state
from alerts.rules.minutes import KEPT_MIN, Minute
from alerts.rules.state import Heart, Side, Wear, Zone

FULL = State(
    1772424000.25,
    Heart(1.5, 2.5, 3.5, Side(2, 7.0, 6.5, True), Side(rank=1), Side(1), (Minute(29540400, 2, 141.5, 40),), 4.5, 5.5),
    Zone(1.0, 2.0, 31.2, 121.4, 12.0, 1, 3.0, 2, 4.0, True, 4.5),
    Wear(1.0, False, 2.0, True, 3.0, 4.0, True),
    9.0,
)


def test_a_new_state_is_next_to_nothing() -> None:
    assert State().to_json() == "{}"
    assert read_state("{}") == State()


def test_a_full_state_comes_back_equal() -> None:
    assert read_state(FULL.to_json()) == FULL


def test_a_side_with_nothing_in_it_is_still_a_side() -> None:
    state = State(heart=Heart(high=Side()))
    assert read_state(state.to_json()) == state


def test_what_a_newer_version_wrote_is_ignored() -> None:
    data = json.loads(FULL.to_json())
    data |= {"v": 2, "breathing": {"rate": 14}}
    data["heart"] |= {"variability": 40}
    data["heart"]["high"] |= {"slope": 3}
    assert read_state(json.dumps(data)) == FULL


def test_what_the_version_before_wrote_is_read() -> None:
    before = (
        '{"v": 1, "heard": 9.5, "heart": {"newest": 9.5, "measured": 8, "high": {"warning": {"since": 1.0, "last": 2.0,'
        ' "values": 3, "total": 420}, "rank": 1}, "low": {}}, "wear": {"newest": 3.0, "worn": true, "since": 1.0}}'
    )
    high = Side(rank=1)
    heart = Heart(9.5, 8.0, high=high, low=Side())
    assert read_state(before) == State(9.5, heart, wear=Wear(3.0, worn=True, since=1.0))


@pytest.mark.parametrize("text", ["", "[]", "null", '{"heard": "soon"}', '{"heart": 5}', '{"wear": {"worn": 1}}'])
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_state(text)


def test_an_ordinary_band_is_remembered_in_a_few_bytes() -> None:
    state = State(
        1772424000.0, Heart(1772424000.0, 1772424000.0), Zone(), Wear(1772424000.0, worn=True, since=1772424000.0)
    )
    assert len(state.to_json()) < 200


def test_a_busy_band_is_remembered_in_a_kilobyte() -> None:
    """So that a batch stays small; what the other rules remember has room beside it."""
    minutes = tuple(Minute(29540400 + each, 12, 12 * 101.5, 100) for each in range(KEPT_MIN + 1))
    side = Side(2, 1772424000.5, 1772424000.5, True)
    state = State(1772424000.5, Heart(1772424000.5, 1772424000.5, 1772424000.5, side, side, side, minutes))
    assert len(state.to_json()) < 1600
