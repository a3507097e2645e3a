"""The whole examination, and its one line per finding."""

import psycopg

from alerts.channels import registry
from eldercare.platform.database import COMMAND, connect
from eldercare.platform.finding import Finding, Level, error, warning
from eldercare.platform.settings import Settings, unknown_settings
from eldercare.tools.doctor import community, database, keeping, network, telephones, unwatched


async def run(settings: Settings) -> int:
    """Examine everything and print it, the worst first; returns the exit status: 1 where there is an error."""
    findings = await examine(settings)
    order = list(Level)
    for finding in sorted(findings, key=lambda finding: order.index(finding.level)):
        print(finding)
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = sum(finding.level is Level.WARNING for finding in findings)
    print(f"{errors} 个错误，{warnings} 个警告 · errors: {errors}, warnings: {warnings}")
    return 1 if errors else 0


async def examine(settings: Settings) -> list[Finding]:
    """Every finding. A part that cannot be reached is a finding and does not end the examination."""
    return [
        *_unread(),
        *telephones.examine(settings),
        *await network.examine(settings),
        *await _database(settings),
    ]


def _unread() -> list[Finding]:
    return [warning(str(each), "改名或删除 · rename or remove it") for each in unknown_settings(registry.sections())]


async def _database(settings: Settings) -> list[Finding]:
    if settings.database_url is None:
        todo = "设为 postgresql://用户:密码@主机/库 · set it to postgresql://user:password@host/database"
        return [error("ELDERCARE_DATABASE_URL 未设置 · is not set", todo)]
    try:
        async with await connect(settings.database_url, application_name="eldercare doctor", limits=COMMAND) as conn:
            findings = await database.examine(conn, settings)
            if not await database.pending_migrations(conn):
                findings += await community.examine(conn, settings)
                findings += await unwatched.examine(conn, settings)
                findings += await keeping.examine(conn, settings)
            return findings
    except psycopg.OperationalError as failure:
        reason = " ".join(str(failure).split())
        todo = "启动数据库，检查 ELDERCARE_DATABASE_URL · start it, check the address"
        return [error(f"连不上数据库 · the database cannot be reached: {reason}", todo)]
