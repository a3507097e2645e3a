"""What people do with incidents, on the real database: notes, the telephone, ends, reopening, and who sees what."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.incidents import effects, handling, views
from alerts.incidents.handling import Accepted, AlreadyYours, Over
from alerts.incidents.opening import apply_verdicts, raise_sos
from alerts.model.incident import (
    Finding,
    IncidentKind,
    IncidentState,
    Press,
    Severity,
    SubjectVerdict,
    resident_subject,
)
from alerts.replies import handle
from alerts.replies.parse import Intent, Reply
from eldercare.accounts.viewers import Role, Viewer
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection, connect
from eldercare.platform.errors import Conflict, InvalidInput, NotFound
from eldercare.protocol.mqtt_v1 import SosState
from tests.conftest import MakeSettings
from tests.support import community
from tests.support.community import PHONES, Community

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@pytest.fixture
async def people(conn: Connection, make_settings: MakeSettings) -> Community:
    await set_clock(conn, NOW, 0, real=False)
    found = await community.settle(conn)
    await conn.commit()
    return found


async def press(conn: Connection, band: str = "band-wang", event: str = "e1") -> int:
    raised = await raise_sos(conn, Press(band, b"{}", event, event_id=event))
    await conn.commit()
    return raised.incident_id


def viewer(person_id: int, *roles: Role) -> Viewer:
    return Viewer(person_id, "x", frozenset(roles), roles[0])


async def timeline(conn: Connection, incident: int) -> list[tuple[str, str, int | None]]:
    rows = await conn.execute(
        "select kind, via, actor_id from incident_event where incident_id = %s order by id", (incident,)
    )
    return await rows.fetchall()


async def test_every_change_says_who_when_and_by_which_way(conn: Connection, people: Community) -> None:
    incident = await press(conn)
    grid = people.grid
    assert isinstance(await handling.accept(conn, incident, grid, "voice", NOW), Accepted)
    await handling.en_route(conn, incident, grid, "sms", NOW + timedelta(minutes=1))
    await handling.arrive(conn, incident, grid, "console", NOW + timedelta(minutes=9))
    await handling.add_note(conn, incident, people.duty, "console", "家属已通知", NOW + timedelta(minutes=10))
    await handling.resolve(conn, incident, people.duty, "api", "helped", "没事", NOW + timedelta(minutes=20))
    assert await timeline(conn, incident) == [
        ("opened", "band", None),
        ("accepted", "voice", grid),
        ("en_route", "sms", grid),
        ("arrived", "console", grid),
        ("note", "console", people.duty),
        ("resolved", "api", people.duty),
    ]
    whole = await handling.get(conn, viewer(people.duty, Role.DUTY), incident)
    assert [row.at - NOW for row in whole.timeline][-1] == timedelta(minutes=20)
    assert whole.timeline[4].detail == {"text": "家属已通知"}
    assert (whole.incident.state, whole.incident.disposition, whole.incident.note) == ("resolved", "helped", "没事")
    said = await (await conn.execute("select content ->> 'state' from notification order by id")).fetchall()
    assert said == [("accepted",), ("arriving",), ("closed",)]


async def test_each_refusal_names_the_state(conn: Connection, people: Community) -> None:
    incident = await press(conn)
    with pytest.raises(Conflict, match=f"incident {incident} is open"):
        await handling.en_route(conn, incident, people.grid, "console", NOW)
    with pytest.raises(Conflict, match="is open"):
        await handling.arrive(conn, incident, people.grid, "console", NOW)
    with pytest.raises(Conflict, match="is open"):
        await handling.reopen(conn, incident, people.duty, "console", None, NOW)
    await handling.resolve(conn, incident, people.duty, "console", "test", None, NOW)
    with pytest.raises(Conflict, match="is resolved"):
        await handling.resolve(conn, incident, people.duty, "console", "test", None, NOW)
    with pytest.raises(Conflict, match="is resolved"):
        await handling.decline(conn, incident, people.duty, "console", NOW)
    with pytest.raises(Conflict, match="is resolved"):
        await handling.hand_to_120(conn, incident, people.duty, "console", NOW)
    assert await handling.accept(conn, incident, people.grid, "sms", NOW) == Over(incident, "test")


async def test_what_does_not_exist_is_not_found(conn: Connection, people: Community) -> None:
    incident = await press(conn)
    for act in (
        handling.accept(conn, 999, people.duty, "sms", NOW),
        handling.accept(conn, incident, 999, "sms", NOW),
        handling.decline(conn, incident, 999, "sms", NOW),
        handling.add_note(conn, 999, people.duty, "api", "x", NOW),
        handling.get(conn, viewer(people.duty, Role.DUTY), 999),
        handling.message_context(conn, 999, NOW, UTC),
        handling.open_by_telephone(conn, 999, people.duty, "", NOW),
    ):
        with pytest.raises(NotFound):
            await act
    with pytest.raises(InvalidInput, match="disposition"):
        await handling.resolve(conn, incident, people.duty, "api", "gone", None, NOW)
    with pytest.raises(InvalidInput, match="wandered off"):
        await handling.resolve(conn, incident, people.duty, "api", "found", None, NOW)
    with pytest.raises(InvalidInput, match="known_until"):
        await handling.resolve(conn, incident, people.duty, "api", "helped", None, NOW, NOW + timedelta(hours=1))
    with pytest.raises(InvalidInput, match="note"):
        await handling.add_note(conn, incident, people.duty, "api", "  ", NOW)


async def test_who_accepts_twice_has_it_already(conn: Connection, people: Community) -> None:
    incident = await press(conn)
    await handling.accept(conn, incident, people.grid, "voice", NOW)
    assert await handling.accept(conn, incident, people.grid, "sms", NOW) == AlreadyYours(incident, people.grid)
    assert [kind for kind, _, _ in await timeline(conn, incident)] == ["opened", "accepted"]


async def test_an_emergency_by_telephone_is_an_sos_like_any_other(conn: Connection, people: Community) -> None:
    incident = await handling.open_by_telephone(conn, people.li, people.duty, "邻居来电，听见呼救", NOW)
    whole = await handling.get(conn, viewer(people.duty, Role.DUTY), incident)
    assert (whole.incident.kind, whole.incident.source, whole.incident.resident_name) == ("sos", "telephone", "李桂兰")
    assert whole.incident.due_at == NOW
    assert whole.timeline[0].detail["note"] == "邻居来电，听见呼救"
    facts = await handling.message_context(conn, incident, NOW, UTC)
    assert facts.reason == "telephone"
    assert await handling.open_by_telephone(conn, people.li, people.duty, "", NOW) == incident
    assert await press(conn, "band-li") == incident
    count = await (await conn.execute("select press_count, device_id from incident")).fetchone()
    assert count == (3, "band-li")


async def test_reopening_a_resolved_one_while_a_newer_is_open_is_refused(conn: Connection, people: Community) -> None:
    first = await press(conn)
    await handling.resolve(conn, first, people.duty, "console", "false_alarm", None, NOW)
    second = await press(conn, event="e2")
    assert second != first
    with pytest.raises(Conflict, match="newer"):
        await handling.reopen(conn, first, people.duty, "console", None, NOW)
    await handling.resolve(conn, second, people.duty, "console", "false_alarm", None, NOW)
    case = await handling.reopen(conn, first, people.duty, "console", "doch echt", NOW)
    assert (case.state, case.due_at, case.round) == (IncidentState.OPEN, NOW, 2)


async def test_done_by_text_is_help_and_no_word_that_she_was_found(conn: Connection, people: Community) -> None:
    left = Finding(IncidentKind.WANDERING, Severity.URGENT, "left_at_night", NOW, episode_at=NOW)
    await apply_verdicts(conn, [SubjectVerdict(resident_subject(people.wang, "band-wang"), left)], NOW)
    [incident] = (await (await conn.execute("select id from incident")).fetchone()) or ()
    await conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, step, content, status,"
        " send_after, created_at, sent_at) values (%s, %s, 'sms', %s, 'alarm', 0, '{}', 'delivered', %s, %s, %s)",
        (incident, people.grid, PHONES["grid"], NOW, NOW, NOW),
    )
    await handling.accept(conn, incident, people.grid, "sms", NOW)
    await handling.arrive(conn, incident, people.grid, "sms", NOW)
    answered = await handle.by_text(conn, PHONES["grid"], Reply(Intent.DONE), "zh", NOW, UTC)
    assert answered.reason == "closed"
    row = await (await conn.execute("select disposition, known_until from incident")).fetchone()
    assert row == ("helped", None)


async def test_who_was_called_hears_the_end_once(conn: Connection, people: Community) -> None:
    incident = await press(conn)
    for who in ("duty", "grid"):
        await conn.execute(
            "insert into notification (incident_id, person_id, channel, address, purpose, step, content, status,"
            " send_after, created_at, sent_at) values (%s, %s, 'sms', %s, 'alarm', 0, '{}', 'delivered', %s, %s, %s)",
            (incident, getattr(people, who), PHONES[who], NOW, NOW, NOW),
        )
    await handling.resolve(conn, incident, people.duty, "console", "false_alarm", None, NOW)
    rows = await conn.execute("select person_id, content ->> 'text' from notification where purpose = 'stand_down'")
    [(person, text)] = await rows.fetchall()
    assert person == people.grid
    assert "已处理完毕" in text


async def test_the_band_hears_received_again_when_nobody_comes_any_more(conn: Connection, people: Community) -> None:
    incident = await press(conn)
    await handling.accept(conn, incident, people.grid, "voice", NOW)
    assert (await handling.decline(conn, incident, people.duty, "sms", NOW)).reason == "noted"
    assert (await handling.decline(conn, incident, people.grid, "voice", NOW)).reason == "handed_back"
    await handling.resolve(conn, incident, people.duty, "console", "false_alarm", None, NOW)
    await handling.reopen(conn, incident, people.duty, "console", None, NOW)
    rows = await conn.execute("select content ->> 'state', status from notification order by id")
    assert await rows.fetchall() == [
        ("accepted", "cancelled"),
        ("received", "cancelled"),
        ("closed", "cancelled"),
        ("received", "queued"),
    ]


async def test_who_accepted_by_a_click_may_answer_the_call_about_another_press(
    conn: Connection, people: Community
) -> None:
    incident = await press(conn)
    await handling.accept(conn, incident, people.lead, "console", NOW)
    one = Reply(Intent.ACCEPT)
    assert (await handle.by_text(conn, PHONES["lead"], one, "zh", NOW, UTC)).reason == "nothing_open"
    await conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, content, status, send_after,"
        " created_at, sent_at) values (%s, %s, 'voice', %s, 'pressed_again', '{}', 'sent', %s, %s, %s)",
        (incident, people.lead, PHONES["lead"], NOW, NOW, NOW),
    )
    answered = await handle.by_text(conn, PHONES["lead"], one, "zh", NOW, UTC)
    assert (answered.reason, answered.final) == ("already_yours", True)
    assert answered.text.startswith(f"王秀英的报警（编号{incident}）已由您负责")
    [called] = await handling.called_from(conn, PHONES["lead"])
    assert (called.incident_id, called.person_id) == (incident, people.lead)
    assert (await handle.by_text(conn, PHONES["lead"], Reply(Intent.DECLINE), "zh", NOW, UTC)).reason == "passed"


async def test_the_end_says_that_it_is_over_whoever_went(conn: Connection, people: Community) -> None:
    incident = await press(conn)
    await handling.accept(conn, incident, people.duty, "console", NOW)
    await conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, step, content, status,"
        " send_after, created_at, sent_at) values (%s, %s, 'sms', %s, 'alarm', 0, '{}', 'delivered', %s, %s, %s)",
        (incident, people.grid, PHONES["grid"], NOW, NOW, NOW),
    )
    await handling.resolve(conn, incident, people.duty, "console", "helped", None, NOW)
    rows = await conn.execute("select content ->> 'text' from notification where purpose = 'stand_down'")
    [(text,)] = await rows.fetchall()
    assert "已处理完毕" in text
    assert "正在前往" not in text


async def test_what_was_not_sent_is_cancelled_and_an_older_word_to_the_band_is_dropped(
    conn: Connection, people: Community
) -> None:
    incident = await press(conn)
    await conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, content, send_after, created_at)"
        " values (%s, %s, 'voice', '+99910000003', 'alarm', '{}', %s, %s)",
        (incident, people.grid, NOW, NOW),
    )
    await handling.accept(conn, incident, people.duty, "console", NOW)
    await handling.resolve(conn, incident, people.duty, "console", "helped", None, NOW)
    rows = await conn.execute("select purpose, content ->> 'state', status, reason from notification order by id")
    assert await rows.fetchall() == [
        ("alarm", None, "cancelled", "accepted"),
        ("sos_state", "accepted", "cancelled", "superseded"),
        ("sos_state", "closed", "queued", None),
    ]


async def test_accepting_waits_for_whoever_holds_the_incident(
    conn: Connection, people: Community, database_url: str
) -> None:
    incident = await press(conn)
    await conn.execute("select from incident where id = %s for no key update", (incident,))

    async def accept() -> object:
        other = await connect(database_url)
        async with other:
            return await handling.accept(other, incident, people.grid, "sms", NOW)

    waiting = asyncio.create_task(accept())
    await handling.accept(conn, incident, people.duty, "console", NOW)
    await conn.commit()
    outcome = await waiting
    assert isinstance(outcome, handling.AlreadyOwned)
    assert outcome.owner_name == "张值班"


async def test_who_sees_what(conn: Connection, people: Community) -> None:
    incident = await press(conn)
    await conn.execute("update incident set bpm = 120, lat = 31.2, lon = 121.4, position_at = %s", (NOW,))
    duty = await handling.get(conn, viewer(people.duty, Role.DUTY), incident)
    assert (duty.incident.bpm, duty.incident.lat) == (120, 31.2)
    grid = await handling.get(conn, viewer(people.grid, Role.GRID), incident)
    assert (grid.incident.bpm, grid.incident.lat, grid.incident.sees_health) == (None, None, False)
    assert grid.timeline[0].detail == {}
    with pytest.raises(NotFound):
        await handling.get(conn, viewer(people.daughter, Role.FAMILY), incident)
    assert not (await handling.listing(conn, viewer(people.daughter, Role.FAMILY))).items


async def test_the_list_is_filtered_and_paged(conn: Connection, people: Community) -> None:
    seen = viewer(people.duty, Role.DUTY)
    first, second = await press(conn), await press(conn, "band-li", "e9")
    unknown = await press(conn, "band-0099", "e5")
    await handling.resolve(conn, first, people.duty, "console", "test", None, NOW)
    await handling.accept(conn, second, people.duty, "console", NOW)
    assert [each.id for each in (await handling.listing(conn, seen)).items] == [unknown, second, first]
    wanted = await handling.listing(conn, seen, states=["unresolved"])
    assert [each.id for each in wanted.items] == [unknown, second]
    assert [each.id for each in (await handling.listing(conn, seen, states=["resolved"])).items] == [first]
    assert [each.id for each in (await handling.listing(conn, seen, resident_id=people.li)).items] == [second]
    assert not (await handling.listing(conn, seen, kinds=["network"])).items
    page = await handling.listing(conn, seen, limit=2)
    assert page.next_cursor is not None
    rest = await handling.listing(conn, seen, limit=2, cursor=page.next_cursor)
    assert [each.id for each in rest.items] == [first]
    assert rest.next_cursor is None
    for wrong in ({"states": ["asleep"]}, {"kinds": ["fire"]}, {"limit": 0}, {"cursor": "x"}):
        with pytest.raises(InvalidInput):
            await handling.listing(conn, seen, **wrong)  # type: ignore[arg-type]


async def test_the_facts_lead_from_home_to_the_last_fix(conn: Connection, people: Community) -> None:
    incident = await press(conn)
    await conn.execute(
        "update incident set lat = 31.2394, lon = 121.4737, accuracy_m = 20, position_at = %s",
        (NOW - timedelta(minutes=7),),
    )
    [facts] = await handling.message_contexts(conn, [incident, 999], NOW, UTC)
    assert facts.distance_m == pytest.approx(1000.8, abs=1)
    assert facts.bearing_deg == pytest.approx(0, abs=0.1)
    assert (facts.position_age_minutes, facts.age, facts.late_minutes) == (7, 88, None)
    assert facts.entry == "钥匙在门卫"


async def test_a_number_knows_the_incidents_it_was_called_to(conn: Connection, people: Community) -> None:
    incident = await press(conn)
    assert await handling.called_from(conn, PHONES["grid"]) == []
    await conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, content, status, send_after,"
        " created_at) values (%s, %s, 'voice', %s, 'alarm', '{}', 'sent', %s, %s)",
        (incident, people.grid, PHONES["grid"], NOW, NOW),
    )
    [called] = await handling.called_from(conn, PHONES["grid"])
    assert (called.incident_id, called.person_id, called.owner_id, called.state) == (
        incident,
        people.grid,
        None,
        "open",
    )
    await handling.resolve(conn, incident, people.duty, "console", "test", None, NOW)
    assert await handling.called_from(conn, PHONES["grid"]) == []


async def test_a_word_for_one_state_is_not_said_in_another(conn: Connection, people: Community) -> None:
    raised = await raise_sos(conn, Press("band-wang", b"{}", "band-wang", event_id="e1"))
    await handling.accept(conn, raised.incident_id, people.grid, "voice", NOW)
    await effects.tell_band(conn, raised.incident_id, SosState.RECEIVED, NOW, only_while=IncidentState.OPEN)
    words = await (
        await conn.execute("select content ->> 'state', status from notification where purpose = 'sos_state'")
    ).fetchall()
    assert words == [("accepted", "queued")]


async def test_whoever_calls_back_is_found_at_a_price_that_does_not_grow_with_what_is_open(
    conn: Connection, people: Community
) -> None:
    def blocks(plan: dict[str, Any]) -> int:
        return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])

    async def price() -> int:
        await conn.execute("analyze incident")
        await conn.execute("analyze notification")
        query = f"explain (analyze, buffers, format json) {views._CALLED_FROM}"
        row = await (await conn.execute(query, {"address": PHONES["grid"]})).fetchone()
        assert row is not None
        return blocks(row[0][0]["Plan"])

    async def open_for_others(first: int, last: int) -> None:
        await conn.execute(
            "with opened as (insert into incident (subject, kind, severity, source, occurred_at, opened_at,"
            " round_started_at, due_at) select 'device:' || n, 'sos', 'sos', 'button', now, now, now, now"
            " from generate_series(%(first)s::int, %(last)s) n, (select %(now)s::timestamptz as now) m returning id)"
            " insert into notification (incident_id, person_id, channel, address, purpose, content, status, send_after,"
            " created_at) select id, %(duty)s, 'voice', '+99919999999', 'alarm', '{}', 'sent', %(now)s, %(now)s"
            " from opened",
            {"now": NOW, "first": first, "last": last, "duty": people.duty},
        )

    incident = await press(conn)
    await conn.execute(
        "insert into notification (incident_id, person_id, channel, address, purpose, content, status, send_after,"
        " created_at) values (%s, %s, 'voice', %s, 'alarm', '{}', 'sent', %s, %s)",
        (incident, people.grid, PHONES["grid"], NOW, NOW),
    )
    await open_for_others(1, 500)
    few = await price()
    await open_for_others(501, 10_000)
    assert [each.incident_id for each in await handling.called_from(conn, PHONES["grid"])] == [incident]
    assert await price() <= few + 10


async def test_each_press_is_told_under_the_name_and_in_the_form_that_the_band_gave_it(
    conn: Connection, people: Community
) -> None:
    raised = await raise_sos(conn, Press("band-wang", b"1", "1", event_id="1.50", echo="1.50"))
    await raise_sos(conn, Press("band-wang", b"2", "2", event_id="a #0c2f", echo='"a\\u0000"'))
    await handling.accept(conn, raised.incident_id, people.grid, "voice", NOW)
    rows = await conn.execute("select content - 'id' from notification where purpose = 'sos_state' order by id")
    assert sorted((row[0] for row in await rows.fetchall()), key=lambda word: str(word["event_id"])) == [
        {"event_id": "1.50", "state": "accepted", "echo": "1.50"},
        {"event_id": "a #0c2f", "state": "accepted", "echo": '"a\\u0000"'},
    ]
