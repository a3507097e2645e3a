"""A real Mosquitto of the test session, run with the very configuration file of deploy/."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.support.services.processes import Server, dies_with_parent, free_port, listens, wait_until

HOW = "install mosquitto (on Debian: apt-get install mosquitto)"
DEPLOYED = Path(__file__).parents[3] / "deploy" / "mosquitto"
SERVICE_USER = "eldercare"


def program(name: str) -> str | None:
    """Where a program of Mosquitto is; Debian keeps the broker in /usr/sbin, which is not on every user's PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def found() -> bool:
    """Whether the broker and its password tool are installed."""
    return all(program(name) for name in ("mosquitto", "mosquitto_passwd"))


class Mosquitto:
    """The broker with two plain listeners on loopback: one for services, one for bands as deploy/ configures theirs.

    Tests of faults may `stop`, `kill9` and `start` it; its folder, and so what it has persisted, stays.
    """

    def __init__(self, listeners: dict[str, str] | None = None) -> None:
        """`listeners` replaces the two plain ones: file name to content; the folder is then prepared by the caller."""
        self.folder = Path(tempfile.mkdtemp(prefix="eldercare-mosquitto-"))
        self.port = free_port()
        self.bands_port = free_port()
        for name in ("passwords", "data", "run", "listeners", "certs"):
            (self.folder / name).mkdir()
        shutil.copy(DEPLOYED / "mosquitto.conf", self.folder)
        shutil.copy(DEPLOYED / "acl", self.folder)
        for name, text in (listeners or self._plain_listeners()).items():
            (self.folder / "listeners" / name).write_text(text)
        if os.geteuid() == 0:  # the broker would become another user, who cannot read this folder
            (self.folder / "listeners" / "user.conf").write_text("user root\n")
        self._password = secrets.token_urlsafe(12)
        self.passwords.touch(mode=0o600)
        self.add_users({SERVICE_USER: self._password})
        self._server = Server(
            "Mosquitto",
            [*dies_with_parent("KILL"), str(program("mosquitto")), "-c", "mosquitto.conf"],
            cwd=self.folder,
            log=self.folder / "log",
            is_ready=lambda: listens(self.port) and self.pid_file.exists(),
        )

    def _plain_listeners(self) -> dict[str, str]:
        return {
            "services.conf": f"listener {self.port} 127.0.0.1\n",
            "bands.conf": f"listener {self.bands_port} 127.0.0.1\nuse_username_as_clientid true\n",
        }

    @property
    def passwords(self) -> Path:
        """The password file, as `ELDERCARE_BROKER_PASSWORDS` names it."""
        return self.folder / "passwords" / "passwords"

    @property
    def pid_file(self) -> Path:
        """The broker's pid file, as `ELDERCARE_BROKER_PID_FILE` names it."""
        return self.folder / "run" / "mosquitto.pid"

    @property
    def pid(self) -> int:
        """Process id of the running broker."""
        return self._server.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._server.running

    @property
    def url(self) -> str:
        """The address for a service: user `eldercare`, who may read and write everything under eldercare/v1."""
        return f"mqtt://{SERVICE_USER}:{self._password}@127.0.0.1:{self.port}"

    def band_url(self, device_id: str, password: str) -> str:
        """The address for a band, whose client id becomes its user name."""
        return f"mqtt://{device_id}:{password}@127.0.0.1:{self.bands_port}"

    def add_band(self, device_id: str) -> str:
        """Make a band known to the running broker and return its password."""
        return self.add_bands([device_id])[device_id]

    def add_bands(self, device_ids: Iterable[str]) -> dict[str, str]:
        """Make many bands known at once; returns their passwords."""
        passwords = {device_id: secrets.token_urlsafe(12) for device_id in device_ids}
        self.add_users(passwords)
        self.reload()
        return passwords

    def add_users(self, passwords: dict[str, str]) -> None:
        """Add hashed passwords to the password file, replacing those of the same users."""
        new = self.folder / "passwords" / "new"
        new.touch(mode=0o600)
        new.write_text("".join(f"{user}:{password}\n" for user, password in passwords.items()))
        subprocess.run([str(program("mosquitto_passwd")), "-U", str(new)], check=True, capture_output=True)
        kept = [line for line in self.passwords.read_text().splitlines() if line.split(":")[0] not in passwords]
        self.passwords.write_text("\n".join([*kept, *new.read_text().splitlines(), ""]))
        new.unlink()

    def reload(self) -> None:
        """Let the running broker read its passwords again, and return when it has."""
        before = self._reloads()
        os.kill(self.pid, signal.SIGHUP)
        wait_until(lambda: self._reloads() > before, "Mosquitto's reload")

    def _reloads(self) -> int:
        return self._server.log.read_text(errors="replace").count("Reloading config")

    def start(self) -> None:
        """Start it, or start it again after `stop` or `kill9`."""
        self.pid_file.unlink(missing_ok=True)
        self._server.start()

    def stop(self) -> None:
        """SIGTERM: it writes its sessions and ends."""
        self._server.signal_and_wait(signal.SIGTERM)

    def kill9(self) -> None:
        """SIGKILL: what it has not yet persisted is lost."""
        self._server.signal_and_wait(signal.SIGKILL)

    def has_written(self, part: bytes) -> bool:
        """Whether what it would remember after `kill9` holds this."""
        file = self.folder / "data" / "mosquitto.db"
        return file.exists() and part in file.read_bytes()

    def forget(self) -> None:
        """Start it afresh: no session, no queued and no retained message; bands stay known."""
        self.kill9()
        for file in (self.folder / "data").iterdir():
            file.unlink()
        self.start()

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill9()
        shutil.rmtree(self.folder, ignore_errors=True)
