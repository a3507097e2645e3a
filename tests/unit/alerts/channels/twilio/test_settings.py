"""The account at Twilio: what is wrong is named, and what is real is known."""

from pathlib import Path

import pytest

from alerts.channels import registry
from alerts.channels.twilio.settings import TwilioSettings
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.settings import load_settings


@pytest.fixture(autouse=True)
def _no_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("number", ["13812345678", "eldercare"])
def test_a_number_without_its_country_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    monkeypatch.setenv("ELDERCARE_TWILIO_FROM", number)
    with pytest.raises(ConfigurationError, match=r"^ELDERCARE_TWILIO_FROM: is no telephone number with its country"):
        registry.set_up(load_settings())


def test_our_own_number_may_be_written_with_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELDERCARE_TWILIO_FROM", "+1 (202) 555-0123")
    assert load_settings().section(TwilioSettings).twilio_from == "+12025550123"


@pytest.mark.parametrize("name", ["twilio_account_sid", "twilio_auth_token"])
def test_what_is_secret_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv(f"ELDERCARE_{name.upper()}_FILE", str(tmp_path / "secret"))
    assert load_settings().section(TwilioSettings).required(name) == "s3cret"


@pytest.mark.parametrize(
    ("sid", "url", "real"),
    [
        ("AC1", "https://api.twilio.com", True),
        ("AC1", "https://api.dublin.ie1.twilio.com", True),
        ("AC1", "https://a-proxy.example.org/twilio", True),
        ("AC1", "http://127.0.0.1:8010", False),
        ("AC1", "http://localhost:8010", False),
        (None, "https://api.twilio.com", False),
    ],
)
def test_it_is_real_unless_its_address_is_on_this_machine(sid: str | None, url: str, real: bool) -> None:
    assert registry.is_real(load_settings(twilio_account_sid=sid, twilio_api_url=url)) is real
