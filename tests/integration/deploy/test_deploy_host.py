"""A machine without containers: the commands of deploy's README, run in folders of the test's own."""

import asyncio
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import httpx
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from eldercare.platform.database import connect
from eldercare.platform.settings import parse_mqtt_url
from eldercare.tools.seed.fill import seed
from tests.integration.tools.test_cli import eldercare
from tests.support.services import mosquitto
from tests.support.services.missing import missing
from tests.support.services.mosquitto import Mosquitto
from tests.support.services.processes import Server, dies_with_parent, free_port, listens, wait_until

ROOT = Path(__file__).parents[3]
README = (ROOT / "deploy" / "README.md").read_text()
OF_THE_HOST = ("systemctl ", "adduser ", "npm ", "python3 -m venv ", ".venv/bin/pip ")
"""What installs packages or speaks to the system's own supervisor: not run, and nothing else is left out."""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="other users than root cannot hand files to the broker's user")


def commands(heading: str) -> list[str]:
    """The commands under a heading of the README, less those of the host itself."""
    level = "###" if f"\n### {heading}\n" in README else "##"
    section = README.split(f"\n{level} {heading}\n")[1].split("\n## ")[0].split("\n### ")[0]
    lines = [line for block in re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S) for line in block.splitlines()]
    return [line for line in lines if not line.startswith(OF_THE_HOST)]


def run(lines: list[str], folder: Path, places: dict[str, Path]) -> None:
    """Run the commands in a checkout, with each place of the machine replaced by one of the test's."""
    script = "\n".join(lines)
    for machines, ours in places.items():
        assert machines in script
        script = script.replace(machines, str(ours))
    assert not re.search(r" /(etc|var|opt|usr)/", script), script
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, check=True, capture_output=True, text=True)


@pytest.fixture
def checkout(open_folder: Path) -> Path:
    """What a checkout has of deploy/, and nothing that was prepared in it before."""
    folder = open_folder / "checkout"
    private = shutil.ignore_patterns("certs", "passwords", "secrets", "eldercare.env")
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=private)
    open_folder.chmod(0o755)
    return folder


def prepare(checkout: Path) -> None:
    subprocess.run(
        [sys.executable, "deploy/prepare.py", "127.0.0.1", "--owner", "root"],
        cwd=checkout, check=True, capture_output=True,
    )  # fmt: skip


@as_root
async def test_the_broker_of_a_debian_machine_lets_in_whom_enroll_made(
    checkout: Path, database_url: str, tmp_path: Path
) -> None:
    program = mosquitto.program("mosquitto") or missing("Mosquitto", mosquitto.HOW)
    folder = checkout.parent / "broker"
    here = [line.replace("broker.example.org", "127.0.0.1") for line in commands("The broker")]
    run(here, checkout, {"/var/lib/eldercare-broker": folder})
    services, bands = free_port(), free_port()
    for file, wanted, port in (("services.conf", "listener 1883 ", services), ("bands.conf", "listener 8883", bands)):
        path = folder / "listeners" / file
        assert wanted in path.read_text()
        path.write_text(re.sub(r"^listener \d+.*$", f"listener {port} 127.0.0.1", path.read_text(), flags=re.M))
    # As the unit starts it: never root, in this very folder.
    unit = (ROOT / "deploy/systemd/eldercare-broker.service").read_text()
    assert "User=mosquitto\nWorkingDirectory=/var/lib/eldercare-broker\n" in unit
    user = ["setpriv", "--reuid=mosquitto", "--regid=mosquitto", "--clear-groups", "--pdeathsig=KILL"]
    server = Server(
        "Mosquitto", [*user, program, "-c", "mosquitto.conf"], folder, checkout.parent / "log", lambda: listens(bands)
    )
    server.start()
    try:
        url = (checkout / "deploy/secrets/mqtt_url").read_text().replace("@mosquitto:1883", f"@127.0.0.1:{services}")
        settings = {
            "database_url": database_url,
            "mqtt_url": url,
            "broker_passwords": folder / "passwords" / "passwords",
            "broker_pid_file": folder / "run" / "mosquitto.pid",
        }
        enrolled = eldercare("enroll", "--device", "band-0001", cwd=tmp_path, **settings)
        assert enrolled.returncode == 0, enrolled.stderr
        assert "the broker was told" in enrolled.stderr
        assert (folder / "passwords" / "passwords").owner() == "mosquitto"
        wait_until(lambda: "Reloading config" in server.log.read_text(), "the broker to read its passwords again")
        trusted = ssl.create_default_context(cafile=str(folder / "certs" / "ca.crt"))
        password = enrolled.stdout.split()[1]
        async with aiomqtt.Client("127.0.0.1", bands, username="band-0001", password=password, tls_context=trusted):
            pass
        server.signal_and_wait(signal.SIGTERM)
        assert (folder / "data" / "mosquitto.db").owner() == "mosquitto"
    finally:
        server.signal_and_wait(signal.SIGKILL)


