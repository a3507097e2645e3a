"""What of a stretch is known: worn with a value, worn without one, not worn, no signal, or no band yet. Pure.

Three gaps are told apart: the band lay beside her, it said nothing, or she had none. A fourth, that it spoke and
measured nothing, is neither.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import groupby, pairwise
from math import ceil
from operator import attrgetter
from statistics import median
from typing import NamedTuple

from eldercare.community.minute import Heard, Held, Minute, Recorded

HEARD_MIN = 45
"""Minutes for which what a band said of itself stands: after so many without a message it is lost, as for the rule
about silence."""
LONGEST_STAND_MIN = 30
"""Minutes for which a value stands at most: the rhythm of the slowest band that the rules about the heart work with."""
LONG_GAP_MIN = 240
"""A gap of more than that is named: in a day of four hours less nothing of it could be said."""
PIECE_MIN = 60
"""A change of why within a gap that lasts for less is not told: a band is silent for minutes wherever it lies."""
ENOUGH = 0.7
"""The share of a stretch that values have to cover before its trend is spoken of: the rule of the glucose report, 70 %
of 14 days, which nobody has tried for heart rates."""


class Known(IntEnum):
    """What is known of one minute."""

    SILENT = 0
    BEFORE = 1
    OFF = 2
    UNMEASURED = 3
    """Heard, and no word of whether it is worn."""
    WORN = 4
    """Worn, without a value."""
    VALID = 5


class Gap(NamedTuple):
    """Minutes since the epoch without a value, and why (`WORN` counts as `UNMEASURED`)."""

    begin: int
    end: int
    why: Known

    @property
    def minutes(self) -> int:
        """How long it is."""
        return self.end - self.begin


class Shares(NamedTuple):
    """Of a stretch: its minutes, those in which she had a band, in which it was worn, and that values cover."""

    minutes: int
    held: int
    worn: int
    valid: int

    @property
    def worn_share(self) -> float | None:
        """Worn, of the time in which she had a band; None where she had none."""
        return self.worn / self.held if self.held else None

    @property
    def valid_share(self) -> float | None:
        """Covered by values, of the time in which she had a band; None where she had none."""
        return self.valid / self.held if self.held else None

    @property
    def covered(self) -> float:
        """Covered by values, of all its minutes: days before there was a band say nothing of her either."""
        return self.valid / self.minutes if self.minutes else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether a trend may be spoken of."""
        return self.covered >= ENOUGH


def rhythm_min(minutes: Sequence[Minute]) -> int:
    """The rhythm of one band: minutes from one value to the next, 1 to `LONGEST_STAND_MIN`."""
    measured = [each.at for each in minutes if each.bpm is not None]
    gaps = [later - sooner for sooner, later in pairwise(measured)]
    return min(max(1, ceil(median(gaps))), LONGEST_STAND_MIN) if gaps else 1


_OVER_BEFORE, _OVER_SILENT = bytes([Known.BEFORE]), bytes([Known.SILENT])
_OVER_WORN = bytes([Known.SILENT, Known.UNMEASURED, Known.WORN])
"""What a word of the band, and what a value, is written over."""


