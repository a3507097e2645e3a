"""When hours begin, where the clocks are changed and everywhere else."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.escalation.hours import closed_until
from alerts.policies.escalation_policy import Hours
from tests.support.cases import NOW


def opens(hours: tuple[str, str], zone: str, local: str, fold: int = 0) -> str | None:
    moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone), fold=fold)
    found = closed_until(Hours(start=time.fromisoformat(hours[0]), end=time.fromisoformat(hours[1])), ZoneInfo(zone),
                         moment.astimezone(UTC))  # fmt: skip
    return None if found is None else found.astimezone(ZoneInfo(zone)).isoformat()


@pytest.mark.parametrize(
    ("hours", "zone", "local", "fold", "expected"),
    [
        # Summer time ends: the hour from two to three comes twice.
        (("02:30", "20:00"), "Europe/Berlin", "2026-10-25T02:10", 0, "2026-10-25T02:30:00+02:00"),
        (("02:30", "20:00"), "Europe/Berlin", "2026-10-25T02:40", 0, None),
        (("02:30", "20:00"), "Europe/Berlin", "2026-10-25T02:10", 1, "2026-10-25T02:30:00+01:00"),
        (("02:30", "20:00"), "Europe/Berlin", "2026-10-25T02:40", 1, None),
        (("02:10", "02:20"), "Europe/Berlin", "2026-10-25T02:40", 0, "2026-10-25T02:10:00+01:00"),
        (("01:30", "20:00"), "America/New_York", "2026-11-01T01:10", 1, "2026-11-01T01:30:00-05:00"),
        (("01:45", "20:00"), "Australia/Lord_Howe", "2026-04-05T01:40", 1, "2026-04-05T01:45:00+10:30"),
        # It begins: an hour (at Lord Howe half of one) is left out, and what would begin in it begins after it.
        (("02:30", "20:00"), "Europe/Berlin", "2026-03-29T01:50", 0, "2026-03-29T03:00:00+02:00"),
        (("02:10", "02:50"), "Europe/Berlin", "2026-03-29T01:50", 0, "2026-03-30T02:10:00+02:00"),
        (("02:30", "20:00"), "America/New_York", "2026-03-08T01:50", 0, "2026-03-08T03:00:00-04:00"),
        (("02:10", "20:00"), "Australia/Lord_Howe", "2026-10-04T01:50", 0, "2026-10-04T02:30:00+11:00"),
        # Midnight itself may be left out, and a whole day was in Samoa.
        (("00:00", "20:00"), "America/Santiago", "2026-09-05T23:50", 0, "2026-09-06T01:00:00-03:00"),
        (("08:00", "20:00"), "Pacific/Apia", "2011-12-29T21:00", 0, "2011-12-31T08:00:00+14:00"),
        (("08:00", "20:00"), "Asia/Shanghai", "2026-11-24T20:00", 0, "2026-11-25T08:00:00+08:00"),
    ],
)
def test_hours_open_where_the_clocks_are_changed(
    hours: tuple[str, str], zone: str, local: str, fold: int, expected: str | None
) -> None:
    assert opens(hours, zone, local, fold) == expected


ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Shanghai",
    "America/Santiago",
    "Africa/Cairo",
)


@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    moment=st.integers(0, 2 * 365 * 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    start=st.integers(0, 1438),
    minutes=st.integers(1, 1439),
)
def test_closed_hours_open_in_the_future_and_are_then_open(
    zone: ZoneInfo, moment: datetime, start: int, minutes: int
) -> None:
    end = min(start + minutes, 1439)
    hours = Hours(start=time(*divmod(start, 60)), end=time(*divmod(end, 60)))
    opening = closed_until(hours, zone, moment)
    if opening is not None:
        assert moment < opening <= moment + timedelta(days=2, hours=1)
        assert closed_until(hours, zone, opening) is None
        assert closed_until(hours, zone, opening - timedelta(seconds=1)) is not None
