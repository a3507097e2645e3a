"""Whether there is somebody to call for everybody who wears a band."""

from alerts.channels import registry
from alerts.channels.provider import RESERVED
from alerts.escalation.claim import SOMEBODY_ELSES
from eldercare.platform.database import Connection
from eldercare.platform.finding import Finding, error, ok, some, warning
from eldercare.platform.settings import Settings
from eldercare.platform.validation import telephone


async def examine(conn: Connection, settings: Settings) -> list[Finding]:
    """Findings about people, residents, bands and policies."""
    return [
        *await _duty(conn),
        *await _ladder(conn),
        *await _residents(conn),
        *await _bands(conn),
        *await unsigned_limits(conn),
        *await shared_numbers(conn),
        *await _no_numbers(conn),
        *await _numbers(conn, settings),
    ]


async def _duty(conn: Connection) -> list[Finding]:
    row = await (
        await conn.execute(
            "select count(distinct p.id) from person p join person_role r on r.person_id = p.id"
            " join contact_method m on m.person_id = p.id"
            " where r.role = 'duty' and p.left_at is null and m.active and m.channel = 'voice'"
        )
    ).fetchone()
    if row and row[0]:
        return [ok(f"{row[0]} 位值班员可呼叫 · duty officers can be called")]
    return [
        error(
            "没有可呼叫的值班员 · nobody on duty can be called",
            "eldercare add-person 姓名 --role duty --phone +86…",
        )
    ]


async def _ladder(conn: Connection) -> list[Finding]:
    row = await (
        await conn.execute("select exists (select from policy where kind = 'sos' and resident_id is null)")
    ).fetchone()
    if row and row[0]:
        return []
    return [error("没有 SOS 的呼叫阶梯 · there is no ladder for an SOS", "PUT /api/v1/policies")]


async def _residents(conn: Connection) -> list[Finding]:
    """Wearers of a band for whom only the duty desk could be called, and those whose home is unknown.

    Policies call grid workers, family and doctors; a neighbour is somebody to ask for the key.
    """
    rows = await (
        await conn.execute(
            "select r.id, r.name, r.home_lat is null,"
            " not exists (select from contact_method m where m.active and m.channel = 'voice' and m.person_id in ("
            "  select g.person_id from grid_worker g join person p on p.id = g.person_id and p.left_at is null"
            "  where g.grid_id = r.grid_id"
            "  union all select k.person_id from resident_contact k join person p on p.id = k.person_id"
            "  where k.resident_id = r.id and k.kind in ('family', 'doctor') and p.left_at is null)),"
            " r.grid_id is null or not exists (select from grid_worker g where g.grid_id = r.grid_id)"
            " from resident r where r.left_at is null and exists"
            " (select from assignment a where a.resident_id = r.id and a.period @> eldercare_now()) order by r.id"
        )
    ).fetchall()
    homeless = [f"{name} ({resident_id})" for resident_id, name, no_home, _, _ in rows if no_home]
    alone = [f"{name} ({resident_id})" for resident_id, name, _, nobody, _ in rows if nobody]
    gridless = [f"{name} ({resident_id})" for resident_id, name, _, nobody, no_grid in rows if no_grid and not nobody]
    findings = []
    if alone:
        findings.append(
            error(
                f"{len(alone)} 位戴手环的老人只有值班台可呼叫 · only the duty desk can be called for: {some(alone)}",
                "分配网格员，或加家属的电话 · give them a grid with a worker, or a relative",
            )
        )
    if gridless:
        findings.append(
            warning(
                f"{len(gridless)} 位戴手环的老人没有网格员 · have no grid worker: {some(gridless)}",
                "分配网格 · give them a grid with a worker",
            )
        )
    if homeless:
        findings.append(
            warning(
                f"{len(homeless)} 位戴手环的老人没有填家的位置，须待几夜 · have no home position: {some(homeless)}",
                "填经纬度（WGS-84）· fill in latitude and longitude (WGS-84)",
            )
        )
    return findings


