"""Presses that came to the lane of telemetry, handed over to those who raise presses.

That lane listens to everything, so it hears each press that the other lane hears, a moment later; those are known by
then. One that is not known came to this lane alone: the session of the other was taken from it, or its process is no
more. It is set aside in the database, where every process of the SOS lane looks (`ingest.pipeline.aside`), and
raised from there as any press is, so that what was heard twice all the same still counts once.
"""

from collections.abc import Sequence

from alerts.model.incident import Press
from eldercare.platform.database import Connection
from eldercare.platform.log import logger
from ingest.pipeline import pressed
from ingest.pipeline.pressed import Pressed

# One statement, so that it may be asked again when nobody knows whether it was heard.
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
    """Hand over what is not known yet; returns how many. `conn` commits by itself."""
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
