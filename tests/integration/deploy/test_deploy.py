"""What deploy/ ships is what the tests run, and holds together."""

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import typer
import yaml

from alerts.channels import registry
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.settings import PREFIX, Settings, parse_mqtt_url
from eldercare.protocol.mqtt_v1 import Kind, topic
from eldercare.tools.cli.commands import app
from tests.conftest import MakeSettings
from tests.support.services import mosquitto
from tests.support.services.missing import missing
from tests.support.services.mosquitto import Mosquitto
from tests.support.services.processes import wait_until

DEPLOY = Path(__file__).parents[3] / "deploy"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `prepare.py` makes it for a broker on this machine."""
    folder = tmp_path_factory.mktemp("deploy")
    prepare(folder)
    return folder


def prepare(folder: Path) -> None:
    command = [sys.executable, str(DEPLOY / "prepare.py"), "localhost", "127.0.0.1", "--folder", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def tls_broker(prepared: Path) -> Iterator[Mosquitto]:
    """Mosquitto with deploy's own listener for bands, the port and the address apart."""
    if not mosquitto.found():
        missing("Mosquitto", mosquitto.HOW)
    broker = Mosquitto()
    listener = (DEPLOY / "mosquitto" / "listeners" / "bands.conf").read_text()
    assert "listener 8883\n" in listener
    listener = listener.replace("listener 8883\n", f"listener {broker.bands_port} 127.0.0.1\n")
    (broker.folder / "listeners" / "bands.conf").write_text(listener)
    for file in (prepared / "mosquitto" / "certs").iterdir():
        (broker.folder / "certs" / file.name).write_bytes(file.read_bytes())
    with broker.passwords.open("a") as passwords:
        passwords.write(re.sub("^eldercare:", "prepared:", (prepared / "mosquitto/passwords/passwords").read_text()))
    broker.start()
    yield broker
    broker.close()


def tls(prepared: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(prepared / "mosquitto" / "certs" / "ca.crt"))


def test_compose_runs_the_configuration_that_the_tests_run(compose: dict[str, Any]) -> None:
    mounted = dict(volume.split(":")[:2] for volume in compose["services"]["mosquitto"]["volumes"])
    for name in ("mosquitto.conf", "acl"):
        source = next(source for source, target in mounted.items() if target == f"/mosquitto/{name}")
        assert (DEPLOY / source).resolve() == (mosquitto.DEPLOYED / name).resolve()
    # The paths in mosquitto.conf are relative: the working directory has to be the folder that the mounts fill.
    assert compose["services"]["mosquitto"]["working_dir"] == "/mosquitto"


