"""Of whom something cannot be watched, for the tiles of the board.

A board is fetched every few seconds and shows thousands; what the rules remember of all of them is megabytes, and what
a band lacks changes in days. So it is kept in the process for some minutes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from fastapi import Request

from alerts.detection.unwatched import listing
from alerts.rules.unwatched import PASSING
from eldercare.platform.database import Connection

KEPT = timedelta(minutes=5)


class Kept(NamedTuple):
    """The rules that cannot watch them, by resident, as they were at a time of the service's clock (aware)."""

    at: datetime
    rules: Mapping[int, Sequence[str]]


async def blind_rules(request: Request, conn: Connection, now: datetime, zone: tzinfo) -> Mapping[int, Sequence[str]]:
    """The names of the rules that cannot watch them until somebody does something about it, by resident, not older than
    `KEPT` as of `now` (aware); who has none is not there. What is over by itself, or is a trouble of the tile already,
    is left out."""
    kept: Kept | None = getattr(request.app.state, "unwatched", None)
    if kept is not None and timedelta() <= now - kept.at < KEPT:
        return kept.rules
    # One looks, for a second where there are thousands; whoever asks meanwhile gets what was known before.
    request.app.state.unwatched = Kept(now, kept.rules if kept else {})
    try:
        rules = await _look(conn, now, zone)
    except BaseException:
        request.app.state.unwatched = kept
        raise
    request.app.state.unwatched = Kept(now, rules)
    return rules


async def _look(conn: Connection, now: datetime, zone: tzinfo) -> Mapping[int, Sequence[str]]:
    found: dict[int, Sequence[str]] = {}
    for person in await listing(conn, now, zone):
        rules = dict.fromkeys(each.rule for each in person.lacks if each.reason not in PASSING)
        if rules:
            found[person.id] = tuple(rules)
    return found
