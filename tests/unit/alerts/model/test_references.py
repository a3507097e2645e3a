"""References: nobody guesses one, and every one passes as the part of an address."""

import re

from alerts.model import references


def test_each_is_another_and_fits_into_an_address() -> None:
    made = {references.new() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(references.PATTERN, each) for each in made)
