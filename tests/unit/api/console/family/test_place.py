"""How far from home she is: only a fix that stands, and is further than home and its own error, is out."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from api.console.family import place
from eldercare.community.resident_schema import Resident

NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)


@dataclass
class Fix:
    """What of a resident says where they are; home is at 31.2304, 121.4737."""

    lat: float | None = 31.2404
    lon: float | None = 121.4737
    accuracy_m: float | None = 12
    location_ts: datetime | None = NOW
    home_lat: float | None = 31.2304
    home_lon: float | None = 121.4737


@pytest.mark.parametrize(
    ("fix", "out"),
    [
        (Fix(), True),
        (Fix(accuracy_m=None), True),
        (Fix(lat=31.2305), False),
        (Fix(accuracy_m=1000), False),
        (Fix(lat=None), False),
        (Fix(home_lon=None), False),
        (Fix(location_ts=None), False),
        (Fix(location_ts=NOW - timedelta(hours=6)), True),
        (Fix(location_ts=NOW - timedelta(hours=6, seconds=1)), False),
    ],
)
def test_when_she_is_out(fix: Fix, out: bool) -> None:
    found = place.out_at(cast(Resident, fix), NOW)
    assert found == (fix.location_ts if out else None)


def test_metres_from_home() -> None:
    assert place.from_home_m(cast(Resident, Fix())) == pytest.approx(1112, abs=2)
