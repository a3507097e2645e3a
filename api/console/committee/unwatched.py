"""What cannot be watched of somebody, in calm words: why, which rules that is, and what would help. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from alerts.rules.unwatched import Reason, Unwatched
from api.console.shell.i18n import Translator
from api.console.shell.times import span

LOST = frozenset({Reason.NO_BAND, Reason.NEVER_HEARD, Reason.SILENT})
"""Nothing is heard of a band, so that nobody may say that a press rings."""


@dataclass(frozen=True, slots=True)
class Lack:
    """One reason in words: what it is, how much of it there is ("about every 40 min"; None: no number), the rules that
    it blinds, and what would help."""

    words: str
    detail: str | None
    rules: list[str]
    remedy: str


@dataclass(frozen=True, slots=True)
class Section:
    """All of them, with a sentence before."""

    lead: str
    lacks: list[Lack]


def section(t: Translator, found: Sequence[Unwatched]) -> Section | None:
    """What the resident's page says; None where every rule can watch."""
    if not found:
        return None
    lead = "unwatched.lost" if any(each.reason in LOST for each in found) else "unwatched.lead"
    reasons = dict.fromkeys(each.reason for each in found)
    return Section(t(lead), [_lack(t, reason, [each for each in found if each.reason is reason]) for reason in reasons])


def _lack(t: Translator, reason: Reason, found: Sequence[Unwatched]) -> Lack:
    details = dict.fromkeys(_detail(t, each) for each in found)
    # What two rules know otherwise, as each counts days of its own, is not said of both.
    detail = next(iter(details)) if len(details) == 1 else None
    return Lack(t(f"lack.{reason}"), detail, [_rule(t, each) for each in found], t(f"remedy.{reason}"))


def _detail(t: Translator, each: Unwatched) -> str | None:
    if each.known is None:
        return None
    if each.reason is Reason.LEARNING:
        return t("unwatched.days", n=round(each.known))
    return t("unwatched.every", length=span(t, timedelta(seconds=each.known)))


def _rule(t: Translator, each: Unwatched) -> str:
    rule = t(f"rule.{each.rule}")
    if each.needed is None:
        return rule
    if each.reason is Reason.LEARNING:
        return t("unwatched.needs_days", rule=rule, n=round(each.needed))
    return t("unwatched.needs_every", rule=rule, length=span(t, timedelta(seconds=each.needed)))


def names(t: Translator, rules: Sequence[str]) -> str:
    """Rules in a row."""
    return ("、" if t.language == "zh" else ", ").join(t(f"rule.{rule}") for rule in rules)
