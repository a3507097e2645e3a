"""Callbacks of one call or message leave one after the other, in the order in which things happened."""

import asyncio
from collections.abc import Mapping

from device_sim.phones.lines import Call, TextMessage
from device_sim.phones.webhooks import Webhooks
from eldercare.platform import tasks
from eldercare.platform.errors import Unavailable


class Order:
    """Queues status callbacks per call or message. The webhooks log failed ones, which do not stop the next."""

    def __init__(self, hooks: Webhooks) -> None:
        self._hooks = hooks

    def post(self, line: Call | TextMessage, url: str, parameters: Mapping[str, str]) -> None:
        """Post after all earlier callbacks of `line`. Returns at once."""
        line.last_callback = tasks.brief(self._post(line, line.last_callback, url, parameters), "callback")

    async def _post(
        self, line: Call | TextMessage, earlier: asyncio.Task[None] | None, url: str, parameters: Mapping[str, str]
    ) -> None:
        self._hooks.in_flight += 1
        try:
            if earlier is not None:
                await asyncio.wait({earlier})
            await self._hooks.post(url, parameters, line.sid, "callback")
        except Unavailable:
            return
        finally:
            self._hooks.in_flight -= 1
