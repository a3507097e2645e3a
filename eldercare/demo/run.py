"""`eldercare demo`: the whole line on one machine, with an embedded database and broker, bands and telephones.

Nothing outside this machine is reached: whatever real provider the environment or a `.env` names is not handed on.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from eldercare.demo import history
from eldercare.demo.embedded import EmbeddedBroker, EmbeddedPostgres, free_port
from eldercare.demo.showcase import Showcase
from eldercare.demo.supervisor import Interrupt, Service, Stopped, Supervisor
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.migrate import migrate
from eldercare.platform.settings import PREFIX, Settings

RESIDENTS = 50
HISTORY_HOURS = 24
"""Hours of the past that the bands send at the first start, so that charts and tracks are not empty."""
PROVIDER_NUMBER = "+99988000000"
"""The number the simulated provider calls from; country code 999 is assigned to nobody."""
DESK_NUMBER = "+99910000001"
"""The desk's own number: the telephone of the duty officer whom the seed makes up."""
TICK_S = 0.5
PAGES = (
    {"role": "duty", "title": "值班台 · Duty board", "path": "/"},
    {"role": "duty", "title": "老人 · Residents", "path": "/residents"},
    {"role": "duty", "title": "事件 · Incidents", "path": "/incidents"},
    {"role": "grid", "title": "网格员 · Grid worker", "path": "/"},
    {"role": "family", "title": "家人 · Family", "path": "/family"},
    {"role": "doctor", "title": "门诊 · Clinic", "path": "/clinic"},
    {"role": "admin", "title": "管理 · Admin", "path": "/"},
)
"""Who sees what where, as demo.json tells it; the first of a role is where its login begins."""
LABELS = {
    "phones": "模拟电话 simulated telephones",
    "alerts": "呼叫服务 alerts",
    "ingest": "接收服务 ingest",
    "api": "接口和网页 api",
    "bands": "模拟手环 simulated bands",
}


@dataclass(frozen=True)
class Addresses:
    """Where everything of this demo listens; loopback only."""

    api: str
    phones: str
    sim: str
    broker_port: int


def run(settings: Settings) -> None:
    """Start everything, show a press, and run until Ctrl-C or SIGTERM. Raises ConfigurationError with what is wrong."""
    folder = settings.data_dir.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    interrupt = Interrupt()
    with alone(folder), ExitStack() as stack:
        try:
            _run(settings, folder, interrupt, stack)
        except Stopped:
            _say("正在结束 … · Ending ...")
        except psycopg.OperationalError as error:
            raise ConfigurationError(f"the database has gone: {error}") from error
    _say(f"已全部结束，数据保留在 {folder} · All ended, the data stays in {folder}")


