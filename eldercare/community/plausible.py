"""What counts as a heart rate: one rule for the rules, tiles, charts and incidents. Pure."""

BPM = (25, 220)
"""Values outside are artefacts of the sensor (project default; the wire allows 0 to 300, 0 being "not measured")."""
LEAST_QUALITY = 30
"""The least quality, of 100: a value below it is stored and no more. Bands that send no quality are believed."""


def is_heart_rate(bpm: float | None, quality: float | None = None) -> bool:
    """Whether `bpm` (beats per minute, None: not measured) of this `quality` (0-100, None: not said) is a heart rate.

    Residents may have limits of their own in the rules; where values are shown, these are everybody's.
    """
    return bpm is not None and BPM[0] <= bpm <= BPM[1] and (quality is None or quality >= LEAST_QUALITY)
