"""Whether the database is the one that the promise needs, and whether the services work on it."""

import time
from importlib.resources import files

from alerts.channels import registry
from eldercare.platform.database import Connection
from eldercare.platform.finding import Finding, error, note, ok, some, warning
from eldercare.platform.settings import Settings

SERVICES = ("ingest.sos", "ingest.telemetry", "alerts", "api")
SKEW_WARNING_S = 2.0
SKEW_ERROR_S = 60.0
"""Callbacks are signed and sessions end by the clock; with clocks a minute apart the timeline tells nonsense."""


async def examine(conn: Connection, settings: Settings) -> list[Finding]:
    """Findings about server and schema; where there is no schema, nothing further can be asked."""
    findings = [*await _server(conn), *await _skew(conn)]
    pending = await pending_migrations(conn)
    if pending:
        todo = "运行 `eldercare migrate` · run `eldercare migrate`"
        return [*findings, error(f"缺少迁移 · not migrated: {', '.join(pending)}", todo)]
    return [
        *findings,
        ok("数据库结构最新 · the schema is up to date"),
        *await _clock(conn, settings),
        *await _beats(conn),
        *await _stuck(conn),
        *await _too_large(conn),
    ]


async def pending_migrations(conn: Connection) -> list[str]:
    """The migrations of this version that the database does not have."""
    row = await (await conn.execute("select to_regclass('_yoyo_migration') is not null")).fetchone()
    applied: set[str] = set()
    if row and row[0]:
        applied = {
            name for (name,) in await (await conn.execute("select migration_id from _yoyo_migration")).fetchall()
        }
    ours = (entry.name for entry in (files("eldercare.platform") / "migrations").iterdir())
    return sorted({name.removesuffix(".sql") for name in ours if name.endswith(".sql")} - applied)


async def _server(conn: Connection) -> list[Finding]:
    row = await (
        await conn.execute(
            "select current_setting('server_version'), current_setting('fsync'),"
            " current_setting('synchronous_commit'), current_setting('full_page_writes'),"
            " (select extversion from pg_extension where extname = 'timescaledb')"
        )
    ).fetchone()
    assert row is not None  # noqa: S101  a select of values
    version, fsync, synchronous_commit, full_page_writes, timescale = row
    findings = [ok(f"数据库 PostgreSQL {version} 可连接 · can be reached")]
    unsafe = {"fsync": fsync, "synchronous_commit": synchronous_commit, "full_page_writes": full_page_writes}
    off = [f"{name} = off" for name, value in unsafe.items() if value == "off"]
    if off:
        findings.append(
            error(
                f"断电会丢已确认的数据 · a power failure loses what was acknowledged: {', '.join(off)}",
                "在 postgresql.conf 打开 · turn it on in postgresql.conf",
            )
        )
    if timescale is None:
        findings.append(
            note(
                "没有 TimescaleDB，历史多了会慢 · no TimescaleDB: fine for a demo, not for years of readings",
                "安装 timescaledb 并重建库 · install timescaledb and make the database anew",
            )
        )
    return findings


async def _skew(conn: Connection) -> list[Finding]:
    before = time.time()
    row = await (await conn.execute("select extract(epoch from clock_timestamp())::float8")).fetchone()
    after = time.time()
    assert row is not None  # noqa: S101  a select of a value
    skew = max(before - row[0], row[0] - after, 0.0)
    if skew < SKEW_WARNING_S:
        return []
    return [
        (error if skew >= SKEW_ERROR_S else warning)(
            f"数据库和本机的时钟差 {skew:.1f} 秒 · the clocks of the database and this machine are {skew:.1f} s apart",
            "两边都开 NTP · run NTP on both",
        )
    ]


async def _clock(conn: Connection, settings: Settings) -> list[Finding]:
    row = await (await conn.execute("select eldercare_now(), speed from clock")).fetchone()
    if row is None:
        return []
    return [
        (error if registry.is_real(settings) else warning)(
            f"时钟被设定为 {row[0]:%Y-%m-%d %H:%M} × {row[1]:g} · the clock is set",
            "`eldercare clock reset`",
        )
    ]


