"""One address, one text."""

import pytest

from eldercare.platform.origins import normalised, origin


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://care.example", "https://care.example"),
        ("HTTPS://Care.EXAMPLE:443/Base/", "https://care.example/Base/"),
        ("http://care.example:80", "http://care.example"),
        ("http://care.example:443", "http://care.example:443"),
        ("https://看护.example", "https://xn--3ru076b.example"),
        ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
        ("http://[2001:DB8::1]:8000", "http://[2001:db8::1]:8000"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://under_score.example", "https://under_score.example"),
    ],
)
def test_the_same_address_is_the_same_text(url: str, expected: str) -> None:
    assert normalised(url) == expected
    assert normalised(expected) == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("care.example", "http"),
        ("ftp://care.example", "http"),
        ("https://", "host"),
        ("https://user@care.example", "user"),
        ("https://care.example:99999", "range"),
        ("https://\u2488看.example", "host"),
    ],
)
def test_what_is_no_address_says_why(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        normalised(url)
    assert origin(url) is None


def test_an_origin_is_an_address_without_its_path() -> None:
    assert origin("https://Care.example:443/a?b=1") == "https://care.example"
    assert origin("null") is None
