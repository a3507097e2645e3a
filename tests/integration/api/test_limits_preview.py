"""Limits are tried on the last thirty days before anybody signs them: what would have been, and nothing is written."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from alerts.detection import habits, trial
from api import pace
from eldercare.community import consents
from eldercare.community.consents import Purpose
from tests.integration.api.test_readings import Desk, desk
from tests.support.community import NOW, beats

__all__ = ["desk"]  # the fixture

FAST = {"hr_high_warning": 130}
START = NOW - timedelta(days=3)


async def preview(desk: Desk, who: str, old: int, limits: Any = FAST) -> httpx.Response:
    headers = {"Authorization": f"Bearer {desk.tokens[who]}"}
    path = f"/api/v1/residents/{old}/limits/preview"
    return await desk.client.post(path, json={"rule_overrides": limits}, headers=headers)


@pytest.fixture
async def fast(desk: Desk) -> Desk:
    """Wang's heart was fast for two hours, three days ago, and Wang was outside her circle."""
    await beats(desk.conn, "band-wang", START, [70] * 60 + [125] * 120 + [70] * 60)
    await desk.conn.execute("update heart_rate set motion = 'rest', steps = 0 where device_id = 'band-wang'")
    await desk.conn.execute("update resident set safe_radius_m = 300 where id = %s", (desk.here.wang,))
    await desk.conn.execute(
        "insert into location (device_id, ts, received_at, lat, lon, accuracy_m)"
        " select 'band-wang', %(at)s + i * interval '1 minute', %(at)s, 31.2304 + least(i, 40) * 0.001, 121.4737, 10"
        " from generate_series(0, 120) i",
        {"at": START},
    )
    await desk.conn.commit()
    return desk


def counted(side: dict[str, Any]) -> dict[str, int]:
    return {f"{each['kind']} {each['severity']}": each["count"] for each in side["counts"]}


async def test_both_limits_are_told_beside_each_other(fast: Desk) -> None:
    answer = await preview(fast, "doctor", fast.here.wang)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert counted(found["stands"])["heart_rate warning"] == 1
    assert "heart_rate warning" not in counted(found["wanted"])
    (episode,) = [each for each in found["stands"]["incidents"] if each["kind"] == "heart_rate"]
    assert START.isoformat() < episode["opened_at"] < (START + timedelta(hours=3)).isoformat()
    assert episode["acts"] in ("call", "text", "task", "ask")
    (count,) = [each for each in found["stands"]["counts"] if each["kind"] == "heart_rate"]
    assert count["acts"] == {episode["acts"]: 1}
    assert (found["since"], found["until"]) == ((NOW - timedelta(days=30)).isoformat(), NOW.isoformat())
    # Four hours, and the half hour before now of which the last minute is not over.
    assert (found["days"], found["minutes"]) == (2, 240 + 29)


async def test_where_she_was_is_not_found_out_by_whoever_does_not_see_it(fast: Desk) -> None:
    by_doctor = (await preview(fast, "doctor", fast.here.wang, {})).json()
    by_duty = (await preview(fast, "duty", fast.here.wang, {})).json()
    assert (by_doctor["whereabouts"], by_duty["whereabouts"]) == (False, True)
    kinds = [{each["kind"] for each in found["stands"]["incidents"]} for found in (by_doctor, by_duty)]
    assert "wandering" in kinds[1]
    assert kinds[0] == kinds[1] - {"wandering"}


async def test_it_changes_nothing_and_is_in_the_log(fast: Desk, database_url: str) -> None:
    def stored() -> list[Any]:
        tables = ("incident", "notification", "habits", "resident_history", "device_state", "resident")
        with psycopg.connect(database_url) as conn:
            return [conn.execute(f"select * from {table} order by 1").fetchall() for table in tables]  # type: ignore[call-overload]

    before = stored()
    await preview(fast, "doctor", fast.here.wang)
    assert stored() == before
    assert (await fast.trail())[-1] == ("doctor", "limits_preview", fast.here.wang)


