"""The command line. It starts services by module name and imports none; heavy modules are imported when used."""

import asyncio
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from alerts.channels import registry
from eldercare.platform import settings as environment
from eldercare.platform.errors import ConfigurationError, EldercareError, InvalidInput
from eldercare.platform.redaction import redacted, traceback_of
from eldercare.platform.settings import exit_with
from eldercare.tools.cli.community import add_resident, device_app, grid_app, person_app, resident_app
from eldercare.tools.cli.connection import with_connection as _with_connection
from eldercare.tools.cli.connection import with_database_errors as _with_database_errors
from eldercare.tools.cli.settings import demo_urls, load_settings

T = TypeVar("T")

app = typer.Typer(
    name="eldercare",
    help="独居老人守护 · Watches over very old people who live alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
clock_app = typer.Typer(
    help="回放和演示用的时钟 · The settable clock of replay and demo.", no_args_is_help=True, rich_markup_mode=None
)
for group, name in (
    (clock_app, "clock"),
    (device_app, "device"),
    (grid_app, "grid"),
    (person_app, "person"),
    (resident_app, "resident"),
):
    app.add_typer(group, name=name)
app.command("add-resident")(add_resident)

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Settings of commands whose options are another program's."""


def main() -> None:
    """Run a command. A wrong setting is one line and exit status 2, every other expected failure one line and 1;
    a mistake of ours says where it was made."""
    try:
        app()
    except ConfigurationError as error:
        exit_with(error)
    except EldercareError as error:
        print(f"eldercare: {redacted(str(error))}", file=sys.stderr)
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        print(
            f"{traceback_of(error)}\n\neldercare: 内部错误，请报告 · a mistake of ours: please report it",
            file=sys.stderr,
        )
        raise SystemExit(1) from None


@app.command()
def migrate() -> None:
    """建立或升级数据库结构 · Bring the database's schema up to date."""
    from eldercare.platform.migrate import migrate as run

    settings = load_settings()
    url = settings.migrate_database_url or settings.required("database_url")
    names = _with_database_errors(lambda: run(url))
    print("\n".join(f"已应用 applied {name}" for name in names) or "已是最新 · nothing to do")


@app.command(context_settings=PASS_ON)
def ingest(context: typer.Context) -> None:
    """接收手环数据的服务 · The service that takes in what bands send."""
    _become("ingest", context.args)


@app.command()
def ingest_sos() -> None:
    """只接收求助 · The half of `ingest` that takes in presses."""
    _become("ingest", ["--lane", "sos"])


@app.command()
def ingest_telemetry() -> None:
    """只接收测量和位置 · The other half of `ingest`: readings and positions."""
    _become("ingest", ["--lane", "telemetry"])


@app.command()
def alerts() -> None:
    """呼叫人的服务 · The service that calls people."""
    _become("alerts", [])


@app.command()
def api() -> None:
    """接口和网页 · The API and the pages."""
    _become("api", [])


@app.command(context_settings=PASS_ON)
def sim(context: typer.Context) -> None:
    """模拟手环 · Simulated bands.

    `sim scenario sos` 让一只手环求助 · `sim scenario sos` lets a running one press."""
    if context.args[:1] != ["scenario"]:
        _become("device_sim", ["bands", *context.args])
    # The demo takes another port where the usual one is taken.
    control = demo_urls(environment.load_settings().data_dir).get("sim")
    told = any(argument.split("=")[0] == "--control" for argument in context.args)
    _become("device_sim", [*context.args, *([] if told or control is None else ["--control", control])])


@app.command(context_settings=PASS_ON)
def phones(context: typer.Context) -> None:
    """模拟电话 · Simulated telephones."""
    _become("device_sim", ["phones", *context.args])


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def replay(
    context: typer.Context,
    speed: Annotated[str, typer.Option(help="快几倍，或 max · how many times as fast, or max")] = "1",
    bands: Annotated[
        Path | None,
        typer.Option(help="seed --json 的输出；缺省用演示的 · what `seed --json` printed; default: the demo's"),
    ] = None,
) -> None:
    """回放录下的心率和轨迹 · Play recorded heart rates.

    时钟跟着走 · The clock is moved along: `eldercare replay FILE... [--speed N]`. Files (heart rates and tracks) and
    further options are those of `python -m device_sim replay --help`."""
    from eldercare.tools.replay import run

    settings = load_settings()
    found = bands or settings.data_dir / "demo.json"
    raise SystemExit(_with_database_errors(lambda: asyncio.run(run(settings, found, context.args, _speed_of(speed)))))


@app.command()
def evaluate(
    files: Annotated[list[Path], typer.Argument(help="CSV，可 gzip · CSV, gzip or not; the heading says what")],
    steps: Annotated[list[Path] | None, typer.Option(help="步数文件 · a file of steps; may be repeated")] = None,
    profile: Annotated[
        Path | None,
        typer.Option(
            help="JSON：home_lat, home_lon, safe_radius_m, timezone, rule_overrides，均可省 · what a record holds"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="每个事件一行 · one line per incident")] = False,
) -> None:
    """用规则评估录下的数据 · Which incidents recordings would open.

    不需要数据库和消息服务 · Needs neither database nor broker. Files are those of `replay`, any mix of heart rates,
    steps and tracks."""
    from eldercare.tools import evaluate as tool

    known = tool.read_profile(profile, load_settings().timezone)
    everybody = list[tool.Evaluated]()
    for each in tool.evaluate([*files, *(steps or [])], known):
        everybody.append(each)
        if as_json:
            print("".join(f"{tool.line(each.subject, episode)}\n" for episode in each.episodes), end="", flush=True)
    if not as_json:
        print("\n".join(tool.summary(everybody)))


@app.command()
def demo() -> None:
    """在这台机器上演示全部 · Everything on this machine."""
    from eldercare.demo.run import run

    run(environment.load_settings())


@app.command()
def seed(
    residents: Annotated[int, typer.Option(min=1, help="老人数 · how many residents")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 对象 · print one JSON object")] = False,
) -> None:
    """填入虚构的社区 · Fill in an invented community.

    再次运行会补足人数并重设密码 · Run again, it adds what is missing and gives every band and user a
    new password."""
    from eldercare.community.enroll import check_broker_settings, write_broker_passwords
    from eldercare.tools.seed.fill import seed as run

    settings = load_settings()
    check_broker_settings(settings)
    made = _with_connection(settings, lambda conn: run(conn, residents))
    _tell_seeded(made, as_json)
    # The broker comes last: whatever goes wrong with it, the passwords have been told.
    _with_connection(settings, lambda conn: write_broker_passwords(conn, settings))


def _tell_seeded(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(made, ensure_ascii=False), flush=True)
        return
    print(f"{len(made['residents'])} 位老人，{len(made['people'])} 位可呼叫的人 · residents, people who can be called")
    for user in made["users"]:
        print(f"  {user['role']:8} {user['username']:12} {user['password']}")
    print("手环密码只在 --json 中给出 · The bands' passwords are told with --json only")


def _list_columns(wanted: bool) -> None:
    if wanted:
        from eldercare.community.resident_import.columns import HEADINGS
        from eldercare.community.resident_schema import REQUIRED

        for field, words in HEADINGS.items():
            print(f"{'*' if field in REQUIRED else ' '} {field}: {'、'.join(words)}")
        raise typer.Exit


@app.command("import-residents")
def import_residents(
    file: Annotated[Path, typer.Argument(help="xlsx 或 csv · xlsx or csv")],
    check: Annotated[bool, typer.Option("--check", help="只检查不写入 · check only, write nothing")] = False,
    columns: Annotated[
        bool,
        typer.Option(
            "--columns",
            is_eager=True,
            callback=_list_columns,
            help="列出认得的列名，* 为必填 · print the headings that are understood, * must be there",
        ),
    ] = False,
) -> None:
    """导入居委会名单 · Read the committee's list.

    全部成功或全部不写 · Every row, or none."""
    from eldercare.tools.import_residents import run

    settings = load_settings()
    raise SystemExit(_with_database_errors(lambda: run(settings, file, check_only=check)))


@app.command("add-person")
def add_person(
    name: Annotated[str, typer.Argument(help="姓名 · name")],
    role: Annotated[
        list[str],
        typer.Option(help="duty, grid, doctor, family, admin, duty_lead, …；可重复 · may be repeated"),
    ],
    phone: Annotated[str | None, typer.Option(help="+86…：电话和短信 · for calls and texts")] = None,
    grid: Annotated[str | None, typer.Option(help="网格员负责的网格 · the grid that a grid worker works")] = None,
    username: Annotated[str | None, typer.Option(help="登录名；会打印密码 · prints a password")] = None,
    language: Annotated[str, typer.Option(help="zh, en")] = "zh",
) -> None:
    """登记工作人员 · Add somebody who is called or logs in."""
    from eldercare.community.add_person import add_person as run

    added = _with_connection(load_settings(), lambda conn: run(conn, name, role, phone, grid, username, language))
    print(f"编号 · id: {added.id}")
    if added.password:
        print(f"登录名 · username: {username}\n密码 · password: {added.password}")
    if added.shares:
        names = "、".join(added.shares)
        _say(f"这个号码也是 {names} 的，只会呼叫其中一人 · is the number of {names} too: only one of them is called")


@app.command()
def enroll(
    device: Annotated[list[str] | None, typer.Option(help="手环编号，可重复 · a band's id; may be repeated")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="所有还没有密码的手环 · every band that has no password yet")
    ] = False,
) -> None:
    """登记手环或换密码 · Make bands, renew passwords.

    并重写消息服务器的密码文件 · The broker's password file is written anew."""
    from eldercare.community.enroll import check_broker_settings, without_password, write_broker_passwords
    from eldercare.community.enroll import enroll as run

    settings = load_settings()
    check_broker_settings(settings)

    async def work(conn: Any) -> dict[str, str]:
        return await run(conn, [*(device or []), *(await without_password(conn) if every else [])])

    passwords = _with_connection(settings, work)
    for device_id, password in passwords.items():
        print(f"{device_id} {password}")
    written = _with_connection(settings, lambda conn: write_broker_passwords(conn, settings))
    if written is None:
        _say("未设置 ELDERCARE_BROKER_PASSWORDS，未写密码文件 · is not set: no password file was written")
    else:
        told = "并已通知" if written.told else "未通知：重启它，或发 SIGHUP"
        also = "was told" if written.told else "was not told: restart it, or send it SIGHUP"
        _say(
            f"密码文件中有 {written.bands} 只手环，{told}"
            f" · {written.bands} bands in the password file; the broker {also}"
        )


@app.command()
def rejected(
    device: Annotated[str | None, typer.Option(help="只看这只手环 · of this band only")] = None,
    since: Annotated[str, typer.Option(help="30m、2h、7d 或 RFC 3339")] = "1d",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="最多几条 · at most so many")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="每行一个 JSON 对象 · a JSON object a line")] = False,
) -> None:
    """手环发来但不能用的消息 · What bands sent that could not be used, and why."""
    from eldercare.community import rejected as messages
    from eldercare.platform import clock

    settings = load_settings()

    async def read(conn: Any) -> list[messages.RejectedMessage]:
        start = messages.since_of(since, await clock.now(conn), settings.zone)
        return await messages.read(conn, since=start, device_id=device, limit=limit)

    found = _with_connection(settings, read)
    for line in messages.json_lines(found) if as_json else messages.lines(found, settings.zone):
        print(line)
    if not found:
        _say(f"没有被拒收的消息（{since}）· nothing was rejected")
    elif len(found) == limit:
        _say(f"只显示最新的 {limit} 条 · only the newest {limit}: --limit shows more")


