"""What the wearer answers by a key, when asked by telephone whether they are well, and what they hear back."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from alerts.incidents import asked
from alerts.incidents.case import Said
from alerts.incidents.store import Held
from alerts.replies.handle import Answered
from alerts.texts import wearer as texts
from alerts.texts.load import message_context
from eldercare.platform.database import Connection

WELL, HELP = "1", "9"


@dataclass(frozen=True, slots=True)
class Question:
    """What the wearer was asked about, in which language, on which call (the provider's id); `again`: a first key was
    not understood."""

    incident_id: int
    language: str
    call: str
    again: bool = False


async def act(
    conn: Connection, question: Question, digit: str, now: datetime, zone: tzinfo, held: Held | None = None
) -> Answered:
    """Do what the key means, and say what came of it. Any key but 1 and 9 is asked for once more; after a second one
    people are called. `held` is the incident, where the caller has locked it in this transaction. Raises NotFound."""
    incident_id, language = question.incident_id, question.language
    if digit == WELL:
        await asked.well(conn, incident_id, question.call, now, held)
        return Answered(texts.well(language), language, "well")
    if digit != HELP and not question.again:
        return Answered(texts.not_understood(language), language, "unclear", final=False)
    said = Said.HELP if digit == HELP else Said.UNCLEAR
    await asked.not_well(conn, incident_id, said, now, held)
    context = await message_context(conn, incident_id, now, zone)
    return Answered(texts.somebody_comes(context, language), language, said)
