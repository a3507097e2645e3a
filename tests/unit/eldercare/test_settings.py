"""Settings: from the environment or secret files, and one line for the first that is wrong."""

from pathlib import Path

import pytest

from eldercare.errors import ConfigurationError
from eldercare.settings import Mqtt, exit_with, is_loopback, load_settings, parse_mqtt_url, unknown_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("mqtt://a:b@broker:1884", Mqtt("broker", 1884, False, "a", "b")),
        ("mqtts://broker", Mqtt("broker", 8883, True, None, None)),
        ("mqtt://broker", Mqtt("broker", 1883, False, None, None)),
        ("mqtt://us%40er:p%2Fw@[::1]", Mqtt("::1", 1883, False, "us@er", "p/w")),
    ],
)
def test_the_brokers_address(url: str, parts: Mqtt) -> None:
    assert parse_mqtt_url(url) == parts


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("MQTT_URL", "http://broker", "ELDERCARE_MQTT_URL: must start with mqtt://"),
        ("MQTT_URL", "mqtt://", "ELDERCARE_MQTT_URL: names no host"),
        ("DATABASE_URL", "sqlite://", "ELDERCARE_DATABASE_URL: must start with postgresql://"),
        ("TIMEZONE", "Shanghai", "ELDERCARE_TIMEZONE: is no time zone"),
        ("PUBLIC_URL", "care.example.org", "ELDERCARE_PUBLIC_URL: must start with http"),
        ("API_PORT", "65536", "ELDERCARE_API_PORT: "),
        ("BATCH_SIZE", "many", "ELDERCARE_BATCH_SIZE: "),
        ("TWILIO_FROM", "13812345678", "ELDERCARE_TWILIO_FROM: is no telephone number with its country"),
        ("TWILIO_FROM", "eldercare", "ELDERCARE_TWILIO_FROM: "),
        ("LOG_LEVEL", "loud", "ELDERCARE_LOG_LEVEL: "),
        ("MQTT_URL_FILE", "/nowhere/mqtt_url", "ELDERCARE_MQTT_URL_FILE: "),
    ],
)
def test_a_wrong_one_is_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(f"ELDERCARE_{name}", value)
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


def test_our_own_number_may_be_written_with_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELDERCARE_TWILIO_FROM", "+1 (202) 555-0123")
    assert load_settings().twilio_from == "+12025550123"


def test_secrets_come_from_files_and_stay_out_of_sight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    monkeypatch.setenv("ELDERCARE_TWILIO_AUTH_TOKEN_FILE", str(tmp_path / "token"))
    settings = load_settings()
    assert settings.required("twilio_auth_token") == "s3cret"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("name", ["database_url", "mqtt_url", "twilio_account_sid", "twilio_auth_token", "deadman_url"])
@pytest.mark.parametrize("by", ["environment", ".env"])
def test_the_file_of_each_secret_may_be_named_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, by: str
) -> None:
    secrets = {"database_url": "postgresql://a", "mqtt_url": "mqtt://b", "deadman_url": "https://c/s3cret"}
    secret = secrets.get(name, "s3cret")
    (tmp_path / "secret").write_text(f"{secret}\n")
    variable = f"ELDERCARE_{name.upper()}_FILE"
    if by == "environment":
        monkeypatch.setenv(variable, str(tmp_path / "secret"))
    else:
        (tmp_path / ".env").write_text(f"{variable}={tmp_path / 'secret'}\n")
    assert load_settings().required(name) == secret


def test_a_secret_itself_goes_before_its_file_and_the_environment_before_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        (tmp_path / str(number)).write_text(f"from file {number}")
    (tmp_path / ".env").write_text(f"ELDERCARE_TWILIO_AUTH_TOKEN_FILE={tmp_path / '0'}\n")
    monkeypatch.setenv("ELDERCARE_TWILIO_AUTH_TOKEN_FILE", str(tmp_path / "1"))
    assert load_settings().required("twilio_auth_token") == "from file 1"
    monkeypatch.setenv("ELDERCARE_TWILIO_AUTH_TOKEN", "itself")
    assert load_settings().required("twilio_auth_token") == "itself"


def test_a_secret_file_that_is_no_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("ELDERCARE_TWILIO_AUTH_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(ConfigurationError, match=r"^ELDERCARE_TWILIO_AUTH_TOKEN_FILE: .*decode"):
        load_settings()


def test_a_missing_one_is_named_when_it_is_needed() -> None:
    settings = load_settings()
    with pytest.raises(ConfigurationError, match=r"^ELDERCARE_DATABASE_URL is not set$"):
        settings.required("database_url")
    with pytest.raises(ConfigurationError, match=r"^ELDERCARE_MQTT_URL is not set$"):
        _ = settings.mqtt
    assert settings.zone.key == "Asia/Shanghai"


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
def test_a_channel_is_real_unless_its_address_is_on_this_machine(sid: str | None, url: str, real: bool) -> None:
    assert load_settings(twilio_account_sid=sid, twilio_api_url=url).real_channel is real


def test_a_command_ends_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        exit_with(ConfigurationError("ELDERCARE_X is not set"))
    assert ended.value.code == 2
    assert capsys.readouterr().err == "eldercare: ELDERCARE_X is not set\n"


@pytest.mark.parametrize(
    ("url", "here"),
    [("http://[::1]:1", True), ("http://127.9.9.9", True), ("http://x.localhost", True), ("https://10.0.0.1", False)],
)
def test_loopback_addresses(url: str, here: bool) -> None:
    assert is_loopback(url) is here


def test_what_is_set_in_vain_is_named_with_what_was_meant(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("ELDERCARE_TWILO_FROM=+99988\nELDERCARE_API_PORT=8001\nOTHER=1\neldercare_colour=red\n")
    environment = {
        "ELDERCARE_DATABSE_URL": "x",
        "ELDERCARE_MQTT_URL_FILE": "x",
        "ELDERCARE_API_PORT_FILE": "x",
        "ELDERCARE_TIMESCALE_ROOT": "x",
        "eldercare_public_url": "x",
        "HOME": "x",
    }
    found = unknown_settings(environment, env_file)
    assert [(each.name, each.meant) for each in found] == [
        ("ELDERCARE_API_PORT_FILE", "ELDERCARE_API_PORT"),
        ("ELDERCARE_DATABSE_URL", "ELDERCARE_DATABASE_URL"),
        ("ELDERCARE_TWILO_FROM", "ELDERCARE_TWILIO_FROM"),
        ("eldercare_colour", None),
    ]
    assert "did you mean ELDERCARE_DATABASE_URL?" in str(found[1])
    assert str(env_file) in str(found[2])
    assert unknown_settings({}, tmp_path / "absent") == []