def _run(settings: Settings, folder: Path, interrupt: Interrupt, stack: ExitStack) -> None:
    memory = folder / "demo.json"
    first = not memory.exists()
    if first:
        # A first start was interrupted: its data is of no use without its logins.
        shutil.rmtree(folder / "postgres", ignore_errors=True)
        shutil.rmtree(folder / "broker", ignore_errors=True)
    _say("正在启动 … · Starting ...")
    postgres = EmbeddedPostgres(folder / "postgres")
    stack.callback(postgres.stop)
    postgres.start()
    migrate(postgres.url)
    _started("数据库 PostgreSQL")

    addresses = _choose_ports(settings)
    environment = service_environment(settings, folder, addresses, postgres.url)
    supervisor = Supervisor(interrupt, environment, folder, folder / "logs")
    stack.callback(supervisor.stop)
    known = remembered(memory) or _seed(supervisor)
    if first:
        with psycopg.connect(postgres.url) as past:
            history.write(past, settings.timezone)
    broker = EmbeddedBroker(folder / "broker", addresses.broker_port)
    bands = {r["device_id"]: r["mqtt_password"] for r in known["residents"] if r.get("device_id")}
    stack.callback(broker.stop)
    broker.start(bands)
    supervisor.environment[f"{PREFIX}MQTT_URL"] = broker.url
    _started("消息服务器 MQTT broker")
    remember(memory, {**known, "urls": _urls(addresses, broker, postgres), "pages": PAGES})

    conn = stack.enter_context(psycopg.connect(postgres.url, autocommit=True))
    for service in _services(memory, addresses, conn, first=first):
        supervisor.start(service)
        _started(LABELS[service.name])
    _introduce(known, addresses, broker, folder)
    showcase = Showcase(conn, known, addresses.phones, addresses.sim)
    while True:
        interrupt.pause(TICK_S)
        for line in (*supervisor.revive(), *showcase.tick()):
            _say(line)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Two demos must not share a folder: the second one ends with a line that names the first."""
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise ConfigurationError(f"a demo (process {lock.read().strip()}) already runs in {folder}") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _choose_ports(settings: Settings) -> Addresses:
    """Choose the usual ports where they are free, others where not."""
    wanted = {
        "API": settings.api_port,
        "PHONES": settings.phones_port,
        "sim": settings.demo_sim_port,
        "MQTT": settings.demo_mqtt_port,
    }
    chosen = {name: free_port(port) for name, port in wanted.items()}
    for name, port in wanted.items():
        if port not in (0, chosen[name]):
            _say(f"端口 {port} 被占用，{name} 改用 {chosen[name]} · Port {port} is taken, {name} uses {chosen[name]}")
    api, phones, sim = (f"http://127.0.0.1:{chosen[name]}" for name in ("API", "PHONES", "sim"))
    return Addresses(api, phones, sim, chosen["MQTT"])


def service_environment(settings: Settings, folder: Path, addresses: Addresses, database_url: str) -> dict[str, str]:
    """The environment of the services, without our settings from outside, so that no real provider can be reached."""
    ours = {
        "DATABASE_URL": database_url,
        "DATA_DIR": str(folder),
        "API_HOST": "127.0.0.1",
        "API_PORT": addresses.api.rsplit(":", 1)[1],
        "PHONES_HOST": "127.0.0.1",
        "PHONES_PORT": addresses.phones.rsplit(":", 1)[1],
        "PUBLIC_URL": addresses.api,
        "TIMEZONE": settings.timezone,
        "DESK_PHONE": DESK_NUMBER,
        "LOG_LEVEL": settings.log_level,
        "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
        "TWILIO_FROM": PROVIDER_NUMBER,
        "TWILIO_API_URL": addresses.phones,
    }
    others = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    # Services run in the data folder, where no `.env` is, and find the code where this process found it.
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), others.get("PYTHONPATH"))))
    return {**others, **{f"{PREFIX}{name}": value for name, value in ours.items()}, "PYTHONPATH": path}


def _services(memory: Path, addresses: Addresses, conn: psycopg.Connection[Any], *, first: bool) -> tuple[Service, ...]:
    """The services in the order of the line from its end: a telephone is there before anything can ring it."""

    def python(module: str, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-m", module, *arguments)

    def beats(*services: str) -> bool:
        row = conn.execute(
            "select count(distinct service) from heartbeat"
            " where service = any(%s) and beat_at > clock_timestamp() - interval '15 seconds' and started_at >"
            " (select backend_start from pg_stat_activity where pid = pg_backend_pid())",
            (list(services),),
        ).fetchone()
        return row is not None and row[0] == len(services)

    phones = python("device_sim", "phones", "--bands", str(memory), "--log", str(memory.parent / "phones.jsonl"))
    bands = python("device_sim", "bands", "--bands", str(memory), "--control-port", addresses.sim.rsplit(":", 1)[1])
    history = ("--history-hours", str(HISTORY_HOURS)) if first else ()
    return (
        Service("phones", phones, lambda: _answers(f"{addresses.phones}/healthz")),
        Service("alerts", python("alerts"), lambda: beats("alerts")),
        Service("ingest", python("ingest"), lambda: beats("ingest.sos", "ingest.telemetry")),
        Service("api", python("api"), lambda: _answers(f"{addresses.api}/readyz")),
        Service("bands", (*bands, *history), lambda: _answers(f"{addresses.sim}/bands")),
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  our own loopback address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _seed(supervisor: Supervisor) -> dict[str, Any]:
    command = (sys.executable, "-m", "eldercare", "seed", "--residents", str(RESIDENTS), "--json")
    seeded: dict[str, Any] = json.loads(supervisor.run("seed", command))
    return seeded


def remembered(memory: Path) -> dict[str, Any] | None:
    """What the first start has seeded, or None at the first start. Raises ConfigurationError for a broken file."""
    try:
        known: dict[str, Any] = json.loads(memory.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ConfigurationError(f"{memory}: {error}; remove the folder to begin anew") from error
    return known


def remember(memory: Path, known: dict[str, Any]) -> None:
    """Replace demo.json at once; it holds passwords, so only its owner may read it."""
    new = memory.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(json.dumps(known, ensure_ascii=False, indent=1), encoding="utf-8")
    new.replace(memory)


def _urls(addresses: Addresses, broker: EmbeddedBroker, postgres: EmbeddedPostgres) -> dict[str, str]:
    return {
        "console": addresses.api,
        "api": f"{addresses.api}/api/v1",
        "phones": addresses.phones,
        "sim": addresses.sim,
        "mqtt": f"mqtt://127.0.0.1:{broker.port}",
        "mqtt_services": broker.url,
        "database": postgres.url,
    }


def _introduce(known: dict[str, Any], addresses: Addresses, broker: EmbeddedBroker, folder: Path) -> None:
    """Say what runs, the logins, and where to click."""
    begins = {page["role"]: f"{addresses.api}{page['path']}" for page in reversed(PAGES)}
    logins = "\n".join(
        f"    {u['role']:10} {u['username']:16} {u['password']}  {begins.get(u['role'], '')}" for u in known["users"]
    )
    _say(f"""
独居老人守护 · Eldercare — {len(known["residents"])} 位老人，{len(known["residents"])} 只手环 · residents with bands

  值班台 Duty board     {addresses.api}/
  电话 Telephones       {addresses.phones}/
  接口 API              {addresses.api}/docs
  手环接入 MQTT         mqtt://127.0.0.1:{broker.port}

  登录 Logins (角色 role, 用户名 username, 密码 password, 页面 page)
{logins}

  1. 打开值班台，用 duty 登录 · Open the duty board and log in as duty.
  2. 不到一分钟就有一位老人按下求助键：电话响起，网格员接听并按 1 · Within a minute a band presses SOS:
     telephones ring, a grid worker answers and presses 1.
  3. 打开电话页面，自己接一个 · Open the telephones' page and answer the next one yourself.

  地址和密码另存于 {folder / "demo.json"} · Addresses and passwords are kept there.
  Ctrl-C 结束，数据保留 · Ctrl-C ends everything and keeps the data.
""")


def _started(what: str) -> None:
    _say(f"  ✓ {what}")


def _say(line: str) -> None:
    print(line, flush=True)
