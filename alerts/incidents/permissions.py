"""Who may do what with an incident that they may know of. Pure.

Seeing and doing differ: a daughter with consent sees that something happened; she answers for it only when she was
called. Duty may do everything, also in the name of whoever reports by telephone.
"""

from alerts.incidents.actions import Action
from alerts.incidents.detail import IncidentDetail
from alerts.model.incident import TECHNICAL
from eldercare.accounts.viewers import Role, Viewer
from eldercare.platform.errors import Forbidden

_ASKED = frozenset({Action.ACCEPT, Action.DECLINE, Action.NOTE})
DESK = frozenset({Action.HANDLE, Action.SEND, Action.ADD, Action.TAKE_BACK, Action.CALL_AGAIN})
"""What the desk alone does: it is about other people."""
_OWNERS = frozenset(Action) - DESK - {Action.ACCEPT}


def allowed(viewer: Viewer, detail: IncidentDetail) -> frozenset[Action]:
    """What `viewer` may do, whatever the state of the incident allows.

    Duty may do everything. The owner may do everything but accept and what is the desk's. A grid worker, an admin for
    technical kinds, and whoever was called may accept, decline and note.
    """
    if viewer.has(Role.DUTY):
        return frozenset(Action)
    incident = detail.incident
    called = any(sent.person_id == viewer.person_id for sent in detail.notifications)
    answers = called or viewer.has(Role.GRID) or (viewer.has(Role.ADMIN) and incident.kind in TECHNICAL)
    owns = incident.owner_id == viewer.person_id
    return (_ASKED if answers else frozenset()) | (_OWNERS if owns else frozenset())


def require(viewer: Viewer, detail: IncidentDetail, action: Action) -> None:
    """Check that `viewer` may do it. Raises Forbidden."""
    if action not in allowed(viewer, detail):
        raise Forbidden(f"to {action} is for duty, and for whoever was called or owns incident {detail.incident.id}")
