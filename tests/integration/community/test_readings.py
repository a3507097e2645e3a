"""Charts and tracks: by bucket, with gaps as gaps, and of nobody but the wearer."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from eldercare.accounts.viewers import Role
from eldercare.community import devices, readings, residents
from eldercare.community.readings import Bucket, HeartRate
from eldercare.platform.database import Connection
from eldercare.platform.errors import InvalidInput
from tests.support.community import NOW, beats, resident, viewer, wears

HOUR = timedelta(hours=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")


async def chart(
    conn: Connection, resident_id: int, start: datetime, end: datetime, bucket: Bucket = Bucket.RAW, **options: object
) -> list[HeartRate]:
    who = await viewer(conn, Role.DUTY)
    page = await readings.heart_rate(conn, who, resident_id, start, end, bucket, **options)  # type: ignore[arg-type]
    return page.items


async def test_a_bucket_says_least_mean_most_and_count(conn: Connection) -> None:
    old = await resident(conn)
    await wears(conn, old, "band-1")
    await beats(conn, "band-1", NOW - HOUR, [60, 70, 80], step_s=60)
    await beats(conn, "band-1", NOW - HOUR / 2, [90], step_s=60)
    assert await chart(conn, old, NOW - HOUR, NOW, Bucket.FIVE_MINUTES) == [
        HeartRate(NOW - HOUR, 60, 70.0, 80, 3),
        HeartRate(NOW - HOUR / 2, 90, 90.0, 90, 1),
    ]


async def test_gaps_stay_gaps(conn: Connection) -> None:
    old = await resident(conn)
    await wears(conn, old, "band-1")
    await beats(conn, "band-1", NOW - 5 * HOUR, [60])
    await beats(conn, "band-1", NOW - HOUR, [61])
    assert [point.ts for point in await chart(conn, old, NOW - 6 * HOUR, NOW, Bucket.HOUR)] == [
        NOW - 5 * HOUR,
        NOW - HOUR,
    ]


async def test_what_is_no_heart_rate_is_not_charted(conn: Connection) -> None:
    old = await resident(conn)
    await wears(conn, old, "band-1")
    await beats(conn, "band-1", NOW - HOUR, [0, 24, 25, 220, 221, 70, 71])
    await conn.execute("update heart_rate set quality = 29 where bpm = 70")
    await conn.execute("update heart_rate set quality = 30 where bpm = 71")
    assert [point.max for point in await chart(conn, old, NOW - HOUR, NOW)] == [25, 220, 71]


async def test_the_range_includes_its_start_and_not_its_end(conn: Connection) -> None:
    old = await resident(conn)
    await wears(conn, old, "band-1")
    await beats(conn, "band-1", NOW - HOUR, [60, 61, 62])
    minute = timedelta(minutes=1)
    points = await chart(conn, old, NOW - HOUR, NOW - HOUR + 2 * minute)
    assert [point.avg for point in points] == [60, 61]


async def test_a_lent_band_never_shows_a_strangers_heart(conn: Connection) -> None:
    first, second = await resident(conn, "甲"), await resident(conn, "乙")
    await wears(conn, first, "band-1", since=NOW - 10 * HOUR)
    await beats(conn, "band-1", NOW - 10 * HOUR, [60] * 10, step_s=3600)
    await conn.execute(
        "insert into device_state (device_id, bpm, bpm_ts, lat, lon, location_ts, rules, battery_pct)"
        " values ('band-1', 60, %(t)s, 31.2, 121.4, %(t)s, '{\"slow\": 1}', 80)",
        {"t": NOW - 5 * HOUR},
    )
    await devices.unassign(conn, "band-1", at=NOW - 5 * HOUR)
    await devices.assign(conn, "band-1", second, since=NOW - 3 * HOUR)
    everything = (NOW - 20 * HOUR, NOW)
    assert [p.ts for p in await chart(conn, first, *everything)] == [NOW - n * HOUR for n in range(10, 5, -1)]
    assert [p.ts for p in await chart(conn, second, *everything)] == [NOW - n * HOUR for n in (3, 2, 1)]


async def test_the_newest_values_of_a_lent_band_are_nobodys(conn: Connection) -> None:
    await conn.execute("insert into clock (origin, started_at, speed) values (%s, now(), 0)", (NOW,))
    first, second = await resident(conn, "甲"), await resident(conn, "乙")
    await wears(conn, first, "band-1", since=NOW - 10 * HOUR)
    await devices.unassign(conn, "band-1", at=NOW - 5 * HOUR)
    await devices.assign(conn, "band-1", second, since=NOW - 3 * HOUR)
    # Late values of the first wearer, stored after the band was handed on.
    await conn.execute(
        "insert into device_state (device_id, bpm, bpm_ts, lat, lon, location_ts, worn, status_ts, battery_pct)"
        " values ('band-1', 60, %(t)s, 31.2, 121.4, %(t)s, true, %(t)s, 80)",
        {"t": NOW - 6 * HOUR},
    )
    seen = await residents.get(conn, await viewer(conn, Role.DUTY), second)
    assert (seen.device_id, seen.battery_pct) == ("band-1", 80)
    assert (seen.bpm, seen.bpm_ts, seen.lat, seen.lon, seen.location_ts, seen.worn) == (None,) * 6


async def test_history_follows_the_resident_over_several_bands(conn: Connection) -> None:
    old = await resident(conn)
    await wears(conn, old, "band-1", since=NOW - 10 * HOUR)
    await devices.unassign(conn, "band-1", at=NOW - 5 * HOUR)
    await wears(conn, old, "band-2", since=NOW - 5 * HOUR)
    await beats(conn, "band-1", NOW - 6 * HOUR, [60, 60], step_s=1800)
    await beats(conn, "band-2", NOW - 4 * HOUR, [70, 70], step_s=1800)
    points = await chart(conn, old, NOW - 10 * HOUR, NOW, Bucket.HOUR)
    assert [(point.ts, point.avg, point.count) for point in points] == [
        (NOW - 6 * HOUR, 60, 2),
        (NOW - 4 * HOUR, 70, 2),
    ]


async def test_two_bands_at_once_share_the_buckets(conn: Connection) -> None:
    old = await resident(conn)
    await wears(conn, old, "band-1")
    await wears(conn, old, "band-2")
    await beats(conn, "band-1", NOW - HOUR, [60, 60, 60])
    await beats(conn, "band-2", NOW - HOUR, [80])
    assert await chart(conn, old, NOW - HOUR, NOW, Bucket.HOUR) == [HeartRate(NOW - HOUR, 60, 65.0, 80, 4)]


async def test_days_begin_at_midnight_of_the_community_also_when_the_clock_changes(conn: Connection) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    old = await resident(conn)
    await wears(conn, old, "band-1", since=datetime(2026, 1, 1, tzinfo=UTC))
    start = datetime(2026, 3, 28, tzinfo=berlin)
    await beats(conn, "band-1", start.astimezone(UTC), [60] * 24 * 3, step_s=3600)
    points = await chart(conn, old, start, start + timedelta(days=3), Bucket.DAY, zone=berlin)
    assert [(point.ts.astimezone(berlin).isoformat(), point.count) for point in points] == [
        ("2026-03-28T00:00:00+01:00", 24),
        ("2026-03-29T00:00:00+01:00", 23),
        ("2026-03-30T00:00:00+02:00", 24),
    ]


@pytest.mark.parametrize("bucket", list(Bucket))
async def test_pages_together_are_the_whole(conn: Connection, bucket: Bucket) -> None:
    old, who = await resident(conn), await viewer(conn, Role.DUTY)
    await wears(conn, old, "band-1")
    await beats(conn, "band-1", NOW - 100 * HOUR, list(range(50, 150)), step_s=3600)
    span = (NOW - 200 * HOUR, NOW)
    whole = (await readings.heart_rate(conn, who, old, *span, bucket, zone=SHANGHAI)).items
    collected: list[HeartRate] = []
    cursor = None
    while True:
        page = await readings.heart_rate(conn, who, old, *span, bucket, zone=SHANGHAI, cursor=cursor, limit=3)
        collected += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.items) == 3
    assert collected == whole
    assert len(whole) == (100 if bucket is not Bucket.DAY else 5)


async def test_a_track_pages_over_bands_in_the_order_of_time(conn: Connection) -> None:
    old, who = await resident(conn), await viewer(conn, Role.DUTY)
    await wears(conn, old, "band-1", since=NOW - 10 * HOUR)
    await wears(conn, old, "band-2", since=NOW - 10 * HOUR)
    for n in range(6):
        await conn.execute(
            "insert into location (device_id, ts, received_at, lat, lon, accuracy_m) values (%s, %s, %s, 31.2, %s, 12)",
            (f"band-{n % 2 + 1}", NOW - HOUR + n // 2 * timedelta(minutes=1), NOW, 121.4 + n / 1000),
        )
    span = (NOW - 2 * HOUR, NOW)
    found: list[float] = []
    cursor = None
    for _ in range(4):
        page = await readings.locations(conn, who, old, *span, cursor=cursor, limit=2)
        found += [round(fix.lon, 3) for fix in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == [121.4, 121.401, 121.402, 121.403, 121.404, 121.405]
    assert cursor is None


async def test_status_is_read_within_the_period(conn: Connection) -> None:
    old, who = await resident(conn), await viewer(conn, Role.DUTY)
    await wears(conn, old, "band-1", since=NOW - HOUR)
    for hours, battery in ((2, 90), (0.5, 80)):
        await conn.execute(
            "insert into device_status (device_id, ts, received_at, battery_pct, worn) values (%s, %s, %s, %s, true)",
            ("band-1", NOW - hours * HOUR, NOW, battery),
        )
    page = await readings.status(conn, who, old, NOW - 5 * HOUR, NOW)
    assert [(said.battery_pct, said.worn) for said in page.items] == [(80, True)]


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("to", {"end": NOW - 2 * HOUR}),
        ("from", {"start": datetime(2026, 1, 1)}),  # noqa: DTZ001  the naive time is the point
        ("to", {"end": datetime(9999, 1, 1, tzinfo=UTC)}),
        ("limit", {"limit": 0}),
        ("limit", {"limit": readings.MOST_POINTS + 1}),
        ("cursor", {"cursor": "nonsense"}),
        ("cursor", {"cursor": "WyJsb2NhdGlvbnMiXQ"}),
    ],
)
async def test_what_cannot_be_asked_is_named(conn: Connection, field: str, options: dict[str, object]) -> None:
    old, who = await resident(conn), await viewer(conn, Role.DUTY)
    asked = {"start": NOW - HOUR, "end": NOW, **options}
    with pytest.raises(InvalidInput) as refused:
        await readings.heart_rate(conn, who, old, **asked)  # type: ignore[arg-type]
    assert refused.value.field == field


async def test_a_month_is_charted_from_the_index_alone(conn: Connection) -> None:
    old = await resident(conn)
    await wears(conn, old, "band-1", since=NOW - timedelta(days=40))
    await conn.execute(
        "insert into heart_rate (device_id, ts, received_at, bpm)"
        " select 'band-' || g, ts, ts, 70 from generate_series(%s, %s, interval '1 minute') ts, generate_series(1, 5) g"
        " order by ts",
        (NOW - timedelta(days=14), NOW),
    )
    await conn.commit()
    await conn.set_autocommit(True)
    await conn.execute("vacuum analyze heart_rate")
    rows = await (
        await conn.execute(
            "explain (analyze, costs off) " + readings._BY_WIDTH,
            {
                "device": "band-1", "start": NOW - timedelta(days=13), "end": NOW, "least": 25, "most": 220,
                "quality": 30, "width": HOUR, "origin": NOW, "limit": 1000,
            },
            prepare=False,
        )
    ).fetchall()  # fmt: skip
    plan = "\n".join(row[0] for row in rows)
    assert "Index Only Scan" in plan
    assert "Seq Scan" not in plan
    assert "Heap Fetches: 0" in plan
    assert len([line for line in plan.splitlines() if "Heap Fetches: " in line]) == 3  # chunks of a week
