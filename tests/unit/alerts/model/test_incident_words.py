"""Words that stand in two places say the same."""

from alerts.model.incident import TECHNICAL, IncidentKind
from api.console.duty import cards
from eldercare.accounts import access


def test_the_rights_and_the_model_agree_on_what_is_technical() -> None:
    # The accounts stand below the alerts and cannot ask them.
    words = access._TECHNICAL.as_string().partition("(")[2].rstrip(")")
    assert {word.strip(" '") for word in words.split(",")} == TECHNICAL


def test_every_kind_has_its_picture() -> None:
    assert set(cards.ICONS) >= set(IncidentKind)
