"""What could not be used is shown to whoever makes bands, and to nobody else."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from eldercare.accounts.viewers import Role
from eldercare.community import rejected
from eldercare.platform.database import Connection
from eldercare.platform.errors import Forbidden, InvalidInput
from ingest.protocols.mqtt_v1 import Reason, Rejected
from ingest.storage.dead_letters import Refused, store
from tests.integration.tools.test_cli import eldercare
from tests.support.community import NOW, viewer

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
async def refused(conn: Connection) -> Connection:
    """Five messages, an hour apart, of two bands whose names share their beginning, and one under no band's name."""
    said = [
        ("eldercare/v1/band-1/heart_rate", b'{"bpm": 900}', Reason.RANGE, "bpm: too high"),
        ("eldercare/v1/band-10/heart_rate", b"\xff{", Reason.JSON, "payload: no JSON"),
        ("eldercare/v1/band_1/status", b"{}", Reason.SCHEMA, "ts: Field required"),
        ("eldercare/v1/band-1/location", b'{"lat": 99}', Reason.RANGE, "lat: too high"),
        ("elder/band-1", b"\x1b[2J\n", Reason.TOPIC, "topic: is not eldercare/v1/DEVICE/KIND"),
    ]
    for hours, (topic, payload, reason, detail) in enumerate(said):
        at = NOW - timedelta(hours=5 - hours)
        await store(conn, [Refused(topic, payload, Rejected(reason, detail))], at)
    return conn


async def test_a_band_is_shown_its_own_and_nobody_elses(refused: Connection) -> None:
    found = await rejected.read(refused, since=NOW - timedelta(days=1), device_id="band-1", limit=10)
    assert [(each.topic, each.reason, each.detail) for each in found] == [
        ("eldercare/v1/band-1/location", "range", "lat: too high"),
        ("eldercare/v1/band-1/heart_rate", "range", "bpm: too high"),
    ]
    assert await rejected.read(refused, since=NOW - timedelta(hours=2), device_id="band-1", limit=10) == found[:1]
    with pytest.raises(InvalidInput, match="device_id"):
        await rejected.read(refused, since=NOW, device_id="band/1", limit=10)


async def test_pages_go_on_where_the_last_one_ended(refused: Connection) -> None:
    duty = await viewer(refused, Role.DUTY)
    seen, cursor = list[int](), None
    while True:
        page = await rejected.listing(refused, duty, since=NOW - timedelta(days=1), cursor=cursor, limit=2)
        seen += [each.id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)


async def test_payloads_are_dutys_and_reading_them_is_written_down(refused: Connection) -> None:
    since = NOW - timedelta(days=1)
    admin, duty = await viewer(refused, Role.ADMIN), await viewer(refused, Role.DUTY)
    by_admin = await rejected.listing(refused, admin, since=since)
    assert {each.payload for each in by_admin.items} == {None}
    by_duty = await rejected.listing(refused, duty, since=since)
    assert [each.payload for each in by_duty.items] == [
        "\x1b[2J\n", '{"lat": 99}', "{}", "\\xff{", '{"bpm": 900}',
    ]  # fmt: skip
    audited = await (await refused.execute("select viewer_id, what from audit")).fetchall()
    assert audited == [(duty.person_id, "rejected")]
    for role in (Role.GRID, Role.FAMILY, Role.DOCTOR):
        with pytest.raises(Forbidden):
            await rejected.listing(refused, await viewer(refused, role), since=since)


@pytest.mark.parametrize(
    ("text", "before"),
    [("30m", timedelta(minutes=30)), ("2h", timedelta(hours=2)), ("7d", timedelta(days=7))],
)
def test_since_is_a_span_or_a_moment(text: str, before: timedelta) -> None:
    assert rejected.since_of(text, NOW, SHANGHAI) == NOW - before
    assert rejected.since_of("2026-11-24T08:00:00Z", NOW, SHANGHAI) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert rejected.since_of("2026-11-24T08:00:00", NOW, SHANGHAI) == datetime(2026, 11, 24, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "2", "0h", "-1h", "2 h", "yesterday", "0001-01-01T00:00:00+14:00", "٣h"])
def test_a_since_that_is_neither_is_said(text: str) -> None:
    with pytest.raises(InvalidInput, match="since"):
        rejected.since_of(text, NOW, SHANGHAI)


async def test_the_command_prints_what_a_maker_of_bands_needs(
    refused: Connection, database_url: str, tmp_path: Path
) -> None:
    await refused.execute("insert into clock (origin, started_at, speed) values (%s, clock_timestamp(), 0)", (NOW,))
    await refused.commit()
    done = eldercare("rejected", "--device", "band-1", cwd=tmp_path, database_url=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{(NOW - timedelta(hours=5)).astimezone(SHANGHAI).isoformat()}"
        "  eldercare/v1/band-1/heart_rate  range  bpm: too high",
        '    {"bpm": 900}',
        f"{(NOW - timedelta(hours=2)).astimezone(SHANGHAI).isoformat()}"
        "  eldercare/v1/band-1/location  range  lat: too high",
        '    {"lat": 99}',
    ]
    everything = eldercare("rejected", cwd=tmp_path, database_url=database_url)
    assert "    \\x1b[2J\\x0a" in everything.stdout.splitlines()
    one = eldercare("rejected", "--json", "--limit", "1", cwd=tmp_path, database_url=database_url)
    assert json.loads(one.stdout)["reason"] == "topic"
    assert "--limit" in one.stderr
    nothing = eldercare("rejected", "--since", "1m", cwd=tmp_path, database_url=database_url)
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "nothing was rejected" in nothing.stderr
    wrong = eldercare("rejected", "--since", "soon", cwd=tmp_path, database_url=database_url)
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (1, 1)
