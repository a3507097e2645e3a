"""A reading and the band that sent it, whatever the protocol. Pure."""

from typing import NamedTuple

from ingest.protocols.mqtt_v1 import Reading


class DeviceReading(NamedTuple):
    """A reading and the band that sent it. `retained`: the broker had kept it, and nobody says it now."""

    device_id: str
    reading: Reading
    retained: bool = False
