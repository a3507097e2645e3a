"""What becomes of an incident when its wearer, who was asked whether they are well, answers. The caller commits, once.

An answer is a key on the call. That a band has buzzed is none, and neither is a call that nobody answers: then the
policy calls people (`alerts.notifications.outbox.fall_through`).
"""

from datetime import datetime

import psycopg

from alerts.incidents import case as cases
from alerts.incidents import effects, store
from alerts.incidents.case import Case, Said
from alerts.incidents.effects import Talking
from alerts.incidents.feed import event
from alerts.incidents.store import Held
from alerts.policies.escalation_policy import DESK, EscalationPolicy, Target
from eldercare.platform.database import Connection

_CALLED_AT_THE_DESK = """
select distinct person_id from notification
where incident_id = %s and round = %s and person_id is not null and (content ->> 'desk')::boolean
  and exists (select from person_role r where r.person_id = notification.person_id and r.role = any(%s))
"""


def _told_now(policy: EscalationPolicy) -> frozenset[Target]:
    """Whom of the desk the first step tells at once; nobody for sure where the policy knows hours."""
    return DESK & frozenset(policy.steps[0].targets) if policy.hours is None else frozenset()


async def well(conn: Connection, incident_id: int, call: str, now: datetime, held: Held | None = None) -> Case:
    """The wearer says on `call` (the provider's id) that they are well. While nobody goes to them, what is urgent
    becomes a warning: other calls stop, whoever was called hears why, and the policy of the warning begins.

    Whom of the desk that policy tells now hears it by that, and no second time. Where somebody goes, or it is over, it
    is only noted. Raises NotFound.
    """
    before, _ = held or await store.lock(conn, incident_id)
    case = cases.said_well(before, now)
    lowered = case is not before
    if lowered:
        await store.save(conn, case)
        await effects.stop_calling(conn, case.id, Talking(call), "wearer_well", now)
        _, policy = await store.lock(conn, incident_id)  # that of a warning
        told = [target.value for target in _told_now(policy)]
        rows = await (await conn.execute(_CALLED_AT_THE_DESK, (case.id, before.round, told))).fetchall()
        # They were called in the round before, and are told what is true now.
        await effects.stand_down(conn, case, now, spare=[row[0] for row in rows], round=before.round)
    await event(conn, case.id, "wearer_well", None, "voice", now, lowered=lowered or None)
    return case


_NEWER = """
select n.id from incident n join incident i on i.subject = n.subject and i.kind = n.kind
where i.id = %s and n.id <> i.id and n.state <> 'resolved'
"""

_TELL_OWNER = """
update incident set press_count = press_count + 1, due_at = due_when_pressed(incident, %s) where id = %s
"""


async def not_well(conn: Connection, incident_id: int, said: Said, now: datetime, held: Held | None = None) -> Case:
    """The wearer asks for help, also where it was over, or cannot be understood: people are called at once. Where a
    newer incident of its kind is open, they are called about that one. Where somebody goes, they hear of it as of a
    further press. Raises NotFound."""
    before, _ = held or await store.lock(conn, incident_id)
    case = cases.said_not_well(before, said, now)
    try:
        async with conn.transaction():
            await store.save(conn, case)
    except psycopg.errors.UniqueViolation:
        newer = await (await conn.execute(_NEWER, (incident_id,))).fetchone()
        if newer is not None:
            return await not_well(conn, newer[0], said, now)
        case = before  # it was open a moment ago, and is not any more
    if case is not before and case.owner_id is not None:
        await conn.execute(_TELL_OWNER, (now, case.id))
    await event(conn, case.id, f"wearer_{said}", None, "voice", now)
    return case
