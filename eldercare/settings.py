"""Settings from the environment (or `.env`), prefix `ELDERCARE_`. Built once in each `__main__` and passed down."""

import os
import re
import ssl
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from eldercare import redaction
from eldercare.errors import ConfigurationError
from eldercare.origins import normalised

PREFIX = "ELDERCARE_"
SECRETS = ("database_url", "migrate_database_url", "mqtt_url", "twilio_account_sid", "twilio_auth_token", "deadman_url")
"""Settings whose value may stand in a file that the same name with `_FILE` points to."""
_OF_THE_TESTS = ("TEST_DATABASE_URL", "TIMESCALE_ROOT", "REQUIRE_SERVICES", "SHARED_DATA")


@dataclass(frozen=True)
class Mqtt:
    """Where the broker listens and who we are to it."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None


def parse_mqtt_url(url: str) -> Mqtt:
    """Split `mqtt[s]://user:password@host:port`; the port defaults to 1883, with TLS to 8883. Raises ValueError."""
    redaction.check_user_and_password(url)
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts"):
        raise ValueError("must start with mqtt:// or mqtts://")
    if not parts.hostname:
        raise ValueError("names no host")
    tls = parts.scheme == "mqtts"
    return Mqtt(
        host=parts.hostname,
        port=parts.port or (8883 if tls else 1883),
        tls=tls,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def _checked_mqtt_url(url: str) -> str:
    parse_mqtt_url(url)
    return url


def _checked_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except Exception as error:
        raise ValueError("is no time zone of the IANA database, such as Asia/Shanghai") from error
    return name


def _checked_database_url(url: str) -> str:
    if not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("must start with postgresql://")
    redaction.check_user_and_password(url)
    return url


def _checked_base_url(url: str) -> str:
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    scheme, _, rest = url.partition(":")
    return f"{scheme.lower()}:{rest}".rstrip("/")


def _checked_networks(text: str) -> str:
    for each in filter(None, (each.strip() for each in text.split(","))):
        try:
            ip_network(each)
        except ValueError as error:
            raise ValueError(f"{each} is no address or network, such as 10.0.0.0/8") from error
    return text


def _checked_number(number: str) -> str:
    plain = re.sub(r"[\s()-]", "", number)
    if not re.fullmatch(r"\+[1-9][0-9]{3,14}", plain):
        raise ValueError("is no telephone number with its country, such as +8613812345678")
    return plain


def is_loopback(url: str) -> bool:
    """Whether only this machine can reach the address."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


BaseUrl = Annotated[str, AfterValidator(_checked_base_url)]
PublicUrl = Annotated[str, AfterValidator(lambda url: normalised(url).rstrip("/"))]
"""As browsers write it in `Origin`, whatever capitals, port or script it was given with."""


