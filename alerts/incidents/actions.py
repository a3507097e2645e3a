"""What people do with an incident, and in which states it can be done. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from alerts.model.incident import ACCEPTABLE, IncidentState


class Action(StrEnum):
    """What people do with an incident."""

    ACCEPT = "accept"
    DECLINE = "pass"
    EN_ROUTE = "en_route"
    ARRIVE = "arrive"
    HAND_TO_120 = "hand_to_120"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    NOTE = "note"
    HANDLE = "handle"
    SEND = "send"
    ADD = "add"
    TAKE_BACK = "take_back"
    CALL_AGAIN = "call_again"


_UNRESOLVED = frozenset(IncidentState) - {IncidentState.RESOLVED}
OWNED = frozenset({IncidentState.ACCEPTED, IncidentState.EN_ROUTE, IncidentState.ON_SITE})
"""States in which somebody has it in hand."""
HANDED_BACK_FROM = OWNED - {IncidentState.ON_SITE}
"""States in which the owner may still say that they cannot go."""

POSSIBLE: Mapping[Action, frozenset[IncidentState]] = {
    Action.ACCEPT: ACCEPTABLE,
    Action.DECLINE: _UNRESOLVED,
    Action.EN_ROUTE: frozenset({IncidentState.ACCEPTED}),
    Action.ARRIVE: frozenset({IncidentState.ACCEPTED, IncidentState.EN_ROUTE, IncidentState.HANDED_TO_120}),
    Action.HAND_TO_120: frozenset({IncidentState.OPEN, *OWNED}),
    Action.RESOLVE: _UNRESOLVED,
    Action.REOPEN: frozenset(IncidentState) - {IncidentState.OPEN},
    Action.NOTE: frozenset(IncidentState),
    Action.HANDLE: _UNRESOLVED,
    Action.SEND: ACCEPTABLE,
    Action.ADD: _UNRESOLVED,
    Action.TAKE_BACK: OWNED,
    Action.CALL_AGAIN: frozenset({IncidentState.OPEN}),
}
"""The one table of what can be done in which state; `alerts.incidents.case` makes the changes."""
