"""The command line as people meet it: one line for what is wrong, and the exit statuses that scripts rely on."""

import asyncio
import contextlib
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NoReturn
from unittest import mock

import psycopg
import pytest

from eldercare.accounts import sessions
from eldercare.community import devices
from eldercare.demo.embedded import EmbeddedPostgres
from eldercare.platform.database import connect
from eldercare.platform.settings import Settings
from eldercare.tools.cli.commands import main
from eldercare.tools.doctor import community
from tests.support.services.mosquitto import Mosquitto

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def eldercare(*arguments: str, cwd: Path, **settings: object) -> Done:
    """Run `python -m eldercare` with these settings (ELDERCARE_ is put before) and nothing else of ours."""
    done = subprocess.run(
        [sys.executable, "-m", "eldercare", *arguments],
        cwd=cwd,
        env=_environment(settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def run_here(*arguments: str, cwd: Path, **settings: object) -> Done:
    """The same in this process, for commands that no other program takes over and outside of an event loop: to start
    Python takes longer than what most of them do."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, _environment(settings), clear=True),
        mock.patch.object(sys, "argv", ["eldercare", *arguments]),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(os, "execv", _taken_over),
        mock.patch.object(os, "execve", _taken_over),
        pytest.raises(SystemExit) as left,
    ):
        main()
    return Done(left.value.code or 0, out.getvalue(), err.getvalue())


def _environment(settings: Mapping[str, object]) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("ELDERCARE_")}
    return {**own, "PYTHONPATH": str(ROOT), **{f"ELDERCARE_{k.upper()}": str(v) for k, v in settings.items()}}


def _taken_over(*_: object) -> NoReturn:
    raise AssertionError("another program would take over this process: use eldercare()")


def test_a_command_is_a_program(tmp_path: Path) -> None:
    done = eldercare("clock", "show", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done == run_here("clock", "show", cwd=tmp_path)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, "eldercare: ELDERCARE_DATABASE_URL is not set"),
        ({"database_url": "mysql://x"}, "eldercare: ELDERCARE_DATABASE_URL: must start with postgresql://"),
        ({"timezone": "Mars/Olympus"}, "eldercare: ELDERCARE_TIMEZONE: is no time zone"),
    ],
)
@pytest.mark.parametrize("command", [["migrate"], ["seed"], ["clock", "show"], ["enroll"]])
def test_a_wrong_setting_is_one_line_and_status_2(
    tmp_path: Path, command: list[str], settings: dict[str, str], line: str
) -> None:
    done = run_here(*command, cwd=tmp_path, **settings)
    assert done.returncode == 2
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("service", ["ingest", "ingest-sos", "ingest-telemetry", "alerts", "api"])
def test_services_are_started_by_name_and_name_what_they_lack(tmp_path: Path, service: str) -> None:
    done = eldercare(service, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("eldercare: ELDERCARE_")
    assert "is not set" in done.stderr


def test_a_database_that_is_away_or_empty_is_said(tmp_path: Path, empty_database_url: str) -> None:
    away = run_here("seed", cwd=tmp_path, database_url="postgresql://postgres@127.0.0.1:1/x")
    assert (away.returncode, len(away.stderr.splitlines())) == (2, 1)
    assert "Connection refused" in away.stderr
    empty = run_here("seed", cwd=tmp_path, database_url=empty_database_url)
    assert (empty.returncode, "run `eldercare migrate` first" in empty.stderr) == (2, True)


def test_from_an_empty_database_to_bands_that_the_broker_knows(
    tmp_path: Path, empty_database_url: str, broker: Mosquitto
) -> None:
    settings = {
        "database_url": empty_database_url,
        "mqtt_url": broker.url,
        "broker_passwords": broker.passwords,
        "broker_pid_file": broker.pid_file,
    }
    migrated = run_here("migrate", cwd=tmp_path, **settings)
    assert migrated.stdout.splitlines()[0] == "已应用 applied 0001_initial"
    seeded = run_here("seed", "--residents", "3", "--json", cwd=tmp_path, **settings)
    made = json.loads(seeded.stdout)
    assert [resident["device_id"] for resident in made["residents"]] == ["band-0001", "band-0002", "band-0003"]
    users = [line.split(":")[0] for line in broker.passwords.read_text().splitlines()]
    assert users == ["eldercare", "band-0001", "band-0002", "band-0003"]
    enrolled = run_here("enroll", "--device", "band-0002", "--device", "spare-1", cwd=tmp_path, **settings)
    assert [line.split()[0] for line in enrolled.stdout.splitlines()] == ["band-0002", "spare-1"]
    assert "4 bands in the password file; the broker was told" in enrolled.stderr
    asyncio.run(_bands_of_an_import(empty_database_url, "band-0102", "band-0101"))
    rest = run_here("enroll", "--all", cwd=tmp_path, **settings)
    assert [line.split()[0] for line in rest.stdout.splitlines()] == ["band-0101", "band-0102"]
    assert "6 bands in the password file" in rest.stderr
    again = run_here("enroll", "--all", cwd=tmp_path, **settings)
    assert (again.returncode, again.stdout) == (0, "")
    broken = run_here("enroll", "--device", "band#1", cwd=tmp_path, **settings)
    assert (broken.returncode, broken.stderr.startswith("eldercare: device_id: ")) == (1, True)


async def _bands_of_an_import(url: str, *device_ids: str) -> None:
    """Bands that have no password yet, and one that is out of service."""
    async with await connect(url) as conn:
        for device_id in device_ids:
            await devices.create(conn, device_id)
        await conn.execute("insert into device (id, retired_at) values ('old-1', now())")


def test_a_misspelt_setting_is_named_by_every_command(tmp_path: Path, database_url: str) -> None:
    (tmp_path / ".env").write_text("ELDERCARE_TWILO_FROM=+999\n")
    done = run_here("clock", "show", cwd=tmp_path, database_url=database_url, timezon="Asia/Shanghai")
    assert done.returncode == 0
    assert [line.partition("（")[0] for line in done.stderr.splitlines()] == [
        "eldercare: ELDERCARE_TIMEZON",
        "eldercare: ELDERCARE_TWILO_FROM",
    ]
    examined = run_here("doctor", cwd=tmp_path, database_url=database_url, timezon="Asia/Shanghai")
    assert examined.stderr == ""
    assert "! warning ELDERCARE_TIMEZON（" in examined.stdout
    assert "did you mean ELDERCARE_TWILIO_FROM?" in examined.stdout


@pytest.mark.parametrize("service", ["ingest", "alerts", "api", "phones"])
def test_a_misspelt_setting_is_in_the_log_of_every_service(tmp_path: Path, service: str) -> None:
    nowhere = {"database_url": "postgresql://nobody@127.0.0.1:1/none", "mqtt_url": "mqtt://u:p@127.0.0.1:1"}
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "ELDERCARE_TIMEZON": "Asia/Shanghai",
        "ELDERCARE_API_PORT": "0",
    }
    environment |= {f"ELDERCARE_{name.upper()}": value for name, value in nowhere.items()}
    environment["ELDERCARE_PHONES_PORT"] = "0"
    with subprocess.Popen(
        [sys.executable, "-m", "eldercare", service], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        first = json.loads(running.stderr.readline())
        running.terminate()
        running.stderr.read()
    assert (first["event"], first["name"]) == ("unknown_setting", "ELDERCARE_TIMEZON")


def test_people_to_call_are_added_with_a_password_that_opens_the_door(tmp_path: Path, database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("insert into grid (name, community) values ('一网格', '朝阳里'), ('二网格', '朝阳里')")

    def add(*arguments: str) -> Done:
        return run_here("add-person", *arguments, cwd=tmp_path, database_url=database_url)

    duty = add("沈值班", "--role", "duty", "--role", "duty_lead", "--phone", "+86 138 0000 0000", "--username", "shen")
    number, username, password = (line.rpartition(" ")[2] for line in duty.stdout.splitlines())
    assert (username, duty.returncode, duty.stderr) == ("shen", 0, "")
    first, second = (
        add(worker, "--role", "grid", "--phone", "+8613800000001", "--grid", "二网格")
        for worker in ("李网格", "周网格")
    )
    assert (first.returncode, first.stderr, second.returncode) == (0, "", 0)
    assert "李网格" in second.stderr

    async def may_log_in() -> int:
        async with await connect(database_url) as conn:
            return (await sessions.login(conn, "shen", password)).viewer.person_id

    assert asyncio.run(may_log_in()) == int(number)
    with psycopg.connect(database_url) as conn:
        workers = conn.execute(
            "select p.name, w.position from grid_worker w join person p on p.id = person_id"
            " join grid g on g.id = grid_id where g.name = '二网格' order by position"
        ).fetchall()
        methods = conn.execute(
            "select channel, address from contact_method where person_id = %s order by 1", (number,)
        ).fetchall()
    assert workers == [("李网格", 1), ("周网格", 2)]
    assert methods == [("sms", "+8613800000000"), ("voice", "+8613800000000")]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--role", "boss", "--phone", "+8613800000000"], "role: boss is none of duty, grid"),
        (["--role", "duty"], "phone: somebody needs a telephone"),
        (["--role", "duty", "--phone", "abc"], "phone: "),
        (["--role", "volunteer", "--username", "li"], "role: none of volunteer logs in"),
        (["--role", "duty", "--phone", "+8613800000000", "--grid", "一网格"], "grid: only somebody with the role"),
        (
            ["--role", "grid", "--phone", "+8613800000000", "--grid", "九网格"],
            "grid: there is no 九网格; there are: none",
        ),
        (["--role", "grid", "--phone", "+8613800000000"], "grid: is missing"),
        (["--role", "duty", "--username", "Shen"], "username: "),
        (["--role", "duty", "--username", "shen", "--language", "fr"], "language: fr is neither"),
    ],
)
def test_a_person_that_cannot_be_is_one_line_and_nobody(
    tmp_path: Path, database_url: str, arguments: list[str], line: str
) -> None:
    done = run_here("add-person", "沈值班", *arguments, cwd=tmp_path, database_url=database_url)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert done.stderr.startswith(f"eldercare: {line}")
    with psycopg.connect(database_url) as conn:
        assert conn.execute("select count(*) from person").fetchone() == (0,)


def test_the_clock_is_set_shown_and_reset(tmp_path: Path, database_url: str) -> None:
    def said(*arguments: str, **more: str) -> Done:
        return run_here("clock", *arguments, cwd=tmp_path, database_url=database_url, **more)

    assert said("set", "2020-02-29T08:00:00+08:00", "--speed", "0").stdout == "2020-02-29T08:00:00+08:00 × 0\n"
    assert said("show", timezone="UTC").stdout == "2020-02-29T00:00:00+00:00 × 0\n"
    assert said("set", "2020-02-29T08:00:00", "--speed", "0").stdout == "2020-02-29T08:00:00+08:00 × 0\n"
    wrong = said("set", "yesterday")
    assert (wrong.returncode, wrong.stderr.startswith("eldercare: origin: 'yesterday'")) == (1, True)
    real = said("set", "2020-01-01T00:00:00Z", twilio_account_sid="AC1", twilio_auth_token="x", twilio_from="+1555")
    assert (real.returncode, "real telephone provider" in real.stderr) == (1, True)
    year = datetime.fromisoformat(said("reset").stdout.split()[0]).year
    assert year >= 2026


def test_what_was_done_by_mistake_is_undone_by_commands(tmp_path: Path, database_url: str) -> None:
    """Each command as people type it; what the changes do is told in test_changes.py."""

    def said(*arguments: str, status: int = 0) -> str:
        done = run_here(*arguments, cwd=tmp_path, database_url=database_url)
        assert done.returncode == status, done.stderr
        assert status == 0 or len(done.stderr.splitlines()) == 1
        return done.stdout if status == 0 else done.stderr

    with psycopg.connect(database_url) as conn:
        conn.execute("insert into resident (name, address, external_id) values ('王秀英', '梧桐路1号', 'WT-1')")
        conn.execute("insert into device (id) values ('band-1'), ('band-2')")
    assert said("resident", "find", "王 秀英").startswith("1\tWT-1\t王秀英\t梧桐路1号")
    said("device", "assign", "band-1", "1")
    assert "band-1\tworn\t王秀英 (1)" in said("device", "list")
    assert "eldercare device assign band-1 1" in said("device", "take-off", "band-1")
    said("device", "assign", "band-1", "1")
    assert "band-1 is worn by 王秀英" in said("device", "assign", "band-1", "1", status=1)
    said("device", "replace", "band-1", "band-2", "--state", "lost")
    assert "band-1\tlost\n" in said("device", "list")
    said("device", "state", "band-1", "retired")
    assert "band-1" not in said("device", "list")
    assert "band-1\tretired" in said("device", "list", "--retired")
    said("device", "state", "band-1", "in_stock")
    assert "state: eaten is none of" in said("device", "state", "band-1", "eaten", status=1)
    assert said("grid", "add", "第三网格").strip() == "1"
    said("grid", "rename", "3号网格", "南区网格")
    worker = said(
        "add-person", "李强", "--role", "grid", "--grid", "南区网格", "--phone", "13800000001", "--username", "li"
    )
    (person,) = [line.rsplit(" ", 1)[1] for line in worker.splitlines() if "id:" in line]
    said("grid", "workers", "南区网格", person)
    assert f"南区网格\t李强 ({person})" in said("grid", "list")
    said("person", "phone", person, "13800000002")
    said("person", "roles", person, "grid", "volunteer")
    said("person", "link", person, "1", "--kind", "neighbour", "--relation", "邻居", "--no-key")
    said("person", "key", person, "1")
    assert "username: li" in said("person", "password", person)
    assert f"eldercare person restore {person}" in said("person", "remove", person)
    assert "李强" not in said("person", "list")
    assert "李强\tgrid,volunteer\t+8613800000002\t已离开 left" in said("person", "list", "--left", "--role", "grid")
    said("person", "restore", person)
    with psycopg.connect(database_url) as conn:
        found = conn.execute("select kind, relation, holds_key from resident_contact").fetchall()
        assert found == [("neighbour", "邻居", True)]
        assert conn.execute("select count(*) from grid_worker").fetchone() == (1,)
    said("person", "unlink", person, "1", "--kind", "neighbour")
    for wrong in (["remove", "99"], ["restore", person], ["phone", person, "120"], ["list", "--role", "boss"],
                  ["roles", person, "boss"], ["link", person, "99"]):  # fmt: skip
        assert said("person", *wrong, status=1).startswith("eldercare: ")


def test_a_resident_is_added_as_a_row_of_a_list_is_and_leaves_again(tmp_path: Path, database_url: str) -> None:
    def said(*arguments: str, status: int = 0) -> str:
        done = run_here(*arguments, cwd=tmp_path, database_url=database_url)
        assert done.returncode == status, done.stderr
        assert status == 0 or len(done.stderr.splitlines()) == 1
        return done.stdout + done.stderr

    assert "eldercare resident leave" in said("add-resident", "--help")
    said("grid", "add", "第三网格")
    said("enroll", "--device", "band-1")
    words = ("王秀英", "梧桐路1号301室", "--number", "WT-1", "--phone", "021-62345678", "--birth-date", "1938年5月2日",
             "--gender", "女", "--grid", "3号网格", "--alone", "--band", "band-1")  # fmt: skip
    assert said("add-resident", *words).strip() == "编号 · id: 1"
    with psycopg.connect(database_url) as conn:
        found = conn.execute(
            "select name, address, external_id, phone, birth_date, gender, grid_id, lives_alone from resident"
        ).fetchall()
        audited = conn.execute("select viewer_id, what, action from audit where resident_id = 1 order by id").fetchall()
    assert found == [("王秀英", "梧桐路1号301室", "WT-1", "+862162345678", date(1938, 5, 2), "female", 1, True)]
    assert (0, "file", "create") in audited
    for wrong, field in (
        (["王 秀英", "梧桐路１号301室"], "name"),  # there already
        (["李国强", "梧桐路2号", "--number", "WT-1"], "external_id"),  # somebody else's
        (["李国强", "同上"], "address"),
        (["合计", "梧桐路2号"], "name"),
        (["李国强", "梧桐路2号", "--phone", "120"], "phone"),
        (["李国强", "梧桐路2号", "--birth-date", "88岁"], "birth_date"),
        (["李国强", "梧桐路2号", "--number", "3.10101E+17"], "external_id"),
        (["李国强", "梧桐路2号", "--grid", "第九网格"], "grid"),
        (["李国强", "梧桐路2号", "--band", "band-1"], "band-1"),
    ):
        assert field in said("add-resident", *wrong, status=1)
    left = said("resident", "leave", "1")
    assert "eldercare device take-off band-1" in left
    assert "eldercare resident restore 1" in left
    assert "已离开 left" in said("resident", "find", "王秀英")
    said("resident", "restore", "1")
    assert "left" not in said("resident", "find", "王秀英")
    said("resident", "leave", "99", status=1)
    with psycopg.connect(database_url) as conn:
        assert conn.execute("select count(*) from resident").fetchone() == (1,)


def test_the_headings_of_a_list_are_told_without_a_list(tmp_path: Path) -> None:
    done = run_here("import-residents", "--columns", cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[1].startswith("* name: 姓名、")
    assert [line[2:].partition(":")[0] for line in lines if line.startswith("*")] == ["name", "address"]


def test_a_file_that_is_no_list_is_refused_in_one_line(tmp_path: Path, database_url: str) -> None:
    file = tmp_path / "list.csv"
    for content, reason in ((b"", "is empty"), (b"\0\1\2", "neither xlsx nor csv"), (b"a,b\n1,2\n", "name no column")):
        file.write_bytes(content)
        done = run_here("import-residents", str(file), cwd=tmp_path, database_url=database_url)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("eldercare: file: ")
        assert reason in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_the_doctor_names_what_is_wrong(tmp_path: Path, database_url: str, broker: Mosquitto) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("insert into device (id) values ('band-1')")
        conn.execute("insert into resident (name, address) values ('王秀英', '梧桐路1号')")
        conn.execute(
            "insert into assignment (device_id, resident_id, period)"
            " select 'band-1', id, tstzrange(now() - interval '1 day', null) from resident"
        )
        conn.execute("insert into device (id) values ('stray'), ('resting')")
        conn.execute(
            "insert into device_state (device_id, last_seen_at)"
            " values ('stray', now()), ('resting', now() - interval '3 hours')"
        )
        # Taken off, and silent since.
        conn.execute(
            "insert into assignment (device_id, resident_id, period)"
            " select 'resting', id, tstzrange(now() - interval '1 day', now() - interval '2 hours') from resident"
        )
    done = run_here("doctor", cwd=tmp_path, database_url=database_url, mqtt_url=broker.url)
    assert done.returncode == 1
    for words in (
        "the broker lets us in",
        "max_inflight_messages 8000",
        "no telephone can ring",
        "ELDERCARE_PUBLIC_URL",
        "ELDERCARE_DEADMAN_URL",
        "ingest.sos 没有心跳",
        "alerts 没有心跳",
        "nobody on duty can be called",
        "only the duty desk can be called for: 王秀英",
        "have no home position: 王秀英",
        "bands speak and are nobody's: stray",
        "bands have no password and cannot connect: band-1",
    ):
        assert words in done.stdout, words
    assert "resting" not in done.stdout
    levels = [line.split()[1] for line in done.stdout.splitlines()[:-1]]
    assert levels == sorted(levels, key=["error", "warning", "note", "ok"].index)


def test_the_doctor_finds_nothing_wrong_with_a_good_community(tmp_path: Path, database_url: str) -> None:
    assert run_here("seed", "--residents", "20", cwd=tmp_path, database_url=database_url).returncode == 0
    with psycopg.connect(database_url) as conn:
        for service in ("ingest.sos", "ingest.telemetry", "alerts", "api"):
            conn.execute("insert into heartbeat (instance, service) values (%s, %s)", (service, service))
    done = run_here("doctor", cwd=tmp_path, database_url=database_url)
    of_database = [line for line in done.stdout.splitlines() if "ELDERCARE_" not in line]
    assert [line for line in of_database if line.startswith(("✗", "!"))] == []
    assert "2 位值班员可呼叫" not in done.stdout
    assert "1 位值班员可呼叫" in done.stdout


def test_the_doctor_names_alarms_whose_next_step_does_not_come(tmp_path: Path, database_url: str) -> None:
    assert run_here("seed", "--residents", "3", cwd=tmp_path, database_url=database_url).returncode == 0
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "insert into incident (subject, kind, severity, source, occurred_at, opened_at, round_started_at, due_at)"
            " select 'device:' || n, 'sos', 'sos', 'button', eldercare_now(), eldercare_now(), eldercare_now(),"
            " eldercare_now() + interval '35 seconds' * (1 - n) from generate_series(1, 3) n"
        )
        conn.execute(
            "insert into incident_event (incident_id, at, kind, via)"
            " select id, eldercare_now(), 'step_failed', 'ladder' from incident where subject = 'device:1'"
        )
        ids = [row[0] for row in conn.execute("select id from incident where subject <> 'device:2' order by id")]
    done = run_here("doctor", cwd=tmp_path, database_url=database_url)
    [found] = [line for line in done.stdout.splitlines() if "next step does not come" in line]
    assert found.startswith("✗")
    assert f"编号 {ids[0]}, {ids[1]}）" in found


def test_the_doctor_names_residents_whose_stored_limits_do_not_hold(tmp_path: Path, database_url: str) -> None:
    assert run_here("seed", "--residents", "3", cwd=tmp_path, database_url=database_url).returncode == 0
    with psycopg.connect(database_url) as conn:
        ids = [row[0] for row in conn.execute("select id from resident order by id")]
        [(name,)] = conn.execute(
            "update resident set name = '王秀英' where id = %s returning name", (ids[1],)
        ).fetchall()
        detail = f'{{"overrides_refused": [{ids[1]}]}}'
        conn.execute("insert into heartbeat (instance, service, detail) values ('a', 'alerts', %s)", (detail,))
    done = run_here("doctor", cwd=tmp_path, database_url=database_url)
    [found] = [line for line in done.stdout.splitlines() if "limits of their own hold" in line]
    assert found.startswith("!")
    assert f"for: {name} ({ids[1]}) →" in found


def test_the_doctor_knows_numbers_that_twilio_never_reaches(tmp_path: Path, database_url: str) -> None:
    assert run_here("seed", "--residents", "1", cwd=tmp_path, database_url=database_url).returncode == 0
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "update contact_method set address = '+8613812345678' where id = (select min(id) from contact_method)"
        )
    settings = Settings(_env_file=None, twilio_account_sid="AC1", twilio_auth_token="x", twilio_from="+15550001")

    async def examine() -> list[str]:
        async with await connect(database_url) as conn:
            return [str(finding) for finding in await community.examine(conn, settings)]

    findings = asyncio.run(examine())
    assert any("no voice to mainland China" in finding and "+8613812345678" in finding for finding in findings)
    assert any("invented numbers are never called" in finding for finding in findings)


def test_the_doctor_says_that_the_database_is_not_migrated(tmp_path: Path, open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / "postgres")
    server.start()
    try:
        done = run_here("doctor", cwd=tmp_path, database_url=server.url)
    finally:
        server.stop()
    assert "not migrated: 0001_initial" in done.stdout
    assert "no TimescaleDB" in done.stdout


def test_a_recording_is_replayed_and_the_clock_goes_along(
    tmp_path: Path, database_url: str, clean_broker: Mosquitto
) -> None:
    settings = {
        "database_url": database_url,
        "mqtt_url": clean_broker.url,
        "broker_passwords": clean_broker.passwords,
        "broker_pid_file": clean_broker.pid_file,
    }
    seeded = run_here("seed", "--residents", "2", "--json", cwd=tmp_path, **settings)
    (tmp_path / "seed.json").write_text(seeded.stdout, encoding="utf-8")
    start = datetime(2020, 3, 5, tzinfo=UTC)
    with (tmp_path / "recorded.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["subject", "ts", "bpm"])
        for minute in range(120):
            writer.writerow(["A", (start + timedelta(minutes=minute)).isoformat(), 70 + minute % 5])
    own = {name: value for name, value in os.environ.items() if not name.startswith("ELDERCARE_")}
    environment = {**own, **{f"ELDERCARE_{name.upper()}": str(value) for name, value in settings.items()}}
    with (tmp_path / "ingest.log").open("w") as log:
        ingest = subprocess.Popen([sys.executable, "-m", "ingest"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        done = eldercare(
            "replay", str(tmp_path / "recorded.csv"), "--bands", "seed.json", "--speed", "max", cwd=tmp_path, **settings
        )
    finally:
        ingest.terminate()
        ingest.wait(20)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["messages"] == {"heart_rate": 120}
    assert done.stdout.splitlines()[1:4] == [
        "存入 rows: heart_rate 120, location 0",
        "拒收 rejected: 0",
        "人日 person-days: 1",
    ]
    with psycopg.connect(database_url) as conn:
        rows = conn.execute("select count(*), min(received_at - ts), max(received_at - ts) from heart_rate").fetchone()
        clock = conn.execute("select speed, eldercare_now() from clock").fetchone()
    assert rows is not None
    assert clock is not None
    assert rows[0] == 120
    assert timedelta(minutes=-5) < rows[1] <= rows[2] < timedelta(minutes=10)
    assert (clock[0], clock[1].date()) == (1, start.date())


@pytest.mark.parametrize("service", ["ingest", "alerts", "api", "device_sim"])
def test_a_service_carries_nothing_of_the_command_line(service: str) -> None:
    code = f"import sys, {service}.__main__; print(sorted({{'typer', 'openpyxl', 'yoyo'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
