"""The database of a deployment: its two roles, a dump and its restoration, by the commands of deploy's README."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from alerts.incidents.opening import raise_sos
from alerts.model.incident import Press
from eldercare.accounts import audit, audit_chain
from eldercare.accounts.viewers import COMMAND_LINE
from eldercare.platform.database import connect
from tests.integration.deploy import test_deploy_host
from tests.integration.deploy.test_deploy import DEPLOY
from tests.integration.deploy.test_deploy_host import as_root, commands
from tests.integration.tools.test_cli import eldercare
from tests.support.services import timescale
from tests.support.services.missing import missing
from tests.support.services.processes import free_port
from tests.support.services.timescale import Installation, Timescale

pytestmark = as_root
checkout = test_deploy_host.checkout


class Machine:
    """A database server of its own, and a checkout on the same machine."""

    def __init__(self, server: Timescale, installation: Installation, checkout: Path) -> None:
        self.server, self.checkout = server, checkout
        self._at = urlsplit(server.admin_url)
        self._installation = installation

    def run(self, lines: list[str], *, expect: int = 0) -> str:
        """The commands as the administrator of the database."""
        program = " ".join(self._installation.command("X")).removesuffix("X")
        reach = f"PGHOST={self._at.hostname} PGPORT={self._at.port} PGUSER=postgres"
        script = "\n".join(lines).replace("runuser -u postgres -- ", f"env {reach} {program}")
        script = script.replace("python3 ", f"{sys.executable} ").replace("--owner mosquitto", "--owner root")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=self.checkout, capture_output=True, text=True, check=False
        )
        assert done.returncode == expect, done.stderr
        return done.stdout

    def secret(self, name: str) -> str:
        return (self.checkout / "deploy/secrets" / name).read_text().replace("@timescaledb:5432", self.address)

    @property
    def address(self) -> str:
        return f"@{self._at.hostname}:{self._at.port}"


@pytest.fixture
def machine(checkout: Path) -> Iterator[Machine]:
    installation = timescale.find() or missing("TimescaleDB", timescale.HOW)
    server = Timescale(installation, free_port())
    server.start()
    yield Machine(server, installation, checkout)
    server.close()


def commands_of(heading: str) -> list[str]:
    return [line for line in commands(heading) if not line.startswith("systemctl ")]


async def test_the_database_of_a_debian_machine_is_made_dumped_and_restored_with_its_two_roles(
    machine: Machine, tmp_path: Path
) -> None:
    machine.run(commands_of("The database"))
    machine.run(commands_of("The database")[-1:])  # once more does no harm
    owner, service = machine.secret("database_url"), machine.secret("service_database_url")
    assert (urlsplit(owner).username, urlsplit(service).username) == ("eldercare", "eldercare_service")

    def said(*command: str, url: str = service, status: int = 0) -> str:
        done = eldercare(*command, cwd=tmp_path, database_url=url, mqtt_url="mqtt://a:b@127.0.0.1:1")
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    migrated = eldercare("migrate", cwd=tmp_path, migrate_database_url=owner)
    assert migrated.returncode == 0, migrated.stderr
    said("seed", "--residents", "2")
    async with await connect(service) as conn:
        for what in ("file", "heart_rate", "locations"):
            await audit.record(conn, COMMAND_LINE, what, resident_id=1)
            await conn.commit()
            assert await audit_chain.seal(conn) >= 1
        await conn.execute("insert into heart_rate (device_id, ts, received_at, bpm) values ('a', now(), now(), 60)")
        await conn.commit()
        before = await audit_chain.head(conn)
    with psycopg.connect(machine.server.admin_url) as conn:
        kept = conn.execute(
            "select rolname, rolsuper, rolpassword like 'SCRAM%' from pg_authid where rolname ~ '^eldercare' order by 1"
        ).fetchall()
    assert kept == [("eldercare", False, True), ("eldercare_service", False, True)]

    dump, *restore = commands_of("Backup, restore")
    machine.run([dump])
    renamed = "runuser -u postgres -- psql --command='alter database eldercare rename to before'"
    machine.run([renamed, *commands_of("The database")[2:4], *restore])
    migrated = eldercare("migrate", cwd=tmp_path, migrate_database_url=owner)
    assert "nothing to do" in migrated.stdout, migrated.stderr

    found = said("doctor", status=1)  # no broker, no provider: what is said of the log counts
    assert "eldercare_service can only append" in found
    assert "the audit log is whole" in found
    async with await connect(service, autocommit=True) as conn:
        assert await audit_chain.head(conn) == before
        verified = await audit_chain.verify(conn)
        assert (verified.broken, verified.strays) == (None, 0)
        assert await (await conn.execute("select bpm from heart_rate")).fetchall() == [(60,)]
        chunks = await (await conn.execute("select count(*) from timescaledb_information.hypertables")).fetchone()
        assert chunks == (3,)
        assert (await raise_sos(conn, Press("band-9", b"", "digest", event_id="e1"))).incident_id
        await audit.record(conn, COMMAND_LINE, "file", resident_id=2)
        assert await audit_chain.seal(conn) == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute("delete from audit")


@pytest.mark.parametrize(
    ("owners", "services"),
    [
        ("postgresql://eldercare:old@timescaledb:5432/eldercare", "timescaledb:5432/eldercare"),
        (
            "postgresql://care:s%40e?#t@db.example:6432/people?sslmode=require&connect_timeout=3",
            "db.example:6432/people?sslmode=require&connect_timeout=3",
        ),
        ("postgres://one,two:6432/eldercare?user=care&password=old", "one,two:6432/eldercare"),
        ("postgresql:///eldercare?host=/run/postgresql&user=care", "/eldercare?host=/run/postgresql"),
    ],
)
def test_an_installation_with_one_role_gets_the_second_and_keeps_the_owners_address(
    tmp_path: Path, owners: str, services: str
) -> None:
    kept = tmp_path / "secrets"
    kept.mkdir()
    (kept / "postgres_password").write_text("old")
    (kept / "database_url").write_text(owners)
    for _ in range(2):
        prepared(tmp_path)
    service = (kept / "service_password").read_text()
    assert service
    assert (kept / "postgres_password").read_text() == "old"
    assert (kept / "database_url").read_text() == owners  # the version before migrates with it
    url = (kept / "service_database_url").read_text()
    assert url == f"{owners.split('//')[0]}//eldercare_service:{service}@{services}"
    before, after = conninfo_to_dict(owners), conninfo_to_dict(url)
    assert {**before, "user": "eldercare_service", "password": service} == after


def test_an_address_that_cannot_be_read_is_named_and_kept(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/database_url").write_text("host=db.example password=s3cret")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        prepared(tmp_path)
    assert b"secrets/database_url is no postgresql://" in failed.value.stderr
    assert b"s3cret" not in failed.value.stderr
    assert (tmp_path / "secrets/database_url").read_text() == "host=db.example password=s3cret"
    assert not (tmp_path / "secrets/service_database_url").exists()


def prepared(folder: Path) -> None:
    command = [sys.executable, str(DEPLOY / "prepare.py"), "localhost", "--folder", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
