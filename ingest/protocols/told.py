"""A reading and who told it, whatever the protocol. Pure."""

from typing import NamedTuple

from ingest.protocols.mqtt_v1 import Reading


class DeviceReading(NamedTuple):
    """A reading and the band that told it; `retained`: the broker had kept it, and nobody has told it now."""

    device_id: str
    reading: Reading
    retained: bool = False
