"""The ends of the calendar, what is no number, and what is larger than any: refused by name, and no page breaks."""

from typing import Any

import psycopg
import pytest

from tests.conftest import MakeSettings
from tests.integration.api.test_readings import Desk, desk

__all__ = ["desk"]  # the fixture

MOMENTS = ["0001-01-01T00:00:00+08:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00",
           "1899-12-31T00:00:00Z", "2201-01-01T00:00:00Z", "infinity", "-infinity", "NaN",
           "10000-01-01T00:00:00Z"]  # fmt: skip


@pytest.mark.parametrize("field", ["away_until", "left_at"])
async def test_a_moment_at_the_end_of_the_calendar_is_refused(desk: Desk, field: str) -> None:
    headers = {"Authorization": f"Bearer {desk.tokens['duty']}"}
    for moment in MOMENTS:
        answer = await desk.client.patch(f"/api/v1/residents/{desk.here.wang}", json={field: moment}, headers=headers)
        assert answer.status_code == 422, (moment, answer.text)
        assert field in answer.text
    await desk.get("duty", "/residents")


@pytest.mark.parametrize(
    "path",
    ["/residents/{own}/heart-rate?from={at}", "/residents/{own}/heart-rate?to={at}",
     "/residents/{own}/locations?to={at}",
     "/residents/{own}/status?from={at}", "/rejected?since={at}"],
)  # fmt: skip
async def test_a_question_at_the_end_of_the_calendar_is_refused(desk: Desk, path: str) -> None:
    for moment in MOMENTS:
        url = "/api/v1" + path.format(own=desk.here.wang, at=moment.replace("+", "%2B"))
        answer = await desk.client.get(url, headers={"Authorization": f"Bearer {desk.tokens['duty']}"})
        assert answer.status_code in (413, 422), (moment, answer.text)


NO_VALUES = [
    '{"home_lat": NaN, "home_lon": 121}',
    '{"home_lat": Infinity, "home_lon": 121}',
    '{"home_lat": 31, "home_lon": -Infinity}',
    '{"home_lat": 1e400, "home_lon": 121}',
    '{"safe_radius_m": NaN}',
    '{"safe_radius_m": 1e99}',
    '{"grid_id": 99999999999999999999}',
    '{"birth_date": "9999-12-31"}',
    '{"birth_date": "0001-01-01"}',
    '{"birth_date": "infinity"}',
    '{"birth_date": 1e308}',
    '{"rule_overrides": {"hr_low_urgent": NaN}}',
    '{"rule_overrides": {"hr_low_urgent": Infinity}}',
    f'{{"rule_overrides": {{"hr_low_urgent": {"9" * 400}}}}}',
    '{"rule_overrides": {"hr_low_urgent": {"a": NaN}}}',
    '{"name": "\\ud800"}',
    '{"external_id": "3.10101E+17"}',
    '{"phone": "+86 120"}',
]


async def test_what_is_no_value_is_refused(desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {desk.tokens['duty']}", "Content-Type": "application/json"}
    for body in NO_VALUES:
        answer = await desk.client.patch(f"/api/v1/residents/{desk.here.wang}", content=body, headers=headers)
        assert answer.status_code in (400, 422), (body, answer.text)
    await desk.get("duty", f"/residents/{desk.here.wang}/dossier")


@pytest.mark.parametrize(
    "hours",
    [{"start": "08:00:00Z", "end": "20:00:00"}, {"start": "08:00:00+08:00", "end": "20:00:00+08:00"},
     {"start": "08:00:00", "end": "20:00:00-01:00"}, {"start": "NaN", "end": "20:00"}],
)  # fmt: skip
async def test_hours_with_an_offset_of_their_own_are_refused(desk: Desk, hours: dict[str, Any]) -> None:
    """They could not be compared with the community's, and the ladder would never move."""
    headers = {"Authorization": f"Bearer {desk.tokens['admin']}"}
    step = {"after_s": 0, "targets": ["duty"], "channels": ["voice"]}
    ladder = {"steps": [step], "repeat_s": 300, "hours": hours}
    answer = await desk.client.put("/api/v1/policies/silent/task", json=ladder, headers=headers)
    assert answer.status_code == 422, answer.text


async def test_the_database_itself_keeps_no_such_time(desk: Desk, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        for column in ("away_until", "left_at", "birth_date"):
            for value in ("infinity", "-infinity", "9999-12-31"):
                with pytest.raises(psycopg.errors.CheckViolation):
                    conn.execute(f"update resident set {column} = '{value}'")  # type: ignore[call-overload]
        for origin, speed in (("infinity", "1"), ("2026-01-01", "NaN"), ("2026-01-01", "Infinity")):
            with pytest.raises(psycopg.errors.CheckViolation):
                conn.execute("update clock set origin = %s, speed = %s", (origin, speed))


def test_the_dead_man_is_pinged_at_last(make_settings: MakeSettings) -> None:
    from pydantic import ValidationError

    for interval in ("inf", "nan", "0", "1e300"):
        with pytest.raises(ValidationError):
            make_settings(deadman_interval_s=interval)
