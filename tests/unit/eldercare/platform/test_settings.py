"""Settings: from the environment or secret files, and one line for the first that is wrong."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from eldercare.platform.errors import ConfigurationError
from eldercare.platform.settings import (
    Mqtt,
    Section,
    Settings,
    Telephone,
    exit_with,
    is_loopback,
    load_settings,
    parse_mqtt_url,
    unknown_settings,
)


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
        ("DESK_PHONE", "5555 1234", "ELDERCARE_DESK_PHONE: is no telephone number with its country"),
        ("PUBLIC_URL", "care.example.org", "ELDERCARE_PUBLIC_URL: must start with http"),
        ("METRICS_TOKEN", "", "ELDERCARE_METRICS_TOKEN: "),
        ("API_PORT", "65536", "ELDERCARE_API_PORT: "),
        ("BATCH_SIZE", "many", "ELDERCARE_BATCH_SIZE: "),
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


def test_secrets_come_from_files_and_stay_out_of_sight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("s3cret of the metrics\n")
    monkeypatch.setenv("ELDERCARE_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    settings = load_settings()
    assert settings.required("metrics_token") == "s3cret of the metrics"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("name", ["database_url", "mqtt_url", "deadman_url", "metrics_token"])
@pytest.mark.parametrize("by", ["environment", ".env"])
def test_the_file_of_each_secret_may_be_named_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, by: str
) -> None:
    secrets = {"database_url": "postgresql://a", "mqtt_url": "mqtt://b", "deadman_url": "https://c/s3cret"}
    secret = secrets.get(name, "s3cret of the metrics")
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
        (tmp_path / str(number)).write_text(f"of the metrics, file {number}")
    (tmp_path / ".env").write_text(f"ELDERCARE_METRICS_TOKEN_FILE={tmp_path / '0'}\n")
    monkeypatch.setenv("ELDERCARE_METRICS_TOKEN_FILE", str(tmp_path / "1"))
    assert load_settings().required("metrics_token") == "of the metrics, file 1"
    monkeypatch.setenv("ELDERCARE_METRICS_TOKEN", "of the metrics itself")
    assert load_settings().required("metrics_token") == "of the metrics itself"


def test_a_secret_file_that_is_no_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("ELDERCARE_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(ConfigurationError, match=r"^ELDERCARE_METRICS_TOKEN_FILE: .*decode"):
        load_settings()


def test_a_missing_one_is_named_when_it_is_needed() -> None:
    settings = load_settings()
    with pytest.raises(ConfigurationError, match=r"^ELDERCARE_DATABASE_URL is not set$"):
        settings.required("database_url")
    with pytest.raises(ConfigurationError, match=r"^ELDERCARE_MQTT_URL is not set$"):
        _ = settings.mqtt
    assert settings.zone.key == "Asia/Shanghai"


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
    env_file.write_text("ELDERCARE_CARIER_NUMBER=+99988\nELDERCARE_API_PORT=8001\nOTHER=1\neldercare_colour=red\n")
    environment = {
        "ELDERCARE_DATABSE_URL": "x",
        "ELDERCARE_MQTT_URL_FILE": "x",
        "ELDERCARE_API_PORT_FILE": "x",
        "ELDERCARE_CARRIER_TOKEN_FILE": "x",
        "ELDERCARE_TIMESCALE_ROOT": "x",
        "eldercare_public_url": "x",
        "HOME": "x",
    }
    found = unknown_settings([Carrier], environment, env_file)
    assert [(each.name, each.meant) for each in found] == [
        ("ELDERCARE_API_PORT_FILE", "ELDERCARE_API_PORT"),
        ("ELDERCARE_DATABSE_URL", "ELDERCARE_DATABASE_URL"),
        ("ELDERCARE_CARIER_NUMBER", "ELDERCARE_CARRIER_NUMBER"),
        ("eldercare_colour", None),
    ]
    assert "did you mean ELDERCARE_DATABASE_URL?" in str(found[1])
    assert str(env_file) in str(found[2])
    assert unknown_settings([], {}, tmp_path / "absent") == []


class Carrier(Section):
    """The settings of a provider."""

    SECRETS = ("carrier_token",)

    carrier_token: SecretStr | None = None
    carrier_number: Telephone | None = None


def test_a_section_comes_from_where_the_settings_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.env").write_text("ELDERCARE_CARRIER_NUMBER=+1 (202) 555-0123\n")
    monkeypatch.setenv("ELDERCARE_CARRIER_TOKEN", "of the environment")
    settings = Settings(_env_file=tmp_path / "other.env", carrier_token="given")
    carrier = settings.section(Carrier)
    assert (carrier.required("carrier_token"), carrier.carrier_number) == ("given", "+12025550123")
    assert settings.section(Carrier) is carrier
    alone = load_settings().section(Carrier)
    assert (alone.required("carrier_token"), alone.carrier_number) == ("of the environment", None)


def test_a_section_in_which_nothing_is_set_hears_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("of a file")
    monkeypatch.setenv("ELDERCARE_CARRIER_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("ELDERCARE_CARRIER_NUMBER", "+12025550123")
    assert load_settings().section(Carrier).required("carrier_token") == "of a file"
    carrier = load_settings(**Carrier.nothing()).section(Carrier)
    assert (carrier.carrier_token, carrier.carrier_number) == (None, None)


def test_what_is_wrong_in_a_section_is_named_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELDERCARE_CARRIER_NUMBER", "13812345678")
    settings = load_settings()
    with pytest.raises(ConfigurationError, match=r"^ELDERCARE_CARRIER_NUMBER: is no telephone number with its country"):
        settings.section(Carrier)
    with pytest.raises(ConfigurationError, match=r"^ELDERCARE_CARRIER_TOKEN is not set$"):
        Carrier(_env_file=None, carrier_number="+12025550123").required("carrier_token")
