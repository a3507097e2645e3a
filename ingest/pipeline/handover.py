"""Presses that came to the telemetry pipeline, handed over to the SOS pipeline.

The telemetry pipeline listens to everything, so it hears each press a moment after the SOS pipeline, which has stored
it by then. A press that is not known came to telemetry alone: the other session was taken, or its process is no more.
It is set aside in the database. There every SOS process looks (`ingest.pipeline.aside`) and raises it as any press, so
that one heard twice still counts once.
"""

from collections.abc import Sequence

from alerts.model.incident import Press
from eldercare.platform.database import Connection
from eldercare.platform.log import logger
from ingest.pipeline import pressed
from ingest.pipeline.pressed import Pressed

# One statement, so that it may be repeated when nobody knows whether it was heard.
_KEEP = """
insert into sos_aside (received_at, topic, message)
select eldercare_now(), topic, message
from unnest(%(devices)s::text[], %(payloads)s::bytea[], %(copies)s::boolean[], %(topics)s::text[], %(messages)s::text[])
    with ordinality as heard (device_id, payload, copy, topic, message, place)
where not exists (
    select from sos_press p where p.device_id = heard.device_id and p.payload = heard.payload
      and (copy or p.received_at > eldercare_now() - interval '10 minutes'))
  and not exists (
    select from sos_aside a where a.topic = heard.topic and a.message = heard.message
      and a.received_at > eldercare_now() - interval '5 seconds')
order by place
returning topic
"""

_log = logger(__name__)


async def give(conn: Connection, messages: Sequence[Pressed]) -> int:
    """Hand over the presses that are not known yet; returns how many. `conn` commits by itself."""
    heard = [(message, message.press) for message in messages if isinstance(message.press, Press)]
    if not heard:
        return 0
    values = {
        "devices": [press.device_id for _, press in heard],
        "payloads": [press.payload for _, press in heard],
        "copies": [press.retained or press.redelivered for _, press in heard],
        "topics": [message.topic for message, _ in heard],
        "messages": [pressed.dump(message) for message, _ in heard],
    }
    rows = await (await conn.execute(_KEEP, values)).fetchall()
    if rows:
        _log.warning("presses_handed_over", topics=sorted({topic for (topic,) in rows})[:10])
    return len(rows)
