"""What the pages make of facts: times, tiles, cards, calls, timelines, in words. All pure."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.incidents.actions import POSSIBLE, Action
from alerts.incidents.detail import Incident, Notification, TimelineRow
from alerts.model.incident import IncidentState, Severity
from api.console.committee import labels
from api.console.duty import calls, cards, tiles, timeline
from api.console.shell import times
from api.console.shell.i18n import Translator
from api.console.shell.login import local_path
from api.console.shell.screen import Screen, When
from api.headers import content_security_policy
from eldercare.accounts.viewers import Role, Viewer
from eldercare.community.people import Contact
from eldercare.community.resident_schema import FILED, File, Resident

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)  # 14:00 in Shanghai
ZH, EN = Translator("zh"), Translator("en")
DUTY = Viewer(1, "沈值班", frozenset({Role.DUTY}), Role.DUTY)
ALL = frozenset(Action)


def before(**length: float) -> datetime:
    return NOW - timedelta(**length)


def screen(viewer: Viewer = DUTY, language: str = "zh") -> Screen:
    t = ZH if language == "zh" else EN
    return Screen(t.language, "auto", When(NOW, 1, ZONE, t), viewer, "/")


def resident(**values: Any) -> Resident:
    known: dict[str, Any] = dict.fromkeys(Resident.__dataclass_fields__)
    known |= {
        "id": 7, "name": "唐祖荣", "address": "康宁路41弄17号402室", "language": "zh", "safe_radius_m": 500,
        "needs": "",
        "lives_alone": True, "disabled": False, "low_income": False, "hardship": False, "sees_health": True,
        "sees_location": True, "home_lat": 31.2, "home_lon": 121.4, "device_id": "band-0007",
        "last_seen_at": before(minutes=2),
        "battery_pct": 60, "charging": False, "worn": True, "bpm": 71, "bpm_ts": before(minutes=2), "lat": 31.2,
        "lon": 121.4, "accuracy_m": 20.0, "location_ts": before(minutes=2), "gender": "male",
        "birth_date": date(1930, 11, 25),
    }  # fmt: skip
    return Resident(**(known | values))


def incident(**values: Any) -> Incident:
    known: dict[str, Any] = dict.fromkeys(Incident.__dataclass_fields__)
    known |= {
        "id": 3, "kind": "sos", "severity": "sos", "state": "open", "source": "button", "resident_id": 7,
        "resident_name": "唐祖荣", "address": "康宁路41弄17号402室", "device_id": "band-0007",
        "occurred_at": before(minutes=3), "opened_at": before(minutes=3), "late": False, "press_count": 1, "round": 1,
        "next_step": 0, "due_at": NOW, "ask_120": False, "sees_health": True, "sees_location": True, "detail": {},
    }  # fmt: skip
    return Incident(**(known | values))


def notification(**values: Any) -> Notification:
    known: dict[str, Any] = {
        "id": 1, "person_id": 9, "person_name": "蔡爱华", "channel": "voice", "address": "+99910000001",
        "purpose": "alarm", "round": 1, "step": 0, "status": "ringing", "reason": None, "attempts": 1,
        "created_at": before(minutes=1), "sent_at": before(minutes=1), "finished_at": None,
    }  # fmt: skip
    return Notification(**(known | values))


# Times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "zh", "en"),
    [
        (timedelta(seconds=-30), "刚刚", "just now"),
        (timedelta(seconds=59), "刚刚", "just now"),
        (timedelta(seconds=60), "1分钟前", "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59分钟前", "59 min ago"),
        (timedelta(hours=1), "1小时前", "1 hr ago"),
        (timedelta(hours=23, minutes=59), "23小时前", "23 hr ago"),
        (timedelta(hours=47), "1天前", "1 day ago"),
        (timedelta(days=1000), "1000天前", "1000 days ago"),
    ],
)
def test_how_long_ago_is_said_in_the_largest_whole_unit(length: timedelta, zh: str, en: str) -> None:
    assert (times.ago(ZH, NOW - length, NOW), times.ago(EN, NOW - length, NOW)) == (zh, en)


@pytest.mark.parametrize(
    ("length", "zh", "en"),
    [
        (timedelta(seconds=-30), "0秒", "0 secs"),
        (timedelta(seconds=59), "59秒", "59 secs"),
        (timedelta(minutes=28, seconds=59), "28分钟", "28 mins"),
        (timedelta(hours=3), "3小时", "3 hrs"),
        (timedelta(days=2), "2天", "2 days"),
    ],
)
def test_a_length_of_time_is_said_in_its_largest_whole_unit(length: timedelta, zh: str, en: str) -> None:
    assert (times.span(ZH, length), times.span(EN, length)) == (zh, en)


@pytest.mark.parametrize(
    ("seconds", "clock"), [(-5, "00:00"), (0, "00:00"), (61, "01:01"), (3599, "59:59"), (3600, "1:00:00")]
)
def test_the_running_clock_of_an_incident(seconds: int, clock: str) -> None:
    assert times.running(NOW - timedelta(seconds=seconds), NOW) == clock


def test_yesterday_is_yesterday_on_the_days_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for when, offset in (
        (datetime(2026, 3, 29, 12, tzinfo=berlin), 23),
        (datetime(2026, 10, 25, 12, tzinfo=berlin), 25),
    ):
        midnight = when.replace(hour=0).astimezone(UTC)
        assert (midnight + timedelta(hours=offset)).astimezone(berlin).hour == 0
        minute = timedelta(minutes=1)
        assert times.short(ZH, midnight, when, berlin) == "00:00"
        assert times.short(ZH, midnight - minute, when, berlin) == "昨天 23:59"
        last = midnight + timedelta(hours=offset) - minute
        assert times.short(ZH, last, last, berlin) == "23:59"
        assert times.short(ZH, last, last + minute, berlin) == "昨天 23:59"


def test_a_moment_is_said_in_the_communitys_zone() -> None:
    assert times.short(ZH, before(minutes=5), NOW, ZONE) == "13:55"
    assert times.short(ZH, before(hours=15), NOW, ZONE) == "昨天 23:00"
    assert times.short(ZH, before(days=4), NOW, ZONE) == "11月20日 14:00"
    assert times.short(EN, before(days=400), NOW, ZONE) == "20 Oct 2025 14:00"
    assert times.exact(NOW, ZONE) == "2026-11-24 14:00:00 +08:00"


def test_an_age_changes_on_the_birthday_of_the_communitys_zone() -> None:
    eve = datetime(2026, 11, 24, 15, 59, tzinfo=UTC)
    assert labels.age(resident(), eve, ZONE) == 95
    assert labels.age(resident(), eve + timedelta(minutes=1), ZONE) == 96
    assert labels.age_and_gender(ZH, resident(), eve, ZONE) == "95 岁 · 男"
    assert labels.age_and_gender(ZH, resident(birth_date=None, gender=None), eve, ZONE) == ""


# Tiles ------------------------------------------------------------------------------------------------------------


def test_the_worst_comes_first_and_who_is_away_last() -> None:
    well, away = resident(id=1), resident(id=2, away_until=NOW + timedelta(days=1))
    flat, ill, called = resident(id=3, battery_pct=8), resident(id=4), resident(id=5)
    severities = {4: Severity.URGENT, 5: Severity.SOS}
    found = tiles.tiles([well, away, flat, ill, called], severities, NOW)
    assert [(tile.resident.id, tile.level) for tile in found] == [
        (5, "sos"), (4, "urgent"), (3, "attention"), (1, "ok"), (2, "away"),
    ]  # fmt: skip


def test_an_sos_of_somebody_away_still_comes_first() -> None:
    away = resident(away_until=NOW + timedelta(days=1))
    assert tiles.tiles([away], {7: Severity.SOS}, NOW)[0].level == "sos"


@pytest.mark.parametrize(
    ("values", "troubles"),
    [
        ({}, ()),
        ({"last_seen_at": None}, ("never_seen",)),
        ({"last_seen_at": before(minutes=46)}, ("silent",)),
        ({"last_seen_at": before(minutes=44)}, ()),
        ({"worn": False}, ("off_wrist",)),
        ({"worn": False, "charging": True}, ()),
        ({"worn": None, "battery_pct": None}, ()),
        ({"battery_pct": 20}, ("battery_low",)),
        ({"worn": False, "battery_pct": 5}, ("off_wrist", "battery_low")),
    ],
)
def test_what_is_not_as_it_should_be_with_a_band(values: dict[str, Any], troubles: tuple[str, ...]) -> None:
    assert tiles.troubles_of(resident(**values), NOW) == troubles


def test_a_fix_within_its_own_accuracy_of_the_door_is_at_home() -> None:
    assert not tiles.is_away_from_home(resident(lat=31.2005))
    assert tiles.is_away_from_home(resident(lat=31.203))
    assert not tiles.is_away_from_home(resident(lat=31.203, accuracy_m=900.0))
    assert tiles.is_away_from_home(resident(home_lat=None, home_lon=None))
    assert not tiles.is_away_from_home(resident(lat=None, lon=None))


def test_the_gravest_incident_of_each_resident_counts() -> None:
    assert tiles.gravest([(1, "task"), (1, "urgent"), (1, "warning"), (None, "sos"), (2, "task")]) == {
        1: Severity.URGENT,
        2: Severity.TASK,
    }


# Cards ------------------------------------------------------------------------------------------------------------


def test_the_queue_is_what_nobody_has_then_severity_then_age_and_tasks_are_last() -> None:
    old, new = incident(id=1, opened_at=before(minutes=9)), incident(id=2)
    urgent = incident(id=3, severity="urgent", opened_at=before(hours=1))
    taken = incident(id=4, state="accepted", opened_at=before(minutes=30))
    task = incident(id=5, severity="task", opened_at=before(days=1))
    assert [each.id for each in cards.in_order([task, taken, urgent, new, old])] == [1, 2, 3, 4, 5]


def test_the_siren_sounds_for_what_is_grave_and_nobodys_and_again_after_another_press() -> None:
    waiting = incident()
    quiet = [incident(id=5, state="accepted"), incident(id=6, severity="warning")]
    assert [alarm.key for alarm in cards.alarms([waiting, *quiet])] == ["3:1:1"]
    assert cards.alarm_key(replace(waiting, press_count=2)) != cards.alarm_key(waiting)
    assert cards.alarm_key(replace(waiting, round=2)) != cards.alarm_key(waiting)


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ("open", ["handle", "accept", "send", "resolve", "hand-to-120", "call-again", "add", "pass"]),
        ("accepted", ["en-route", "arrive", "resolve", "hand-to-120", "add", "take-back", "pass"]),
        ("en_route", ["arrive", "resolve", "hand-to-120", "add", "take-back", "pass"]),
        ("on_site", ["resolve", "hand-to-120", "add", "take-back"]),
        ("handed_to_120", ["arrive", "resolve", "accept", "send", "add"]),
        ("resolved", ["reopen"]),
    ],
)
def test_a_card_offers_what_its_state_allows(state: str, names: list[str]) -> None:
    owned = None if state in ("open", "handed_to_120") else DUTY.person_id
    found = cards.actions(screen(), incident(state=IncidentState(state), owner_id=owned), ALL)
    assert [action.name for action in found] == names


def test_a_card_offers_only_what_the_viewer_may_do() -> None:
    allowed = frozenset({Action.ACCEPT, Action.DECLINE, Action.NOTE})
    assert [action.name for action in cards.actions(screen(), incident(), allowed)] == ["accept", "pass"]


def test_somebody_elses_incident_cannot_be_handed_back() -> None:
    found = cards.actions(screen(), incident(state="accepted", owner_id=99), ALL)
    assert "pass" not in [action.name for action in found]


def test_duty_notes_the_way_of_an_owner_and_does_not_read_i() -> None:
    theirs = incident(state="accepted", owner_id=99, owner_name="蔡斌")
    own = replace(theirs, owner_id=DUTY.person_id)
    labels = {action.name: action.label for action in cards.actions(screen(), theirs, ALL)}
    assert (labels["en-route"], labels["arrive"]) == ("记录：蔡斌 已出发", "记录：蔡斌 已到场")
    assert cards.actions(screen(), own, ALL)[0].label == "我已出发"
    assert cards.said(screen(), "done", Action.ARRIVE, theirs) == "已记录：蔡斌 已到场。"


def test_a_card_says_who_where_and_how_to_get_in() -> None:
    file = File(**dict.fromkeys(FILED, "") | {"resident": resident(), "entry": "钥匙在居委会", "created_at": NOW})
    key = Contact(9, "马淑珍", "+99920000043", "neighbour", "", True, 1)
    far = incident(lat=31.203, lon=121.4, accuracy_m=18.0, position_at=before(minutes=1), bpm=96)
    card = cards.card(screen(), far, file, [key, replace(key, name="唐静", holds_key=False)], [], ALL)
    assert (card.name, card.age_and_gender, card.flags) == ("唐祖荣", "95 岁 · 男", ["lives_alone"])
    assert (card.address, card.entry) == ("康宁路41弄17号402室", "钥匙在居委会")
    assert card.keys == [cards.KeyHolder("马淑珍", "邻居", "+99920000043")]
    assert card.position == "在家北约330米处（误差约 18 米）"
    assert card.heart == "心率 96 次/分"


def test_a_card_without_a_fix_sends_people_to_the_door() -> None:
    assert cards.card(screen(), incident()).position == "位置未知，请前往住址"
    assert cards.card(screen(), incident(sees_location=False)).position is None


def test_a_card_of_a_band_nobody_knows_and_of_the_network() -> None:
    unknown = incident(resident_id=None, resident_name=None, address=None, device_id="band-x")
    assert cards.card(screen(), unknown).name == "未登记的手环 band-x"
    network = incident(kind="network", resident_id=None, resident_name=None, address=None, device_id=None)
    assert cards.card(screen(language="en"), network).name == "Band network"


@pytest.mark.parametrize(
    ("values", "title"), [({}, "紧急呼救"), ({"source": "fall"}, "疑似摔倒"), ({"source": "telephone"}, "来电求助")]
)
def test_a_card_says_what_happened(values: dict[str, str], title: str) -> None:
    assert cards.title(screen(), incident(**values)) == title


def test_a_late_one_is_labelled_with_its_age() -> None:
    assert cards.card(screen(), incident(late=True, occurred_at=before(minutes=28))).late == "迟到25分钟"
    assert cards.card(screen(), incident()).late is None


def test_a_card_says_who_has_it_and_by_when() -> None:
    owned = incident(state="en_route", owner_id=9, owner_name="蔡爱华", arrival_due_at=NOW + timedelta(minutes=20))
    assert cards.card(screen(), owned).owner == "蔡爱华 正在赶去，应在 14:20 前到场"
    handed = incident(state="handed_to_120", arrival_due_at=NOW + timedelta(minutes=30))
    assert cards.card(screen(), handed).owner == "已移交 120，14:30 前需确认"


def test_who_notes_that_120_is_there_is_not_shown_as_being_there() -> None:
    handed = incident(state="handed_to_120")
    assert cards.actions(screen(), handed, ALL)[0].label == "记录：120 已到场"
    assert cards.said(screen(), "done", Action.ARRIVE, handed) == "已记录：120 已到场。"
    there = incident(state="on_site", owner_id=DUTY.person_id, owner_name="沈值班")
    assert cards.card(screen(), there).owner == "120 已到场"
    assert cards.card(screen(), replace(there, accepted_at=NOW)).owner == "沈值班 已到场"


# Calls and timelines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words", "tone"),
    [
        ({"status": "queued"}, "等待拨打", "idle"),
        ({"status": "sending"}, "正在拨打", "live"),
        ({"status": "ringing"}, "正在响铃", "live"),
        ({"status": "answered"}, "已接听，等待按键", "live"),
        ({"status": "failed", "reason": "machine"}, "语音信箱", "bad"),
        ({"status": "failed", "reason": "brand_new"}, "没有成功（brand_new）", "bad"),
        ({"status": "done", "reason": "accepted"}, "答应去", "good"),
        ({"status": "done", "reason": "passed"}, "去不了", "idle"),
        ({"status": "failed", "reason": "hung_up"}, "已挂断", "idle"),
        ({"status": "cancelled", "reason": None}, "已取消", "idle"),
        ({"channel": "sms", "status": "sent"}, "已发出，等待送达", "live"),
        ({"channel": "sms", "status": "delivered"}, "已送达", "good"),
    ],
)
def test_how_far_a_notification_has_come(values: dict[str, Any], words: str, tone: str) -> None:
    line = calls.call(ZH, notification(**values))
    assert (line.words, line.tone) == (words, tone)


def test_a_card_says_when_it_calls_again_while_no_telephone_rings() -> None:
    due = NOW + timedelta(minutes=5)
    failed = notification(status="failed", reason="no_answer")
    text = notification(channel="sms", status="sent")
    other = notification(status="ringing", address="+99910000002")
    assert cards.card(screen(), incident(due_at=due), told=[failed]).calls_again == due
    assert cards.card(screen(), incident(due_at=due), told=[failed, text]).calls_again == due
    for told in ([], [other, failed], [failed, notification(status="queued")]):
        assert cards.card(screen(), incident(due_at=due), told=told).calls_again is None
    assert cards.card(screen(), incident(due_at=NOW), told=[failed]).calls_again is None
    for values in ({"state": "accepted"}, {"kind": "silent", "severity": "task"}, {"due_at": None}):
        assert cards.card(screen(), incident(**{"due_at": due} | values), told=[failed]).calls_again is None


def test_a_card_says_when_there_is_nobody_to_call() -> None:
    assert cards.card(screen(), incident(next_step=3)).nobody_to_call
    assert not cards.card(screen(replace(DUTY, roles=frozenset({Role.FAMILY}))), incident(next_step=3)).nobody_to_call
    assert not cards.card(screen(), incident(next_step=3), told=[notification()]).nobody_to_call
    for values in ({"next_step": 0}, {"severity": "warning"}, {"state": "accepted"}):
        assert not cards.card(screen(), incident(**{"next_step": 3} | values)).nobody_to_call


def test_a_card_shows_each_persons_newest_call_the_live_ones_first() -> None:
    told = [
        notification(id=1, status="failed", reason="busy"),
        notification(id=2, person_id=8, person_name="沈值班", status="failed", reason="no_answer"),
        notification(id=3, status="ringing"),
        notification(id=4, purpose="stand_down", channel="sms", status="sent"),
    ]
    assert [(line.name, line.words) for line in calls.present(ZH, told)] == [
        ("蔡爱华", "正在响铃"),
        ("沈值班", "无人接听"),
    ]


def row(kind: str, actor: str | None = None, via: str = "ladder", **detail: Any) -> TimelineRow:
    return TimelineRow(1, NOW, kind, 1 if actor else None, actor, via, detail)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (row("opened", via="band", trigger="button"), "老人按下手环求助"),
        (row("opened", via="band", trigger="fall"), "手环检测到疑似摔倒"),
        (row("opened", via="rule", severity="urgent", reason="high_urgent"), "系统发现：心率异常"),
        (row("opened", via="rule", severity="urgent"), "系统发现异常"),
        (row("cleared", via="rule", reason="moved_again"), "情况已解除：又有活动"),
        (row("opened", "沈值班", "telephone"), "沈值班登记来电求助"),
        (row("step", step=1, people=[8, 9], reason="step"), "第 2 步：联系 沈值班、蔡爱华"),
        (row("step", step=0, people=[], reason="console"), "第 1 步：在控制台显示"),
        (row("fell_through", step=0, reason="no_contact"), "第 1 步没有人可联系：没有登记联系人，立即进入下一步"),
        (row("accepted", "蔡爱华", "voice", arrival_due_at="2026-11-24T06:20:00+00:00"),
         "蔡爱华去（电话按键），应在 14:20 前到场"),
        (row("arrived", "沈值班", "console", with_120=True), "沈值班记录：120 已到场（控制台）"),
        (row("arrived", "沈值班", "console"), "沈值班已到场（控制台）"),
        (row("reopened", reason="not_there_in_time"), "重新开始联系：没有按时到场"),
        (row("resolved", "蔡爱华", "console", disposition="helped"), "蔡爱华处理完毕：已现场帮助（控制台）"),
        (row("resolved", via="rule", reason="battery_ok"), "情况解除，自动结束"),
        (row("brand_new"), "记录：brand_new"),
    ],
)  # fmt: skip
def test_the_timeline_is_told_in_sentences(event: TimelineRow, words: str) -> None:
    assert timeline.sentence(ZH, event, {8: "沈值班", 9: "蔡爱华"}, screen().when) == words


def test_the_newest_comes_first_and_keeps_what_somebody_wrote() -> None:
    found = timeline.entries(
        ZH, [row("opened", via="band"), row("note", "沈值班", text="已联系家属")], [], screen().when
    )
    assert [(entry.words, entry.note) for entry in found] == [("沈值班补充说明", "已联系家属"), ("系统发现异常", None)]


# Entrance ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/a\nb"]
)
def test_nobody_is_led_to_another_site(path: str) -> None:
    assert local_path(path) == "/"


def test_a_page_of_our_own_is_kept() -> None:
    assert local_path("/residents?text=唐&cursor=a") == "/residents?text=唐&cursor=a"


def test_the_policy_allows_nothing_inline_and_only_the_tile_servers_images() -> None:
    assert "unsafe" not in content_security_policy()
    assert "img-src 'self' data:;" in content_security_policy()
    assert "data: https://*.tiles.example;" in content_security_policy("https://t{s}.tiles.example/{z}/{x}/{y}.png")
    assert "data: https://tiles.example;" in content_security_policy("https://tiles.example/{z}/{x}/{y}.png")


@pytest.mark.parametrize(
    ("hours", "reminds"), [(25, False), (24, True), (1, True), (-1, True), (-24, True), (-25, False)]
)
def test_the_board_reminds_a_day_before_an_absence_ends_and_a_day_after(hours: int, reminds: bool) -> None:
    found = tiles.tiles([resident(away_until=NOW + timedelta(hours=hours))], {}, NOW)
    assert [tile.away_ends for tile in found] == [reminds]
    assert not tiles.away_ends(resident(), NOW)


@pytest.mark.parametrize("state", IncidentState)
def test_a_card_offers_nothing_that_the_case_would_refuse(state: IncidentState) -> None:
    assert {action for action in cards._POSSIBLE[state] if state not in POSSIBLE[action]} == set()


def test_what_cannot_be_watched_is_on_the_tile_and_changes_nothing_else() -> None:
    plain = resident()
    blind = {plain.id: ("stillness", "left_at_night")}
    (tile,) = tiles.tiles([plain], {}, NOW, blind)
    assert (tile.blind, tile.level, tile.troubles) == (("stillness", "left_at_night"), "ok", ())
    assert tiles.tiles([plain], {}, NOW) == [replace(tile, blind=())]
    (away,) = tiles.tiles([replace(plain, away_until=NOW + timedelta(days=2))], {}, NOW, blind)
    assert away.blind == ()
