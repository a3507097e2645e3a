"""The shifted datum of Chinese maps, against published pairs."""

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.protocols.gcj02 import from_wgs84, to_wgs84

RECORDINGS = Path(os.environ.get("ELDERCARE_SHARED_DATA", Path(__file__).parents[5] / "shared" / "data"))


def published(name: str) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    path = RECORDINGS / "cn_coords" / name
    if not path.exists():
        pytest.skip(f"the recordings are not here: {path}")
    with path.open(encoding="utf-8") as file:
        return [
            ((float(row["wgs_lat"]), float(row["wgs_lon"])), (float(row["gcj_lat"]), float(row["gcj_lon"])))
            for row in csv.DictReader(file)
        ]


def test_exact_pairs_both_ways() -> None:
    for wgs84, gcj02 in published("eviltransform_pairs.csv"):
        assert to_wgs84(*gcj02) == pytest.approx(wgs84, abs=1e-9)
        assert from_wgs84(*wgs84) == pytest.approx(gcj02, abs=1e-9)


def test_cities_within_about_a_metre() -> None:
    pairs = published("wgs84_gcj02_cities.csv")
    assert len(pairs) > 300
    for wgs84, gcj02 in pairs:
        assert to_wgs84(*gcj02) == pytest.approx(wgs84, abs=1.2e-5)


def test_the_tower_in_shanghai_lies_half_a_kilometre_off() -> None:
    lat, lon = from_wgs84(31.2397, 121.4998)
    assert (lat - 31.2397) == pytest.approx(-0.0019, abs=2e-4)
    assert (lon - 121.4998) == pytest.approx(0.0045, abs=2e-4)


@given(st.floats(4, 53), st.floats(74, 135))
def test_there_and_back_is_the_same_place(lat: float, lon: float) -> None:
    assert to_wgs84(*from_wgs84(lat, lon)) == pytest.approx((lat, lon), abs=2e-9)


@pytest.mark.parametrize("place", [(47.37, 8.54), (-33.9, 151.2), (60.0, 100.0), (0.5, 110.0)], ids=str)
def test_abroad_nothing_is_shifted(place: tuple[float, float]) -> None:
    assert to_wgs84(*place) == place
    assert from_wgs84(*place) == place


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_every_place_on_earth_ends_nearby(lat: float, lon: float) -> None:
    there = to_wgs84(lat, lon)
    assert there == pytest.approx((lat, lon), abs=0.1)
