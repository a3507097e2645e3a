"""Who is being called about an incident, and what they answered, in words. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from alerts.incidents.detail import Notification
from alerts.model.notification import FINAL, Status
from api.console.shell.i18n import Translator

Tone = Literal["live", "good", "bad", "idle"]

ALARMS = ("alarm", "ask", "second", "pressed_again")
_ICONS = {"voice": "phone", "sms": "message", "band": "watch"}
_SIGNS: dict[Tone, str] = {"live": "clock", "good": "check", "bad": "cross", "idle": "clock"}
_TONES: dict[str, Tone] = {
    Status.QUEUED: "idle",
    Status.SENDING: "live",
    Status.SENT: "live",
    Status.RINGING: "live",
    Status.ANSWERED: "live",
    Status.DELIVERED: "good",
    Status.DONE: "good",
    Status.FAILED: "bad",
    Status.CANCELLED: "idle",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One line: who, by what, how far it has come (`tone` and `sign` say the same as `words`), since when."""

    name: str
    channel: str
    icon: str
    words: str
    tone: Tone
    sign: str
    at: datetime | None


def present(t: Translator, notifications: Iterable[Notification]) -> list[Call]:
    """What is going on now: the newest alarm to each person by each way, those still under way first."""
    newest: dict[tuple[int | None, str], Notification] = {}
    for notification in notifications:
        if notification.purpose in ALARMS:
            newest[notification.person_id, notification.channel] = notification
    lines = [call(t, notification) for notification in newest.values()]
    return sorted(lines, key=lambda line: ("live", "good", "bad", "idle").index(line.tone))


def may_ring(notification: Notification) -> bool:
    """Whether a telephone rings because of it, or will in a moment."""
    return notification.channel == "voice" and notification.purpose in ALARMS and notification.status not in FINAL


def everything(t: Translator, notifications: Iterable[Notification]) -> list[Call]:
    """All that was sent, the newest first."""
    return [call(t, notification) for notification in reversed(list(notifications))]


def call(t: Translator, notification: Notification) -> Call:
    """One notification in words."""
    tone = _TONES[notification.status]
    if notification.reason in ("passed", "hung_up"):
        tone = "idle"
    return Call(
        name=notification.person_name or t("call.wearer" if notification.purpose == "ask" else "call.band"),
        channel=t(f"purpose.{notification.purpose}")
        if notification.purpose != "alarm"
        else t(f"channel.{notification.channel}"),
        icon=_ICONS[notification.channel],
        words=words(t, notification),
        tone=tone,
        sign=_SIGNS[tone],
        at=notification.finished_at or notification.sent_at or notification.created_at,
    )


def words(t: Translator, notification: Notification) -> str:
    """How far it has come: "正在响铃", "占线"."""
    status, reason = notification.status, notification.reason
    if status in (Status.FAILED, Status.CANCELLED, Status.DONE):
        return because(t, reason) if reason else t(f"status.{status}")
    by_channel = f"status.{notification.channel}_{status}"
    return t(by_channel) if t.known(by_channel) else t(f"status.{status}")


def because(t: Translator, reason: str) -> str:
    """A reason by name in words; one that has no words yet is shown as it is, rather than hidden."""
    name = f"reason.{reason}"
    return t(name) if t.known(name) else t("reason.other", reason=reason)
