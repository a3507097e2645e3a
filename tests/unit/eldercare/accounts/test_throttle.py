"""How long guessing waits, and who counts as one guesser."""

from datetime import timedelta

import pytest

from eldercare.accounts.throttle import FREE, LONGEST, network, wait


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (FREE - 1, 0), (FREE, 2), (FREE + 1, 4), (FREE + 4, 32), (FREE + 5, 60), (FREE + 100_000, 60)],
)
def test_the_wait_doubles_up_to_the_longest(failures: int, seconds: int) -> None:
    assert wait(failures) == timedelta(seconds=seconds) <= LONGEST


@pytest.mark.parametrize(
    ("address", "known_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_customer_of_ipv6_is_one_source(address: str, known_as: str) -> None:
    assert network(address) == known_as