def test_the_services_settings_are_readable_by_them_only(checkout: Path, open_folder: Path) -> None:
    lines = [line.replace(" --group=eldercare", "") for line in commands("The services")]  # the user is the host's
    (open_folder / "units").mkdir()
    prepare(checkout)
    run(lines, checkout, {"/etc/eldercare": open_folder / "etc", "/etc/systemd/system": open_folder / "units"})
    assert oct((open_folder / "etc" / "eldercare.env").stat().st_mode)[-3:] == "640"
    owners = open_folder / "etc" / "migrate.env"
    assert oct(owners.stat().st_mode)[-3:] == "600"
    password = (checkout / "deploy/secrets/postgres_password").read_text()
    assert owners.read_text() == (
        f"ELDERCARE_MIGRATE_DATABASE_URL=postgresql://eldercare:{password}@127.0.0.1:5432/eldercare"
    )
    unit = (open_folder / "units" / "eldercare-migrate.service").read_text()
    assert "EnvironmentFile=-/etc/eldercare/migrate.env\n" in unit
    assert {unit.name for unit in (open_folder / "units").iterdir()} == {
        "eldercare@.service", "eldercare-migrate.service", "eldercare-broker.service",
    }  # fmt: skip


@pytest.fixture
def proxied(checkout: Path, database_url: str, tmp_path: Path) -> Iterator[tuple[str, dict[str, str], ssl.SSLContext]]:
    """The address of nginx with deploy's configuration before a real `api`; logins; whom a browser trusts."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        missing("nginx", "on Debian: apt-get install nginx-light")
    users = asyncio.run(_seed(database_url))
    prepare(checkout)
    certs = checkout / "deploy/mosquitto/certs"
    api, http, https = free_port(), free_port(), free_port()
    public_url = f"https://127.0.0.1:{https}"
    variables = [f"ELDERCARE_{name}={value}" for name, value in (
        ("DATABASE_URL", database_url), ("API_PORT", api), ("PUBLIC_URL", public_url), ("DATA_DIR", tmp_path),
    )]  # fmt: skip
    others = [f"{name}={value}" for name, value in os.environ.items() if not name.startswith("ELDERCARE_")]
    command = [*dies_with_parent("KILL"), "env", "-i", *others, f"PYTHONPATH={ROOT}", *variables]
    service = Server(
        "api", [*command, sys.executable, "-m", "api"], tmp_path, tmp_path / "api.log", lambda: listens(api)
    )
    folder = checkout.parent / "nginx"
    folder.mkdir()
    copied = [line for line in commands("HTTPS") if line.startswith("cp ")]
    assert [*copied, "nginx -t"] == commands("HTTPS")
    run(copied, checkout, {"/etc/nginx/conf.d": folder})
    site = folder / "eldercare.conf"
    text = site.read_text()
    for old, new in (
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{api};"),
        ("listen 80;", f"listen 127.0.0.1:{http};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{https} ssl http2;"),
        ("server_name care.example.org;", "server_name 127.0.0.1;"),
        ("/etc/letsencrypt/live/care.example.org/fullchain.pem", str(certs / "broker.crt")),
        ("/etc/letsencrypt/live/care.example.org/privkey.pem", str(certs / "broker.key")),
    ):
        assert old in text
        text = text.replace(old, new)
    site.write_text(re.sub(r"^ +listen \[::\].*\n", "", text, flags=re.M))
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; daemon off; events {{}} error_log stderr; http {{ access_log off; include {site};"
        + "".join(
            f" {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + " }"
    )
    nginx = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    subprocess.run([*nginx, "-t"], check=True, capture_output=True)
    proxy = Server("nginx", [*dies_with_parent("TERM"), *nginx], folder, folder / "log", lambda: listens(https))
    service.start()
    proxy.start()
    yield public_url, users, ssl.create_default_context(cafile=str(certs / "ca.crt"))
    proxy.signal_and_wait(signal.SIGTERM)
    service.signal_and_wait(signal.SIGTERM)


async def _seed(database_url: str) -> dict[str, str]:
    async with await connect(database_url) as conn:
        made = await seed(conn, 2)
    return {user["username"]: user["password"] for user in made["users"]}


async def test_behind_the_proxy_pages_write_redirect_and_hear_at_once(
    proxied: tuple[str, dict[str, str], ssl.SSLContext],
) -> None:
    url, users, trusted = proxied
    async with httpx.AsyncClient(base_url=url, verify=trusted, timeout=20, headers={"Accept": "text/html"}) as browser:
        sent_away = await browser.get("/residents")
        assert sent_away.is_redirect
        assert httpx.URL(url).join(sent_away.headers["location"]).scheme == "https"
        form = {"username": "duty", "password": users["duty"]}
        elsewhere = await browser.post("/login", data=form, headers={"Origin": "https://evil.example.org"})
        assert elsewhere.status_code == 403
        logged_in = await browser.post("/login", data=form, headers={"Origin": url})
        assert logged_in.is_redirect
        assert "secure" in logged_in.headers["set-cookie"].lower()
        assert (await browser.get("/residents")).status_code == 200
        async with browser.stream("GET", "/api/v1/events", headers={"Accept": "text/event-stream"}) as stream:
            first = await anext(aiter(stream.aiter_text()))
        assert first
        assert (await browser.get("/metrics")).status_code == 404
        assert (await browser.post("/login", content=b"x" * 300_000, headers={"Origin": url})).status_code == 413


def test_sessions_that_the_version_before_does_not_know_are_forgotten(broker: Mosquitto) -> None:
    service = parse_mqtt_url(broker.url)

    def knows(pipeline: str, *, leave: bool = False) -> bool:
        """Whether the broker has this session; it is left there, or forgotten with the connection."""
        client = paho.Client(CallbackAPIVersion.VERSION2, f"eldercare-{pipeline}-1-abc", clean_session=False)
        client.username_pw_set(service.username, service.password)
        present: list[bool] = []
        client.on_connect = lambda _client, _data, flags, _code, _properties: present.append(flags.session_present)
        client.connect(service.host, service.port)
        client.loop_start()
        wait_until(lambda: bool(present), "the broker to let the session in")
        if leave:
            client.subscribe("eldercare/v1/+/sos", qos=1)
        client.disconnect()
        client.loop_stop()
        return present[0]

    pipelines = ("sos", "telemetry")
    assert [knows(pipeline, leave=True) for pipeline in pipelines] == [False, False]
    assert [knows(pipeline) for pipeline in pipelines] == [True, True]
    script = "\n".join(commands("Back to the version before")).replace("-p 1883", f"-p {service.port}")
    environment = {"PATH": os.environ["PATH"], "SUFFIX": "-abc", "PASSWORD": service.password or ""}
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=environment, check=True, capture_output=True)
    assert [knows(pipeline) for pipeline in pipelines] == [False, False]
