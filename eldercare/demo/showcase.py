"""What the demo shows by itself: a press, telephones that ring, a grid worker who answers and presses 1."""

import contextlib
import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import psycopg

FIRST_PRESS_AFTER_S = 15
"""The first press comes soon enough for somebody who only reads the terminal."""
PRESS_AFTER_LOOK_S = 10
"""How long after the first look at the duty board a press comes: within the first minute, and not before the page is
read."""
RECENT_S = 25
"""Whoever comes to the board this soon after a press still sees it ring."""
GIVE_UP_S = 90
TRY_AGAIN_S = 5
"""How soon somebody is looked for again, where no band is connected yet."""
RESPONDER = "grid"
BEHAVIOUR = {"does": "answer", "answer_after_s": 8, "digits": ["1"], "digits_after_s": 6, "times": 1}
"""What a grid worker's telephone does once: rings 8 s, listens 6 s, presses 1."""


class Showcase:
    """`tick()` is called twice a second and says what has happened; it presses once, and once more for the first
    visitor of the board."""

    def __init__(self, conn: psycopg.Connection[Any], known: Mapping[str, Any], phones_url: str, sim_url: str) -> None:
        self._conn = conn
        self._phones_url = phones_url
        self._sim_url = sim_url
        self._residents = [resident for resident in known["residents"] if resident.get("device_id")]
        roles = ((person.get("phone"), person.get("roles", ())) for person in known["people"])
        self._responders = [phone for phone, has in roles if phone and RESPONDER in has]
        self._started_at = self._value("select clock_timestamp()")
        self._press_at: float | None = time.monotonic() + FIRST_PRESS_AFTER_S
        self._pressed_at = float("-inf")
        self._wearer: Mapping[str, Any] | None = None
        self._looked = False

    def tick(self) -> Iterator[str]:
        """Go on with the story; yields the lines to tell."""
        now = time.monotonic()
        self._look_for_a_visitor(now)
        if self._wearer is not None:
            yield from self._follow(now)
        elif self._press_at is not None and now >= self._press_at:
            self._press_at = None
            yield from self._press(now)

    def _look_for_a_visitor(self, now: float) -> None:
        if self._looked or not self._value("select exists (select from session where board_at > %s)", self._started_at):
            return
        self._looked = True
        if now - self._pressed_at > RECENT_S:
            self._press_at = now + PRESS_AFTER_LOOK_S

    def _press(self, now: float) -> Iterator[str]:
        try:
            wearer = self._somebody()
            if wearer is None:
                self._press_at = now + TRY_AGAIN_S
                return
            for phone in self._responders:
                self._send("PUT", f"{self._phones_url}/sim/phones/{quote(phone)}/calls", BEHAVIOUR)
            self._send("POST", f"{self._sim_url}/bands/{wearer['device_id']}/scenarios/sos", {})
        except (OSError, ValueError) as error:
            self._leave_to_people()
            yield f"无法触发求助 · the simulated band could not press: {error}"
            return
        self._wearer, self._pressed_at = wearer, now
        yield f"求助 · SOS: {wearer['name']}（{wearer['device_id']}）按下求助键，电话响起 · pressed, telephones ring"

    def _somebody(self) -> Mapping[str, Any] | None:
        """A resident whose band is connected, on the wrist if any is, and who has not pressed already. In the hour in
        which bands are charged none may be on a wrist."""
        busy = self._column("select device_id from incident where kind = 'sos' and state <> 'resolved'")
        bands = self._send("GET", f"{self._sim_url}/bands")["bands"]
        ready = {band["device_id"]: band["worn"] for band in bands if band["connected"]}
        able = [each for each in self._residents if each["device_id"] in ready and each["device_id"] not in busy]
        return next((each for each in able if ready[each["device_id"]]), able[0] if able else None)

    def _follow(self, now: float) -> Iterator[str]:
        assert self._wearer is not None  # noqa: S101  only asked while a press is followed
        owner = self._value(
            "select p.name from incident i join person p on p.id = i.owner_id"
            " where i.device_id = %s and i.kind = 'sos' and i.opened_at > %s and i.accepted_at is not null"
            " order by i.id desc limit 1",
            self._wearer["device_id"],
            self._started_at,
        )
        if owner is None and now - self._pressed_at < GIVE_UP_S:
            return
        name, self._wearer = self._wearer["name"], None
        self._leave_to_people()
        if owner is None:
            yield f"还没有人应答 {name} · Nobody has accepted {name}'s call yet: answer it on the telephones' page"
        else:
            seconds = now - self._pressed_at
            yield f"已接单 · Accepted: {owner} → {name}（{seconds:.0f} 秒 s）；手环已显示 · the band shows it"

    def _leave_to_people(self) -> None:
        """Let the telephones wait for the visitor from now on."""
        for phone in self._responders:
            with contextlib.suppress(OSError):  # telephones that were started again have forgotten it
                self._send("DELETE", f"{self._phones_url}/sim/phones/{quote(phone)}/behaviour")

    def _send(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        """One JSON request to a simulator. Raises OSError (of which URLError and HTTPError are kinds), ValueError."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310  our own loopback address
            url, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
            return json.load(response)

    def _value(self, statement: str, *arguments: object) -> Any:
        row = self._conn.execute(statement, arguments).fetchone()
        return row[0] if row else None

    def _column(self, statement: str) -> set[str]:
        return {row[0] for row in self._conn.execute(statement)}
