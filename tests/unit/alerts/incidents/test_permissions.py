"""Who may do what with an incident that they see."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerts.incidents import permissions
from alerts.incidents.actions import Action
from alerts.incidents.detail import Incident, IncidentDetail, Notification
from alerts.incidents.permissions import DESK
from eldercare.accounts.viewers import Role, Viewer
from eldercare.platform.errors import Forbidden

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
INCIDENT = Incident(
    id=5, kind="sos", severity="sos", state="open", source="button", resident_id=1, resident_name="张桂英", address="",
    device_id=None, occurred_at=NOW, opened_at=NOW, late=False, press_count=1, round=1, next_step=1, due_at=NOW,
    owner_id=None, owner_name=None, accepted_at=None, accepted_via=None, arrival_due_at=None, arrived_at=None,
    resolved_at=None, disposition=None, note=None, ask_120=False, sees_health=True, sees_location=True, bpm=None,
    detail={}, lat=None, lon=None, accuracy_m=None, position_at=None,
)  # fmt: skip
CALL = Notification(
    id=1, person_id=7, person_name="李伟", channel="voice", address="+99910000007", purpose="alarm", round=1, step=0,
    status="sent", reason=None, attempts=1, created_at=NOW, sent_at=NOW, finished_at=None,
)  # fmt: skip
ASKED = {Action.ACCEPT, Action.DECLINE, Action.NOTE}
OWNERS = set(Action) - {Action.ACCEPT} - DESK


def viewer(role: Role, person_id: int = 7) -> Viewer:
    return Viewer(person_id, "李伟", frozenset({role}), role)


def whole(*, called: bool = False, owner_id: int | None = None, kind: str = "sos") -> IncidentDetail:
    return IncidentDetail(replace(INCIDENT, owner_id=owner_id, kind=kind), [], [CALL] if called else [])


@pytest.mark.parametrize(
    ("who", "what", "allowed_actions"),
    [
        (viewer(Role.DUTY), whole(), set(Action)),
        (viewer(Role.GRID), whole(), ASKED),
        (viewer(Role.GRID), whole(owner_id=7), set(Action) - DESK),
        (viewer(Role.FAMILY), whole(), set()),
        (viewer(Role.FAMILY), whole(called=True), ASKED),
        (viewer(Role.FAMILY, 8), whole(called=True), set()),
        (viewer(Role.FAMILY), whole(owner_id=7), OWNERS),
        (viewer(Role.FAMILY), whole(called=True, owner_id=8), ASKED),
        (viewer(Role.DOCTOR), whole(), set()),
        (viewer(Role.ADMIN), whole(), set()),
        (viewer(Role.ADMIN), whole(kind="network"), ASKED),
    ],
)
def test_allowed(who: Viewer, what: IncidentDetail, allowed_actions: set[Action]) -> None:
    assert permissions.allowed(who, what) == allowed_actions
    for action in Action:
        if action in allowed_actions:
            permissions.require(who, what, action)
        else:
            with pytest.raises(Forbidden, match="incident 5"):
                permissions.require(who, what, action)
