"""Whose turn it is: a crowd waits for itself."""

from api.fairness import Fair, Limits, Ticket

LIMITS = Limits(at_once=2, each_at_once=1, each_waiting=3, waiting=5)


def ask(fair: Fair, key: str) -> Ticket:
    ticket = fair.ask(key).ticket
    assert ticket is not None
    return ticket


def test_as_many_go_in_as_there_are_places() -> None:
    fair = Fair(Limits(at_once=2, each_at_once=2, each_waiting=3, waiting=5))
    first, second, third = (ask(fair, "crowd") for _ in range(3))
    assert [first.called, second.called, third.called] == [True, True, False]
    assert fair.done(first) == [third]


def test_nobody_takes_more_than_their_share() -> None:
    fair = Fair(LIMITS)
    assert [ask(fair, "crowd").called for _ in range(2)] == [True, False]
    assert ask(fair, "alone").called


def test_the_keys_take_turns_whatever_the_length_of_their_queues() -> None:
    fair = Fair(Limits(at_once=1, each_at_once=1, each_waiting=3, waiting=5))
    inside = ask(fair, "crowd")
    waiting = [ask(fair, "crowd") for _ in range(3)]
    alone, other = ask(fair, "alone"), ask(fair, "other")
    for expected in (waiting[0], alone, other, waiting[1], waiting[2]):
        assert fair.done(inside) == [expected]
        inside = expected
    assert fair.done(inside) == []


def test_whoever_has_their_share_is_passed_over() -> None:
    fair = Fair(LIMITS)
    crowd, alone = ask(fair, "crowd"), ask(fair, "alone")
    ask(fair, "crowd")
    other = ask(fair, "other")
    assert fair.done(alone) == [other]
    assert not fair.done(other)
    assert [ticket.key for ticket in fair.done(crowd)] == ["crowd"]


def test_too_many_of_one_are_turned_away() -> None:
    fair = Fair(LIMITS)
    for _ in range(4):
        ask(fair, "crowd")
    assert fair.ask("crowd").ticket is None


def test_who_comes_alone_to_a_full_house_takes_the_place_of_the_last_of_the_longest_queue() -> None:
    fair = Fair(LIMITS)
    inside = [ask(fair, "crowd"), ask(fair, "many")]
    crowd = [ask(fair, "crowd") for _ in range(3)]
    many = [ask(fair, "many") for _ in range(2)]
    asked = fair.ask("alone")
    assert asked.displaced is crowd[-1]
    assert asked.ticket is not None
    assert fair.ask("alone").ticket is None  # no longer alone: nobody's queue is longer by more than one
    assert not fair.done(crowd[-1])  # turned away, it has no place to give back
    assert [fair.done(ticket) for ticket in (*inside, crowd[0])] == [[crowd[0]], [many[0]], [asked.ticket]]


def test_who_gives_up_leaves_the_queue() -> None:
    fair = Fair(LIMITS)
    inside = ask(fair, "crowd")
    gave_up, patient = ask(fair, "crowd"), ask(fair, "crowd")
    assert fair.done(gave_up) == []
    assert fair.done(inside) == [patient]
    assert fair.done(patient) == []
    assert ask(fair, "crowd").called
