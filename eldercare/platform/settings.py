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
from typing import Annotated, Any, ClassVar, Literal, NoReturn, TypeVar
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from eldercare.platform import redaction
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.origins import normalised
from eldercare.protocol.mqtt_v1 import MAX_AGE

PREFIX = "ELDERCARE_"
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


def _checked_telephone(number: str) -> str:
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
"""An address as browsers write it in `Origin`, whatever capitals, port or script it was given with."""


Telephone = Annotated[str, AfterValidator(_checked_telephone)]
"""A number with its country, kept without the spaces, hyphens or brackets that it is written with."""


class Section(BaseSettings):
    """Settings that belong together, from the environment or `.env`, all with the same prefix.

    A secret may also come from the file that the same name with `_FILE` points to. One that is given as None is unset,
    whatever the environment says.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore")

    SECRETS: ClassVar[tuple[str, ...]] = ()
    """Settings whose value may stand in such a file."""

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in cls.SECRETS:
            # `values` holds all that `.env` names, but of the environment only the settings.
            path = os.environ.get(f"{PREFIX}{name.upper()}_FILE") or values.get(f"{name}_file")
            if path and values.get(name, "") == "":
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except (OSError, UnicodeError) as error:
                    raise ValueError(f"{PREFIX}{name.upper()}_FILE: {error}") from error
        return values

    def required(self, name: str) -> str:
        """The value of an optional setting that this service cannot do without. Raises ConfigurationError."""
        value = getattr(self, name)
        if value is None:
            raise ConfigurationError(f"{PREFIX}{name.upper()} is not set")
        return str(value.get_secret_value() if isinstance(value, SecretStr) else value)

    @classmethod
    def nothing(cls) -> dict[str, None]:
        """What to give for a section in which nothing is set, whatever the environment says."""
        return {name: None for name, setting in cls.model_fields.items() if setting.default is None}

    @classmethod
    def names(cls) -> set[str]:
        """The variables that this section reads."""
        known = {f"{PREFIX}{name.upper()}" for name in cls.model_fields}
        return known | {f"{PREFIX}{name.upper()}_FILE" for name in cls.SECRETS}


S = TypeVar("S", bound=Section)


class Settings(Section):
    """Every setting of every service, but for what belongs to a provider: that is a `section` of its own."""

    SECRETS: ClassVar[tuple[str, ...]] = (
        "database_url",
        "migrate_database_url",
        "mqtt_url",
        "deadman_url",
        "metrics_token",
    )

    _given: dict[str, Any] = PrivateAttr(default_factory=dict)
    _sections: dict[type[Section], Section] = PrivateAttr(default_factory=dict)

    def __init__(self, **given: Any) -> None:
        """`given` goes before what the environment says; a section takes its own part of it."""
        super().__init__(**given)
        self._given = given

    def section(self, kind: type[S]) -> S:
        """These settings of a provider, from where these came from. Raises ConfigurationError for a wrong one."""
        found = self._sections.get(kind)
        if not isinstance(found, kind):
            own = {
                name: value for name, value in self._given.items() if name.startswith("_") or name in kind.model_fields
            }
            found = self._sections[kind] = _read(kind, own)
        return found

    database_url: Annotated[str, AfterValidator(_checked_database_url)] | None = None
    migrate_database_url: Annotated[str, AfterValidator(_checked_database_url)] | None = None
    """The same database as the role that owns the tables. `migrate` alone uses it, where the services have a role of
    their own."""
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
    """Addresses or networks of our own reverse proxies, with commas. Only they are believed about where a request comes
    from and whether it came by https (`X-Forwarded-For`, `X-Forwarded-Proto`). Wrong guesses are counted by that
    address."""
    metrics_token: Annotated[SecretStr, Field(min_length=16)] | None = None
    """Whoever brings it as a bearer reads `/metrics`; without a token only this machine does, and through no proxy."""
    desk_phone: Telephone | None = None
    """The duty desk's own number, shown to everybody who may need it: family, and whoever is not at the desk."""
    timezone: Annotated[str, AfterValidator(_checked_zone)] = "Asia/Shanghai"
    data_dir: Path = Path(".eldercare")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    broker_passwords: Path | None = None
    """The broker's password file that `enroll` rewrites."""
    broker_pid_file: Path | None = None
    """The broker's pid file: `enroll` sends that process SIGHUP, so that it reads the password file again."""

    deadman_url: BaseUrl | None = None
    deadman_interval_s: float = Field(default=60, gt=0, le=86_400, allow_inf_nan=False)

    batch_size: int = Field(default=2000, ge=1, le=10_000)
    """Telemetry messages per transaction; the broker's window must be 4 times this."""
    batch_age_ms: int = Field(default=200, ge=1, le=10_000)
    """A batch is written when its oldest message has waited this long."""
    max_age_days: int = Field(default=MAX_AGE.days, ge=1, le=36_500)
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

    @property
    def zone(self) -> ZoneInfo:
        """The community's time zone, in which people read times and in which night begins."""
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


def load_settings(**overrides: Any) -> Settings:
    """Read the settings. Raises ConfigurationError with one line that names the first wrong one."""
    return _read(Settings, overrides)


def _read(kind: type[S], given: Mapping[str, Any]) -> S:
    try:
        return kind(**given)
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
    sections: Iterable[type[Section]],
    environment: Mapping[str, str] | None = None,
    env_file: Path = Path(".env"),
) -> list[UnknownSetting]:
    """What is set in vain, in the environment (None: this process's) and in `.env`: misspelt, it would stay unread.

    `sections`: those that are read beside `Settings`.
    """
    known = Settings.names().union(*(section.names() for section in sections))
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
