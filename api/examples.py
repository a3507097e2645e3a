"""One example of each thing the API speaks of; the documentation shows them."""

from collections.abc import Iterable
from typing import Any

from eldercare.community.resident_schema import FACTS, FILED, LISTED

NOW = "2026-11-24T06:05:00+00:00"
EARLIER = "2026-11-24T06:04:00+00:00"


def _facts(names: Iterable[str]) -> dict[str, Any]:
    return {name: FACTS[name].example for name in names}


RESIDENT: dict[str, Any] = {
    "id": 12,
    **_facts(LISTED),
    "grid": "第三网格",
    "away_by_name": None,
    "away_set_at": None,
    "sees_health": True,
    "sees_location": True,
    "device_id": "band-0012",
    "last_seen_at": NOW,
    "battery_pct": 78,
    "charging": False,
    "worn": True,
    "status_ts": EARLIER,
    "bpm": 72,
    "bpm_ts": EARLIER,
    "lat": 31.2305,
    "lon": 121.4739,
    "accuracy_m": 12.0,
    "location_ts": EARLIER,
}
CONTACT = {
    "person_id": 31,
    "name": "王芳",
    "phone": "+99910000031",
    "kind": "family",
    "relation": "女儿",
    "holds_key": True,
    "position": 1,
}
CONSENT = {
    "id": 5,
    "resident_id": 12,
    "purpose": "family_health",
    "given_by": "张桂英",
    "method": "paper",
    "given_at": EARLIER,
    "withdrawn_at": None,
}
ASSIGNMENT = {"id": 9, "device_id": "band-0012", "resident_id": 12, "since": "2026-10-01T00:00:00+00:00", "until": None}
FILE = {
    "resident": RESIDENT,
    **_facts(FILED),
    "limits_signed_by": None,
    "limits_signed_at": None,
    "created_at": "2026-10-01T00:00:00+00:00",
}
EMERGENCY_NOTE = {
    "text": "服华法林，出血难止；头部垫高；左耳有助听器",
    "written_by_id": 8,
    "written_by": "周医生",
    "written_at": EARLIER,
}
DOSSIER = {
    "file": FILE,
    "contacts": [CONTACT],
    "consents": [CONSENT],
    "assignments": [ASSIGNMENT],
    "emergency_note": EMERGENCY_NOTE,
}
CHANGE = {
    "id": 41,
    "fact": "medicines",
    "at": NOW,
    "by_id": 8,
    "by_name": "周医生",
    "before": "氨氯地平",
    "after": "氨氯地平，华法林 2.5 mg",
}
DRAFT = {
    "id": 61,
    "resident_id": 12,
    "doctor_id": 8,
    "doctor": "周医生",
    "at": EARLIER,
    "reason": "夜间静息心率四周升高",
    "findings": "血压 138/82，双下肢无水肿",
    "advice": "早晚量血压，两周后复查",
    "next_on": "2026-12-14",
    "state": "draft",
    "version": 2,
    "saved_at": NOW,
    "signed_at": None,
    "amendments": [],
}
CONSULTATION = {
    **DRAFT,
    "state": "signed",
    "signed_at": NOW,
    "amendments": [
        {
            "id": 5,
            "consultation_id": 61,
            "author_id": 8,
            "author": "周医生",
            "at": NOW,
            "text": "家属来电：已停用布洛芬",
        }
    ],
}
CLINIC_SESSION = {
    "id": 3,
    "doctor_id": 8,
    "doctor": "周医生",
    "begins_at": "2026-12-02T06:00:00+00:00",
    "ends_at": "2026-12-02T08:00:00+00:00",
    "place": "居委会二楼",
    "slots": [
        {
            "session_id": 3,
            "resident_id": 12,
            "name": "张桂英",
            "begins_at": "2026-12-02T06:00:00+00:00",
            "minutes": 15,
            "why": "夜间静息升高",
            "outcome": None,
            "consented": True,
        }
    ],
}
TRIAL = {
    "since": "2026-10-25T06:05:00+00:00",
    "until": NOW,
    "days": 30,
    "minutes": 34120,
    "whereabouts": False,
    "stands": {
        "counts": [{"kind": "heart_rate", "severity": "warning", "count": 1, "acts": {"text": 1}}],
        "incidents": [
            {
                "kind": "heart_rate",
                "severity": "warning",
                "reason": "high_warning",
                "opened_at": EARLIER,
                "ended_at": NOW,
                "acts": "text",
            }
        ],
    },
    "wanted": {"counts": [], "incidents": []},
}
LACK = {"rule": "going_in_circles", "reason": "fixes_too_slow", "known": 600, "needed": 300, "unit": "s"}
HEART_RATE = {"ts": "2026-11-24T06:00:00+00:00", "min": 62, "avg": 70.4, "max": 88, "count": 58}
LOCATION = {
    "ts": EARLIER,
    "device_id": "band-0012",
    "lat": 31.2305,
    "lon": 121.4739,
    "accuracy_m": 12.0,
    "source": "gnss",
    "speed_mps": 0.4,
}
STATUS = {
    "ts": EARLIER,
    "device_id": "band-0012",
    "battery_pct": 78,
    "charging": False,
    "worn": True,
    "signal_dbm": -71,
    "firmware": "1.4.2",
}
DEVICE = {
    "id": "band-0012",
    "model": "B2",
    "state": "worn",
    "created_at": "2026-10-01T00:00:00+00:00",
    "retired_at": None,
    "resident_id": 12,
    "resident_name": "张桂英",
    "assigned_since": "2026-10-01T00:00:00+00:00",
    "last_seen_at": NOW,
    "battery_pct": 78,
    "charging": False,
    "worn": True,
    "signal_dbm": -71,
    "firmware": "1.4.2",
    "status_ts": EARLIER,
}
FREE_DEVICE = {
    **DEVICE,
    "state": "in_stock",
    "resident_id": None,
    "resident_name": None,
    "assigned_since": None,
    "worn": None,
}
PERSON = {
    "id": 31,
    "name": "李强",
    "phone": "+99910000031",
    "language": "zh",
    "username": "liqiang",
    "roles": ["grid"],
    "left_at": None,
}
GRID = {
    "id": 3,
    "name": "第三网格",
    "community": "朝阳里",
    "workers": [{"person_id": 31, "name": "李强", "phone": "+99910000031", "position": 1}],
}
COMMAND = {
    "id": "9f2b6c1d0a4e7f35",
    "device_id": "band-0012",
    "action": "buzz",
    "requested_by": 7,
    "created_at": NOW,
    "expires_at": "2026-11-24T06:10:00+00:00",
    "status": None,
    "detail": None,
    "answered_at": None,
}
LADDER = {
    "steps": [
        {"after_s": 0, "targets": ["duty", "grid"], "channels": ["voice", "sms"], "ask_120": False},
        {"after_s": 60, "targets": ["grid_backup", "duty_lead"], "channels": ["voice", "sms"], "ask_120": False},
        {"after_s": 180, "targets": ["family", "clinic"], "channels": ["voice", "sms"], "ask_120": True},
    ],
    "repeat_s": 300,
    "arrival_s": 1200,
    "remind_s": 3600,
    "confirm_120_s": 1800,
    "hours": None,
}
POLICY = {
    "id": 1,
    "kind": "sos",
    "severity": "sos",
    "resident_id": None,
    "ladder": LADDER,
    "updated_at": NOW,
    "updated_by": 7,
}
AUDIT = {
    "id": 311,
    "at": NOW,
    "viewer_id": 7,
    "role": "duty",
    "action": "read",
    "what": "heart_rate",
    "resident_id": 12,
    "detail": {},
    "resident_ids": [12],
}


