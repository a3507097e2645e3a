"""The context of a text: all that a text about an incident may be made of."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from alerts.model.incident import IncidentKind, IncidentState, Severity


@dataclass(frozen=True, slots=True)
class MessageContext:
    """The facts that a text may use. Times are aware; `zone` is the one people read. Distances are metres, `age` is
    years.

    `distance_m` and `bearing_deg` (0 is north) lead from home to the last fix; None without a fix or without a home.
    `late_minutes` is set when the band's message came late. `owner_name` is who goes, or is there; None also where
    somebody at the desk noted that 120 is. `called_120`: 120 was called, and its time to be there is not over. `reason`
    names why the incident was opened: `button`, `fall`, `telephone`, or a rule's reason. `wearer` is what came of
    asking them in this round: `silent`, `unclear`, `well`, `help`; None where they were not asked.
    """

    incident_id: int
    kind: IncidentKind
    severity: Severity
    reason: str
    occurred_at: datetime
    zone: tzinfo
    resident_name: str | None = None
    age: int | None = None
    address: str | None = None
    entry: str = ""
    device_id: str | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    distance_m: float | None = None
    bearing_deg: float | None = None
    position_age_minutes: int | None = None
    late_minutes: int | None = None
    press_count: int = 1
    owner_name: str | None = None
    state: IncidentState = IncidentState.OPEN
    called_120: bool = False
    wearer: str | None = None

    @property
    def somebody_has_to_go(self) -> bool:
        """Whether somebody is wanted there besides the one who deals with it at the desk: a network is mended from the
        desk."""
        return self.kind is not IncidentKind.NETWORK

    @property
    def code(self) -> str:
        """The short code by which a reply names the incident."""
        return str(self.incident_id)
