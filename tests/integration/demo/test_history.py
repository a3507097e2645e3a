"""The demo's invented months: a doctor who opens them finds something in each."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import psycopg

from alerts.detection import habits
from api.console.clinic import reckoning
from eldercare.accounts.viewers import Role, viewer_of
from eldercare.community import patients, recorded
from eldercare.demo import history
from eldercare.platform import clock
from eldercare.platform.database import Connection
from eldercare.tools.seed.fill import seed

ZONE = ZoneInfo("Asia/Shanghai")


async def test_each_story_shows_on_the_doctors_page(conn: Connection, database_url: str) -> None:
    await seed(conn, 12)
    await conn.commit()
    with psycopg.connect(database_url) as past:
        assert history.write(past, ZONE.key) == len(history.STORIES)
    row = await (await conn.execute("select id, name from person where username = 'doctor'")).fetchone()
    assert row is not None
    doctor = viewer_of(*row, [Role.DOCTOR])
    assert doctor is not None
    now = await clock.now(conn)
    listed = await patients.listing(conn, doctor, now - timedelta(days=14), now)
    told = []
    for patient in listed.seen[: len(history.STORIES)]:
        profile = await habits.profile_of(conn, doctor, patient.id, ZONE)
        assert profile is not None
        found = await recorded.stretch(conn, doctor, patient.id, reckoning.begins(now, ZONE), now)
        told.append(reckoning.reckon(found, profile, None, now, ZONE))
    faster, little, fewer, plain = told
    assert faster.trend is not None
    assert faster.trend.said
    assert faster.trend.difference > 5
    assert not little.shares.is_enough
    assert fewer.activity is not None
    assert fewer.activity.own is not None
    assert fewer.activity.median < fewer.activity.own / 2
    assert plain.trend is not None
    assert not plain.trend.said
    assert plain.shares.is_enough
    found = await (await conn.execute("select note from incident where state = 'resolved'")).fetchall()
    assert len(found) == 1
