"""What a band still has to send, and in which payloads. Pure."""

from collections import deque
from itertools import islice

from device_sim.bands.band import Reading
from eldercare.protocol.mqtt_v1 import MAX_ARRAY_ITEMS, MAX_PAYLOAD_BYTES, Kind

CAPACITY = 20_000
"""Readings a band can keep without a connection: about nine days. Then the oldest go."""
BACKFILL_ITEMS = 200
"""Readings per array when catching up; 200 stay far below 64 KiB."""
MAX_READING_BYTES = 300

assert BACKFILL_ITEMS <= MAX_ARRAY_ITEMS and BACKFILL_ITEMS * MAX_READING_BYTES < MAX_PAYLOAD_BYTES  # noqa: S101, PT018


class Uplink:
    """Readings in the order in which they were taken, until the broker has acknowledged them."""

    def __init__(self) -> None:
        self._readings: deque[Reading] = deque()
        self.lost = 0
        """Readings dropped because the store was full."""
        self._lost_of_batch = 0

    def __len__(self) -> int:
        return len(self._readings)

    def add(self, readings: tuple[Reading, ...]) -> None:
        """Keep readings for sending; past the capacity the oldest are lost, and counted."""
        self._readings.extend(readings)
        while len(self._readings) > CAPACITY:
            self._readings.popleft()
            self.lost += 1
            self._lost_of_batch += 1

    def batch(self) -> tuple[Reading, ...]:
        """The next readings to send together, without removing them."""
        self._lost_of_batch = 0
        return tuple(islice(self._readings, BACKFILL_ITEMS))

    def sent(self, count: int) -> None:
        """Remove the last batch, of `count` readings, once acknowledged; some of it may have been dropped meanwhile."""
        for _ in range(count - self._lost_of_batch):
            self._readings.popleft()


def payloads(batch: tuple[Reading, ...]) -> list[tuple[Kind, bytes]]:
    """One payload per kind, each in order: an object where there is one reading, an array where there are more."""
    by_kind: dict[Kind, list[str]] = {}
    for reading in batch:
        by_kind.setdefault(reading.kind, []).append(reading.message.model_dump_json(exclude_none=True))
    return [
        (kind, (items[0] if len(items) == 1 else f"[{','.join(items)}]").encode()) for kind, items in by_kind.items()
    ]