async def _taken(conn: Connection, service: str) -> list[Finding]:
    """A client id that somebody else uses as well: the broker gives the session to whoever came last."""
    from eldercare.platform import heartbeats

    beats = [beat for beat in await heartbeats.listing(conn, heartbeats.FRESH_S) if beat.service == service]
    taken = sorted(
        {str(beat.detail.get("client_id") or beat.instance) for beat in beats if beat.detail.get("client_id_taken")}
    )
    return [
        error(
            f"{service}：别人也在用客户端编号 {name} · somebody else uses the client id",
            "ELDERCARE_MQTT_URL 指向了手环的端口，或两套系统共用一个消息服务器 · it names the bands' listener, or two"
            " deployments share a broker",
        )
        for name in taken
    ]


async def _overrides(conn: Connection, service: str) -> list[Finding]:
    """Residents whose own limits were stored before there were bounds: `alerts`, which knows the bounds, says whose."""
    from eldercare.platform import heartbeats

    rows = await (
        await conn.execute(
            "select distinct r.id, r.name from heartbeat h"
            " cross join jsonb_array_elements_text(h.detail -> 'overrides_refused') as refused (id)"
            " join resident r on r.id = refused.id::bigint"
            " where h.service = %s and h.beat_at > clock_timestamp() - make_interval(secs => %s) order by r.id",
            (service, heartbeats.FRESH_S),
        )
    ).fetchall()
    if not rows:
        return []
    names = [f"{name} ({resident_id})" for resident_id, name in rows]
    return [
        warning(
            f"{len(rows)} 位老人自己的阈值不全有效 · not all stored limits of their own hold for: {some(names)}",
            "看 alerts 的日志 rule_overrides_refused，改 rule_overrides · read the log of alerts, and mend them",
        )
    ]


async def _beats(conn: Connection) -> list[Finding]:
    from eldercare.platform import heartbeats

    findings = []
    for service in SERVICES:
        if await heartbeats.fresh(conn, service):
            findings += await _taken(conn, service)
            findings += await _overrides(conn, service)
            findings.append(ok(f"{service} 在运行 · is running"))
            continue
        last = [beat for beat in await heartbeats.listing(conn) if beat.service == service]
        ago = f"{min(beat.age_s for beat in last):.0f} 秒前 s ago" if last else "从未 never"
        command = service.replace(".", "-")
        findings.append(
            error(
                f"{service} 没有心跳（最近 {ago}）· has no heartbeat",
                f"启动 `eldercare {command}` 并看日志 · start it, and read its log",
            )
        )
    return findings


_STUCK = """
select count(*), string_agg(id::text, ', ' order by id) filter (where place <= 10)
from (
    select i.id, row_number() over (order by i.id) as place from incident i
    where i.state <> 'resolved'
      and (i.due_at < eldercare_now() - interval '1 minute' * greatest(1, coalesce((select max(speed) from clock), 1))
           or exists (select from incident_event e where e.incident_id = i.id and e.kind = 'step_failed'
                      and e.at > eldercare_now() - interval '2 minutes'))
) stuck
"""


async def _stuck(conn: Connection) -> list[Finding]:
    """Incidents whose next step does not come: nobody takes it, or it cannot be planned, read or written."""
    row = await (await conn.execute(_STUCK)).fetchone()
    if not row or not row[0]:
        return []
    return [
        error(
            f"{row[0]} 个警报的下一步没有执行（编号 {row[1]}）· alarms whose next step does not come",
            "马上人工处理；看 alerts 的日志 · see to them by hand, and read the log of alerts",
        )
    ]


async def _too_large(conn: Connection) -> list[Finding]:
    """Packets that the broker has refused for their size. They are counted where it is Mosquitto with our
    configuration."""
    query = (
        "select count(*), string_agg(distinct split_part(topic, '/', 3), ', ') from rejected"
        " where reason = 'packet' and received_at > eldercare_now() - interval '1 day'"
    )
    row = await (await conn.execute(query)).fetchone()
    if not row or not row[0]:
        return []
    return [
        warning(
            f"一天内消息服务器拒收 {row[0]} 个超过 1 MiB 的包（{row[1]}）· packets of more than 1 MiB refused in a day",
            "`eldercare rejected`；升级或更换这些手环 · update or replace these bands",
        )
    ]
