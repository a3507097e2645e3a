"""What the settings alone tell the doctor."""

from typing import Any

import pytest

from eldercare.platform.finding import Finding, Level, error, some
from eldercare.tools.doctor import network, telephones
from tests.conftest import MakeSettings

TWILIO = {"twilio_account_sid": "AC1", "twilio_auth_token": "x", "twilio_from": "+12025550123"}
GOOD = {**TWILIO, "public_url": "https://care.example.org", "deadman_url": "https://watch.example.org/ping"}


def levels(findings: list[Finding]) -> list[str]:
    return [str(finding.level) for finding in findings]


def test_a_good_real_set_up_has_nothing_to_mend(make_settings: MakeSettings) -> None:
    assert levels(telephones.examine(make_settings(**GOOD))) == ["ok"]


@pytest.mark.parametrize(
    ("change", "words", "level"),
    [
        ({"twilio_from": "+15550001"}, "ELDERCARE_TWILIO_FROM +15550001", Level.ERROR),
        ({"twilio_from": None}, "ELDERCARE_TWILIO_FROM", Level.ERROR),
        ({"public_url": None}, "ELDERCARE_PUBLIC_URL", Level.ERROR),
        ({"public_url": "http://127.0.0.1:8000"}, "only this machine", Level.ERROR),
        ({"public_url": "https://localhost"}, "only this machine", Level.ERROR),
        ({"public_url": "http://care.example.org"}, "not encrypted", Level.WARNING),
        ({"deadman_url": None}, "ELDERCARE_DEADMAN_URL", Level.WARNING),
        ({"twilio_api_url": "http://127.0.0.1:8010"}, "simulated telephones", Level.NOTE),
    ],
)
def test_what_is_wrong_is_named(make_settings: MakeSettings, change: dict[str, Any], words: str, level: Level) -> None:
    findings = telephones.examine(make_settings(**{**GOOD, **change}))
    assert [finding.level for finding in findings if words in finding.what] == [level]


def test_a_loopback_callback_is_fine_for_simulated_telephones(make_settings: MakeSettings) -> None:
    change = {"twilio_api_url": "http://127.0.0.1:8010", "public_url": "http://127.0.0.1:8000"}
    assert levels(telephones.examine(make_settings(**{**GOOD, **change}))) == ["note"]


def test_it_says_who_reads_the_metrics(make_settings: MakeSettings) -> None:
    assert "this machine alone" in network.metrics(make_settings()).what
    token = "a token of the monitoring"
    found = network.metrics(make_settings(metrics_token=token))
    assert "with the token" in found.what
    assert token not in str(found)


def test_a_finding_is_one_line() -> None:
    assert str(error("错 · wrong", "改 · mend")) == "✗ error   错 · wrong → 改 · mend"
    assert some(["a", "b", "c"], most=2) == "a, b … +1"
