"""Whom which rule cannot watch, read from the real database: by id, without anybody's reading, and for whom it is."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.detection import device_state, unwatched
from alerts.rules import State, envelope, registry
from alerts.rules.places_learnt import Outing, PlacesLearnt
from alerts.rules.resting_rate import Nights
from alerts.rules.unwatched import Reason
from eldercare.accounts import audit
from eldercare.accounts.viewers import Role
from eldercare.community import consents, people, residents
from eldercare.community.consents import Purpose
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection
from eldercare.platform.errors import NotFound
from eldercare.platform.finding import Level
from eldercare.tools.doctor import unwatched as doctor
from tests.support.community import NOW, resident, viewer, wears
from tests.unit.alerts.rules.band import Band, profile

ZONE = ZoneInfo("Asia/Shanghai")
LEARNT = registry.write_learnt(
    {
        "places": PlacesLearnt(outings=tuple(Outing(day, 0, 0, 0, False) for day in range(14)), heard=True),
        "resting_rate": Nights(usual=(60.0,) * 7),
        "envelope": envelope.Levels(awake=envelope.Level(usual=(75.0,) * 7)),
    }
)
PLACE = {"left_at_night", "going_in_circles", "unusually_far", "lost_outside", "out_at_odd_hour"}


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_state, "_kept", {})  # ids are those of the test before


def told(fix_min: int = 5, **fields: int) -> State:
    """What the rules remember of a band that has spoken for two hours until `NOW`."""
    band = Band(NOW - timedelta(hours=2), profile(safe_radius_m=None))
    for minute in range(121):
        if minute % 15 == 0:
            band.status(worn=True)
        if minute % fix_min == 0:
            band.fix(1000)
        band.heart(70, **(fields or {"steps": 0}))
        band.wait(1)
    return band.state


async def wearer(conn: Connection, name: str, state: State | None = None, learnt: str | None = LEARNT) -> int:
    """A resident whose band was heard at `NOW`."""
    old = await resident(conn, name)
    await wears(conn, old, f"band-{old}")
    await conn.execute(
        "insert into device_state (device_id, last_seen_at, rules) values (%s, %s, %s)",
        (f"band-{old}", NOW, (state or told()).to_json()),
    )
    if learnt is not None:
        await renew(conn, old, NOW, learnt)
    return old


async def renew(conn: Connection, resident_id: int, at: datetime, learnt: str = LEARNT) -> None:
    await conn.execute(
        "insert into habits (resident_id, learnt, through, renewed_at) values (%s, %s, %s, %s)",
        (resident_id, learnt, at.date(), at),
    )


async def lacks(conn: Connection, **asked: object) -> dict[str, dict[Reason, set[str]]]:
    """The names of the rules by what they lack, by the name of the resident."""
    found: dict[str, dict[Reason, set[str]]] = {}
    for person in await unwatched.listing(conn, NOW, ZONE, **asked):  # type: ignore[arg-type]
        theirs = found.setdefault(person.name, {})
        for each in person.lacks:
            theirs.setdefault(each.reason, set()).add(each.rule)
    return found


@pytest.mark.parametrize("slice_", [1, 2, 500])
async def test_everybody_is_read_a_few_at_a_time(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, slice_: int
) -> None:
    monkeypatch.setattr(unwatched, "SLICE", slice_)
    await wearer(conn, "王")
    slow = await wearer(conn, "李", told(fix_min=20))
    await wearer(conn, "张", told(quality=90), learnt=None)
    bare, gone = await resident(conn, "陈"), await wearer(conn, "走了")
    await conn.execute("update resident set left_at = %s where id = %s", (NOW, gone))
    found = await lacks(conn)
    assert found["王"] == {}
    assert found["李"] == {Reason.FIXES_TOO_SLOW: {"left_at_night", "going_in_circles", "out_at_odd_hour"}}
    assert found["张"] == {
        Reason.NO_MOVEMENT: {"stillness", "above_usual"},
        Reason.LEARNING: {"above_usual", "resting_rate", "unusually_far", "lost_outside", "out_at_odd_hour"},
    }
    assert found["陈"].keys() == {Reason.NO_BAND}
    assert list(found) == ["王", "李", "张", "陈"]
    assert list(await lacks(conn, ids=[slow, bare])) == ["李", "陈"]


async def test_what_is_known_of_her_counts_and_an_absence_too(conn: Connection) -> None:
    old = await wearer(conn, "王")
    await conn.execute("update resident set home_lat = null, home_lon = null")
    assert (await lacks(conn))["王"] == {Reason.HOME_UNKNOWN: PLACE - {"going_in_circles"}}
    await conn.execute("update resident set away_until = %s", (NOW + timedelta(days=1),))
    assert (await lacks(conn))["王"] == {}
    await conn.execute("update resident set away_until = null")
    await conn.execute("update device_state set last_seen_at = %s", (NOW - timedelta(hours=2),))
    assert (await lacks(conn, ids=[old]))["王"].keys() == {Reason.SILENT}


async def test_a_memory_that_cannot_be_read_is_that_of_a_band_that_told_nothing(conn: Connection) -> None:
    await wearer(conn, "王")
    await conn.execute("""update device_state set rules = '{"heart": 7}'""")
    found = (await lacks(conn))["王"]
    assert found.keys() == {Reason.NO_HEART, Reason.NO_STATUS, Reason.NO_WEAR, Reason.NO_FIXES}


async def test_each_sees_what_is_theirs_and_a_look_at_health_is_recorded(conn: Connection) -> None:
    await set_clock(conn, NOW, 0, real=False)
    old = await resident(conn)
    who = {role: await viewer(conn, role) for role in (Role.DUTY, Role.ADMIN, Role.FAMILY, Role.DOCTOR)}
    await people.link(conn, old, who[Role.FAMILY].person_id, "family")
    await people.link(conn, old, who[Role.DOCTOR].person_id, "doctor")
    with pytest.raises(NotFound):
        await unwatched.ask(conn, who[Role.FAMILY], old, NOW, ZONE)
    await consents.give(conn, old, Purpose.FAMILY_LOCATION, given_by="本人", now=NOW)
    await consents.give(conn, old, Purpose.CLINIC, given_by="本人", now=NOW)
    seen = {
        role: {each.rule for each in await unwatched.ask(conn, viewer_, old, NOW, ZONE)}
        for role, viewer_ in who.items()
    }
    of_band = {"off_wrist", "battery_low", "silent"}
    assert seen[Role.ADMIN] == of_band
    assert seen[Role.FAMILY] == of_band | PLACE
    assert not seen[Role.DOCTOR] & PLACE
    assert seen[Role.DOCTOR] > of_band
    assert seen[Role.DUTY] == seen[Role.FAMILY] | seen[Role.DOCTOR]
    entries = (await audit.listing(conn, who[Role.ADMIN], resident_id=old)).items
    readers = {who[role].person_id for role in (Role.DUTY, Role.FAMILY, Role.DOCTOR)}
    assert {entry.viewer_id for entry in entries if entry.what == "unwatched"} == readers
    assert (await residents.get(conn, who[Role.ADMIN], old)).sees_health is False


async def test_the_doctor_groups_people_by_what_cannot_be_watched_of_them(conn: Connection) -> None:
    for number in range(7):
        await wearer(conn, f"位置少{number}", told(fix_min=20))
    await wearer(conn, "不计步", told(quality=90))
    await wearer(conn, "刚来", learnt=None)
    await resident(conn, "无手环")
    found = doctor.findings(await unwatched.listing(conn, NOW, ZONE))
    assert [(each.level, each.what.split("，")[0]) for each in found] == [
        (Level.WARNING, "7 位老人位置来得太少"),
        (Level.WARNING, "1 位老人手环不报步数和活动"),
        (Level.NOTE, "1 位老人还在了解日常"),
        (Level.NOTE, "1 位老人没有佩戴手环"),
    ]
    assert "夜间离家、原地打转" in found[0].what
    assert "Left home at night, Going in circles" in found[0].what
    assert found[0].what.endswith("… +2")
    assert found[0].what.count("位置少") == 5
    assert "所有规则" in found[3].what
    assert all(len(str(each)) < 400 for each in found)


async def test_the_doctor_says_so_where_everything_is_seen_and_nothing_of_nobody(conn: Connection) -> None:
    assert doctor.findings(await unwatched.listing(conn, NOW, ZONE)) == []
    await wearer(conn, "王")
    assert [each.level for each in doctor.findings(await unwatched.listing(conn, NOW, ZONE))] == [Level.OK]


async def test_the_doctor_names_of_whom_nothing_was_learnt_for_two_days(conn: Connection) -> None:
    await set_clock(conn, NOW, 0, real=False)
    late, never = await wearer(conn, "迟了", learnt=None), await wearer(conn, "从未", learnt=None)
    fresh, new = await wearer(conn, "新的", learnt=None), await resident(conn, "刚戴")
    bare, unheard = await resident(conn, "不戴"), await wearer(conn, "没消息", learnt=None)
    seen = NOW - timedelta(days=2, minutes=1)
    await conn.execute("update device_state set last_seen_at = %s where device_id = %s", (seen, f"band-{unheard}"))
    await wears(conn, new, "band-new", NOW - timedelta(days=1))
    await conn.execute("insert into device_state (device_id, last_seen_at) values ('band-new', %s)", (NOW,))
    await renew(conn, late, NOW - timedelta(days=2, minutes=1))
    await renew(conn, fresh, NOW - timedelta(days=2))
    await renew(conn, bare, NOW - timedelta(days=20))
    (found,) = await doctor.stale_habits(conn)
    assert found.level is Level.WARNING
    assert found.what.endswith(f"从未 ({never}), 迟了 ({late})")
