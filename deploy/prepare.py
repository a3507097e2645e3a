#!/usr/bin/env python3
"""Make what a deployment needs and the repository must not hold: a private CA, certificates, passwords.

    python3 deploy/prepare.py broker.example.org [more names or addresses of the broker] [--owner mosquitto]

`--owner` is the user whom the broker runs as: that of the container image unless told otherwise. Needs Python and
openssl only. What exists is kept, so that it can be run again: to renew the broker's certificate, delete
mosquitto/certs/broker.crt first. Bands get mosquitto/certs/ca.crt; certs/ca.key belongs off this machine.
"""

import argparse
import base64
import hashlib
import ipaddress
import os
import pwd
import re
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

BROKER_UID = 1883
"""User and group `mosquitto` in the image eclipse-mosquitto."""
SERVICE_USER = "eldercare"
SERVICE_ROLE = "eldercare_service"
CA_DAYS, BROKER_DAYS = 3650, 825


def main() -> None:
    """Prepare the folder of the deployment (default: this file's)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", help="host names or IP addresses under which bands reach the broker")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    parser.add_argument("--owner", type=_ids, default=(BROKER_UID, BROKER_UID), help="user name of the broker")
    arguments = parser.parse_args()
    os.umask(0o077)
    make_certificates(arguments.folder / "mosquitto" / "certs", arguments.names, arguments.owner)
    make_secrets(arguments.folder, arguments.owner)
    if os.geteuid() != 0:
        print(f"Not run as root: give mosquitto/certs/broker.key and mosquitto/passwords to user {arguments.owner[0]}.")
    print(f"Ready. Bands trust {arguments.folder / 'mosquitto' / 'certs' / 'ca.crt'}.")


def _ids(name: str) -> tuple[int, int]:
    """User and group of a user of this machine."""
    try:
        user = pwd.getpwnam(name)
    except KeyError as error:
        raise argparse.ArgumentTypeError(f"{name}: there is no such user; install mosquitto first") from error
    return user.pw_uid, user.pw_gid


def make_certificates(folder: Path, names: list[str], owner: tuple[int, int]) -> None:
    """A CA, a certificate of the broker for `names` and one of the services, on the curve P-256."""
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, ca = folder / "ca.key", folder / "ca.crt"
    if not ca.exists():
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", ca_key)
        _openssl(
            *("req", "-x509", "-new", "-key", ca_key, "-sha256", "-days", CA_DAYS, "-out", ca),
            *("-subj", "/CN=Eldercare broker CA"),
            *("-addext", "basicConstraints=critical,CA:TRUE,pathlen:0", "-addext", "keyUsage=critical,keyCertSign"),
        )
    _certificate(folder, "broker", _extensions("serverAuth", names), names[0])
    # What the services show on the listener that asks for it; see mosquitto/services-tls.conf.
    _certificate(folder, "service", _extensions("clientAuth", []), SERVICE_USER)
    for public in (ca, folder / "broker.crt", folder / "service.crt"):
        public.chmod(0o644)
    folder.chmod(0o755)
    _give_to_broker(owner, folder / "broker.key")


def _certificate(folder: Path, name: str, extensions: str, subject: str) -> None:
    """A key and a certificate of our CA, where there is none yet."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    if certificate.exists():
        return
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    with tempfile.TemporaryDirectory() as scratch:
        request, wanted = Path(scratch, "request"), Path(scratch, "extensions")
        wanted.write_text(extensions)
        _openssl("req", "-new", "-key", key, "-subj", f"/CN={subject}", "-out", request)
        _openssl(
            *("x509", "-req", "-in", request, "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-sha256"),
            *("-days", BROKER_DAYS, "-set_serial", f"0x{secrets.token_hex(16)}", "-extfile", wanted),
            *("-out", certificate),
        )


def make_secrets(folder: Path, owner: tuple[int, int]) -> None:
    """The passwords of the database's two roles, and the one under which the services speak to the broker."""
    kept = folder / "secrets"
    kept.mkdir(parents=True, exist_ok=True)
    kept.chmod(0o700)
    broker = secrets.token_urlsafe(24)
    owners = _kept(kept / "postgres_password", secrets.token_urlsafe(24))
    service = _kept(kept / "service_password", secrets.token_urlsafe(24))
    # The owner's keeps the name that it had when there was one role, so that an older version can be started again.
    url = _kept(kept / "database_url", f"postgresql://eldercare:{owners}@timescaledb:5432/eldercare")
    _kept(kept / "service_database_url", as_service(url, service))
    passwords = folder / "mosquitto" / "passwords" / "passwords"
    if not (kept / "mqtt_url").exists():
        passwords.parent.mkdir(parents=True, exist_ok=True)
        others = passwords.read_text().splitlines() if passwords.exists() else []
        others = [line for line in others if not line.startswith(f"{SERVICE_USER}:")]
        passwords.write_text("\n".join([f"{SERVICE_USER}:{password_hash(broker)}", *others, ""]))
        (kept / "mqtt_url").write_text(f"mqtt://{SERVICE_USER}:{broker}@mosquitto:1883")
    _give_to_broker(owner, passwords.parent, passwords)
    # The containers read these as users of their own; nobody else may enter the folder.
    for file in kept.iterdir():
        file.chmod(0o644)


def _kept(file: Path, new: str) -> str:
    """What `file` holds; `new` where there is none yet."""
    if not file.exists():
        file.write_text(new)
    return file.read_text().strip()


def as_service(url: str, password: str) -> str:
    """The same database for the services: only user and password of the owner's address are exchanged."""
    # As libpq parts it: neither "/" nor "@" stands in what comes before the "@".
    found = re.fullmatch(r"(postgres(?:ql)?://)(?:[^/@]*@)?([^?]*)\??(.*)", url)
    if found is None:
        sys.exit("secrets/database_url is no postgresql://user:password@host/database; mend it, and run this again")
    scheme, place, query = found.groups()
    parameters = [each for each in query.split("&") if each.split("=")[0] not in ("", "user", "password")]
    return f"{scheme}{SERVICE_ROLE}:{password}@{place}" + ("?" + "&".join(parameters) if parameters else "")


def password_hash(password: str, iterations: int = 101) -> str:
    """As Mosquitto stores it: PBKDF2 with SHA-512. Its default of 101 rounds is enough for random passwords."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _extensions(usage: str, names: list[str]) -> str:
    lines = [
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,digitalSignature",
        f"extendedKeyUsage={usage}",
        "subjectKeyIdentifier=hash",
        "authorityKeyIdentifier=keyid",
    ]
    if names:
        lines.append(f"subjectAltName={','.join(map(_alternative_name, names))}")
    return "\n".join(lines)


def _alternative_name(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def _give_to_broker(owner: tuple[int, int], *paths: Path) -> None:
    """Only root can; `main` says so to others."""
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, *owner)


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


if __name__ == "__main__":
    main()
