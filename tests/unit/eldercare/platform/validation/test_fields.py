"""What people type is brought into one form, or refused with a reason they understand."""

import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eldercare.community import resident_schema
from eldercare.platform.errors import InvalidInput
from eldercare.platform.validation import fields

TODAY = date(2026, 5, 4)


@pytest.mark.parametrize("typed", ["是", "√", "Yes", "1", "Ｙ", "有", "true", "✔"])
def test_yes(typed: str) -> None:
    assert fields.flag("lives_alone", typed) is True


@pytest.mark.parametrize("typed", ["否", "", "no", "0", "无", "×", "FALSE", " - "])
def test_no(typed: str) -> None:
    assert fields.flag("lives_alone", typed) is False


@pytest.mark.parametrize("typed", ["也许", "2", "是否"])
def test_neither_yes_nor_no(typed: str) -> None:
    with pytest.raises(InvalidInput, match="lives_alone"):
        fields.flag("lives_alone", typed)


@pytest.mark.parametrize(
    "typed",
    ["1938-05-02", "1938-5-2", "1938/5/2", "1938.05.02", "1938年5月2日", "1938年05月02", "19380502",
     "１９３８年５月２日", "1938-05-02 00:00:00", date(1938, 5, 2), datetime.fromisoformat("1938-05-02T00:00")],
)  # fmt: skip
def test_dates_in_the_usual_forms(typed: str | date) -> None:
    assert fields.birth_date("birth_date", typed, TODAY) == date(1938, 5, 2)


@pytest.mark.parametrize(
    "typed", ["1938-02-30", "38-5-2", "5/2/1938", "14000", "", "1889-12-31", "2026-05-05", "1938年5月"]
)
def test_other_dates_are_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="birth_date"):
        fields.birth_date("birth_date", typed, TODAY)


@pytest.mark.parametrize(("typed", "found"), [("女", "female"), ("Male", "male"), ("男性", "male"), ("F", "female")])
def test_genders(typed: str, found: str) -> None:
    assert fields.gender("gender", typed) == found


def test_another_gender_is_refused() -> None:
    with pytest.raises(InvalidInput, match="gender"):
        fields.gender("gender", "不详")


@pytest.mark.parametrize("typed", ["91", "-90.1", "nan", "inf", "北纬", "", "3１,2"])
def test_what_is_no_latitude_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="lat"):
        fields.latitude("lat", typed)


def test_degrees() -> None:
    assert fields.latitude("lat", " ３１．２１ ") == 31.21
    assert fields.longitude("lon", -180) == -180
    with pytest.raises(InvalidInput, match="lon"):
        fields.longitude("lon", 180.5)


def test_text_is_trimmed_cleaned_and_bounded() -> None:
    assert fields.text("name", "  王\0秀\x1b英 \n") == "王秀英"
    assert fields.text("notes", "一\n二\t三") == "一\n二\t三"
    with pytest.raises(InvalidInput, match="empty"):
        fields.text("name", " \0 ", required=True)
    with pytest.raises(InvalidInput, match="more than 3"):
        fields.text("name", "四个字符", most=3)


@given(st.text(max_size=60))
@example("𰻞𮯰王秀英")
@example("王\ue863\U000f0001英")
@example("Mary\xa0Ann")
@example("👨\u200d👩\u200d👧")
def test_only_control_characters_go_from_a_text(typed: str) -> None:
    kept = "".join(char for char in typed.replace("\r\n", "\n").replace("\r", "\n")
                   if unicodedata.category(char) != "Cc" or char in "\n\t").strip()  # fmt: skip
    assert fields.text("name", typed) == kept
    assert fields.text("name", kept) == kept


@pytest.mark.parametrize("typed", ["\xa0", "\u200b", "\ufeff \u3000", "\u2060\u00ad"])
def test_what_nobody_can_see_is_empty(typed: str) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        fields.text("name", typed, required=True)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(InvalidInput, match="half a character"):
        fields.text("name", "王\ud840")


def test_line_ends_of_other_systems_are_one() -> None:
    assert fields.text("notes", "一\r\n二\r三") == "一\n二\n三"


def test_what_a_telephone_network_counts() -> None:
    assert fields.utf16_units("王𰻞a👨") == 6


@pytest.mark.parametrize("values", [{"x": 1}, {"name": ""}, {"name": 3}, {"lives_alone": "yes"}, {"safe_radius_m": 49},
                                    {"safe_radius_m": 10_001}, {"safe_radius_m": True},
                                    {"language": "fr"}, {"rule_overrides": []},
                                    {"birth_date": 5}, {"away_until": datetime.fromisoformat("2026-01-01")},
                                    {"home_lat": "31"}, {"home_lon": True}, {"grid_id": 0},
                                    {"left_at": "2026-01-01T00:00:00Z"}])  # fmt: skip
def test_a_resident_has_checked_fields(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        resident_schema.checked(values, TODAY)
    assert refused.value.field == next(iter(values))


def test_checked_fields_come_back_in_one_form() -> None:
    values = {
        "name": " 王秀英 ",
        "phone": "13812345678",
        "birth_date": "1938年5月2日",
        "external_id": None,
        "home_lat": 31,
        "lives_alone": True,
        "safe_radius_m": 500,
        "language": "en",
        "rule_overrides": {"low": 35},
        "away_until": datetime.fromisoformat("2026-01-01T00:00:00+08:00"),
    }
    assert resident_schema.checked(values, TODAY) == {
        **values,
        "name": "王秀英",
        "phone": "+8613812345678",
        "birth_date": date(1938, 5, 2),
    }


def test_a_masked_number_is_known_again_and_cannot_be_rung() -> None:
    assert fields.masked("+8613812345678") == "…5678"


@pytest.mark.parametrize(
    "typed",
    ["0001-01-01T00:00:00+08:00", "1899-12-31T23:59:59+00:00", "2201-01-01T00:00:00+00:00", "9999-12-31T23:59:59-12:00",
     "2026-01-01T00:00:00"],
)  # fmt: skip
def test_a_time_at_the_end_of_the_calendar_or_of_no_zone_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="away_until"):
        fields.moment("away_until", datetime.fromisoformat(typed))


def test_a_time_of_ours() -> None:
    moment = datetime.fromisoformat("2026-01-01T00:00:00+08:00")
    assert fields.moment("away_until", moment) is moment


NOON = datetime(2026, 5, 4, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "days", "refused"),
    [
        ("away_until", 31, None),
        ("away_until", 31.1, "31 days"),
        ("away_until", 365_000, "31 days"),
        ("away_until", -100, None),
        ("left_at", -1, None),
        ("left_at", 2, "in the future"),
        ("needs", None, None),
    ],
)
def test_no_date_switches_the_rules_off_for_good(field: str, days: float | None, refused: str | None) -> None:
    values = {} if days is None else {field: NOON + timedelta(days=days)}
    if refused is None:
        resident_schema.check_times(values, NOON)
        return
    with pytest.raises(InvalidInput, match=refused) as caught:
        resident_schema.check_times(values, NOON)
    assert caught.value.field == field


def test_a_grid_worker_says_so_for_a_shorter_time() -> None:
    with pytest.raises(InvalidInput, match="14 days"):
        resident_schema.check_times(
            {"away_until": NOON + timedelta(days=15)}, NOON, resident_schema.LONGEST_AWAY_BY_GRID
        )
