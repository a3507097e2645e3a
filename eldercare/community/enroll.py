"""Bands' passwords: hashed as Mosquitto wants them, and its whole password file written from the database.

The access list needs no change for a new band: its one pattern says "a band speaks under its own user name".
"""

import base64
import hashlib
import os
import secrets
import signal
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from eldercare.community.devices import check_id
from eldercare.platform.database import Connection
from eldercare.platform.errors import ConfigurationError, Conflict
from eldercare.platform.settings import PREFIX, Settings

ITERATIONS = 101
"""Rounds of PBKDF2, as `mosquitto_passwd` 2.0 writes them. The passwords are 96 random bits: a slower hash would only
keep the broker busy when a whole community reconnects."""
_SALT_BYTES = 12
_FILE_MODE = 0o640


def hash_password(password: str) -> str:
    """`password` as in Mosquitto's password file: `$7$iterations$salt$hash`, PBKDF2 with SHA-512."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


async def enroll(conn: Connection, device_ids: Sequence[str]) -> dict[str, str]:
    """Make these bands, or give those that are there a new password; returns the passwords, told this once.

    Raises InvalidInput for an id that no band may have, Conflict for a retired band.
    """
    for device_id in device_ids:
        check_id(device_id)
    passwords = {device_id: secrets.token_urlsafe(12) for device_id in device_ids}
    for device_id in sorted(passwords):  # the order in which everybody takes the rows of bands
        done = await conn.execute(
            "insert into device (id, mqtt_password_hash) values (%s, %s)"
            " on conflict (id) do update set mqtt_password_hash = excluded.mqtt_password_hash"
            " where device.retired_at is null",
            (device_id, hash_password(passwords[device_id])),
        )
        if not done.rowcount:
            raise Conflict(f"the band {device_id} is retired")
    return passwords


async def without_password(conn: Connection) -> list[str]:
    """The bands in service that no broker would let in yet, such as those of an imported list; by id."""
    rows = await (
        await conn.execute("select id from device where mqtt_password_hash is null and retired_at is null order by id")
    ).fetchall()
    return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class Written:
    """How many bands the password file holds now, and whether a running broker was told to read it again."""

    bands: int
    told: bool


def check_broker_settings(settings: Settings) -> None:
    """Check the settings before anything is done. Raises ConfigurationError where `write_broker_passwords` would for
    one."""
    if settings.broker_passwords is None:
        return
    service = settings.mqtt
    if not (service.username and service.password):
        raise ConfigurationError(f"{PREFIX}MQTT_URL names no user and password: the services could not log in")
    if not settings.broker_passwords.parent.is_dir():
        raise ConfigurationError(f"{PREFIX}BROKER_PASSWORDS: {settings.broker_passwords.parent} is no folder")


async def write_broker_passwords(conn: Connection, settings: Settings) -> Written | None:
    """Write the broker's password file from the database, and tell the broker where its pid file names a process.

    Returns None where BROKER_PASSWORDS is unset, as with the embedded broker. Call it after the commit: the file is no
    part of the transaction. Raises ConfigurationError naming the setting that is wrong.
    """
    if settings.broker_passwords is None:
        return None
    check_broker_settings(settings)
    service = settings.mqtt
    rows = await (
        await conn.execute(
            "select id, mqtt_password_hash from device"
            " where mqtt_password_hash is not null and retired_at is null and id <> %s order by id",
            (service.username,),
        )
    ).fetchall()
    lines = [(service.username, hash_password(service.password or "")), *rows]
    _replace(settings.broker_passwords, "".join(f"{user}:{password_hash}\n" for user, password_hash in lines))
    return Written(len(rows), settings.broker_pid_file is not None and _tell(settings.broker_pid_file))


def _replace(path: Path, text: str) -> None:
    """Put a new file in the place of the old one at once, of the same owner, readable by its group only."""
    try:
        number, name = tempfile.mkstemp(prefix=".passwords-", dir=path.parent)
        try:
            with os.fdopen(number, "w", encoding="utf-8") as new:
                new.write(text)
                new.flush()
                os.fsync(new.fileno())
            os.chmod(name, _FILE_MODE)
            _keep_owner(path, name)
            os.replace(name, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(name)
            raise
    except OSError as error:
        raise ConfigurationError(f"{PREFIX}BROKER_PASSWORDS: {path}: {error.strerror}") from error


def _keep_owner(path: Path, name: str) -> None:
    # The broker runs as another user than root: a file that root has replaced must stay readable by it.
    owner = path if path.exists() else path.parent
    with suppress(PermissionError):
        os.chown(name, owner.stat().st_uid, owner.stat().st_gid)


def _tell(pid_file: Path) -> bool:
    """Send SIGHUP to the broker; returns False where none runs, since it reads the file when it starts."""
    try:
        pid = int(pid_file.read_text().strip())
        if pid < 1:
            raise ValueError(f"process {pid} is no broker")
        os.kill(pid, signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError):
        return False
    except (ValueError, OSError) as error:
        raise ConfigurationError(f"{PREFIX}BROKER_PID_FILE: {pid_file}: {error}") from error
    return True