async def shared_numbers(conn: Connection) -> list[Finding]:
    """Wearers whose own number in the file is one at which somebody else is called: they are never asked there."""
    rows = await (
        await conn.execute(
            "select r.id, r.name from resident r where r.left_at is null and exists"  # noqa: S608  a constant of ours
            " (select from assignment a where a.resident_id = r.id and a.period @> eldercare_now())"
            f" and {SOMEBODY_ELSES} order by r.id"
        )
    ).fetchall()
    if not rows:
        return []
    names = some([f"{name} ({resident_id})" for resident_id, name in rows])
    return [
        warning(
            f"{len(rows)} 位老人登记的是别人的电话，报警前不问本人"
            f" · have somebody else's number in their file, and are not asked: {names}",
            "填本人的电话，没有就留空 · enter a number of their own, or none",
        )
    ]


async def _bands(conn: Connection) -> list[Finding]:
    rows = await (
        await conn.execute(
            "select d.id from device d where d.retired_at is null and not exists"
            " (select from assignment a where a.device_id = d.id and a.period @> eldercare_now())"
            " and exists (select from device_state s where s.device_id = d.id and s.last_seen_at >= coalesce("
            "(select max(upper(a.period)) from assignment a where a.device_id = d.id), '-infinity')) order by d.id"
        )
    ).fetchall()
    worn = await (
        await conn.execute(
            "select d.id from device d where d.retired_at is null and d.mqtt_password_hash is null and exists"
            " (select from assignment a where a.device_id = d.id and a.period @> eldercare_now()) order by d.id"
        )
    ).fetchall()
    findings = []
    if rows:
        bands = [row[0] for row in rows]
        findings.append(
            warning(
                f"{len(bands)} 只手环在发数据而不属于任何人 · bands speak and are nobody's: {some(bands)}",
                "分配或停用 · assign or retire them",
            )
        )
    if worn:
        bands = [row[0] for row in worn]
        findings.append(
            error(
                f"{len(bands)} 只手环没有密码，连不上 · bands have no password and cannot connect: {some(bands)}",
                "`eldercare enroll --device …`",
            )
        )
    return findings


async def unsigned_limits(conn: Connection) -> list[Finding]:
    """Residents whose own limits stand over all others and were signed by nobody, or were changed since."""
    rows = await (
        await conn.execute(
            "select name, id from resident where left_at is null and rule_overrides <> '{}'"
            " and limits_signed is distinct from rule_overrides order by id"
        )
    ).fetchall()
    if not rows:
        return []
    names = [f"{name} ({resident_id})" for name, resident_id in rows]
    return [
        warning(
            f"{len(rows)} 位老人自己的阈值没有人签字 · nobody has signed the limits of their own of: {some(names)}",
            "请医生核对后重写 rule_overrides · let a doctor look at them and write them again",
        )
    ]


async def _no_numbers(conn: Connection) -> list[Finding]:
    """Numbers that no numbering plan knows, as older versions took them: a call to one reaches nobody."""
    rows = await (
        await conn.execute(
            "select distinct p.id, p.name, m.address from contact_method m join person p on p.id = m.person_id"
            " where m.active and p.left_at is null order by p.id, m.address"
        )
    ).fetchall()
    wrong = [f"{name} {address}" for _, name, address in rows if not telephone.known(address)]
    if not wrong:
        return []
    return [
        error(
            f"{len(wrong)} 个号码不存在，拨不到人 · numbers of this kind do not exist and ring nobody: {some(wrong)}",
            "`eldercare person phone 编号 号码` · give them their right number",
        )
    ]


async def _numbers(conn: Connection, settings: Settings) -> list[Finding]:
    """Numbers that will never be reached by the provider that takes their channel."""
    if not registry.is_real(settings):
        return []
    rows = await (
        await conn.execute(
            "select p.name, m.channel, m.address from contact_method m join person p on p.id = m.person_id"
            " where m.active and p.left_at is null order by p.id, m.channel"
        )
    ).fetchall()
    takes = {channel: registry.first(settings, channel) for channel in {channel for _, channel, _ in rows}}
    findings: list[Finding] = []
    for provider in registry.set_up(settings):
        findings += provider.unreachable([row for row in rows if takes[row[1]] is provider])
    invented = sorted({f"{name} {address}" for name, _, address in rows if address.startswith(RESERVED)})
    if invented:
        findings.append(
            error(
                f"演示号码 {RESERVED} 不会被呼叫 · invented numbers are never called: {some(invented)}",
                "换成真实号码 · give real numbers",
            )
        )
    return findings
