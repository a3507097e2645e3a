"""Every text is there in both languages, is used, and nothing people read is written anywhere else."""

import ast
import re
from dataclasses import fields as fields_of
from pathlib import Path
from string import Formatter

import pytest

from alerts.channels.twilio import statuses
from alerts.incidents.actions import Action
from alerts.incidents.case import Disposition
from alerts.model.incident import IncidentKind, IncidentState, Severity
from alerts.model.notification import Status
from alerts.rules.thresholds import Thresholds
from alerts.rules.unwatched import NEEDS, Reason
from api.console.shell.i18n import LANGUAGES, Translator, catalogue, language_of
from eldercare.accounts.viewers import LOGIN_ROLES
from eldercare.community.resident_schema import FLAGS

CONSOLE = Path(__file__).parents[4] / "api" / "console"
TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))
PYTHON = sorted(CONSOLE.rglob("*.py"))
SCRIPTS = sorted((CONSOLE / "static" / "js").glob("*.js"))
CJK = re.compile(r"[\u4e00-\u9fff]")

# Texts whose names are put together: the prefix in the source, and every name that can follow it.
FAMILIES = {
    "flag": list(FLAGS),
    "rule": [needs.rule for needs in NEEDS],
    "lack": list(Reason),
    "remedy": list(Reason),
    "limit": [each.name for each in fields_of(Thresholds)],
    "gender": ["female", "male"],
    "role": [str(role) for role in LOGIN_ROLES],
    "kind": [*IncidentKind, "sos_fall", "sos_telephone"],
    "severity": list(Severity),
    "state": list(IncidentState),
    "conflict": [*IncidentState, "somebody", "changed"],
    "disposition": list(Disposition),
    "action": [*(action for action in Action if action is not Action.NOTE), "mute", "en_route_owner", "arrive_owner",
               "handle_still", "handle_over",
               "arrive_120"],
    "status": list(Status),
    "channel": ["voice", "sms", "band"],
    "purpose": ["second", "pressed_again", "stand_down", "hang_up", "sos_state", "command"],
    "contact": ["family", "doctor", "neighbour", "care_worker", "volunteer"],
    "month": [f"m{number}" for number in range(1, 13)],
    "error": ["forbidden", "not_found", "conflict", "invalid", "unavailable", "internal"],
    "via": ["band", "rule", "ladder", "voice", "sms", "console", "api", "watch", "telephone"],
    "done": ["accepted", "already_yours", "already_owned", "over", "moved_on", "handed_back", "noted", "en_route",
             "arrive", "reopen", "resolve", "hand_to_120", "note", "raised", "en_route_owner", "arrive_owner",
             "arrive_120", "joined", "handling", "handling_still", "handling_over", "sent", "added", "take_back",
             "call_again"],
    "home": [f"none_{role}" for role in LOGIN_ROLES],
    "ask": ["send", "add", "send_lead", "add_lead"],
    "event": ["opened_button", "opened_fall", "opened_telephone", "opened_rule", "opened_found",
              "pressed_again", "called_again",
              "raised", "cleared", "resolved", "resolved_itself", "accepted", "answered_late", "passed",
              "handed_back", "en_route", "arrived", "handed_to_120", "reopened", "reopened_itself", "note", "step",
              "step_repeat", "step_console", "fell_through", "nobody_reachable", "ask_120", "told_owner",
              "told_family", "still_open", "step_failed", "en_route_owner", "arrived_owner", "arrived_120",
              "handling", "handling_over", "handling_ended_no_action", "handling_ended_passed",
              "handling_ended_ladder_spent", "left_desk",
              "clock_went_back", "sent", "added", "joined", "taken_back", "called_out_again"],
    "why": ["no_contact", "handled", "called_before", "carrier_limit", "pressed_again", "owner_has_no_number",
            "not_there_in_time", "ambulance_not_confirmed", "ambulance_called", "asked_for", "in_hand",
            "nobody_has_it", "high_urgent", "high_warning", "low_urgent", "low_warning", "asleep_high_warning",
            "high_over", "low_over", "asleep_high_over", "above_usual_warning", "above_usual_over",
            "above_usual_asleep_warning", "above_usual_asleep_over", "left_at_night", "going_in_circles",
            "unusually_far", "out_at_odd_hour", "lost_outside", "returned"],
}  # fmt: skip


def said_by_rules() -> set[str]:
    """The reasons that stand as they are in the rules: of what is found, of what is over, or chosen before."""
    found: set[str] = set()
    for path in RULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _REASON_AT:
                found |= _texts(node.args[_REASON_AT[node.func.id] : _REASON_AT[node.func.id] + 1])
            elif isinstance(node, ast.Assign):
                targets = [name for each in node.targets for name in ast.walk(each) if isinstance(name, ast.Name)]
                if targets and targets[0].id == "reason":
                    values = node.value.elts[:1] if isinstance(node.value, ast.Tuple) else [node.value]
                    found |= _texts(values)
    return found


