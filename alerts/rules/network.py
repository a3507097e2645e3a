"""Many bands silent at once are one incident of the network, not many of people."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from alerts.model.incident import Finding, IncidentKind, Severity
from alerts.rules.thresholds import Thresholds


def network_outage(
    last_seen: Mapping[str, datetime], total: int, now: datetime, limits: Thresholds | None = None
) -> Finding | None:
    """The outage that makes so many bands fall silent within some minutes of each other, or None.

    `last_seen`: device id to the time (aware) it was heard last, of all bands or of the quiet ones; `total`: how many
    bands there are. The outage begins with the first band that is lost, and bands whose loss is near enough to be of
    the same window count with it. `detail["devices"]` names the bands it explains. None also says that it is over.
    """
    limits = limits or Thresholds()
    lost_before = now - timedelta(seconds=limits.silent_s)
    nearly_before = lost_before + timedelta(seconds=limits.network_window_s)
    quiet = sorted((when, device) for device, when in last_seen.items() if when <= nearly_before)
    first, end = _fullest_window([when for when, _ in quiet], limits.network_window_s, lost_before)
    needed = max(limits.network_min, math.ceil(limits.network_share * total))
    if end - first < needed:
        return None
    window = quiet[first:end]
    detail = {
        "bands": len(window),
        "total": total,
        "needed": needed,
        "from": window[0][0].isoformat(),
        "to": window[-1][0].isoformat(),
        "devices": [device for _, device in window],
    }
    return Finding(IncidentKind.NETWORK, Severity.WARNING, "silent_together", now, detail)


def _fullest_window(times: list[datetime], window_s: float, lost_before: datetime) -> tuple[int, int]:
    """The slice of sorted times, its first lost, with the most of them within `window_s`; the earliest of equals."""
    best, first = (0, 0), 0
    for end, when in enumerate(times, start=1):
        while (when - times[first]).total_seconds() > window_s:
            first += 1
        if times[first] <= lost_before and end - first > best[1] - best[0]:
            best = (first, end)
    return best
