"""A story: people, presses and telephones, told on real TimescaleDB with a clock that only the story moves.

Every call and every text has to be expected by the story, in any order; one that is not makes it fail.
"""

import asyncio
import hashlib
import itertools
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from alerts.channels.base import Channel, Outgoing, Sent, TransportError
from alerts.channels.twilio import statuses
from alerts.escalation import worker
from alerts.escalation.situation import PlanningContext
from alerts.incidents import handling
from alerts.incidents.opening import Raised, raise_sos
from alerts.model import notification
from alerts.model.incident import Press
from alerts.notifications import outbox, receipts, sender
from alerts.notifications.sender import Sender
from eldercare.platform.clock import set_clock
from eldercare.platform.database import Connection, connect
from eldercare.platform.settings import Settings
from tests.support.community import NAMES, PHONES, Community

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
"""Twelve o'clock in Shanghai."""
ZONE = ZoneInfo("Asia/Shanghai")


def told_the_band(message: Outgoing) -> str:
    """What the wearer heard, or what the band was asked to do."""
    return str(message.content.get("state") or message.content["action"])


Happening = tuple[str, str, str]
"""Channel (or `hang_up`), who (or what the band heard), purpose."""


def _happening(words: str) -> Happening:
    channel, who, purpose = [*words.split(), "alarm"][:3]
    return channel, who, purpose


@dataclass
class Recorder:
    """A channel that writes down what it is given; `trouble` holds errors for addresses, each used up in order."""

    name: str
    provider: str = "recorder"
    min_gap: timedelta = timedelta(0)
    sent: list[Outgoing] = field(default_factory=list)
    ids: dict[str, Outgoing] = field(default_factory=dict)
    hung_up: list[str] = field(default_factory=list)
    trouble: dict[str, list[TransportError]] = field(default_factory=dict)

    async def send(self, message: Outgoing) -> Sent:
        """Take the message, or fail as arranged."""
        if waiting := self.trouble.get(message.address):
            raise waiting.pop(0)
        self.sent.append(message)
        provider_id = f"{self.name}-{len(self.sent)}"
        self.ids[provider_id] = message
        return Sent(provider_id, "queued")

    async def hang_up(self, provider_id: str, provider: str | None) -> None:
        """Write it down."""
        self.hung_up.append(provider_id)


class Teller(ABC):
    """Time, presses and what must have happened. Names of people are the keys of `community.PHONES`."""

    def __init__(
        self, conn: Connection, url: str, settings: Settings, people: Community, channels: Mapping[str, Channel]
    ) -> None:
        self.conn = conn
        self.url = url
        self.people = people
        self.now = NOON
        self.sender = Sender(url, channels)
        self.line: Connection
        self._settings = settings
        self._told: Counter[Happening] = Counter()

    @property
    def planning(self) -> PlanningContext:
        """What the planner knows of the channels of this story."""
        return PlanningContext({name: channel.min_gap for name, channel in self.sender.channels.items()}, ZONE)

    # Time -----------------------------------------------------------------------------------------------------------

    async def set_clock(self, now: datetime) -> None:
        """Let it be `now`; nothing happens yet."""
        self.now = now
        await set_clock(self.conn, now, 0, real=False)
        await self.conn.commit()

    async def settle(self) -> None:
        """Let the loops do everything that is due now."""
        while True:
            due = await worker.run_once(self.line, self.sender, self.planning)
            leased = await sender.run_once(self.line, self.sender)
            await self.sender.settle()
            if not due and not leased:
                return

    async def advance(self, *, seconds: float = 0, minutes: float = 0) -> None:
        """Let time pass, stopping wherever something is due."""
        end = self.now + timedelta(seconds=seconds, minutes=minutes)
        while (moment := await self._next_moment(end)) is not None:
            await self.set_clock(max(moment, self.now))
            await self.settle()
        await self.set_clock(end)
        await self.settle()

    async def _next_moment(self, end: datetime) -> datetime | None:
        row = await self.one(
            "select min(at) from (select due_at as at from incident where state <> 'resolved' union all"
            " select coalesce(leased_until, send_after) from notification where status in ('queued', 'sending')) due"
            " where at > %s and at <= %s",
            self.now,
            end,
        )
        moment: datetime | None = row
        return moment

    # What happens ---------------------------------------------------------------------------------------------------

    async def press(self, band: str = "band-wang", event_id: str | None = None) -> Raised:
        """Somebody presses; the line does what is due at once."""
        event = event_id or f"press-{next(_presses)}"
        payload = event.encode()
        raised = await raise_sos(self.conn, Press(band, payload, hashlib.sha256(payload).hexdigest(), event_id=event))
        await self.conn.commit()
        await self.settle()
        return raised

    # What must have happened ----------------------------------------------------------------------------------------

    def expect(self, *wanted: str) -> None:
        """Exactly these messages since the last time: `voice duty`, `sms grid stand_down`, `band accepted`,
        `band buzz`, `hang_up duty`; an alarm needs no purpose."""
        happened = self._happened()
        new = happened - self._told
        self._told = happened
        expected = Counter(_happening(each) for each in wanted)
        assert new == expected, f"unexpected {dict(new - expected)}, missing {dict(expected - new)}"

    @abstractmethod
    def _happened(self) -> Counter[Happening]:
        """Everything since the story began."""

    async def one(self, query: str, *arguments: object) -> Any:
        """The single value of a query."""
        row = await (await self.conn.execute(query, arguments)).fetchone()
        await self.conn.commit()
        assert row is not None
        return row[0]

    async def state(self, incident_id: int) -> str:
        """Of the incident."""
        return str(await self.one("select state from incident where id = %s", incident_id))

    async def due_in(self, incident_id: int) -> float:
        """Seconds from now until the incident's timer."""
        due: datetime = await self.one("select due_at from incident where id = %s", incident_id)
        return (due - self.now).total_seconds()

    async def timeline(self, incident_id: int) -> list[str]:
        """Kinds of the rows of its timeline, in order."""
        rows = await self.conn.execute(
            "select kind from incident_event where incident_id = %s order by id", (incident_id,)
        )
        kinds = [row[0] for row in await rows.fetchall()]
        await self.conn.commit()
        return kinds