async def test_limits_that_could_not_be_saved_are_refused_in_the_same_words(desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {desk.tokens['duty']}"}
    path = f"/api/v1/residents/{desk.here.wang}"
    for limits in ({"hr_high_warning": 500}, {"hr_high_warnin": 120}, {"hr_low_urgent": 60}, {"hr_high_warning": "x"}):
        tried = await preview(desk, "duty", desk.here.wang, limits)
        saved = await desk.client.patch(path, json={"rule_overrides": limits}, headers=headers)
        assert (tried.status_code, tried.json()) == (422, saved.json())
    assert (await preview(desk, "duty", desk.here.wang, None)).status_code == 422


async def test_values_that_only_the_other_limits_count_are_counted_there(desk: Desk) -> None:
    await beats(desk.conn, "band-wang", START, [25] * 120)
    await desk.conn.execute(
        "update heart_rate set bpm = 125, quality = 20, motion = 'rest', steps = 0 where bpm = 25",
    )
    await desk.conn.commit()
    found = (await preview(desk, "doctor", desk.here.wang, {"hr_min_quality": 10})).json()
    assert "heart_rate warning" not in counted(found["stands"])
    assert counted(found["wanted"])["heart_rate warning"] == 1


async def test_a_withdrawal_acts_at_the_next_request_and_nobody_else_tries(desk: Desk) -> None:
    wang = desk.here.wang
    for who, status in (("daughter", 403), ("grid", 403), ("admin", 403), ("doctor", 200)):
        assert (await preview(desk, who, wang)).status_code == status
    await consents.withdraw(desk.conn, wang, Purpose.CLINIC, NOW)
    await desk.conn.commit()
    assert (await preview(desk, "doctor", wang)).status_code == 404


async def test_one_is_tried_at_a_time_and_nobodys_connection_is_held(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    playing, may_end = asyncio.Event(), asyncio.Event()
    play = trial.play

    async def slowly(prepared: trial.Prepared) -> trial.Trial:
        playing.set()
        await may_end.wait()
        return await play(prepared)

    monkeypatch.setattr(trial, "play", slowly)
    first = asyncio.create_task(preview(desk, "doctor", desk.here.wang))
    await playing.wait()
    busy = await preview(desk, "duty", desk.here.wang)
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "2")
    row = await (
        await desk.conn.execute(
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and application_name like 'eldercare api%' and state = 'idle in transaction'"
        )
    ).fetchone()
    assert row == (0,)
    may_end.set()
    assert (await first).status_code == 200
    assert (await preview(desk, "duty", desk.here.wang)).status_code == 200


async def test_a_day_is_read_at_a_time_so_that_others_are_answered_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, readings = [], habits.readings

    async def watched(conn: Any, profile: Any, begin: datetime, end: datetime) -> Any:
        read.append((begin, end))
        return await readings(conn, profile, begin, end)

    monkeypatch.setattr(habits, "readings", watched)
    assert (await preview(desk, "doctor", desk.here.wang)).status_code == 200
    assert max(end - begin for begin, end in read) <= timedelta(days=1)
    assert (read[0][0], read[-1][1]) == (NOW - timedelta(days=trial.DAYS + habits.BACK_DAYS), NOW)


async def test_what_cannot_be_played_is_said_and_the_next_one_is_tried(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(trial.sys, "executable", "/bin/false")
        assert (await preview(desk, "doctor", desk.here.wang)).status_code == 503
    with monkeypatch.context() as patch:
        patch.setattr(trial, "PATIENCE_S", 0)
        assert (await preview(desk, "doctor", desk.here.wang)).status_code == 503
    assert (await preview(desk, "doctor", desk.here.wang)).status_code == 200
    assert pace.LONGER_S["/limits/preview"] > trial.PATIENCE_S
