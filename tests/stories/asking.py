"""What the rules say of Wang in the stories in which she is asked first."""

from datetime import timedelta

from alerts.incidents.opening import apply_verdicts
from alerts.model.incident import Cleared, Finding, IncidentKind, Severity, SubjectVerdict, Verdict, resident_subject
from tests.stories.story import Teller
from tests.support.community import PHONES

BUZZED = ["band measure_heart_rate", "band buzz"]
ASKED = ["voice wang ask", *BUZZED]
DUTY = ["voice duty", "sms duty"]
GRID = ["voice grid", "sms grid"]
PULSE, STILL = IncidentKind.NO_HEART_RATE, IncidentKind.STILLNESS


async def has_a_telephone(told: Teller) -> None:
    """Her own number is in her file."""
    await told.conn.execute("update resident set phone = %s where id = %s", (PHONES["wang"], told.people.wang))
    await told.conn.commit()


async def say(told: Teller, *verdicts: Verdict) -> None:
    """A rule says so of her; nothing happens yet."""
    about = resident_subject(told.people.wang, "band-wang")
    await apply_verdicts(told.conn, [SubjectVerdict(about, verdict) for verdict in verdicts], told.now)
    await told.conn.commit()


def found(told: Teller, kind: IncidentKind = PULSE, episode: int = 0) -> Finding:
    """She has no pulse any more, or does not move."""
    began = told.now - timedelta(minutes=10 + episode)
    return Finding(kind, Severity.URGENT, "no_pulse" if kind is PULSE else "still", told.now, {}, began)


def over(told: Teller) -> Cleared:
    """Her pulse is back."""
    return Cleared(PULSE, "measured_again", told.now)


async def lost(told: Teller, kind: IncidentKind = PULSE, episode: int = 0) -> int:
    """It is found, and the line does what is due at once; returns the incident."""
    await say(told, found(told, kind, episode))
    await told.settle()
    return int(await told.one("select max(id) from incident"))


async def back(told: Teller) -> None:
    """It is over, and the line does what is due at once."""
    await say(told, over(told))
    await told.settle()


async def severity(told: Teller, incident: int) -> str:
    """How grave it is now."""
    return str(await told.one("select severity from incident where id = %s", incident))