class Settings(BaseSettings):
    """Every setting of every service. A secret may also come from the file named by the same name with `_FILE`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore")

    database_url: Annotated[str, AfterValidator(_checked_database_url)] | None = None
    migrate_database_url: Annotated[str, AfterValidator(_checked_database_url)] | None = None
    """The same database as the role that owns the tables: for `migrate` alone, where the services have their own."""
    mqtt_url: Annotated[str, AfterValidator(_checked_mqtt_url)] | None = None
    mqtt_ca: Path | None = None
    """CA certificate that signed the broker's; the system's when unset."""
    mqtt_certificate: Path | None = None
    """Our own certificate for the broker, where its listener for services asks for one; with `mqtt_key`."""
    mqtt_key: Path | None = None
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8000, ge=0, le=65535)
    api_pool_webhooks: int = Field(default=6, ge=2, le=50)
    """Connections for what providers post. One call at a time is started each second; a burst of keys and receipts
    takes some milliseconds each."""
    api_pool_deeds: int = Field(default=4, ge=2, le=50)
    """Connections for what people do: accept, arrive, note. One may wait for an incident that another holds."""
    api_pool_duty: int = Field(default=6, ge=2, le=50)
    """Connections for what duty reads: three desks whose boards fetch their parts at the same time. One person holds
    half of them at most."""
    api_pool_others: int = Field(default=4, ge=2, le=50)
    """Connections for what family, doctors, grid workers and admins read. All of them, with five more for logging in
    and health, count against the database's `max_connections`, for each process of `api`."""
    public_url: PublicUrl | None = None
    """How providers and browsers reach `api` from outside; callback signatures are computed over it."""
    trusted_proxies: Annotated[str, AfterValidator(_checked_networks)] = "127.0.0.1,::1"
    """Addresses or networks of our own reverse proxies, with commas: only they are believed where a request comes from
    and whether it came by https (`X-Forwarded-For`, `X-Forwarded-Proto`). Wrong guesses are counted by that address."""
    timezone: Annotated[str, AfterValidator(_checked_zone)] = "Asia/Shanghai"
    data_dir: Path = Path(".eldercare")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    broker_passwords: Path | None = None
    """The broker's password file that `enroll` rewrites."""
    broker_pid_file: Path | None = None
    """The broker's pid file: `enroll` sends that process SIGHUP, so that it reads the password file again."""

    twilio_account_sid: str | None = None
    twilio_auth_token: SecretStr | None = None
    twilio_from: Annotated[str, AfterValidator(_checked_number)] | None = None
    """The number we call and text from, with its country; `doctor` says where no such number exists."""
    twilio_api_url: BaseUrl = "https://api.twilio.com"
    deadman_url: BaseUrl | None = None
    deadman_interval_s: float = Field(default=60, gt=0, le=86_400, allow_inf_nan=False)

    batch_size: int = Field(default=2000, ge=1, le=10_000)
    """Telemetry messages per transaction; the broker's window must be 4 times this."""
    batch_age_ms: int = Field(default=200, ge=1, le=10_000)
    """A batch is written when its oldest message has waited this long."""
    max_age_days: int = Field(default=400, ge=1, le=36_500)
    """Readings said to be older come from a band whose clock is wrong, and are rejected."""
    keep_readings_days: int = Field(default=400, ge=30, le=36_500)
    """Heart rates and the status of bands: a year can be compared with the one before."""
    keep_positions_days: int = Field(default=90, ge=30, le=36_500)
    """Where somebody was: the time in which a family or the police may still ask."""
    keep_incidents_days: int = Field(default=1095, ge=180, le=36_500)
    """Notifications and timelines, from the end of the incident: as long as a claim may be made (three years)."""
    keep_audit_days: int = Field(default=1095, ge=180, le=36_500)
    """Who read what of whom; the law asks for half a year."""
    keep_rejected_days: int = Field(default=30, ge=1, le=36_500)
    """Messages that could not be used."""
    map_tile_url: BaseUrl | None = None
    """Address of map tiles with {z}, {x}, {y} (and {s}); without one maps show a plain grid and a scale."""
    map_tile_datum: Literal["wgs84", "gcj02"] = "wgs84"
    """What the tiles are drawn in: Amap's are gcj02. Positions are converted at the screen only."""
    map_tile_attribution: str = ""
    phones_host: str = "127.0.0.1"
    phones_port: int = Field(default=8010, ge=0, le=65535)
    demo_mqtt_port: int = Field(default=1883, ge=0, le=65535)
    """Where the demo's broker listens for bands; 0: a free port."""
    demo_sim_port: int = Field(default=8020, ge=0, le=65535)
    """Where the demo's simulated bands are told what to do; 0: a free port."""

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in SECRETS:
            # What `.env` names beside the settings is among the values; of the environment only the settings are.
            path = os.environ.get(f"{PREFIX}{name.upper()}_FILE") or values.get(f"{name}_file")
            if path and not values.get(name):
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except (OSError, UnicodeError) as error:
                    raise ValueError(f"{PREFIX}{name.upper()}_FILE: {error}") from error
        return values

    @property
    def zone(self) -> ZoneInfo:
        """The community's time zone, in which people read times and night begins."""
        return ZoneInfo(self.timezone)

    @property
    def trusted_networks(self) -> list[str]:
        """The proxies that are believed, one by one."""
        return [each.strip() for each in self.trusted_proxies.split(",") if each.strip()]

    @property
    def mqtt(self) -> Mqtt:
        """The broker's address. Raises ConfigurationError where MQTT_URL is unset."""
        return parse_mqtt_url(self.required("mqtt_url"))

    def mqtt_tls(self) -> ssl.SSLContext | None:
        """How the broker's certificate is checked, read anew from MQTT_CA; None without TLS.

        Raises ConfigurationError where that file is missing, unreadable or holds no certificate, and without MQTT_URL;
        the same for our own MQTT_CERTIFICATE and MQTT_KEY.
        """
        if not self.mqtt.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.mqtt_ca)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{PREFIX}MQTT_CA: {self.mqtt_ca}: {error}") from error
        if self.mqtt_certificate is not None:
            try:
                context.load_cert_chain(self.mqtt_certificate, self.mqtt_key)
            except (OSError, ValueError) as error:
                where = f"{self.mqtt_certificate}, {PREFIX}MQTT_KEY: {self.mqtt_key}"
                raise ConfigurationError(f"{PREFIX}MQTT_CERTIFICATE: {where}: {error}") from error
        return context

    @property
    def simulated_telephones(self) -> bool:
        """Whether calls go to this machine only. Any other address, a proxy's too, may end at a real telephone."""
        return is_loopback(self.twilio_api_url)

    @property
    def real_channel(self) -> bool:
        """Whether a message sent now could reach a person outside: then the clock must not be set."""
        return self.twilio_account_sid is not None and not self.simulated_telephones

    def required(self, name: str) -> str:
        """The value of an optional setting that this service cannot do without. Raises ConfigurationError."""
        value = getattr(self, name)
        if value is None:
            raise ConfigurationError(f"{PREFIX}{name.upper()} is not set")
        return str(value.get_secret_value() if isinstance(value, SecretStr) else value)


