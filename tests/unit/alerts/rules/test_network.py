"""Many bands silent at once are one incident."""

from datetime import datetime, timedelta

import pytest

from alerts.model.incident import IncidentKind
from alerts.rules import Thresholds, network_outage
from tests.unit.alerts.rules.band import NOON


def ago(minutes: list[float]) -> dict[str, datetime]:
    return {f"band-{number}": NOON - timedelta(minutes=quiet) for number, quiet in enumerate(minutes)}


def test_nobody_silent_is_no_outage() -> None:
    assert network_outage({}, 50, NOON) is None
    assert network_outage(ago([1] * 50), 50, NOON) is None


@pytest.mark.parametrize(("silent", "total", "found"), [(9, 50, False), (10, 50, True), (4, 5, False), (5, 5, True)])
def test_at_least_five_and_a_fifth(silent: int, total: int, found: bool) -> None:
    finding = network_outage(ago([45] * silent + [1] * (total - silent)), total, NOON)
    assert (finding is not None) is found


def test_it_says_which_bands_it_explains() -> None:
    finding = network_outage(ago([200, 45, 44, 43, 42, 36, 20, 1]), 8, NOON)
    assert finding is not None
    assert (finding.kind, finding.reason, finding.at) == (IncidentKind.NETWORK, "silent_together", NOON)
    assert finding.detail["devices"] == ["band-1", "band-2", "band-3", "band-4", "band-5"]
    assert (finding.detail["bands"], finding.detail["total"], finding.detail["needed"]) == (5, 8, 5)
    assert finding.detail["from"] == (NOON - timedelta(minutes=45)).isoformat()
    assert finding.detail["to"] == (NOON - timedelta(minutes=36)).isoformat()


def test_it_begins_with_the_first_that_is_lost() -> None:
    assert network_outage(ago([44, 43, 42, 41, 40]), 5, NOON) is None
    assert network_outage(ago([45, 43, 42, 41, 40]), 5, NOON) is not None


def test_silences_spread_over_hours_are_none() -> None:
    assert network_outage(ago([45 + 11 * number for number in range(20)]), 40, NOON) is None


def test_an_old_silence_hides_no_new_outage() -> None:
    finding = network_outage(ago([900, 800, 50, 50, 50, 49, 49]), 20, NOON)
    assert finding is not None
    assert finding.detail["bands"] == 5


def test_a_window_that_is_not_lost_yet_waits_though_another_band_is() -> None:
    assert network_outage(ago([900, 44, 44, 44, 44, 44]), 10, NOON) is None


def test_the_limits_may_be_others() -> None:
    limits = Thresholds().with_overrides({"network_min": 2, "network_share": 0.5})
    assert network_outage(ago([45, 45]), 4, NOON, limits) is not None
