"""What the demo hands to its services, and how it keeps to itself."""

import json
from pathlib import Path

import pytest
from starlette.routing import Match

from api.app import create_app
from eldercare.accounts.viewers import LOGIN_ROLES
from eldercare.demo import run
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.settings import PREFIX
from eldercare.tools.seed.plan import plan
from tests.conftest import MakeSettings

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
ADDRESSES = run.Addresses("http://127.0.0.1:8000", "http://127.0.0.1:8010", "http://127.0.0.1:8020", 1883)


def test_real_provider_settings_are_not_handed_on(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_FILE", "DEADMAN_URL"):
        monkeypatch.setenv(f"{PREFIX}{name}", "https://real.example.org")
    monkeypatch.setenv(f"{PREFIX}TWILIO_FROM", "+8613800000000")
    given = run.service_environment(make_settings(), tmp_path, ADDRESSES, "postgresql://127.0.0.1/x")
    assert "real.example.org" not in json.dumps(given)
    assert "+8613800000000" not in json.dumps(given)
    assert given[f"{PREFIX}TWILIO_API_URL"] == ADDRESSES.phones
    assert f"{PREFIX}DEADMAN_URL" not in given


def test_the_desks_number_is_a_simulated_telephone_that_is_there(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(f"{PREFIX}DESK_PHONE", "+8613800000000")
    given = run.service_environment(make_settings(), tmp_path, ADDRESSES, "postgresql://127.0.0.1/x")
    assert given[f"{PREFIX}DESK_PHONE"] in {person.phone for person in plan(1).staff if "duty" in person.roles}


def test_every_role_that_logs_in_has_a_page_that_is_there(make_settings: MakeSettings) -> None:
    app = create_app(make_settings(database_url=NOWHERE))
    for page in run.PAGES:
        scope = {"type": "http", "method": "GET", "path": page["path"], "headers": [], "root_path": ""}
        assert any(route.matches(scope)[0] is Match.FULL for route in app.routes), page
    seeded = {role for person in plan(1).staff for role in person.roles} & set(LOGIN_ROLES)
    assert seeded <= {page["role"] for page in run.PAGES} | {"duty_lead"}


def test_a_second_demo_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    refused = pytest.raises(ConfigurationError, match=r"a demo \(process \d+\) already runs in")
    with run.alone(tmp_path), refused, run.alone(tmp_path):
        pass


def test_what_it_remembers_is_for_its_owner_only(tmp_path: Path) -> None:
    memory = tmp_path / "demo.json"
    assert run.remembered(memory) is None
    run.remember(memory, {"residents": [{"name": "王秀英"}]})
    assert run.remembered(memory) == {"residents": [{"name": "王秀英"}]}
    assert oct(memory.stat().st_mode)[-3:] == "600"


def test_a_broken_memory_is_named(tmp_path: Path) -> None:
    memory = tmp_path / "demo.json"
    memory.write_text("{")
    with pytest.raises(ConfigurationError, match=r"demo\.json: .*; remove the folder to begin anew"):
        run.remembered(memory)