def load_settings(**overrides: Any) -> Settings:
    """Read the settings. Raises ConfigurationError with one line that names the first wrong one."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        where = f"{PREFIX}{str(first['loc'][0]).upper()}: " if first["loc"] else ""
        raise ConfigurationError(f"{where}{message}") from error


@dataclass(frozen=True, slots=True)
class UnknownSetting:
    """A variable with our prefix that no service reads, where it stands, and the setting that may have been meant."""

    name: str
    source: str
    meant: str | None

    def __str__(self) -> str:
        meant = f"，是不是 {self.meant} · did you mean {self.meant}?" if self.meant else ""
        return f"{self.name}（{self.source}）不是任何设置 · is no setting{meant}"


def unknown_settings(
    environment: Mapping[str, str] | None = None, env_file: Path = Path(".env")
) -> list[UnknownSetting]:
    """What is set in vain, in the environment (None: this process's) and in `.env`: misspelt, it would stay unread."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}
    ignored = {f"{PREFIX}{name}" for name in _OF_THE_TESTS}
    try:
        in_file = dotenv_values(env_file)
    except (OSError, UnicodeError):
        in_file = {}
    sources: tuple[tuple[str, Iterable[str]], ...] = (
        ("环境变量 environment", os.environ if environment is None else environment),
        (str(env_file), in_file),
    )
    found: dict[str, UnknownSetting] = {}
    for source, names in sources:
        for name in sorted(names):
            if name.upper().startswith(PREFIX) and name.upper() not in known | ignored:
                meant = get_close_matches(name.upper(), known, n=1, cutoff=0.8)
                found.setdefault(name, UnknownSetting(name, source, meant[0] if meant else None))
    return list(found.values())


def exit_with(error: ConfigurationError) -> NoReturn:
    """Print the error as one line and leave with status 2, as every command does for a wrong setting."""
    print(f"eldercare: {redaction.redacted(str(error))}", file=sys.stderr)
    raise SystemExit(2)