class Timeline:
    """What is known of each minute of [`begin`, `end`), minutes since the epoch."""

    def __init__(self, begin: int, end: int, recorded: Recorded) -> None:
        self.begin, self.end = begin, max(begin, end)
        self.rhythm_min = 1
        """That of the newest band that measured anything."""
        self._known = bytearray([Known.BEFORE]) * (self.end - self.begin)
        self._hold(recorded.held)
        self._hear(recorded.heard)
        for each in recorded.held:
            self._measure(_within(recorded.minutes, each), each.end)

    def at(self, minute: int) -> Known:
        """What is known of one minute; nothing of those outside."""
        return Known(self._known[minute - self.begin]) if self._has(minute) else Known.BEFORE

    def _has(self, minute: int) -> bool:
        return self.begin <= minute < self.end

    def valid(self, minutes: Iterable[Minute]) -> list[tuple[int, float]]:
        """The minute and the heart rate of each value that counts, within the stretch."""
        known, begin = self._known, self.begin
        return [
            (each.at, each.bpm)
            for each in minutes
            if each.bpm is not None and self._has(each.at) and known[each.at - begin] == Known.VALID
        ]

    def shares(self, begin: int | None = None, end: int | None = None) -> Shares:
        """The shares of the stretch, or of a part of it."""
        part = self._part(begin, end)
        before, valid, worn = (part.count(each) for each in (Known.BEFORE, Known.VALID, Known.WORN))
        return Shares(len(part), len(part) - before, valid + worn, valid)

    def gaps(self, longer_than_min: int = 0, begin: int | None = None, end: int | None = None) -> list[Gap]:
        """The stretches without a value of more than so many minutes, cut where why changes for an hour or more."""
        part = self._part(begin, end)
        start = self.begin if begin is None else max(begin, self.begin)
        found: list[Gap] = []
        since: int | None = None
        for index, known in enumerate((*part, Known.VALID)):
            if known != Known.VALID:
                since = index if since is None else since
                continue
            if since is not None and index - since > longer_than_min:
                found += _pieces(start + since, part[since:index])
            since = None
        return found

    def _part(self, begin: int | None, end: int | None) -> bytearray:
        first = 0 if begin is None else max(0, begin - self.begin)
        last = len(self._known) if end is None else max(first, end - self.begin)
        return self._known[first:last]

    def _hold(self, held: Sequence[Held]) -> None:
        for each in held:
            self._fill(each.begin, each.end, Known.SILENT)

    def _hear(self, heard: Sequence[Heard]) -> None:
        names = {True: Known.WORN, False: Known.OFF, None: Known.UNMEASURED}
        for each, following in zip(heard, [*(later.at for later in heard[1:]), self.end], strict=False):
            self._fill(each.at, min(following, each.at + HEARD_MIN), names[each.worn], over=_OVER_SILENT)

    def _measure(self, minutes: Sequence[Minute], end: int) -> None:
        """The minutes of one band, which she had up to `end`: each band has a rhythm of its own."""
        rhythm = rhythm_min(minutes)
        if any(each.bpm is not None for each in minutes):
            self.rhythm_min = rhythm
        for each, following in zip(minutes, [*(later.at for later in minutes[1:]), end], strict=False):
            until = min(following, each.at + rhythm)
            if each.bpm is None:
                self._fill(each.at, until, Known.UNMEASURED, over=_OVER_SILENT)
            elif self.at(each.at) is not Known.OFF:  # what a band measures that is not worn is no heart
                self._fill(each.at, until, Known.VALID, over=_OVER_WORN)

    def _fill(self, begin: int, end: int, known: Known, over: bytes = _OVER_BEFORE) -> None:
        first, last = max(begin, self.begin) - self.begin, min(end, self.end) - self.begin
        for index in range(first, last):
            if self._known[index] in over:
                self._known[index] = known


def _within(minutes: Sequence[Minute], held: Held) -> Sequence[Minute]:
    begin, end = (bisect_left(minutes, at, key=attrgetter("at")) for at in (held.begin, held.end))
    return minutes[begin:end]


def _pieces(start: int, part: bytearray) -> list[Gap]:
    """One stretch without a value, cut where why changes; a short piece belongs to the one before. That she had no band
    is never any other's."""
    found: list[Gap] = []
    for known, run in groupby(part, key=lambda each: Known.UNMEASURED if each == Known.WORN else Known(each)):
        begin = found[-1].end if found else start
        found.append(Gap(begin, begin + sum(1 for _ in run), known))
    joined: list[Gap] = []
    for each in found:
        last = joined[-1] if joined else None
        if last is None or (each.why is not last.why and not _belongs(each, last)):
            joined.append(each)
        else:
            longer = max(each, last, key=lambda gap: gap.minutes)
            joined[-1] = Gap(last.begin, each.end, longer.why)
    return joined


def _belongs(each: Gap, last: Gap) -> bool:
    """Whether two pieces are told as one: one of them is short, and neither is of the time without a band."""
    return min(each.minutes, last.minutes) < PIECE_MIN and Known.BEFORE not in (each.why, last.why)