@app.command()
def doctor() -> None:
    """检查整套设置 · Name what is wrong with the set-up."""
    from eldercare.tools.doctor import run

    raise SystemExit(asyncio.run(run(load_settings(quiet=True))))  # it is a finding


@clock_app.command("show")
def clock_show() -> None:
    """现在几点 · What time it is."""
    from eldercare.platform import clock

    settings = load_settings()
    now, speed = _with_connection(settings, clock.reading)
    print(f"{now.astimezone(settings.zone).isoformat()} × {speed:g}")


@clock_app.command("set")
def clock_set(
    origin: Annotated[str, typer.Argument(help="RFC 3339，例如 2026-01-31T08:00:00+08:00")],
    speed: Annotated[float, typer.Option(min=0, help="快几倍 · how many times as fast")] = 1.0,
) -> None:
    """设定时钟；接着真实电话时拒绝 · Set the clock; refused while any channel is real."""
    from eldercare.platform import clock

    settings = load_settings()
    try:
        moment = datetime.fromisoformat(origin)
    except ValueError as error:
        raise InvalidInput("origin", f"{origin!r} is not RFC 3339, such as 2026-01-31T08:00:00+08:00") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=settings.zone)
    real = registry.is_real(settings)
    _with_connection(settings, lambda conn: clock.set_clock(conn, aware, speed, real=real))
    clock_show()


@clock_app.command("reset")
def clock_reset() -> None:
    """恢复真实时间 · Back to the real time."""
    from eldercare.platform import clock

    _with_connection(load_settings(), clock.reset_clock)
    clock_show()


def _speed_of(text: str) -> float:
    """Times as fast; 0 for `max`."""
    try:
        speed = 0.0 if text == "max" else float(text)
    except ValueError:
        speed = -1.0
    if text != "max" and not 0 < speed < 1e6:
        raise ConfigurationError(f"--speed: {text!r} is neither max nor a number above 0")
    return speed


def _become(module: str, arguments: list[str]) -> NoReturn:
    """Go on as `python -m module`: a service carries nothing of the command line in its memory."""
    environment.load_settings()  # so that a wrong setting is told before anything starts
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606  our own module


def _say(line: str) -> None:
    print(line, file=sys.stderr)
