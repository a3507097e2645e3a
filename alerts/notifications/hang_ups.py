"""Ending calls, in SQL: which calls nobody needs any more, and the one way in which their end is queued."""

from alerts.model import references
from alerts.model.incident import ACCEPTABLE
from alerts.notifications import rows

_ACCEPTABLE = ", ".join(f"'{state}'" for state in sorted(ACCEPTABLE))


def not_needed(call: str) -> str:
    """SQL: whether nobody needs the call `call` (the provider's id) of the row `n` of the incident `i` any more.

    That is so where somebody goes, and this is not the call on which they said so; or where the person it asks has
    answered on another one. It is so too where the wearer has said since that they are well, and of the call that asks
    them where somebody goes, or where it ended and they have not picked up: while they talk to us, their 9 counts.
    """
    answered = f"n.status = 'done' and n.provider_id is distinct from {call}"
    return f"""(n.channel = 'voice' and case n.purpose
        when 'alarm' then {answered} or i.state not in ({_ACCEPTABLE})
            and (n.person_id is distinct from i.owner_id or i.accepted_via is distinct from 'voice'
                 -- The version before does not write down which call it was.
                 or {call} <> i.accepted_call)
            or i.state = 'open' and i.wearer_said = 'well' and n.round < i.round
        when 'ask' then {answered} or i.state not in ('open', 'resolved')
            or i.state = 'resolved' and n.status not in ('answered', 'done')
        when 'second' then {answered} or i.state = 'resolved'
        when 'pressed_again' then i.state = 'resolved' or n.person_id is distinct from i.owner_id
        else false end)"""


def queue(calls: str, now: str = "%(now)s") -> str:
    """SQL that queues the end of `calls`, each once, and returns their incidents.

    `calls`: a relation of `id` (the message that a call belongs to), `provider` and `provider_id`. `now`: when it is
    to be sent, in SQL.
    """
    wanted = f"""(
        select {references.NEW} as reference, n.incident_id, n.person_id, n.channel, n.address, 'hang_up' as purpose,
               n.round, n.language, n.id, {now} as at,
               jsonb_strip_nulls(jsonb_build_object('provider', call.provider, 'provider_id', call.provider_id))
                   as content
        from (select distinct on (id, provider_id) * from {calls} order by id, provider_id, provider nulls last) call
        join notification n on n.id = call.id
        where call.provider_id is not null
          and not exists (select from notification h where h.ends_id = n.id
                          and h.content ->> 'provider_id' = call.provider_id)
    )"""  # noqa: S608  constants of ours
    return f"{rows.write(wanted, 'message.at', ends_id='message.id')} returning incident_id"
