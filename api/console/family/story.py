"""What happened, from the timeline of an incident, as one tells it to family: few lines, no operator's words. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from alerts.incidents.detail import IncidentDetail, TimelineRow


class Told(NamedTuple):
    """One line: when (aware), a text of the catalogue (`tell.KEY`), what fills it, and what somebody wrote."""

    at: datetime
    key: str
    values: Mapping[str, datetime | str] = {}
    note: str | None = None


_SOURCES = ("button", "fall", "telephone")
_ENDS = ("helped", "hospital", "false_alarm", "test", "nobody_there", "found", "cleared")
_PLAIN = {
    "pressed_again": "pressed_again",
    "handed_to_120": "ambulance",
    "told_family": "told_family",
    "called_out_again": "calling_again",
    "taken_back": "calling_again",
    "handed_back": "calling_again",
    "asked_wearer": "asked",
    "wearer_silent": "asked_silent",
    "wearer_well": "asked_well",
    "wearer_help": "asked_help",
    "wearer_unclear": "asked_unclear",
}
_BY_SOMEBODY = {
    "handling": "handling",
    "accepted": "going",
    "en_route": "on_the_way",
    "arrived": "there",
    "joined": "joined",
}


def knows_details(whole: IncidentDetail, viewer_id: int) -> bool:
    """Whether the details of the timeline are the viewer's to know: without them nobody can tell who goes from who
    wrote it down, nor how she called."""
    others = (row for row in whole.timeline if row.actor_id != viewer_id)
    return whole.incident.sees_health or any(row.detail for row in others)


def tell(rows: Sequence[TimelineRow], viewer_id: int, knows: bool = True) -> list[Told]:
    """The story, oldest first. What is only the desk's business is left out, and so is what was told just before.
    Where the viewer does not know details (`knows`), nobody is named."""
    found: list[Told] = []
    for row in rows:
        told = _line(row, viewer_id, knows)
        if told is not None and told.key == "over_false_alarm" and found and found[0].key != "opened_button":
            told = told._replace(key="over_nothing")
        if told is not None and not (found and found[-1][1:] == told[1:]):
            found.append(told)
    return found


def late(rows: Sequence[TimelineRow]) -> str | None:
    """Who was to be there in time and was not, where that is why calling began again and nobody has gone since."""
    name: str | None = None
    missed: str | None = None
    for row in rows:
        if row.kind == "accepted":
            name, missed = row.actor_name, None
        elif row.kind == "reopened":
            missed = name if row.detail.get("reason") == "not_there_in_time" else None
    return missed


def _line(row: TimelineRow, viewer_id: int, knows: bool) -> Told | None:
    if row.kind == "opened":
        if not knows:
            return Told(row.at, "opened_help" if row.via in ("band", "telephone") else "opened_change")
        source = "telephone" if row.via == "telephone" else str(row.detail.get("trigger", row.via))
        known = "button" if source == "band" else source if source in _SOURCES else "change"
        return Told(row.at, f"opened_{known}")
    if row.kind == "resolved":
        outcome = str(row.detail.get("disposition"))
        note = row.detail.get("note")
        key = f"over_{outcome}" if outcome in _ENDS else "over"
        return Told(row.at, key, {}, note if isinstance(note, str) else None)
    if row.kind == "reopened":
        in_time = row.detail.get("reason") == "not_there_in_time"
        return Told(row.at, "not_in_time" if in_time else "calling_again")
    if row.kind in _BY_SOMEBODY:
        return _deed(row, viewer_id, knows)
    return Told(row.at, _PLAIN[row.kind]) if row.kind in _PLAIN else None


def _deed(row: TimelineRow, viewer_id: int, knows: bool) -> Told:
    """What somebody does: the reader, the ambulance, whoever duty says, or the one who said so."""
    key = _BY_SOMEBODY[row.kind]
    if row.kind == "arrived" and row.detail.get("with_120"):
        return Told(row.at, "there_120")
    owner = row.detail.get("owner")
    if row.actor_id == viewer_id and not owner:
        return Told(row.at, f"{key}_you")
    name = owner if isinstance(owner, str) else row.actor_name
    if not name or not knows:
        return Told(row.at, f"{key}_somebody")
    due = row.detail.get("arrival_due_at")
    if key == "going" and isinstance(due, str):
        return Told(row.at, "going_due", {"name": name, "due": datetime.fromisoformat(due)})
    return Told(row.at, key, {"name": name})