REJECTED = {
    "id": 17,
    "received_at": NOW,
    "topic": "eldercare/v1/band-0012/heart_rate",
    "reason": "range",
    "detail": "bpm: Input should be less than or equal to 300",
    "payload": '{"ts": "2026-11-24T14:05:00+08:00", "bpm": 900}',
}


def page(item: Any) -> dict[str, Any]:
    """A page that holds one item and has a next one."""
    return {"items": [item], "next_cursor": "WyJyZXNpZGVudHMiLDEyXQ"}


INCIDENT: dict[str, Any] = {
    "id": 123,
    "kind": "sos",
    "severity": "sos",
    "state": "accepted",
    "source": "button",
    "resident_id": 12,
    "resident_name": "张桂英",
    "address": "朝阳里社区3号楼2单元501室",
    "device_id": "band-0012",
    "occurred_at": EARLIER,
    "opened_at": EARLIER,
    "late": False,
    "press_count": 1,
    "round": 1,
    "next_step": 1,
    "due_at": "2026-11-24T06:24:30+00:00",
    "owner_id": 7,
    "owner_name": "李伟",
    "accepted_at": "2026-11-24T06:04:30+00:00",
    "accepted_via": "voice",
    "arrival_due_at": "2026-11-24T06:24:30+00:00",
    "arrived_at": None,
    "resolved_at": None,
    "disposition": None,
    "note": None,
    "ask_120": False,
    "sees_health": True,
    "sees_location": True,
    "bpm": 96,
    "detail": {},
    "lat": 31.2305,
    "lon": 121.4739,
    "accuracy_m": 12.0,
    "position_at": EARLIER,
    "handler_id": 3,
    "handler_name": "王芳",
    "handled_at": EARLIER,
    "handled_via": "console",
    "handling_until": None,
    "wearer_asked_at": None,
    "wearer_said": None,
    "wearer_said_at": None,
    "asking_until": None,
}
WHOLE = {
    "incident": INCIDENT,
    "timeline": [
        {
            "id": 4711,
            "at": "2026-11-24T06:04:30+00:00",
            "kind": "accepted",
            "actor_id": 7,
            "actor_name": "李伟",
            "via": "voice",
            "detail": {"told": ["王芳"]},
        }
    ],
    "notifications": [
        {
            "id": 907,
            "person_id": 7,
            "person_name": "李伟",
            "channel": "voice",
            "address": "+99910000007",
            "purpose": "alarm",
            "round": 1,
            "step": 0,
            "status": "done",
            "reason": "accepted",
            "attempts": 1,
            "created_at": EARLIER,
            "sent_at": EARLIER,
            "finished_at": "2026-11-24T06:04:30+00:00",
        }
    ],
    "emergency_note": EMERGENCY_NOTE,
}
ACCEPTED = {
    "incident_id": 123,
    "owner_id": 7,
    "owner_name": "李伟",
    "arrival_due_at": "2026-11-24T06:24:30+00:00",
    "told": ["王芳"],
    "reason": "accepted",
}
HANDLING = {
    "incident_id": 123,
    "handler_id": 3,
    "handler_name": "王芳",
    "until": "2026-11-24T06:09:30+00:00",
    "instead_of": None,
    "renewed": False,
    "reason": "handling",
}
ASKED = {
    "incident_id": 123,
    "person_id": 7,
    "person_name": "李伟",
    "channels": ["voice", "sms"],
    "reason": "asked",
}
PASSED = {"incident_id": 123, "reason": "moved_on"}
