"""Metrics in the form Prometheus reads, made from rows at each scrape: this process keeps none."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alerts.monitoring.counts import IncidentCount, NotificationCount
from eldercare.platform.heartbeats import FRESH_S, Heartbeat

DATABASE_AWAY = b"# HELP eldercare_database_up Whether the database answers.\n# TYPE eldercare_database_up gauge\n\
eldercare_database_up 0.0\n"


def render(
    beats: Sequence[Heartbeat], incidents: Sequence[IncidentCount], notifications: Sequence[NotificationCount]
) -> bytes:
    """The text of one scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rows(list(_metrics(beats, incidents, notifications))))
    return generate_latest(registry)


class _Rows(Collector):
    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _metrics(
    beats: Sequence[Heartbeat], incidents: Sequence[IncidentCount], notifications: Sequence[NotificationCount]
) -> Iterable[Metric]:
    yield _gauge("eldercare_database_up", "Whether the database answers.", (), [((), 1)])
    process = ("service", "instance")
    yield _gauge(
        "eldercare_service_up",
        f"Whether the service has beaten within {FRESH_S:g} s.",
        process,
        [((beat.service, beat.instance), int(beat.age_s <= FRESH_S)) for beat in beats],
    )
    yield _gauge(
        "eldercare_heartbeat_age_seconds",
        "Age of the newest heartbeat.",
        process,
        [((beat.service, beat.instance), beat.age_s) for beat in beats],
    )
    yield _gauge(
        "eldercare_service_value",
        "Counters and gauges of a service, as its heartbeat tells them; counters restart with the process.",
        (*process, "name", "of"),
        [((beat.service, beat.instance, *name), value) for beat in beats for name, value in numbers(beat.detail)],
    )
    situation = ("kind", "severity", "state")
    yield _gauge(
        "eldercare_incidents_open",
        "Incidents that are not resolved.",
        situation,
        [((row.kind, row.severity, row.state), row.count) for row in incidents],
    )
    yield _gauge(
        "eldercare_incidents_overdue",
        "Incidents that have been due for more than 10 s: nobody works on them.",
        situation,
        [((row.kind, row.severity, row.state), row.overdue) for row in incidents],
    )
    message = ("channel", "purpose", "status")
    yield _gauge(
        "eldercare_notifications_day",
        "Messages of the last 24 hours.",
        message,
        [((row.channel, row.purpose, row.status), row.count) for row in notifications],
    )
    yield _gauge(
        "eldercare_notifications_waiting",
        "Messages that should have been sent more than 10 s ago.",
        message,
        [((row.channel, row.purpose, row.status), row.waiting) for row in notifications],
    )


def numbers(detail: Mapping[str, Any]) -> Iterable[tuple[tuple[str, str], float]]:
    """The numbers of a heartbeat, one level deep: `{"rejected": {"json": 3}}` is `("rejected", "json")`."""
    for name, value in detail.items():
        parts = value.items() if isinstance(value, Mapping) else [("", value)]
        for of, number in parts:
            if isinstance(number, int | float):
                yield (name, str(of)), float(number)


def _gauge(
    name: str, help_text: str, labels: Sequence[str], samples: Iterable[tuple[Sequence[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for values, number in samples:
        family.add_metric(list(values), number)
    return family
