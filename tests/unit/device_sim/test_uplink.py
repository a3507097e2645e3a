"""What waits for a connection, and how it leaves; presses and what is heard of them."""

from datetime import UTC, datetime, timedelta
from random import Random

import orjson

from device_sim.bands import uplink as module
from device_sim.bands.band import Reading, status
from device_sim.bands.presses import Presses
from device_sim.bands.uplink import BACKFILL_ITEMS, CAPACITY, Uplink, payloads
from eldercare.protocol.mqtt_v1 import MAX_PAYLOAD_BYTES, HeartRate, Kind, Sos, SosState

START = datetime(2026, 3, 2, tzinfo=UTC)


def beats(count: int) -> tuple[Reading, ...]:
    return tuple(Reading(Kind.HEART_RATE, HeartRate(ts=START + timedelta(minutes=i), bpm=70)) for i in range(count))


def test_one_reading_is_an_object_and_several_an_array_in_order() -> None:
    ((kind, one),) = payloads(beats(1))
    assert (kind, orjson.loads(one)) == (Kind.HEART_RATE, {"ts": "2026-03-02T00:00:00Z", "bpm": 70.0})
    ((_, many),) = payloads(beats(3))
    times = [item["ts"] for item in orjson.loads(many)]
    assert len(times) == 3
    assert times == sorted(times)


def test_kinds_leave_apart_and_the_largest_batch_fits() -> None:
    full = tuple(
        Reading(Kind.STATUS, status(Random(i), START, 55.5, worn=True, charging=False)) for i in range(BACKFILL_ITEMS)
    )
    assert [kind for kind, _ in payloads((*beats(2), *full, *beats(2)))] == [Kind.HEART_RATE, Kind.STATUS]
    assert all(len(payload) < MAX_PAYLOAD_BYTES for _, payload in payloads(full))


def test_nothing_is_forgotten_before_it_is_acknowledged() -> None:
    uplink = Uplink()
    uplink.add(beats(BACKFILL_ITEMS + 5))
    assert uplink.batch() == uplink.batch()
    uplink.sent(len(uplink.batch()))
    assert len(uplink) == 5


def test_a_full_store_drops_the_oldest_and_counts_them() -> None:
    uplink = Uplink()
    uplink.add(beats(CAPACITY))
    batch = uplink.batch()
    uplink.add(beats(3))
    assert (len(uplink), uplink.lost) == (CAPACITY, 3)
    uplink.sent(len(batch))
    assert len(uplink) == CAPACITY - (len(batch) - 3)
    assert module.CAPACITY == CAPACITY


def test_a_press_is_unheard_until_any_state_of_its_own_comes() -> None:
    presses = Presses()
    first, second = (presses.add(Sos(event_id=name), START) for name in ("a", "b"))
    assert not presses.hear("c", SosState.RECEIVED, START)
    assert presses.hear("a", SosState.RECEIVED, START)
    assert presses.hear("a", SosState.RECEIVED, START + timedelta(seconds=5))  # only said again
    assert presses.unheard() == [second]
    assert first.view()["state"] == "received"
    assert second.view()["state"] is None
