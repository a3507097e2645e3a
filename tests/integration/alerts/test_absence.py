"""What nobody says: silent bands, a silent network; timers nobody took."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.detection import absence
from alerts.detection.absence import AbsenceCheck
from alerts.incidents import handling
from alerts.incidents.opening import raise_sos
from alerts.model.incident import Press
from alerts.monitoring import upkeep
from eldercare.platform import heartbeats
from eldercare.platform.clock import set_clock
from eldercare.platform.database import COMMAND, Connection, connect
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.community import Community

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")


class Watch:
    """Watches a community whose clock the test moves."""

    def __init__(self, conn: Connection, people: Community, make_settings: MakeSettings) -> None:
        self.conn = conn
        self.people = people
        self.now = NOON
        self._make_settings = make_settings

    async def at(self, minutes: float) -> AbsenceCheck:
        """Look, so many minutes after noon."""
        self.now = NOON + timedelta(minutes=minutes)
        await set_clock(self.conn, self.now, 0, real=False)
        await self.conn.commit()
        return await absence.run_once(self.conn, self.now, ZONE)

    async def listening(self) -> None:
        """A consumer beats."""
        await heartbeats.beat(self.conn, "ingest@test", "ingest.telemetry", {})
        await self.conn.commit()

    async def heard(self, *bands: str, minutes: float) -> None:
        """These bands said something so many minutes after noon."""
        await self.conn.execute(
            "insert into device_state (device_id, last_seen_at) select unnest(%s::text[]), %s"
            " on conflict (device_id) do update set last_seen_at = excluded.last_seen_at",
            (list(bands), NOON + timedelta(minutes=minutes)),
        )
        await self.conn.commit()

    async def more_bands(self, number: int) -> list[str]:
        """Worn by residents of their own."""
        bands = [f"band-{n:03}" for n in range(number)]
        for band in bands:
            await self.conn.execute(
                "with r as (insert into resident (name, address) values (%(band)s, 'x') returning id),"
                " d as (insert into device (id) values (%(band)s) returning id)"
                " insert into assignment (device_id, resident_id, period)"
                " select d.id, r.id, tstzrange('2026-01-01', null) from r, d",
                {"band": band},
            )
        await self.conn.commit()
        return bands

    async def incidents(self) -> list[tuple[str, str]]:
        """Kind and state of every incident."""
        rows = await (await self.conn.execute("select kind, state from incident order by id")).fetchall()
        await self.conn.commit()
        return rows


@pytest.fixture
async def look(conn: Connection, make_settings: MakeSettings) -> Watch:
    await set_clock(conn, NOON, 0, real=False)
    people = await community.settle(conn)
    await conn.commit()
    return Watch(conn, people, make_settings)


async def test_a_band_that_says_nothing_for_45_minutes_is_a_task_until_it_is_heard(look: Watch) -> None:
    await look.listening()
    await look.heard("band-wang", "band-li", minutes=0)
    assert await look.at(0) == AbsenceCheck(2, 0)
    await look.heard("band-li", minutes=40)
    assert (await look.at(44)).verdicts == 0
    assert (await look.at(45)).verdicts == 1
    assert await look.incidents() == [("silent", "open")]
    assert (await look.at(46)).verdicts == 0
    await look.heard("band-wang", "band-li", minutes=50)
    assert (await look.at(51)).verdicts == 1
    assert await look.incidents() == [("silent", "resolved")]


@pytest.mark.parametrize("held", ["incident", "device_state", "network"])
async def test_what_somebody_holds_keeps_no_other_band_from_being_missed(
    look: Watch, database_url: str, held: str
) -> None:
    await look.listening()
    await look.heard("band-wang", "band-li", minutes=0)
    await look.at(0)
    async with await connect(database_url, limits=COMMAND) as holder:
        if held == "device_state":
            await holder.execute("select from device_state where device_id = 'band-wang' for update")
        else:
            await holder.execute(
                "insert into incident"
                " (subject, kind, severity, source, occurred_at, opened_at, round_started_at, due_at)"
                " values (%s, %s, 'task', 'rule', now(), now(), now(), now())",
                ("network", "network") if held == "network" else (f"resident:{look.people.wang}", "silent"),
            )
        found = await look.at(45)
        assert found.verdicts == (2 if held == "network" else 1)
        await holder.rollback()
    await look.at(46)
    assert await look.incidents() == [("silent", "open"), ("silent", "open")]


async def test_a_network_incident_that_somebody_holds_is_written_later_and_meanwhile_no_band_is_missed_for_it(
    look: Watch, database_url: str
) -> None:
    await look.listening()
    bands = await look.more_bands(8)
    await look.heard("band-wang", "band-li", *bands, minutes=0)
    await look.at(1)
    await look.heard("band-wang", "band-li", minutes=44)
    async with await connect(database_url, limits=COMMAND) as holder:
        await holder.execute(
            "insert into incident (subject, kind, severity, source, occurred_at, opened_at, round_started_at, due_at)"
            " values ('network', 'network', 'urgent', 'rule', now(), now(), now(), now())"
        )
        assert (await look.at(46)).suspended is None
        assert await look.incidents() == []
        await holder.rollback()
    await look.at(47)
    assert await look.incidents() == [("network", "open")]


async def test_while_nobody_listens_nobody_is_silent(look: Watch) -> None:
    await look.heard("band-wang", minutes=0)
    assert await look.at(100) == AbsenceCheck(suspended="no_consumer")
    assert await look.incidents() == []


async def test_after_a_time_without_listeners_silence_is_counted_from_their_return(look: Watch) -> None:
    await look.listening()
    await look.heard("band-wang", "band-li", minutes=0)
    await look.at(1)
    # Nobody listened for longer than a minute of the wall's clock, and then somebody does again.
    await look.conn.execute(
        "update meta set value = value || jsonb_build_object('heard_at', clock_timestamp() - interval '2 minutes')"
    )
    await look.at(100)
    await look.at(144)
    assert ("silent", "open") not in await look.incidents()
    await look.at(145)
    assert (await look.incidents()).count(("silent", "open")) == 2


async def test_many_silent_at_once_are_one_incident_of_the_network(look: Watch) -> None:
    await look.listening()
    bands = await look.more_bands(8)
    await look.heard("band-wang", "band-li", *bands, minutes=0)
    await look.at(1)
    await look.heard("band-wang", "band-li", minutes=44)
    assert (await look.at(46)).verdicts == 0
    assert await look.incidents() == [("network", "open")]
    await look.at(47)
    assert await look.incidents() == [("network", "open")]
    await look.heard("band-wang", "band-li", *bands, minutes=50)
    await look.at(51)
    await look.at(52)
    assert await look.incidents() == [("network", "resolved")]


async def test_devices_for_single_values_are_no_outage(look: Watch) -> None:
    """A round of measuring ends within minutes, and nobody waits for the next value."""
    await look.listening()
    bands = await look.more_bands(8)
    await look.heard("band-wang", "band-li", *bands, minutes=0)
    rules = '{"slots": {"spot_value": {"sittings": 2}}}'
    await look.conn.execute("update device_state set rules = %s where device_id = any(%s)", (rules, list(bands)))
    await look.at(1)
    await look.heard("band-wang", "band-li", minutes=44)
    await look.at(46)
    assert await look.incidents() == []


async def test_a_second_outage_is_told_to_whoever_still_has_the_first(look: Watch) -> None:
    await look.listening()
    bands = await look.more_bands(10)
    await look.heard(*bands, minutes=0)
    await look.at(1)
    await look.at(46)
    await look.conn.execute("update incident set state = 'accepted', owner_id = %s", (look.people.duty,))
    await look.heard(*bands, minutes=50)
    await look.at(51)
    await look.at(52)
    await look.at(96)
    await look.at(97)
    query = (
        "select array_agg(e.kind order by e.id), max(press_count) from incident_event e"
        " join incident i on i.id = incident_id and i.kind = 'network'"
    )
    assert await (await look.conn.execute(query)).fetchone() == (["opened", "cleared", "found_again"], 2)


async def test_an_outage_that_somebody_closed_is_told_again_after_the_cool_down(look: Watch) -> None:
    await look.listening()
    bands = await look.more_bands(8)
    await look.heard(*bands, minutes=0)
    await look.at(1)
    await look.at(46)
    incident = await (await look.conn.execute("select id from incident where kind = 'network'")).fetchone()
    assert incident is not None
    await handling.resolve(look.conn, incident[0], look.people.duty, "console", "other", None, look.now)
    await look.conn.commit()
    for minutes in (46.25, 60, 75.9):
        await look.at(minutes)
        assert await look.incidents() == [("network", "resolved")]
    await look.at(76)
    assert await look.incidents() == [("network", "resolved"), ("network", "open")]


async def test_another_outage_after_the_first_was_over_is_told_at_once(look: Watch) -> None:
    await look.listening()
    bands = await look.more_bands(8)
    await look.heard(*bands, minutes=0)
    await look.at(1)
    await look.at(46)
    row = await (await look.conn.execute("select id from incident where kind = 'network'")).fetchone()
    assert row is not None
    await handling.accept(look.conn, row[0], look.people.duty, "console", look.now)
    await look.heard(*bands, minutes=50)
    await look.at(51)
    await handling.resolve(look.conn, row[0], look.people.duty, "console", "other", None, NOON + timedelta(minutes=94))
    await look.conn.commit()
    await look.at(96)
    found = [each for each in await look.incidents() if each[0] == "network"]
    assert found == [("network", "resolved"), ("network", "open")]


async def test_who_is_away_is_not_missed(look: Watch) -> None:
    await look.listening()
    await look.heard("band-wang", "band-li", minutes=0)
    await look.conn.execute(
        "update resident set away_until = %s where id = %s", (NOON + timedelta(days=2), look.people.wang)
    )
    await look.at(0)
    assert (await look.at(60)).devices == 1
    assert await look.incidents() == [("silent", "open")]


async def test_a_band_that_never_spoke_is_silent_from_when_it_was_put_on(look: Watch) -> None:
    await look.listening()
    await look.at(0)
    assert (await look.at(45)).verdicts == 2


async def test_a_band_that_is_heard_while_we_look_is_not_silent(look: Watch, database_url: str) -> None:
    await look.listening()
    await look.heard("band-wang", "band-li", minutes=0)
    await look.at(0)
    now = NOON + timedelta(minutes=60)
    last_seen = dict.fromkeys(("band-wang", "band-li"), NOON)
    await look.heard("band-wang", minutes=59)
    assert await absence._evaluate(look.conn, ["band-wang", "band-li"], last_seen, now, ZONE) == 1
    await look.conn.commit()


async def test_one_process_looks_at_a_time(look: Watch, database_url: str) -> None:
    await look.listening()
    async with await connect(database_url) as other:
        await absence._lock(other)
        assert (await look.at(1)).suspended == "another_process_watches"
    assert (await look.at(2)).suspended is None


async def test_a_timer_that_nobody_took_is_seen(look: Watch) -> None:
    await raise_sos(look.conn, Press("band-wang", b"{}", "e", event_id="e"))
    await look.conn.commit()
    assert await upkeep.late_timers(look.conn) == 0
    await set_clock(look.conn, NOON + timedelta(seconds=11), 0, real=False)
    assert await upkeep.late_timers(look.conn) == 1
