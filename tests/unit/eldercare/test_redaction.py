"""Nothing secret is printed or logged."""

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog

from eldercare import log, redaction, throttle
from eldercare.doctor.finding import error
from eldercare.errors import ConfigurationError
from eldercare.settings import load_settings

MADE_BEFORE = log.logger("made.before")


@pytest.mark.parametrize("password", ["secret", "se/cret", "se#cret", "se?cret", "se@cret", "se:cret", "s%2Fecret"])
def test_no_part_of_a_password_stands_in_a_line(password: str) -> None:
    for url in (f"postgresql://u:{password}@db/x", f"mqtts://u:{password}@broker:8883"):
        line = redaction.redacted(f"cannot reach {url}: refused")
        assert "cret" not in line
        assert line.startswith("cannot reach ") and line.endswith(": refused")  # noqa: PT018
        assert "cret" not in str(error(f"no answer from {url}", "look"))
    assert "cret" not in redaction.redacted(f"host=db password='{password}' user=u")


@pytest.mark.parametrize("sign", ["/", "?", "#"])
@pytest.mark.parametrize("name", ["database_url", "mqtt_url", "migrate_database_url"])
def test_an_address_whose_password_ends_it_is_refused_without_being_told(name: str, sign: str) -> None:
    scheme = "mqtt" if name == "mqtt_url" else "postgresql"
    with pytest.raises(ConfigurationError, match="%2F, %3F, %23") as caught:
        load_settings(_env_file=None, **{name: f"{scheme}://u:pa{sign}ss@host/db"})
    assert "pa" not in str(caught.value).replace("password", "")
    assert load_settings(_env_file=None, **{name: f"{scheme}://u:pa%2Fss@host"})


def test_a_line_hides_what_a_secrets_name_stands_over() -> None:
    values = {"cookie": "eldercare_browser=a.b", "headers": {"Authorization": "Bearer x", "host": "h"}, "n": 1,
              "urls": ["amqp://u:p@h", "plain"], "token": None}  # fmt: skip
    assert redaction.redacted_values(values) == {
        "cookie": "…", "headers": {"Authorization": "…", "host": "h"}, "n": 1, "urls": ["amqp://…@h", "plain"],
        "token": None,
    }  # fmt: skip


@pytest.fixture
def _configured_for_this_test() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.usefixtures("_configured_for_this_test")
def test_a_logger_made_before_follows_level_and_form(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    log.configure("warning", "api")
    MADE_BEFORE.info("quiet")
    MADE_BEFORE.warning("told", error="postgresql://u:p/w@h refused")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(line["event"], line["module"], line["service"], line["error"]) for line in lines] == [
        ("told", "made.before", "api", "postgresql://…@h refused")
    ]


def test_a_known_browsers_cookie_is_not_told() -> None:
    assert throttle.told("network 10.0.0.1") == "network 10.0.0.1"
    first, again, other = (throttle.told(f"browser {name}") for name in ("abc.def", "abc.def", "abc.deg"))
    assert "abc" not in first
    assert "def" not in first
    assert first == again != other
