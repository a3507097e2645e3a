"""The story with telephones: the real channels call simulated ones over HTTP, which post back to our web service."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import uvicorn

from alerts.channels.base import Channel
from alerts.channels.registry import channels
from api.app import create_app
from device_sim.phones.account import Account
from device_sim.phones.behaviour import CallBehaviour, MessageBehaviour
from device_sim.phones.lines import Call
from device_sim.phones.server import Telephones, serve
from device_sim.phones.timers import HandTimers
from eldercare.platform.database import Connection
from eldercare.platform.settings import Settings
from tests.conftest import MakeSettings
from tests.stories.story import Happening, Recorder, Teller, telling, told_the_band
from tests.support.community import NAMES, PHONES, Community
from tests.support.services.processes import free_port

SID, TOKEN, OURS = "AC" + "7" * 32, "secret-of-the-story", "+99900000000"


class Ringing(Teller):
    """What people do with their telephones; time passes for the telephones and for the line together."""

    def __init__(
        self,
        conn: Connection,
        url: str,
        settings: Settings,
        people: Community,
        found: Mapping[str, Channel],
        telephones: Telephones,
    ) -> None:
        self.band = Recorder("band")
        """What bands are told and asked, unless `found` brings the channel to the broker."""
        self.telephones = telephones
        timers = telephones.exchange.timers
        assert isinstance(timers, HandTimers)
        self._timers = timers
        super().__init__(conn, url, settings, people, {"band": self.band, **found})

    # Time -----------------------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Until the line has nothing to do and no telephone waits for an answer of ours."""
        while True:
            await super().settle()
            before = self.telephones.journal.version
            await self.telephones.hooks.settled()
            if before == self.telephones.journal.version and not await self._something_is_due():
                return

    async def advance(self, *, seconds: float = 0, minutes: float = 0) -> None:
        """Let time pass, stopping wherever the line or a telephone has something to do.

        The telephones' time goes a microsecond further, so that rounding leaves no sleeper a moment to go.
        """
        end = self.now + timedelta(seconds=seconds, minutes=minutes)
        while self.now < end:
            moments = [end]
            if (due := await self._next_moment(end)) is not None:
                moments.append(due)
            if (rings := self._timers.due_in()) is not None:
                moments.append(self.now + timedelta(seconds=rings, microseconds=1))
            moment = max(self.now, min(moments))
            passed = (moment - self.now).total_seconds() + 1e-6
            await self.set_clock(moment)
            await self._timers.advance(passed, self.telephones.hooks.settled)
            await self.settle()

    async def _something_is_due(self) -> bool:
        return bool(
            await self.one(
                "select exists (select from incident where state <> 'resolved' and due_at <= eldercare_now())"
                " or exists (select from notification where status = 'queued' and send_after <= eldercare_now())"
            )
        )

    # What people do -------------------------------------------------------------------------------------------------

    def will(self, who: str, does: str, **more: object) -> None:
        """From now on their telephone does this with every call: answer, busy, no-answer, machine, failed."""
        behaviour = CallBehaviour.model_validate({"does": does, "answer_after_s": 2, **more})
        self.telephones.exchange.behave.set(PHONES[who], behaviour)

    def cannot_be_texted(self, who: str) -> None:
        """Their texts come back undelivered."""
        self.telephones.texts.behave.set(PHONES[who], MessageBehaviour(ends="undelivered", error_code=30003))

    async def picks_up(self, who: str) -> None:
        """Lift the receiver of the ringing telephone."""
        self.telephones.exchange.answer(self._call(who, "ringing"))
        await self.settle()

    async def presses(self, who: str, digits: str) -> None:
        """Press keys in the call."""
        self.telephones.exchange.press(self._call(who, "in-progress"), digits)
        await self.settle()

    async def hangs_up(self, who: str) -> None:
        """Decline a ringing call, or end one that was answered."""
        self.telephones.exchange.hang_up(self._call(who, "ringing", "in-progress"))
        await self.settle()

    async def replies(self, who: str, body: str) -> None:
        """Send us a text."""
        self.telephones.texts.text_back(self.telephones.phones[PHONES[who]], body)
        await self.settle()

    async def calls_back(self, who: str) -> None:
        """Dial our number."""
        self.telephones.exchange.ring_up(self.telephones.phones[PHONES[who]])
        await self.settle()

    def heard(self, who: str) -> str:
        """Everything that the newest call to or from them has said."""
        call = [each for each in self.telephones.exchange.calls.values() if each.phone == PHONES[who]][-1]
        return " ".join(call.said)

    def texts_of(self, who: str) -> list[str]:
        """What they were texted, oldest first."""
        messages = self.telephones.texts.messages.values()
        return [each.body for each in messages if each.phone == PHONES[who] and each.direction != "inbound"]

    def _call(self, who: str, *statuses: str) -> Call:
        calls = [each for each in self.telephones.exchange.calls.values() if each.phone == PHONES[who]]
        return [each for each in calls if each.status in statuses][-1]

    # What must have happened ----------------------------------------------------------------------------------------

    def _happened(self) -> Counter[Happening]:
        """From the telephones' own log, not from what we believe."""
        found: Counter[Happening] = Counter()
        for entry in self.telephones.journal.entries:
            who = NAMES.get(entry["to"], "")
            if entry["kind"] == "call" and entry.get("status") != "refused":
                found["voice", who, self._purposes[_reference(entry["callback_url"])]] += 1
                ended = [note for note in entry["history"] if note["event"] == "update"]
                found["hang_up", who, "alarm"] += min(1, len(ended))
            elif entry["kind"] == "sms":
                url = entry.get("callback_url")
                found["sms", who, self._purposes[_reference(url)] if url else "reply"] += 1
        for message in self.band.sent:
            found["band", told_the_band(message), "alarm"] += 1
        return +found

    async def expects(self, *wanted: str) -> None:
        """As `expect`, which cannot ask the database what each message was for."""
        rows = await (await self.conn.execute("select reference, purpose from notification")).fetchall()
        await self.conn.commit()
        self._purposes = dict(rows)
        self.expect(*wanted)

    _purposes: dict[str, str] = {}  # noqa: RUF012  replaced whole


def _reference(url: str) -> str:
    return parse_qs(urlsplit(url).query)["r"][0]


@asynccontextmanager
async def ringing(
    conn: Connection, url: str, make_settings: MakeSettings, people: Community, band: Channel | None = None
) -> AsyncIterator[Ringing]:
    """Telephones, the web service they post to, and the line. `band` is the channel to the broker, where there is
    one."""
    port = free_port()
    public = f"http://127.0.0.1:{port}"
    async with serve(Account(SID, TOKEN, OURS, public), time_scale=0) as telephones:
        settings = make_settings(
            database_url=url, public_url=public, twilio_account_sid=SID, twilio_auth_token=TOKEN, twilio_from=OURS,
            twilio_api_url=telephones.url,
        )  # fmt: skip
        async with _web(settings, port), channels(settings) as found:
            of_bands = {} if band is None else {"band": band}
            story = Ringing(conn, url, settings, people, {**found, **of_bands}, telephones)
            async with telling(story) as told:
                yield told
                await told.expects()


@asynccontextmanager
async def _web(settings: Settings, port: int) -> AsyncIterator[None]:
    config = uvicorn.Config(create_app(settings), host="127.0.0.1", port=port, log_level="warning", lifespan="on")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done(), "the web service did not start"
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await running