_REASON_AT = {"Finding": 2, "Cleared": 1}
RULES = sorted((CONSOLE.parents[1] / "alerts" / "rules").glob("*.py"))


def _texts(nodes: list[ast.expr]) -> set[str]:
    parts = [part for node in nodes for part in ((node.body, node.orelse) if isinstance(node, ast.IfExp) else (node,))]
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def test_every_reason_of_a_rule_has_words() -> None:
    assert len(said_by_rules()) > 15
    assert {f"why.{reason}" for reason in said_by_rules()} <= set(catalogue())


def sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in [*TEMPLATES, *PYTHON])


def named_in_source() -> set[str]:
    """Names that stand whole in a template or a module: t("board.title"), or in a table of names."""
    names = set(catalogue())
    return {name for name in re.findall(r'["\']([a-z_]+\.[a-z0-9_-]+)["\']', sources()) if name in names}


def said_by_scripts() -> set[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    return {f"js.{key}" for key in re.findall(r'word\("([a-z0-9_]+)"', text)}


def test_every_name_in_a_template_or_module_is_in_the_catalogue() -> None:
    called = set(re.findall(r'\bt\("([a-z_]+\.[a-z0-9_-]+)"[,)]', sources()))
    called |= set(re.findall(r"\bt\('([a-z_]+\.[a-z0-9_-]+)'[,)]", sources()))
    assert len(called) > 100
    assert called <= set(catalogue())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_word_of_a_family_has_a_text(family: str) -> None:
    assert {f"{family}.{name}" for name in FAMILIES[family]} <= set(catalogue())


def test_every_reason_of_a_provider_has_a_text() -> None:
    reasons = {reason for reason, _ in statuses.ERRORS.values()}
    reasons |= {statuses.refusal(status, None)[0] for status in (400, 401, 429, 500)}
    for words, event in (
        (("completed", "busy", "no-answer", "failed", "canceled"), statuses.call_event),
        (("undelivered", "failed", "canceled", "partially_delivered"), statuses.message_event),
        (("machine_start", "fax"), statuses.answered_by_event),
    ):
        for word in words:
            told = event(word)
            assert told is not None
            assert told.reason is not None
            reasons.add(told.reason)
    assert {f"reason.{reason}" for reason in reasons} <= set(catalogue())


def test_every_text_is_used() -> None:
    # Texts that data names: a provider's reasons, a channel's own way of saying a status.
    by_data = {name for name in catalogue() if name.startswith(("reason.", "status."))}
    families = {f"{family}.{name}" for family, names in FAMILIES.items() for name in names}
    families |= {f"why.{reason}" for reason in said_by_rules()}
    prefixes = tuple(re.findall(r'["\']([a-z_]+\.[a-z0-9_]*)["\'] ~', sources())) + tuple(
        f"{prefix}" for prefix in re.findall(r'f"([a-z_]+\.[a-z_]*)\{', sources())
    )
    put_together = {name for name in catalogue() if name.startswith(prefixes)}
    scripts = {name for name in catalogue() if name.startswith(("js.link_", "js.error_"))} | said_by_scripts()
    assert set(catalogue()) - named_in_source() - families - by_data - put_together - scripts == set()


def test_scripts_say_only_what_is_in_the_catalogue() -> None:
    assert len(said_by_scripts()) > 8
    assert said_by_scripts() <= set(catalogue())


def test_both_languages_fill_the_same_names() -> None:
    for name, (zh, en) in catalogue().items():
        assert fields(zh) == fields(en) or name == "time.date", name


def test_chinese_is_chinese_and_english_is_not() -> None:
    for name, (zh, en) in catalogue().items():
        if name == "menu.other_language":
            zh, en = en, zh
        only_signs = re.sub(r"\{\w+\}", "", zh).strip(" 、…/·") == ""
        assert CJK.search(zh) or only_signs, name
        assert not CJK.search(en), name


def fields(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_text_of_their_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for code in (r"\{#.*?#\}", r"\{%.*?%\}", r"\{\{.*?\}\}"):
        text = re.sub(code, "", text, flags=re.DOTALL)
    assert not CJK.search(text)
    between_tags = " ".join(re.findall(r">([^<>]*)<", text))
    assert not re.search(r"[A-Za-z]{2,}", between_tags), between_tags


def test_scripts_hold_no_text_of_their_own() -> None:
    for path in SCRIPTS:
        assert not CJK.search(path.read_text(encoding="utf-8")), path.name


def test_a_text_fills_its_names() -> None:
    assert [Translator(language)("js.accuracy", n=3) for language in LANGUAGES] == ["误差约 3 米", "within 3 m"]


def test_an_unknown_text_is_an_error() -> None:
    with pytest.raises(KeyError):
        Translator("zh")("board.no_such_text")


def test_the_switch_goes_before_the_persons_own_language() -> None:
    assert language_of("en", "zh") == "en"
    assert language_of(None, "en") == "en"
    assert language_of("tlh", "fr") == "zh"
