"""`python -m alerts` as a process: it calls, beats, ends cleanly, and outlives its database."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from alerts.incidents.opening import raise_sos
from alerts.model.incident import Press
from alerts.notifications import outbox
from eldercare.platform.database import connect
from tests.faults.line import ROOT, Line
from tests.support import community
from tests.support.community import PHONES
from tests.support.services.mosquitto import Mosquitto
from tests.support.services.processes import wait_until
from tests.support.services.timescale import Timescale

MOST_MEMORY_MB = 150


def settle(url: str) -> None:
    async def run() -> None:
        async with await connect(url) as conn:
            await community.settle(conn)

    asyncio.run(run())


def press(url: str, band: str) -> int:
    async def run() -> int:
        async with await connect(url) as conn:
            return (await raise_sos(conn, Press(band, b"{}", band, event_id=f"press-{band}"))).incident_id

    return asyncio.run(run())


@pytest.fixture
def line(database_url: str, broker: Mosquitto, tmp_path: Path) -> Iterator[Line]:
    settle(database_url)
    with Line(database_url, broker, tmp_path) as line:
        line.start_phones()
        yield line


def called(line: Line) -> set[str]:
    return {entry["to"] for entry in line.phones("GET", "log?kind=call")["entries"]}


def test_it_calls_beats_and_ends_cleanly(line: Line, database_url: str) -> None:
    service = line.start_alerts()
    press(database_url, "band-wang")
    wait_until(lambda: called(line) == {PHONES["duty"], PHONES["grid"]}, "both telephones to ring")
    wait_until(lambda: line.value("select count(*) from notification where status = 'sent'") == 4, "the outcomes")
    channels = "select detail -> 'channels' from heartbeat where service = 'alerts'"
    wait_until(lambda: line.value(channels) == ["band", "sms", "voice"], "every channel to be connected")
    assert line.value("select detail -> 'real_channel' from heartbeat where service = 'alerts'") is False
    status = Path(f"/proc/{service.pid}/status").read_text(encoding="ascii")
    resident_kb = int(status.split("VmRSS:")[1].split()[0])
    assert resident_kb < MOST_MEMORY_MB * 1024
    service.signal_and_wait(signal.SIGTERM)
    assert line.value("select count(*) from heartbeat where service = 'alerts'") == 0
    assert '"event": "ended"' in service.tail() or "ended" in service.tail()
    assert "Traceback" not in service.log.read_text(encoding="utf-8")


def test_two_of_them_call_nobody_twice(line: Line, database_url: str) -> None:
    line.start_alerts()
    line.start_alerts()
    for band in ("band-wang", "band-li", "band-0001", "band-0002"):
        press(database_url, band)
    wait_until(lambda: line.value("select count(*) from notification where status = 'sent'") == 12, "the outcomes")
    assert len(line.phones("GET", "log?kind=call")["entries"]) == 6


def test_what_a_killed_one_had_leased_is_sent_by_the_next(line: Line, database_url: str) -> None:
    line.phones("PUT", "phones/*/calls", {"http_delay_s": 60, "does": "manual", "times": 2})
    service = line.start_alerts()
    press(database_url, "band-wang")
    wait_until(lambda: len(called(line)) == 2, "the provider to have taken the requests, and answered none")
    service.signal_and_wait(signal.SIGKILL)
    assert line.value("select count(*) from notification where status = 'sending' and channel = 'voice'") == 2
    line.let_pass(outbox.LEASE)
    line.start_alerts()
    wait_until(
        lambda: line.value("select count(*) from notification where status = 'sent' and channel = 'voice'") == 2,
        "the calls to be placed again",
    )


def test_a_wrong_setting_is_one_line_and_status_2(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "alerts"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "eldercare: ELDERCARE_DATABASE_URL is not set\n"


def test_nobody_real_is_called_by_a_clock_that_is_set(database_url: str, broker: Mosquitto, tmp_path: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("insert into clock (origin, started_at, speed) values ('2020-02-29', now(), 60)")
    with Line(database_url, broker, tmp_path) as line:
        line.environment["ELDERCARE_TWILIO_API_URL"] = "https://provider.invalid"
        done = subprocess.run(
            [sys.executable, "-m", "alerts"],
            cwd=ROOT, env=line.environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 2
        assert done.stderr.startswith("eldercare: the database's clock is set")
        assert done.stderr.count("\n") == 1
        assert line.value("select count(*) from heartbeat") == 0


def test_a_database_that_was_away_is_waited_for(timescale_server: Timescale, broker: Mosquitto, tmp_path: Path) -> None:
    with timescale_server.database() as url:
        settle(url)
        with Line(url, broker, tmp_path) as line:
            line.start_phones()
            service = line.start_alerts()
            timescale_server.stop()
            timescale_server.start()
            assert service.running
            press(url, "band-li")
            wait_until(lambda: called(line) == {PHONES["duty"], PHONES["grid"]}, "both telephones to ring")
            with psycopg.connect(url) as conn:
                conn.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'alerts%'"
                )
            press(url, "band-0007")
            wait_until(
                lambda: line.value("select count(*) from notification n join incident i on i.id = incident_id"
                                   " where device_id = 'band-0007' and n.status = 'sent'") == 2,
                "an SOS after every connection was cut",
            )  # fmt: skip
            assert service.running
