"""Whether the broker, the provider and our own public address answer."""

import asyncio
from typing import TYPE_CHECKING, Any

from alerts.channels import registry
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.finding import Finding, error, note, ok, warning
from eldercare.platform.http_status import get_status
from eldercare.platform.settings import Settings

if TYPE_CHECKING:
    import aiomqtt

TIMEOUT_S = 5.0


async def examine(settings: Settings) -> list[Finding]:
    """Findings about everything reached by network but the database."""
    parts = await asyncio.gather(_broker(settings), _providers(settings), _public_url(settings))
    return [finding for part in parts for finding in part] + _password_file(settings) + [metrics(settings)]


def metrics(settings: Settings) -> Finding:
    """Who may read the metrics."""
    if settings.metrics_token is not None:
        return ok("/metrics 凭 ELDERCARE_METRICS_TOKEN 读取 · is read with the token")
    return note(
        "/metrics 只答本机 · ELDERCARE_METRICS_TOKEN is not set: this machine alone reads it, not through a proxy",
        "监控在别处时设置 · set it where the monitoring runs elsewhere or in a container",
    )


async def _broker(settings: Settings) -> list[Finding]:
    import aiomqtt

    if settings.mqtt_url is None:
        return [
            error(
                "ELDERCARE_MQTT_URL 未设置 · is not set",
                "设为 mqtts://用户:密码@主机:端口 · set it to mqtts://user:password@host:port",
            )
        ]
    mqtt = settings.mqtt
    where = f"{mqtt.host}:{mqtt.port}"
    try:
        tls = settings.mqtt_tls()
        options: dict[str, Any] = {
            "username": mqtt.username,
            "password": mqtt.password,
            "tls_context": tls,
            "timeout": TIMEOUT_S,
        }
        first, second = (aiomqtt.Client(mqtt.host, mqtt.port, **options) for _ in range(2))
        async with first, second:
            shared = not await _still_there(first)
    except (aiomqtt.MqttError, ConfigurationError, OSError, ValueError) as failure:
        return [
            error(
                f"连不上消息服务器 {where} · the broker refuses or does not answer: {failure}",
                "检查 ELDERCARE_MQTT_URL，运行 `eldercare enroll` · check the address, run `eldercare enroll`",
            )
        ]
    if shared:
        return [
            error(
                f"{where} 是手环的端口，服务会互相踢下线 · is the bands' listener: there services throw each other out",
                "ELDERCARE_MQTT_URL 改为服务的端口（1883 或 8884）· name the services' listener, 1883 or 8884",
            )
        ]
    window = 4 * settings.batch_size
    return [
        ok(f"消息服务器 {where} 可登录 · the broker lets us in"),
        note(
            f"窗口读不到，应为 {window} · its window cannot be read and should be {window}",
            f"mosquitto.conf: max_inflight_messages {window}, persistence true, max_queued_messages 0",
        ),
    ]


async def _still_there(client: "aiomqtt.Client") -> bool:
    """Whether the broker keeps two connections of ours apart: else one has ended the other."""
    import aiomqtt

    try:
        await client.subscribe("eldercare/v1/doctor/sos_state", timeout=TIMEOUT_S)
    except aiomqtt.MqttError:
        return False
    return True


def _password_file(settings: Settings) -> list[Finding]:
    path, pid_file = settings.broker_passwords, settings.broker_pid_file
    if path is None:
        return [
            note(
                "ELDERCARE_BROKER_PASSWORDS 未设置，enroll 不写密码文件 · is not set: `enroll` tells no broker",
                "在消息服务器所在的机器上设置 · set it where the broker runs",
            )
        ]
    findings = []
    if not path.parent.is_dir():
        findings.append(error(f"没有文件夹 {path.parent} · there is no such folder", "ELDERCARE_BROKER_PASSWORDS"))
    if pid_file is not None and not pid_file.exists():
        findings.append(
            warning(
                f"没有 {pid_file} · is not there", "消息服务器在运行吗 · does the broker run? ELDERCARE_BROKER_PID_FILE"
            )
        )
    return findings


async def _providers(settings: Settings) -> list[Finding]:
    answers = await asyncio.gather(*(provider.probe(settings) for provider in registry.set_up(settings)))
    return [finding for findings in answers for finding in findings]


async def _public_url(settings: Settings) -> list[Finding]:
    if settings.public_url is None:
        return []
    status = await get_status(f"{settings.public_url}/healthz")
    if status == 200:
        return [ok(f"{settings.public_url} 有应答 · answers")]
    return [
        (error if registry.is_real(settings) else warning)(
            f"ELDERCARE_PUBLIC_URL {settings.public_url}/healthz 没有应答 · does not answer: {status}",
            "启动 api，检查反向代理和防火墙 · start `api`, check the reverse proxy and the firewall",
        )
    ]
