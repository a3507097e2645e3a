"""The text that Prometheus reads."""

from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from alerts.monitoring.counts import IncidentCount, NotificationCount
from api import metrics
from eldercare.platform.heartbeats import Heartbeat

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """By name and the values of the labels, in the order of the labels' names."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_rows_become_samples() -> None:
    beats = [
        Heartbeat("a:host:1", "alerts", NOW, NOW, 1.5, {"sent": 7, "real_channel": False, "note": "text"}),
        Heartbeat("i:host:2", "ingest.telemetry", NOW, NOW, 99.0, {"rejected": {"json": 3, "clock": 1}}),
    ]
    found = samples(
        metrics.render(
            beats, [IncidentCount("sos", "sos", "open", 2, 1)], [NotificationCount("voice", "alarm", "failed", 4, 0)]
        )
    )
    assert found["eldercare_database_up",] == 1
    assert found["eldercare_service_up", "a:host:1", "alerts"] == 1
    assert found["eldercare_service_up", "i:host:2", "ingest.telemetry"] == 0
    assert found["eldercare_heartbeat_age_seconds", "a:host:1", "alerts"] == 1.5
    assert found["eldercare_service_value", "a:host:1", "sent", "", "alerts"] == 7
    assert found["eldercare_service_value", "i:host:2", "rejected", "json", "ingest.telemetry"] == 3
    assert found["eldercare_incidents_open", "sos", "sos", "open"] == 2
    assert found["eldercare_incidents_overdue", "sos", "sos", "open"] == 1
    assert found["eldercare_notifications_day", "voice", "alarm", "failed"] == 4
    assert not any("note" in name for name in found)


def test_a_scrape_without_a_database_says_so() -> None:
    assert samples(metrics.DATABASE_AWAY) == {("eldercare_database_up",): 0}
