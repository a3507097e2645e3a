"""Who may do what with an incident that they may know of. Pure.

Seeing and doing differ: a daughter with consent sees that something happened; she answers for it only when she was
called. Duty may do everything, also in the name of whoever reports by telephone.
"""

from enum import StrEnum

from alerts.incident_views import Whole
from alerts.kinds import TECHNICAL
from eldercare.access import Role, Viewer
from eldercare.errors import Forbidden


class Deed(StrEnum):
    """What people do with an incident."""

    ACCEPT = "accept"
    PASS = "pass"  # noqa: S105  no password
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


_ASKED = frozenset({Deed.ACCEPT, Deed.PASS, Deed.NOTE})
DESK = frozenset({Deed.HANDLE, Deed.SEND, Deed.ADD, Deed.TAKE_BACK, Deed.CALL_AGAIN})
"""What the desk alone does: it is about other people."""
_OWNERS = frozenset(Deed) - DESK - {Deed.ACCEPT}


def allowed(viewer: Viewer, whole: Whole) -> frozenset[Deed]:
    """What `viewer` may do, whatever the state of the incident allows.

    Duty everything. The owner everything but accepting and what is the desk's. A grid worker, an admin for technical
    kinds, and whoever was called: accept, pass on, note.
    """
    if viewer.has(Role.DUTY):
        return frozenset(Deed)
    incident = whole.incident
    called = any(sent.person_id == viewer.person_id for sent in whole.notifications)
    answers = called or viewer.has(Role.GRID) or (viewer.has(Role.ADMIN) and incident.kind in TECHNICAL)
    owns = incident.owner_id == viewer.person_id
    return (_ASKED if answers else frozenset()) | (_OWNERS if owns else frozenset())


def require(viewer: Viewer, whole: Whole, deed: Deed) -> None:
    """Nothing where `viewer` may do it. Raises Forbidden."""
    if deed not in allowed(viewer, whole):
        raise Forbidden(f"to {deed} is for duty, and for whoever was called or owns incident {whole.incident.id}")
