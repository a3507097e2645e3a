"""Limits of a resident's own in words: which, and who signed them, when and why. Pure."""

from dataclasses import dataclass, fields
from datetime import timedelta

from alerts.rules.thresholds import Thresholds
from api.console.shell.i18n import Translator
from api.console.shell.screen import Screen
from api.console.shell.times import span
from eldercare.community.resident_schema import File

_DEFAULTS = Thresholds()
_UNITS = {each.name: each.metadata["unit"] for each in fields(Thresholds)}
_WORDS = {
    "bpm": "unit.bpm",
    "hour": "unit.hour",
    "values": "unit.values",
    "fixes": "unit.fixes",
    "bands": "unit.bands",
    "m": "unit.metres",
    "km/h": "unit.speed",
}
_SHARES = ("of the values", "of all bands")


@dataclass(frozen=True, slots=True)
class Limits:
    """What stands, as (name, value) in words. `signed` and `reason` are sentences; None where nobody has signed or no
    reason was given. `otherwise`: something of it cannot hold as it is written."""

    rows: list[tuple[str, str]]
    signed: str | None
    reason: str | None
    otherwise: bool


def limits(screen: Screen, file: File) -> Limits | None:
    """The limits of their own; None where there are none, or the viewer sees no health."""
    if not file.rule_overrides:
        return None
    t, (held, wrong) = screen.t, _DEFAULTS.with_stored(file.rule_overrides)
    rows = [
        (t(f"limit.{name}"), value(t, _UNITS[name], getattr(held, name)))
        for name in _UNITS
        if name in file.rule_overrides
    ]
    signed = None
    if file.limits_signed_at is not None:
        at = screen.when.short(file.limits_signed_at)
        signed = t("limits.signed", name=file.limits_signed_by or "–", at=at)
    reason = t("limits.reason", reason=file.limits_reason) if file.limits_reason else None
    return Limits(rows, signed, reason, bool(wrong))


def value(t: Translator, unit: str, number: float) -> str:
    """A limit with its unit (of `Thresholds`) in words."""
    if unit == "s":
        return _length(t, number)
    if unit in _SHARES:
        return f"{100 * number:g}%"
    return t(_WORDS[unit], n=f"{number:g}") if unit in _WORDS else f"{number:g}%" if unit == "%" else f"{number:g}"


def _length(t: Translator, seconds: float) -> str:
    """A length of time, whole: "2小时55分钟"."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    parts = (timedelta(hours=hours), timedelta(minutes=minutes), timedelta(seconds=rest))
    words = [span(t, part) for part in parts if part]
    return " ".join(words) or span(t, timedelta())
