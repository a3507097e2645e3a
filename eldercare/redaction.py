"""What must not stand in a log or an error line: passwords in addresses, cookies, tokens. Pure."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "…"
# Up to the last @ before a blank or a quote: a password may hold any of / ? # : @.
_USER_AND_PASSWORD = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s'\"<>]*@")
_NAMED = re.compile(r"(?i)\b(password|passwd|secret|token|authorization|cookie)(\s*[=:]\s*)('[^']*'|\"[^\"]*\"|\S+)")
_SECRET_KEY = re.compile(r"(?i)password|passwd|secret|token|authorization|cookie|browser|api_?key")


def redacted(text: str) -> str:
    """`text` without user and password of the addresses in it, and without what is named as a secret."""
    return _NAMED.sub(rf"\1\2{HIDDEN}", _USER_AND_PASSWORD.sub(rf"\1{HIDDEN}@", text))


def redacted_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a log line: what a secret's name stands over is hidden, texts in it are `redacted`."""
    return {
        key: HIDDEN if _SECRET_KEY.search(key) and value is not None else _value(value) for key, value in values.items()
    }


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return redacted_values(value)
    if isinstance(value, list | tuple):
        return [_value(each) for each in value]
    return value


def check_user_and_password(url: str) -> None:
    """Refuse an address whose user or password holds a sign that ends them, unless written as %2F, %3F, %23.

    What stands behind it would be taken for host, port or path, and be printed when that is wrong. Raises ValueError,
    which holds nothing of it.
    """
    user_and_password = url.partition("://")[2].rpartition("@")[0]
    if any(sign in user_and_password for sign in "/?#"):
        raise ValueError("has / ? or # in its user or password: write them as %2F, %3F, %23")
