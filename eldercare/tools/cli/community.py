"""The commands about bands, people, grids and residents: every mistake has its way back.

They do the same as the routes of the API, without logging in. Whoever is on the server may use them, and the audit log
says that it was a command.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer

from eldercare.platform.errors import InvalidInput
from eldercare.tools.cli.settings import load_settings

T = TypeVar("T")


def _group(words: str) -> typer.Typer:
    return typer.Typer(help=words, no_args_is_help=True, rich_markup_mode=None)


device_app = _group("手环：分配、取下、更换、报修、挂失、停用 · Bands: hand out, take off, replace, put away.")
person_app = _group("人员：离职、恢复、密码、电话、角色、与老人的关系 · People: remove, restore, password, contacts.")
grid_app = _group("网格：新建、改名、分派网格员 · Grids: make, rename, who works them.")
resident_app = _group("老人：查找、离开、恢复 · Residents: find, leave, restore.")

Band = Annotated[str, typer.Argument(help="手环编号 · the band's id")]
PersonId = Annotated[int, typer.Argument(help="人员编号，见 person list · the person's id")]
ResidentId = Annotated[int, typer.Argument(help="老人编号，见 resident find · the resident's id")]
GridName = Annotated[str, typer.Argument(help="网格名称 · the grid's name")]
Kind = Annotated[str, typer.Option(help="family, doctor, neighbour, care_worker, volunteer")]


@device_app.command("list")
def list_devices(
    retired: Annotated[bool, typer.Option("--retired", help="停用的也列出 · also those out of service")] = False,
) -> None:
    """列出手环、状态和佩戴人 · The bands, where each is and who wears it."""
    from eldercare.accounts import viewers
    from eldercare.community import devices

    async def read(conn: Any) -> list[devices.Device]:
        return await _whole(
            lambda cursor: devices.listing(conn, viewers.COMMAND_LINE, retired=retired, cursor=cursor, limit=1000)
        )

    for band in _run(read):
        wearer = f"{band.resident_name} ({band.resident_id})" if band.resident_id else ""
        print(f"{band.id}\t{band.state}\t{wearer}".rstrip())


@device_app.command("assign")
def assign(
    device: Band,
    resident: ResidentId,
    also: Annotated[bool, typer.Option("--also", help="已戴别的也分配 · though they wear another")] = False,
) -> None:
    """给老人戴上 · Give the band to a resident."""
    from eldercare.accounts import viewers
    from eldercare.community import assignments

    _change(lambda conn, now: assignments.assign(conn, viewers.COMMAND_LINE, device, resident, now, also=also))
    print(f"{device} 由老人 {resident} 佩戴 · is worn by resident {resident}")


@device_app.command("take-off")
def take_off(device: Band) -> None:
    """取下，回到库存 · Take the band off; it is in stock."""
    from eldercare.accounts import viewers
    from eldercare.community import assignments

    resident = _change(lambda conn, now: assignments.take_off(conn, viewers.COMMAND_LINE, device, now))
    print(f"{device} 已取下 · taken off resident {resident}\n撤销 · undo: eldercare device assign {device} {resident}")


@device_app.command("replace")
def replace(
    device: Band,
    by: Annotated[str, typer.Argument(help="换上的手环 · the new band")],
    state: Annotated[str, typer.Option(help="旧手环 · the old one: in_stock, in_repair, lost, retired")] = "in_repair",
) -> None:
    """换一只手环 · Another band for whoever wears this one."""
    from eldercare.accounts import viewers
    from eldercare.community import assignments

    where = _state(state)
    resident = _change(lambda conn, now: assignments.replace(conn, viewers.COMMAND_LINE, device, by, where, now))
    print(f"老人 {resident} 改戴 {by} · resident {resident} wears {by}; {device} is {state}")


@device_app.command("state")
def set_state(
    device: Band,
    state: Annotated[str, typer.Argument(help="in_stock, in_repair, lost, retired")],
) -> None:
    """库存、报修、挂失、停用 · Where the band is; nobody wears it then.

    停用后密码作废，恢复后要重新 enroll；它若再按，仍会呼叫 · A retired band has no password and needs `enroll` when it
    comes back. Should it press all the same, it rings."""
    from eldercare.accounts import viewers
    from eldercare.community import assignments

    where = _state(state)
    resident = _change(lambda conn, now: assignments.set_state(conn, viewers.COMMAND_LINE, device, where, now))
    print(f"{device}: {state}" + (f"，原由老人 {resident} 佩戴 · was worn by resident {resident}" if resident else ""))
    if state == "retired":
        print("请运行 eldercare enroll 更新密码文件 · run `eldercare enroll` to write the broker's password file")


@person_app.command("list")
def list_people(
    role: Annotated[str | None, typer.Option(help="只看这个角色 · of this role only")] = None,
    left: Annotated[bool, typer.Option("--left", help="离开的也列出 · also those who have left")] = False,
) -> None:
    """列出人员 · Everybody who is called or logs in."""
    from eldercare.accounts.viewers import Role
    from eldercare.community import people

    wanted = Role(role) if role in set(Role) else None
    if role is not None and wanted is None:
        raise InvalidInput("role", f"{role} is none of {', '.join(Role)}")

    async def read(conn: Any) -> list[people.Person]:
        return await _whole(lambda cursor: people.listing(conn, role=wanted, left=left, cursor=cursor, limit=1000))

    for person in _run(read):
        gone = "已离开 left" if person.left_at else ""
        print("\t".join((str(person.id), person.name, ",".join(person.roles), person.phone or "", gone)).rstrip())


@person_app.command("remove")
def remove(person: PersonId) -> None:
    """离职：不再呼叫，不能登录，手上的报警重新呼叫 · Called no more, logged in no more, alarms in hand go on."""
    from alerts.incidents import leaving
    from eldercare.accounts import viewers
    from eldercare.platform import clock

    async def leave(conn: Any) -> list[int]:
        return await leaving.remove(conn, viewers.COMMAND_LINE, person, "api", await clock.now(conn))

    concerned = _run(leave)
    print(f"{person} 不再被呼叫，也不能登录 · is called no more and logs in no more")
    if concerned:
        print(f"重新呼叫其他人的报警 · alarms that go on without them: {', '.join(map(str, concerned))}")
    print(f"若是误操作 · undo: eldercare person restore {person}")


@person_app.command("restore")
def restore(person: PersonId) -> None:
    """撤销离职：电话、网格、老人照旧 · Undo a removal: telephones, grids and residents as they were."""
    from eldercare.accounts import viewers
    from eldercare.community import people_changes

    _run(lambda conn: people_changes.come_back(conn, viewers.COMMAND_LINE, person))
    print(f"{person} 已恢复 · is back")


@person_app.command("password")
def password(
    person: PersonId,
    username: Annotated[str | None, typer.Option(help="给或改登录名 · gives or changes the username")] = None,
) -> None:
    """重设密码并打印一次，旧的登录全部失效 · A new password, printed once; every session ends."""
    from eldercare.accounts import viewers
    from eldercare.community import people_changes

    name, new = _run(lambda conn: people_changes.reset_password(conn, viewers.COMMAND_LINE, person, username))
    print(f"登录名 · username: {name}\n密码 · password: {new}")


@person_app.command("phone")
def phone(
    person: PersonId,
    number: Annotated[str, typer.Argument(help="新号码，- 为不再呼叫 · the number, - for none")],
) -> None:
    """换号码：以后只打这个 · Called and texted at this number and no other."""
    from eldercare.accounts import viewers
    from eldercare.community import people_changes

    wanted = None if number == "-" else number
    shares = _run(lambda conn: people_changes.set_phone(conn, viewers.COMMAND_LINE, person, wanted))
    print("已改 · changed")
    if shares:
        names = "、".join(shares)
        print(
            f"这个号码也是 {names} 的，只会呼叫其中一人 · is the number of {names} too: only one is called",
            file=sys.stderr,
        )


@person_app.command("roles")
def roles(
    person: PersonId,
    role: Annotated[list[str], typer.Argument(help="全部角色 · all roles from now on")],
) -> None:
    """改角色 · Exactly these roles from now on."""
    from eldercare.accounts import viewers
    from eldercare.accounts.viewers import Role
    from eldercare.community import people_changes

    unknown = [word for word in role if word not in set(Role)]
    if unknown:
        raise InvalidInput("role", f"{unknown[0]} is none of {', '.join(Role)}")
    wanted = [Role(word) for word in role]
    _run(lambda conn: people_changes.set_roles(conn, viewers.COMMAND_LINE, person, wanted))
    print("已改 · changed")


@person_app.command("link")
def link(
    person: PersonId,
    resident: ResidentId,
    kind: Kind = "family",
    relation: Annotated[str, typer.Option(help="女儿、邻居等 · daughter, neighbour, …")] = "",
    key: Annotated[bool, typer.Option("--key/--no-key", help="有钥匙 · holds a key")] = False,
    position: Annotated[int, typer.Option(min=1, max=100, help="呼叫次序 · the order of calls")] = 1,
) -> None:
    """登记为老人的家属、医生、邻居等 · Make somebody a relative, doctor or neighbour of a resident."""
    from eldercare.accounts import viewers
    from eldercare.community import people_changes

    _run(
        lambda conn: people_changes.link(
            conn, viewers.COMMAND_LINE, resident, person, kind, relation=relation, holds_key=key, position=position
        )
    )
    print(f"{person} → {resident}: {kind}")


@person_app.command("unlink")
def unlink(person: PersonId, resident: ResidentId, kind: Kind = "family") -> None:
    """解除与老人的关系 · No longer that to the resident."""
    from eldercare.accounts import viewers
    from eldercare.community import people_changes

    _run(lambda conn: people_changes.unlink(conn, viewers.COMMAND_LINE, resident, person, kind))
    print(f"{person} ⊘ {resident}: {kind}")


@person_app.command("key")
def key(
    person: PersonId,
    resident: ResidentId,
    holds: Annotated[bool, typer.Option("--holds/--returned", help="有钥匙、已归还 · holds one, gave it back")] = True,
) -> None:
    """标记谁有钥匙 · Who holds a key."""
    from eldercare.accounts import viewers
    from eldercare.community import people_changes

    _run(lambda conn: people_changes.hold_key(conn, viewers.COMMAND_LINE, resident, person, holds))
    print("有钥匙 · holds a key" if holds else "没有钥匙 · holds none")


@grid_app.command("list")
def list_grids() -> None:
    """列出网格和网格员 · The grids, with who works them."""
    from eldercare.community import people

    for grid in _run(people.grids):
        workers = "、".join(f"{worker['name']} ({worker['person_id']})" for worker in grid.workers)
        print(f"{grid.id}\t{grid.name}\t{workers}".rstrip())


@grid_app.command("add")
def add_grid(
    name: GridName,
    community: Annotated[str, typer.Option(help="社区 · the community")] = "",
) -> None:
    """新建网格 · Make a grid."""
    from eldercare.accounts import viewers
    from eldercare.community import people_changes

    print(_run(lambda conn: people_changes.create_grid(conn, viewers.COMMAND_LINE, name, community)))


@grid_app.command("rename")
def rename_grid(name: GridName, new: Annotated[str, typer.Argument(help="新名称 · the new name")]) -> None:
    """改名 · Another name."""
    from eldercare.accounts import viewers
    from eldercare.community import people, people_changes

    async def work(conn: Any) -> None:
        await people_changes.rename_grid(conn, viewers.COMMAND_LINE, await people.grid_named(conn, name), new)

    _run(work)
    print(f"{name} → {new}")


@grid_app.command("workers")
def grid_workers(
    name: GridName,
    person: Annotated[list[int], typer.Argument(help="人员编号，第一个为主 · ids, the grid's own worker first")],
) -> None:
    """分派网格员：第一个为主，其余依次备用 · Who works the grid: its own first, then the backups."""
    from eldercare.accounts import viewers
    from eldercare.community import people, people_changes

    async def work(conn: Any) -> None:
        grid_id = await people.grid_named(conn, name)
        await people_changes.set_grid_workers(conn, viewers.COMMAND_LINE, grid_id, person)

    _run(work)
    print("已改 · changed")


@resident_app.command("find")
def find_residents(
    text: Annotated[str, typer.Argument(help="姓名、地址、电话或编号 · name, address, telephone or number")],
) -> None:
    """查找老人，写法不限 · Find residents, however they are written."""
    from eldercare.accounts import viewers
    from eldercare.community import residents
    from eldercare.community.resident_schema import Resident

    async def read(conn: Any) -> list[Resident]:
        filters = residents.Filters(text=text, left=True)
        return await _whole(
            lambda cursor: residents.listing(conn, viewers.COMMAND_LINE, filters, cursor=cursor, limit=1000)
        )

    for found in _run(read):
        gone = "已离开 left" if found.left_at else ""
        parts = (str(found.id), found.external_id or "", found.name, found.address, found.device_id or "", gone)
        print("\t".join(parts).rstrip())


@resident_app.command("leave")
def resident_leaves(resident: ResidentId) -> None:
    """不再守护：搬走、去世 · Looked after no more."""
    from eldercare.accounts import viewers
    from eldercare.community import devices, resident_changes

    zone = load_settings(quiet=True).zone

    async def work(conn: Any, now: Any) -> list[str]:
        await resident_changes.leave(conn, viewers.COMMAND_LINE, resident, now, now.astimezone(zone).date())
        return list(await devices.worn_by(conn, resident, now))

    for band in _change(work):
        print(f"还戴着 · still wears {band}: eldercare device take-off {band}", file=sys.stderr)
    print(f"老人 {resident} 已离开 · has left\n撤销 · undo: eldercare resident restore {resident}")


@resident_app.command("restore")
def resident_comes_back(resident: ResidentId) -> None:
    """撤销离开 · Looked after again."""
    from eldercare.accounts import viewers
    from eldercare.community import resident_changes

    zone = load_settings(quiet=True).zone
    _change(
        lambda conn, now: resident_changes.come_back(conn, viewers.COMMAND_LINE, resident, now.astimezone(zone).date())
    )
    print(f"老人 {resident} 已恢复 · is looked after again")


def add_resident(
    name: Annotated[str, typer.Argument(help="姓名 · name")],
    address: Annotated[str, typer.Argument(help="住址，写到门 · the address, down to the door")],
    number: Annotated[str | None, typer.Option(help="居委会的编号 · the committee's number")] = None,
    phone: Annotated[str | None, typer.Option(help="本人电话 · their own telephone")] = None,
    birth_date: Annotated[str | None, typer.Option(help="出生日期，如 1938-05-02 · date of birth")] = None,
    gender: Annotated[str | None, typer.Option(help="女、男 · female, male")] = None,
    grid: Annotated[str | None, typer.Option(help="网格名称 · the grid's name")] = None,
    entry: Annotated[str | None, typer.Option(help="如何进门 · how to get in")] = None,
    alone: Annotated[bool, typer.Option("--alone", help="独居 · lives alone")] = False,
    band: Annotated[str | None, typer.Option(help="戴上这只手环 · wears this band from now on")] = None,
) -> None:
    """登记一位老人 · Add a resident.

    与名单的一行同样检查；已在库里的不会重复登记 · Checked as a row of a list; nobody is added twice. Undo with
    `eldercare resident leave`."""
    from eldercare.accounts import viewers
    from eldercare.community import assignments, people, resident_changes
    from eldercare.community.resident_import.check import parsed

    zone = load_settings(quiet=True).zone
    typed = {"external_id": number, "name": name, "address": address, "phone": phone, "birth_date": birth_date,
             "gender": gender, "entry": entry}  # fmt: skip

    async def work(conn: Any, now: Any) -> int:
        today = now.astimezone(zone).date()
        values = {field: parsed(field, text, today) for field, text in typed.items() if text is not None}
        if grid is not None:
            values["grid_id"] = await people.grid_named(conn, grid)
        values["lives_alone"] = alone
        resident_id = await resident_changes.add(conn, viewers.COMMAND_LINE, values, today)
        if band is not None:
            await assignments.assign(conn, viewers.COMMAND_LINE, band, resident_id, now)
        return resident_id

    print(f"编号 · id: {_change(work)}")


def _state(word: str) -> Any:
    from eldercare.community.devices import BandState

    if word not in set(BandState):
        raise InvalidInput("state", f"{word} is none of in_stock, in_repair, lost, retired")
    return BandState(word)


def _change(work: Callable[[Any, Any], Awaitable[T]]) -> T:
    from eldercare.platform import clock

    async def at_now(conn: Any) -> T:
        return await work(conn, await clock.now(conn))

    return _run(at_now)


def _run(work: Callable[[Any], Awaitable[T]]) -> T:
    from eldercare.tools.cli.connection import with_connection

    return with_connection(load_settings(), work)


async def _whole(page_after: Callable[[str | None], Awaitable[Any]]) -> list[Any]:
    """The items of every page."""
    found: list[Any] = []
    cursor: str | None = None
    while True:
        page = await page_after(cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found
