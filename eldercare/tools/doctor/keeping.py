"""Whether the audit log can be trusted, and whether what is kept for a time only goes when its time is over."""

from datetime import datetime, timedelta

from alerts.channels import registry
from eldercare.accounts import audit_chain
from eldercare.platform.database import Connection
from eldercare.platform.finding import Finding, error, note, ok, warning
from eldercare.platform.settings import Settings

LATE = timedelta(days=8)
"""How late a value may go: a chunk holds a week, and goes when its newest value is old enough."""


async def examine(conn: Connection, settings: Settings) -> list[Finding]:
    """Findings about the audit log and about retention."""
    return [*await _protection(conn, settings), *await _chain(conn), *await _retention(conn, settings)]


async def _protection(conn: Connection, settings: Settings) -> list[Finding]:
    found = await audit_chain.protection(conn)
    if not found.alters:
        return [ok(f"审计日志：角色 {found.role} 只能追加 · the audit log: the role {found.role} can only append")]
    return [
        (warning if registry.is_real(settings) else note)(
            f"服务用表的所有者 {found.owner} 连接，能改审计日志，只有哈希链能发现"
            f" · the services connect as {found.role}, which may alter the audit log:"
            " only its chain of hashes would show",
            "给服务单独的角色 eldercare_service（docs/roles.md）· give them a role of their own",
        )
    ]


async def _chain(conn: Connection) -> list[Finding]:
    await audit_chain.seal(conn)
    found = await audit_chain.verify(conn)
    if found.broken is not None:
        return [
            error(
                f"审计日志被改过：封印 {found.broken} 与内容不符"
                f" · the audit log was altered: seal {found.broken} does not fit its rows or the one before",
                "保留数据库副本，查谁有所有者密码 · keep a copy of the database; ask who has the owner's password",
            )
        ]
    if found.strays:
        return [
            error(
                f"审计日志里有 {found.strays} 行是事后补写的"
                f" · rows of the audit log were written afterwards: {found.strays}",
                "保留数据库副本，查谁有所有者密码 · keep a copy of the database; ask who has the owner's password",
            )
        ]
    return [
        ok(
            f"审计日志完整：{found.rows} 行，{found.seals} 个封印，链头 {found.head[:16] or '–'}"
            " · the audit log is whole: rows, seals, head of the chain"
        )
    ]


_OLDEST = {
    "readings": "select min(o.ts) from device d cross join lateral"
    " (select ts from heart_rate where device_id = d.id order by ts limit 1) o",
    "positions": "select min(o.ts) from device d cross join lateral"
    " (select ts from location where device_id = d.id order by ts limit 1) o",
    "incidents": "select min(i.resolved_at) from incident i where i.state = 'resolved'"
    " and exists (select from incident_event e where e.incident_id = i.id)",
    "audit": "select at from audit order by id limit 1",
    "rejected": "select min(received_at) from rejected",
}
_WORDS = {
    "readings": "心率和手环状态 readings",
    "positions": "位置 positions",
    "incidents": "通知和时间线 notifications and timelines",
    "audit": "审计 audit",
    "rejected": "未用的消息 rejected messages",
}


async def _retention(conn: Connection, settings: Settings) -> list[Finding]:
    row = await (await conn.execute("select least(eldercare_now(), clock_timestamp())")).fetchone()
    assert row is not None  # noqa: S101  a select of a value
    told, late = [], []
    for kind, query in _OLDEST.items():
        days = getattr(settings, f"keep_{kind}_days")
        found = await (await conn.execute(query.encode())).fetchone()
        oldest: datetime | None = found[0] if found else None
        age = "" if oldest is None else f"（最早 oldest {oldest.astimezone(settings.zone):%Y-%m-%d}）"
        told.append(f"{_WORDS[kind]} {days} 天 days{age}")
        if oldest is not None and oldest < row[0] - timedelta(days=days) - LATE:
            late.append(f"{_WORDS[kind]}{age}")
    findings = [note(f"保存期限 · kept: {'；'.join(told)}", "ELDERCARE_KEEP_…_DAYS")]
    if late:
        findings.append(
            error(
                f"过期的数据没有删除 · what is older was not deleted: {'；'.join(late)}",
                "启动 `eldercare alerts`，看它的日志 turn_failed · start it, and read its log",
            )
        )
    return findings
