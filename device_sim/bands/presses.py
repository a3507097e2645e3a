"""What a band knows of its SOS presses: which are unheard, and what the wearer was told. Pure."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from eldercare.protocol.mqtt_v1 import Sos, SosState

REPEAT_S = 10.0
"""Real seconds after which a press is sent again, until the service says `received`."""
KEPT = 20


@dataclass
class Press:
    """One press. `heard` are the states the band was told, each with the wall time."""

    sos: Sos
    pressed_at: datetime
    sent: int = 0
    heard: list[tuple[SosState, datetime]] = field(default_factory=list)

    def view(self) -> dict[str, Any]:
        """The press as the control shows it."""
        return {
            "event_id": self.sos.event_id,
            "pressed_at": self.pressed_at.isoformat(),
            "sent": self.sent,
            "state": self.heard[-1][0] if self.heard else None,
            "heard": [{"state": state, "at": at.isoformat()} for state, at in self.heard],
        }


class Presses:
    """The last presses of one band."""

    def __init__(self) -> None:
        self.all: deque[Press] = deque(maxlen=KEPT)

    def add(self, sos: Sos, now: datetime) -> Press:
        """A new press, unheard."""
        press = Press(sos, now)
        self.all.append(press)
        return press

    def unheard(self) -> list[Press]:
        """Presses to be repeated: nothing has been heard of them."""
        return [press for press in self.all if not press.heard]

    def hear(self, event_id: str | None, state: SosState, now: datetime) -> bool:
        """Note a state that the service told; True where it belongs to one of these presses."""
        for press in self.all:
            if press.sos.event_id == event_id:
                if not press.heard or press.heard[-1][0] != state:  # else it is only said again
                    press.heard.append((state, now))
                return True
        return False
