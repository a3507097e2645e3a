"""Passwords as Mosquitto's own tool writes them."""

import base64
import hashlib

from eldercare.community.enroll import hash_password


def test_a_hash_is_pbkdf2_with_sha512_and_a_salt_of_its_own() -> None:
    _, scheme, iterations, salt, digest = hash_password("secret").split("$")
    assert (scheme, iterations, len(base64.b64decode(salt))) == ("7", "101", 12)
    expected = hashlib.pbkdf2_hmac("sha512", b"secret", base64.b64decode(salt), 101)
    assert base64.b64decode(digest) == expected
    assert hash_password("secret") != hash_password("secret")
