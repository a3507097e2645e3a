"""The buffer between broker and database: nothing is lost, nothing is acknowledged that is not stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ingest.pipeline.batcher import Acknowledge, Batch, Batcher, Flush, Stale, Wait, halves


def batcher(size: int = 3, age_s: float = 0.2, bound: int = 12, share: int | None = None) -> Batcher[str]:
    made = Batcher[str](size, age_s, bound, size if share is None else share)
    made.connected()
    return made


def test_nothing_waits_for_nothing() -> None:
    assert batcher().decide(0) == Wait(None)


def test_a_batch_is_due_by_size() -> None:
    buffer = batcher()
    for mid in (1, 2, 3):
        buffer.add(mid, f"m{mid}", 1, at=0)
    assert buffer.decide(0) == Flush("size")
    assert buffer.take() == Batch(1, {1: "m1", 2: "m2", 3: "m3"})
    assert buffer.decide(0) == Wait(None)


def test_a_batch_is_due_by_the_age_of_its_oldest() -> None:
    buffer = batcher()
    buffer.add(1, "a", 1, at=10)
    buffer.add(2, "b", 1, at=10.1)
    wait = buffer.decide(10.15)
    assert isinstance(wait, Wait)
    assert wait.seconds == pytest.approx(0.05)
    assert buffer.decide(10.2) == Flush("age")


def test_at_the_end_everything_is_due() -> None:
    buffer = batcher()
    buffer.add(1, "a", 1, at=0)
    buffer.end()
    assert buffer.decide(0) == Flush("end")
    buffer.take()
    assert buffer.decide(0) == Wait(None)


def test_an_age_of_zero_writes_at_once() -> None:
    buffer = batcher(age_s=0)
    buffer.add(1, "a", 1, at=5)
    assert buffer.decide(5) == Flush("age")


def test_a_copy_of_a_buffered_packet_replaces_it_in_its_place() -> None:
    buffer = batcher()
    buffer.add(1, "first", 1, at=0)
    buffer.add(2, "second", 1, at=0)
    assert buffer.add(1, "first again", 1, at=0.1)
    assert buffer.waiting == 2
    assert list(buffer.take().messages.items()) == [(1, "first again"), (2, "second")]


def test_a_copy_of_a_packet_that_is_being_written_is_not_taken_again() -> None:
    buffer = batcher()
    buffer.add(1, "a", 1, at=0)
    batch = buffer.take()
    assert not buffer.add(1, "a", 1, at=0)
    assert buffer.waiting == 0
    assert buffer.stored(batch) == Acknowledge((1,))
    assert buffer.add(1, "the broker used the number again", 1, at=0)


def test_after_a_reconnect_old_acknowledgements_are_dropped() -> None:
    buffer = batcher()
    buffer.add(1, "a", 1, at=0)
    batch = buffer.take()
    buffer.add(2, "b", 1, at=0)
    assert buffer.connected() == 2
    assert buffer.waiting == 0
    buffer.add(1, "another message under the same packet id", 1, at=0)
    assert buffer.stored(batch) == Stale(1)
    assert buffer.take() == Batch(2, {1: "another message under the same packet id"})


def test_messages_without_packet_id_do_not_replace_each_other_and_are_not_acknowledged() -> None:
    buffer = batcher()
    buffer.add(0, "a", 1, at=0)
    buffer.add(7, "b", 1, at=0)
    buffer.add(0, "c", 1, at=0)
    batch = buffer.take()
    assert list(batch.messages.values()) == ["a", "b", "c"]
    assert buffer.stored(batch) == Acknowledge((7,))


def test_what_nobody_sends_again_is_kept_through_new_connections_until_it_is_stored() -> None:
    buffer = batcher(size=2, bound=6)
    buffer.add(0, "written", 2, at=0, owner="a")
    batch = buffer.take()
    for mid, name in ((0, "second"), (4, "with a number"), (0, "third")):
        buffer.add(mid, name, 1, at=1, owner="a")
    buffer.connected()
    assert buffer.waiting == 3
    assert list(buffer.take().messages.values()) == ["written"]
    buffer.connected()
    buffer.add(0, "fourth", 1, at=2, owner="b")
    buffer.add(5, "fifth", 2, at=2, owner="b")
    assert buffer.full
    # What was committed as its connection ended is not written again.
    assert buffer.stored(batch) == Stale(1)
    assert not buffer.full
    assert buffer.stored(batch) == Stale(1)
    left = buffer.take()
    assert list(left.messages.values()) == ["second", "fourth"]
    assert buffer.stored(left) == Acknowledge(())
    assert list(buffer.take().messages.values()) == ["third"]


def test_arrays_weigh_what_they_hold() -> None:
    buffer = batcher(size=100, bound=400)
    buffer.add(1, "array", 60, at=0)
    assert buffer.decide(0) == Wait(0.2)
    buffer.add(2, "array", 60, at=0)
    assert buffer.decide(0) == Flush("size")
    assert list(buffer.take().messages) == [1]
    buffer.add(3, "huge", 1000, at=0)
    buffer.take()
    assert list(buffer.take().messages) == [3]


def test_reading_stops_above_the_bound_until_something_is_written() -> None:
    buffer = batcher(size=3, bound=4)
    for mid in range(1, 5):
        buffer.add(mid, "x", 1, at=0)
    assert not buffer.full
    buffer.add(5, "x", 1, at=0)
    assert buffer.full
    batch = buffer.take()
    assert buffer.full
    buffer.stored(batch)
    assert not buffer.full


def test_a_heavier_copy_weighs_what_it_weighs() -> None:
    buffer = batcher(size=3, bound=4)
    buffer.add(1, "x", 1, at=0)
    buffer.add(1, "x", 5, at=0)
    assert buffer.full
    buffer.add(1, "x", 1, at=0)
    assert not buffer.full


def test_connections_are_counted() -> None:
    buffer = Batcher[str](3, 0.2, 12, 3)
    assert buffer.epoch == 0
    buffer.connected()
    assert buffer.epoch == 1


def test_an_odd_one_more_goes_to_the_second_half() -> None:
    first, second = halves(Batch(3, {1: "a", 2: "b", 3: "c"}))
    assert (first, second) == (Batch(3, {1: "a"}), Batch(3, {2: "b", 3: "c"}))


def test_where_nobody_has_sent_much_the_oldest_come_first() -> None:
    buffer = batcher(size=20, share=20, bound=100)
    for mid in range(1, 31):
        buffer.add(mid, str(mid), 1, at=0, owner=f"band-{mid}")
    assert list(buffer.take().messages) == list(range(1, 21))


def test_nothing_of_a_flood_stands_before_what_others_have_sent_since() -> None:
    buffer = batcher(size=10, bound=10_000, share=3)
    for mid in range(1, 101):
        buffer.add(mid, f"flood {mid}", 1, at=0, owner="flood")
    for mid in range(101, 105):
        buffer.add(mid, f"other {mid}", 1, at=1, owner=f"other-{mid}")
    taken = list(buffer.take().messages.values())
    assert taken == ["flood 1", "other 101", "other 102", "other 103", "other 104", "flood 2", "flood 3"]
    assert list(buffer.take().messages.values()) == ["flood 4", "flood 5", "flood 6"]


def test_large_arrays_of_one_band_wait_for_the_readings_of_others() -> None:
    buffer = batcher(size=2000, bound=8000, share=2000)
    for mid in range(1, 101):
        buffer.add(mid, "array", 1000, at=0, owner="flood", load=9)
    assert not buffer.full
    for mid in range(101, 401):
        buffer.add(mid, "reading", 1, at=1, owner=f"other-{mid}")
    assert list(buffer.take().messages.values()) == ["array"] + 300 * ["reading"]
    assert list(buffer.take().messages.values()) == ["array", "array"]


def test_one_message_may_weigh_more_than_a_share_and_nothing_of_its_band_overtakes_what_has_to_wait() -> None:
    buffer = batcher(size=10, share=2)
    for mid, (name, weight) in enumerate([("a", 5), ("a", 4), ("a", 1), ("b", 2), ("b", 2), ("b", 1)], start=1):
        buffer.add(mid, f"{name} {mid}", weight, at=0, owner=name)
    assert list(buffer.take().messages.values()) == ["a 1", "b 4"]
    assert list(buffer.take().messages.values()) == ["a 2", "b 5"]
    assert list(buffer.take().messages.values()) == ["a 3", "b 6"]


def test_repeats_are_written_with_the_first_and_cost_nothing() -> None:
    buffer = batcher(size=10, bound=1000, share=2)
    for mid in range(1, 51):
        buffer.add(mid, str(mid), 1, at=0, owner="a", same="other" if mid == 30 else "press")
    buffer.add(51, "51", 1, at=0, owner="b", same="press of b")
    batch = buffer.take()
    assert set(batch.messages) == set(range(1, 52))
    assert buffer.stored(batch) == Acknowledge(tuple(batch.messages))
    assert not buffer.waiting


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 8), st.sampled_from([None, 1, 2])), max_size=40),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_all_is_written_and_each_band_in_its_order(
    sent: list[tuple[str, int, int | None]], size: int, share: int
) -> None:
    buffer = Batcher[int](size, 1, 1000, share)
    for mid, (owner, weight, same) in enumerate(sent, start=1):
        buffer.add(mid, mid, weight, 0, owner=owner, same=None if same is None else (owner, same))
    written: list[int] = []
    while buffer.waiting:
        batch = buffer.take()
        known: set[object] = set()
        weights = {"a": 0, "b": 0, "c": 0}
        for mid in batch.messages:
            owner, weight, same = sent[mid - 1]
            if same is None or (owner, same) not in known:
                weights[owner] += weight
            known.add((owner, same))
        crowded = len(batch.messages) > 1 and sum(weights.values()) > max(size, share)
        assert not crowded or max(weights.values()) == sum(weights.values())
        written += batch.messages
        buffer.stored(batch)
    assert sorted(written) == list(range(1, len(sent) + 1))
    for name in "abc":
        mine = [mid for mid in written if sent[mid - 1][0] == name]
        firsts = [mid for mid in mine if sent[mid - 1][2] is None]
        assert firsts == sorted(firsts)


@given(st.lists(st.integers(1, 10_000), min_size=2, unique=True))
def test_halves_are_smaller_and_lose_nothing(mids: list[int]) -> None:
    batch = Batch(3, {mid: str(mid) for mid in mids})
    first, second = halves(batch)
    assert {**first.messages, **second.messages} == batch.messages
    assert 0 < len(first.messages) < len(mids)
    assert (first.epoch, second.epoch) == (3, 3)


class Line(RuleBasedStateMachine):
    """A broker with a window, that sends again after a reconnect; a database that stores parts in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = Batcher[int](size=4, age_s=1, bound=16, share=2)
        self.buffer.connected()
        self.next_message = 0
        self.next_mid = 0
        self.unacknowledged: dict[int, int] = {}
        self.stored: set[int] = set()
        self.acknowledged: set[int] = set()
        self.batches: list[Batch[int]] = []
        self.acknowledged_by_nobody: set[int] = set()

    @rule(weight=st.integers(1, 6), owner=st.sampled_from("ab"), same=st.sampled_from([None, "x", "y"]))
    def publish(self, weight: int, owner: str, same: str | None) -> None:
        if self.buffer.full or len(self.unacknowledged) >= 16:
            return
        self.next_message += 1
        self.next_mid = next(mid for mid in range(1, 40) if mid not in self.unacknowledged)
        self.unacknowledged[self.next_mid] = self.next_message
        assert self.buffer.add(self.next_mid, self.next_message, weight, at=0, owner=owner, same=same and owner + same)

    @rule(weight=st.integers(1, 3), owner=st.sampled_from("ab"))
    def publish_without_a_number(self, weight: int, owner: str) -> None:
        if not self.buffer.full:
            self.next_message += 1
            assert self.buffer.add(0, self.next_message, weight, at=0, owner=owner)
            self.acknowledged_by_nobody.add(self.next_message)

    @precondition(lambda self: self.unacknowledged)
    @rule(data=st.data())
    def send_again_on_the_live_connection(self, data: st.DataObject) -> None:
        mid = data.draw(st.sampled_from(sorted(self.unacknowledged)))
        self.buffer.add(mid, self.unacknowledged[mid], 1, at=0)

    @precondition(lambda self: self.buffer.waiting)
    @rule()
    def take(self) -> None:
        batch = self.buffer.take()
        assert batch.messages
        self.batches.append(batch)

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        batch = self.batches.pop(data.draw(st.integers(0, len(self.batches) - 1)))
        self.stored.update(batch.messages.values())
        match self.buffer.stored(batch):
            case Acknowledge(mids):
                for mid in mids:
                    self.acknowledged.add(self.unacknowledged.pop(mid))
            case Stale():
                assert batch.epoch < self.buffer.epoch

    @rule()
    def reconnect(self) -> None:
        self.buffer.connected()
        for mid, message in self.unacknowledged.items():
            assert self.buffer.add(mid, message, 1, at=0)

    @invariant()
    def only_what_is_stored_is_acknowledged(self) -> None:
        assert self.acknowledged <= self.stored

    def teardown(self) -> None:
        self.batches.clear()
        self.reconnect()
        while self.buffer.waiting:
            self.take()
            batch = self.batches.pop()
            self.stored.update(batch.messages.values())
            answer = self.buffer.stored(batch)
            assert isinstance(answer, Acknowledge)
            for mid in answer.mids:
                self.acknowledged.add(self.unacknowledged.pop(mid))
        assert self.stored == self.acknowledged | self.acknowledged_by_nobody == set(range(1, self.next_message + 1))
        assert not self.buffer.full


TestLine = Line.TestCase