def test_compose_names_only_what_it_has(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {"timescaledb", "mosquitto", "migrate", "ingest", "telemetry", "alerts", "api"} <= set(services)
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert set(service.get("networks", [])) <= set(compose["networks"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose["volumes"]


def test_whatever_a_unit_or_a_container_runs_is_a_command(compose: dict[str, Any]) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    text = (DEPLOY / "README.md").read_text() + (DEPLOY / "systemd" / "eldercare@.service").read_text()
    units = set(re.findall(r"eldercare@([a-z-]+)", text))
    ours = [service for service in compose["services"].values() if service["image"] == "eldercare:local"]
    contained = {service["command"][0] for service in ours if "command" in service}
    assert {"ingest-sos", "ingest-telemetry", "alerts", "api"} <= units & contained
    assert units | contained <= set(group.commands)


def test_only_the_bands_listener_is_open_to_the_world(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published == {"mosquitto": ["8883:8883"], "api": ["127.0.0.1:8000:8000"]}


def test_prepare_makes_every_secret_that_compose_needs(compose: dict[str, Any], prepared: Path) -> None:
    for secret in compose["secrets"].values():
        assert (prepared / secret["file"]).read_text()
    assert oct((prepared / "secrets").stat().st_mode)[-3:] == "700"
    assert oct((prepared / "mosquitto/certs/broker.key").stat().st_mode)[-3:] == "600"


def test_the_owner_of_the_tables_is_known_to_migrations_alone(compose: dict[str, Any], prepared: Path) -> None:
    def knows(secret: str) -> set[str]:
        return {name for name, service in compose["services"].items() if secret in service.get("secrets", [])}

    assert knows("migrate_database_url") == {"migrate", "roles"}
    assert knows("postgres_password") == {"timescaledb"}
    assert knows("service_password") == {"roles"}
    assert {"ingest", "telemetry", "alerts", "api", "tools"} == knows("database_url")
    for service in compose["services"].values():
        for name, value in (service.get("environment") or {}).items():
            secret = str(value).removeprefix("/run/secrets/")
            assert secret == str(value) or secret in service["secrets"], name
    roles = {"database_url": "eldercare_service", "migrate_database_url": "eldercare"}
    for secret, role in roles.items():
        assert (prepared / compose["secrets"][secret]["file"]).read_text().startswith(f"postgresql://{role}:")
    # First the role, then the grants to it, then who uses them.
    after = {name: set(compose["services"][name]["depends_on"]) for name in ("roles", "migrate", "ingest")}
    assert (after["roles"], after["migrate"]) == ({"timescaledb"}, {"roles"})
    assert "migrate" in after["ingest"]


def test_prepare_keeps_what_exists(prepared: Path) -> None:
    before = {path: path.read_bytes() for path in prepared.rglob("*") if path.is_file()}
    prepare(prepared)
    assert {path: path.read_bytes() for path in prepared.rglob("*") if path.is_file()} == before


def test_every_setting_is_in_the_example() -> None:
    example = (DEPLOY / "env.example").read_text()
    known = [name for section in (Settings, *registry.sections()) for name in section.model_fields]
    assert set(re.findall(rf"{PREFIX}([A-Z_]+)=", example)) == {name.upper() for name in known}


@pytest.mark.parametrize("uncommented", [False, True])
def test_the_example_of_settings_works_as_printed(tmp_path: Path, uncommented: bool) -> None:
    """Read by a shell, as the README has it for commands, and by the services: no line is refused or unknown."""
    example = (DEPLOY / "env.example").read_text()
    if uncommented:
        example = re.sub(rf"^# ({PREFIX}\w+=)", r"\1", example, flags=re.M)
    (tmp_path / "eldercare.env").write_text(example)
    certificates = {f"{PREFIX}MQTT_{name}": "" for name in ("CA", "CERTIFICATE", "KEY")}  # of the reader's own
    done = subprocess.run(
        ["bash", "-euc", 'set -a; . ./eldercare.env; [ -z "$1" ] || unset $1; exec "$2" -c "$3"', "-",
         " ".join(certificates), sys.executable,
         "from alerts.channels import registry;"
         " from eldercare.platform.settings import load_settings, unknown_settings;"
         " settings = load_settings(); registry.set_up(settings); print(settings.public_url);"
         " unknown = unknown_settings(registry.sections()); assert not unknown, unknown"],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(DEPLOY.parent)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "https://care.example.org\n"), done.stderr


def test_a_renewed_certificate_is_shown_after_a_sighup(tls_broker: Mosquitto, prepared: Path, tmp_path: Path) -> None:
    def shown() -> int:
        with (
            socket.create_connection(("127.0.0.1", tls_broker.bands_port), timeout=5) as plain,
            tls(prepared).wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            return int(str((secured.getpeercert() or {})["serialNumber"]), 16)

    before = shown()
    renewed = tmp_path / "deploy"
    shutil.copytree(prepared, renewed)
    (renewed / "mosquitto/certs/broker.crt").unlink()
    prepare(renewed)
    for name in ("broker.crt", "broker.key"):
        (tls_broker.folder / "certs" / name).write_bytes((renewed / "mosquitto/certs" / name).read_bytes())
    assert shown() == before
    tls_broker.reload()
    wait_until(lambda: shown() != before, "the broker to show its new certificate")


def test_no_image_is_named_by_a_tag_that_may_become_another(compose: dict[str, Any]) -> None:
    digest = re.compile(r"[a-z/-]+:\d[\w.-]*@sha256:[0-9a-f]{64}")
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    built_from = dict(re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", dockerfile, re.MULTILINE))
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {f"${{{name}}}" for name in built_from}
    assert [image for image in built_from.values() if not digest.fullmatch(image)] == []
    run = {service["image"] for service in compose["services"].values()} - {"eldercare:local"}
    # The version that the tests run; whoever has pulled it pins its digest by the variable.
    tested = "${TIMESCALEDB_IMAGE:-timescale/timescaledb:2.19.3-pg17}"
    assert tested in run
    assert [image for image in run - {tested} if not digest.fullmatch(image)] == []


def test_every_service_has_a_limit_of_memory(compose: dict[str, Any]) -> None:
    assert [name for name, service in compose["services"].items() if "mem_limit" not in service] == []
    for unit in ("eldercare@.service", "eldercare-broker.service"):
        assert "\nMemoryMax=" in (DEPLOY / "systemd" / unit).read_text()


def test_no_broken_service_takes_the_cores_of_the_others(compose: dict[str, Any]) -> None:
    unlimited = {name for name, service in compose["services"].items() if "cpus" not in service}
    assert unlimited == {"timescaledb"}
    assert compose["services"]["timescaledb"]["cpu_shares"] > 1024  # what everybody else has
    for unit in (DEPLOY / "systemd").glob("*.service"):
        assert "\nCPUQuota=" in unit.read_text(), unit.name
        assert "\nMemoryMax=" in unit.read_text(), unit.name


def test_the_window_of_the_broker_is_four_batches() -> None:
    conf = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text()
    [window] = re.findall(r"^max_inflight_messages (\d+)$", conf, re.MULTILINE)
    assert int(window) == 4 * Settings.model_fields["batch_size"].default


async def test_a_band_speaks_over_tls_with_the_prepared_certificate(tls_broker: Mosquitto, prepared: Path) -> None:
    password = tls_broker.add_band("tls-band")
    service = parse_mqtt_url(tls_broker.url)
    async with (
        aiomqtt.Client(service.host, service.port, username=service.username, password=service.password) as consumer,
        aiomqtt.Client(
            "127.0.0.1", tls_broker.bands_port, username="tls-band", password=password, tls_context=tls(prepared)
        ) as band,
    ):
        await consumer.subscribe("eldercare/v1/+/sos", qos=1)
        await band.publish(topic("tls-band", Kind.SOS), "{}", qos=1)
        message = await asyncio.wait_for(anext(consumer.messages), 60)
    assert str(message.topic) == topic("tls-band", Kind.SOS)


@pytest.fixture
def services_broker(prepared: Path) -> Iterator[Mosquitto]:
    """Mosquitto with deploy's own TLS listener for services."""
    if not mosquitto.found():
        missing("Mosquitto", mosquitto.HOW)
    broker = Mosquitto({})
    listener = (DEPLOY / "mosquitto" / "services-tls.conf").read_text()
    assert "listener 8884\n" in listener
    listener = listener.replace("listener 8884\n", f"listener {broker.port} 127.0.0.1\n")
    (broker.folder / "listeners" / "services.conf").write_text(listener)
    for file in (prepared / "mosquitto" / "certs").iterdir():
        (broker.folder / "certs" / file.name).write_bytes(file.read_bytes())
    broker.start()
    yield broker
    broker.close()


async def test_services_come_by_tls_with_their_certificate_and_bands_do_not(
    services_broker: Mosquitto, prepared: Path, make_settings: MakeSettings
) -> None:
    certs = prepared / "mosquitto" / "certs"
    url = services_broker.url.replace("mqtt://", "mqtts://")
    trusted = make_settings(mqtt_url=url, mqtt_ca=certs / "ca.crt")
    known = make_settings(
        mqtt_url=url, mqtt_ca=certs / "ca.crt", mqtt_certificate=certs / "service.crt", mqtt_key=certs / "service.key"
    )
    services_broker.add_users({"band-1": "secret"})
    services_broker.reload()
    async with aiomqtt.Client(
        known.mqtt.host, known.mqtt.port, username=known.mqtt.username, password=known.mqtt.password,
        identifier="eldercare-sos-1", tls_context=known.mqtt_tls(),
    ) as ours:  # fmt: skip
        with pytest.raises((aiomqtt.MqttError, ssl.SSLError)):
            async with aiomqtt.Client(
                trusted.mqtt.host, trusted.mqtt.port, username="band-1", password="secret",
                identifier="eldercare-sos-1", tls_context=trusted.mqtt_tls(), timeout=5,
            ) as band:  # fmt: skip
                await band.publish("eldercare/v1/band-1/status", "{}", qos=1, timeout=5)
        await ours.publish("eldercare/v1/band-1/sos_state", "{}", qos=1, timeout=60)


def test_the_example_points_no_service_at_the_bands_listener() -> None:
    example = (DEPLOY / "env.example").read_text()
    assert re.findall(r"MQTT_URL=\S+:(\d+)", example) == ["1883", "8884"]
    bands = (DEPLOY / "mosquitto" / "listeners" / "bands.conf").read_text()
    assert "listener 8883" in bands
    assert "use_username_as_clientid true" in bands


@pytest.mark.parametrize("name", ["missing", "garbage"])
def test_a_wrong_certificate_of_ours_is_named(
    prepared: Path, tmp_path: Path, make_settings: MakeSettings, name: str
) -> None:
    (tmp_path / "garbage").write_text("no certificate")
    settings = make_settings(mqtt_url="mqtts://127.0.0.1", mqtt_certificate=tmp_path / name)
    with pytest.raises(ConfigurationError, match="ELDERCARE_MQTT_CERTIFICATE: "):
        settings.mqtt_tls()


async def test_the_bands_listener_refuses_plain_text(tls_broker: Mosquitto) -> None:
    port, password = tls_broker.bands_port, tls_broker.add_band("plain-band")
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", port, username="plain-band", password=password, timeout=5):
            pass


async def test_the_service_user_of_prepare_may_enter(tls_broker: Mosquitto, prepared: Path) -> None:
    password = parse_mqtt_url((prepared / "secrets" / "mqtt_url").read_text()).password
    async with aiomqtt.Client(
        "127.0.0.1", tls_broker.bands_port, username="prepared", password=password, tls_context=tls(prepared)
    ):
        pass
