"""Recordings that are nobody's: a morning of simulated bands, in the columns of the recorded ones."""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from device_sim.bands.band import new_state, step
from device_sim.bands.rhythm import wearer
from eldercare.protocol.mqtt_v1 import HeartRate, Location

ZONE = ZoneInfo("Asia/Shanghai")
BEGINS = datetime(2026, 3, 10, 8, 0, tzinfo=ZONE)
HOME = (31.2304, 121.4737)
SUBJECTS = 6


def recordings(folder: Path, minutes: int = 60) -> list[Path]:
    """A file of heart rates of six subjects and a file of tracks of six others, as the recorded ones have them."""
    beats, fixes = ["subject,ts,bpm"], ["user,ts,lat,lon,accuracy_m"]
    for number in range(1, SUBJECTS + 1):
        rng, who = Random(number), wearer(f"band-{number:04}", HOME)
        state = new_state(rng)
        for minute in range(minutes):
            state, readings = step(rng, who, state, BEGINS + timedelta(minutes=minute), ZONE)
            for said in (reading.message for reading in readings):
                if isinstance(said, HeartRate):
                    beats.append(f"H{number},{_local(said.ts)},{said.bpm}")
                elif isinstance(said, Location):
                    fixes.append(f"T{number},{_local(said.ts)},{said.lat},{said.lon},{said.accuracy_m}")
    return [_written(folder / "heartrate.csv", beats), _written(folder / "gps.csv", fixes)]


def _local(moment: datetime) -> str:
    return moment.astimezone(ZONE).replace(tzinfo=None).isoformat()


def _written(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path