class Story(Teller):
    """Told with channels that only write down: for what the line does by itself, to the second."""

    def __init__(self, conn: Connection, url: str, settings: Settings, people: Community) -> None:
        self.channels = {name: Recorder(name) for name in ("voice", "sms", "band")}
        super().__init__(conn, url, settings, people, self.channels)

    async def accepts(self, who: str, incident_id: int, via: str = "voice") -> handling.AcceptOutcome:
        """They press 1, reply 1 or click."""
        outcome = await handling.accept(self.conn, incident_id, getattr(self.people, who), via, self.now)
        if via == "voice":
            await self._report(who, notification.answered_event("accepted"))
        await self.conn.commit()
        await self.settle()
        return outcome

    async def passes(self, who: str, incident_id: int, via: str = "voice") -> handling.Declined:
        """They press 9 or reply 9."""
        outcome = await handling.decline(self.conn, incident_id, getattr(self.people, who), via, self.now)
        await self.conn.commit()
        await self.settle()
        return outcome

    async def call_ends(self, who: str, call_status: str) -> None:
        """The provider says how the newest call to them went: busy, no-answer, completed, …"""
        event = statuses.call_event(call_status)
        assert event is not None
        await self._report(who, event)
        await self.conn.commit()
        await self.settle()

    async def machine_answers(self, who: str) -> None:
        """A mailbox takes the newest call to them."""
        event = statuses.answered_by_event("machine_start")
        assert event is not None
        await self._report(who, event)
        await self.conn.commit()
        await self.settle()

    async def _report(self, who: str, event: notification.Event) -> None:
        voice = self.channels["voice"]
        provider_id, call = next(
            (key, call) for key, call in reversed(voice.ids.items()) if call.address == PHONES[who]
        )
        await receipts.record_status(self.conn, call.id, provider_id, event, self.now)

    def _happened(self) -> Counter[Happening]:
        found: Counter[Happening] = Counter()
        for name in ("voice", "sms"):
            for message in self.channels[name].sent:
                found[name, NAMES[message.address], message.purpose] += 1
        for message in self.channels["band"].sent:
            found["band", told_the_band(message), "alarm"] += 1
        for provider_id in self.channels["voice"].hung_up:
            found["hang_up", NAMES[self.channels["voice"].ids[provider_id].address], "alarm"] += 1
        return found

    def said(self, channel: str, who: str) -> dict[str, Any]:
        """The content of the newest message to them."""
        return next(each for each in reversed(self.channels[channel].sent) if each.address == PHONES[who]).content


_presses = itertools.count(1)
Told = TypeVar("Told", bound=Teller)


@asynccontextmanager
async def telling(story: Told) -> AsyncIterator[Told]:
    """From noon to the end of the story; then nothing may have been sent that it did not expect."""
    await story.set_clock(NOON)
    story.line = await connect(story.url, autocommit=True, application_name="story", options=outbox.SESSION)
    recorder = asyncio.create_task(story.sender.run())
    try:
        yield story
        story.expect()
    finally:
        recorder.cancel()
        with suppress(asyncio.CancelledError):
            await recorder
        await story.sender.close()
        await story.line.close()
