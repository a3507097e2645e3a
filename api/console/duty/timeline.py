"""The timeline of an incident in sentences: who did what by which way, and what the service did by itself. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.incidents.detail import Notification, TimelineRow
from api.console.duty.calls import Tone, because
from api.console.shell.i18n import Translator
from api.console.shell.screen import When

_TONES: dict[str, Tone] = {
    "opened": "bad",
    "pressed_again": "bad",
    "raised": "bad",
    "found_again": "bad",
    "reopened": "bad",
    "fell_through": "bad",
    "nobody_reachable": "bad",
    "step_failed": "bad",
    "ask_120": "bad",
    "handling": "live",
    "handling_ended": "bad",
    "left_desk": "bad",
    "asked_wearer": "live",
    "wearer_silent": "bad",
    "wearer_well": "good",
    "wearer_help": "bad",
    "wearer_unclear": "bad",
    "sent": "live",
    "added": "live",
    "joined": "good",
    "taken_back": "bad",
    "called_out_again": "live",
    "accepted": "good",
    "en_route": "good",
    "arrived": "good",
    "resolved": "good",
    "cleared": "good",
    "step": "live",
    "told_owner": "live",
    "told_family": "live",
    "handed_to_120": "live",
}
_SOURCES = ("button", "fall", "telephone")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: when, what in words, and what somebody wrote beside it."""

    at: datetime
    words: str
    note: str | None
    tone: Tone


def entries(t: Translator, rows: Sequence[TimelineRow], told: Sequence[Notification], when: When) -> list[Entry]:
    """The whole timeline, the newest first. `told` gives the names of who was called in a step."""
    names = {each.person_id: each.person_name for each in told if each.person_id is not None and each.person_name}
    return [
        Entry(row.at, sentence(t, row, names, when), _note(row), _TONES.get(row.kind, "idle")) for row in reversed(rows)
    ]


def sentence(t: Translator, row: TimelineRow, names: Mapping[int, str], when: When) -> str:
    """One row in words. A kind that has no words yet is named rather than hidden."""
    name = _name(row)
    if not t.known(name):
        return t("event.other", kind=row.kind)
    return t(name, **_values(t, row, names, when))


def _name(row: TimelineRow) -> str:
    detail = row.detail
    if row.kind == "opened":
        source = "telephone" if row.via == "telephone" else detail.get("trigger", row.via)
        if source in _SOURCES:
            return f"event.opened_{source}"
        return "event.opened_rule" if detail.get("reason") else "event.opened_found"
    if row.kind == "resolved" and row.actor_name is None:
        return "event.resolved_asked" if detail.get("wearer_alone") else "event.resolved_itself"
    if row.kind == "wearer_well" and not detail.get("lowered"):
        return "event.wearer_well_noted"
    if row.kind == "resolved" and row.detail.get("unread"):
        return "event.resolved_unread"
    if row.kind == "resolved" and row.detail.get("known_until"):
        return "event.resolved_known"
    if row.kind == "reopened":
        return "event.reopened" if row.actor_name else "event.reopened_itself"
    if row.kind == "pressed_again" and row.via == "telephone":
        return "event.called_again"
    if row.kind == "arrived" and detail.get("with_120"):
        return "event.arrived_120"
    if row.kind in ("en_route", "arrived") and detail.get("owner"):
        return f"event.{row.kind}_owner"
    if row.kind == "handling" and detail.get("instead_of"):
        return "event.handling_over"
    if row.kind == "handling_ended":
        return f"event.handling_ended_{detail.get('reason')}"
    if row.kind == "step":
        return "event.step_repeat" if detail.get("reason") == "repeat" else _step(detail)
    return f"event.{row.kind}"


def _step(detail: Mapping[str, Any]) -> str:
    return "event.step" if detail.get("people") else "event.step_console"


def _values(t: Translator, row: TimelineRow, names: Mapping[int, str], when: When) -> dict[str, object]:
    detail = row.detail
    people = [names[person_id] for person_id in detail.get("people", []) if person_id in names]
    return {
        "actor": row.actor_name or t("event.somebody"),
        "owner": detail.get("owner", ""),
        "person": detail.get("person") or t("event.somebody"),
        "instead_of": detail.get("instead_of", ""),
        "via": t(f"via.{row.via}") if t.known(f"via.{row.via}") else row.via,
        "step": int(detail.get("step") or 0) + 1,
        "people": t("event.and").join(people) or t("event.somebody"),
        "ways": t("event.and").join(t(f"event.asked_{way}") for way in detail.get("ways", [])),
        "told": t("event.and").join(detail.get("told", [])),
        "presses": detail.get("presses", ""),
        "reason": _reason(t, detail.get("reason")),
        "disposition": _disposition(t, detail.get("disposition")),
        "deadline": _deadline(detail, when),
        "severity": t(f"severity.{detail['severity']}") if t.known(f"severity.{detail.get('severity')}") else "",
    }


def _reason(t: Translator, reason: object) -> str:
    if not isinstance(reason, str):
        return ""
    name = f"why.{reason}"
    return t(name) if t.known(name) else because(t, reason) if t.known(f"reason.{reason}") else reason


def _disposition(t: Translator, disposition: object) -> str:
    name = f"disposition.{disposition}"
    return t(name) if t.known(name) else ""


def _deadline(detail: Mapping[str, Any], when: When) -> str:
    for name in ("arrival_due_at", "confirm_by", "next_due", "known_until"):
        if isinstance(detail.get(name), str):
            # A wearer who is asked has seconds to answer.
            return when.short(datetime.fromisoformat(detail[name]), seconds="ways" in detail)
    return "–"


def _note(row: TimelineRow) -> str | None:
    text = row.detail.get("text") or row.detail.get("note")
    if row.kind == "reopened" and row.actor_name and row.detail.get("reason") != "asked_for":
        text = row.detail.get("reason")
    return text if isinstance(text, str) else None
