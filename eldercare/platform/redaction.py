"""What must not stand in a log or an error line: passwords in addresses, cookies, tokens, values of a row. Pure.

A line that hides too much is read twice; one that hides too little costs a new password. So what may be a secret goes.
"""

import re
import traceback
from collections.abc import Callable, Mapping
from typing import Any

HIDDEN = "…"
MOST = 20_000
"""Characters of a text that are looked at; what is beyond is left out."""

_WORDS = (
    "password|passwd|passphrase|pwd|secret|token|credential|authorization|cookie|signature"
    "|api[_-]?key|access[_-]?key|private[_-]?key|eldercare_session|eldercare_browser|密码|口令|令牌|密钥"
)
_SCHEME = "(?:bearer|basic|digest|token) +"
"""What stands before the secret in the header Authorization."""

# Up to the last @ before a blank or a quote: a password may hold any of / ? # : @.
_USER_AND_PASSWORD = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{0,40}://)[^\s'\"<>]{0,2000}@")
_HEADER = re.compile(
    r"(?i)((?<![\w-])(?:(?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]{0,40}(?:auth|key|token|secret|signature))\s*:)"
    r"(?!\s*b?\\*['\"])[^\r\n]+"
)
"""`Cookie: a=b; c=d`: a header's value goes to the end of its line."""
_NAMED = re.compile(
    rf"""(?isx)
    ( (?: {_WORDS} ) [\w.-]{{0,40}} (?<!_file) )                        # auth_token, PGPASSWORD, token_hash; no path
    ( \\*['"]? \s* (?: =>? | [:：] | %3D | %3A ) \s*                   # name=  name:  "name":  \"name\":
    | \\*['"] \s* , \s* (?= b?\\*['"] ) )                              # ('name', 'value')
    (?! (?: string|input|value|is|has|must|needs|should|was|cannot ) \s )  # "token: is missing" has no value
    (?: {_SCHEME.replace(" ", "[ ]")} )?
    (?: {HIDDEN} (?! \w )
    | (?: b?(?P<open> \\*['"] ) (?: (?! (?<! \\ ) (?P=open) ) . )* (?: (?P=open) | $ )  # quoted; cut off, to the end
        | \[ [^\]]* \]? | \{{ [^}}]* \}}? | \( [^)]* \)? ) [^\s,;'"\\\]}})]*            # several
    | \S+ (?: (?<=;) \s* [\w.-]+ = \S* )* )                            # a=b; c=d
    """
)
_BARE = re.compile(
    r"(?s)-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)"
    r"|(?i:\bbearer +)(?!token\b)[^\s'\"]+"
    r"|(?i:\bbasic +)(?=[^\s'\"]*[0-9A-Z=])[^\s'\"]{6,}"
    r"|\$argon2\w+\$[^\s'\"]+|\$[67]\$[^\s'\"]+"
    r"|(?<![\w-])(?=[\w-]*\beyJ[\w-]{5})[\w-]++\.[\w-]++\.[\w-]*"
    r"|(?<![0-9A-Za-z])(?:AC|SK)?[0-9a-f]{32}(?![0-9A-Za-z])"
)
"""What is known by its look, under whatever name: keys, headers without their name, hashes of passwords, signed tokens,
and the account of the telephone provider with its token."""
_OF_PYDANTIC = re.compile(r"(?s)(\binput_value=).*?(?=, input_type=|$)")
"""pydantic repeats what it was given."""
_OF_POSTGRESQL = re.compile(r"(?s)((?:^|\n|\\n)[^\S\n]*(?:DETAIL|CONTEXT|QUERY|STATEMENT|LINE \d+):).*")
"""The further lines of PostgreSQL name the values of a row. Blanks after a newline hold no newline: each is looked at
once."""
_SECRET_KEY = re.compile(rf"(?i){_WORDS}|browser")


def redacted(text: str) -> str:
    """`text` without user and password of the addresses in it, and without what is named as a secret or looks so."""
    text = text if len(text) <= MOST else text[:MOST] + HIDDEN
    text = _OF_PYDANTIC.sub(rf"\1{HIDDEN}", _OF_POSTGRESQL.sub(rf"\1 {HIDDEN}", text))
    text = _HEADER.sub(rf"\1 {HIDDEN}", _USER_AND_PASSWORD.sub(rf"\1{HIDDEN}@", text))
    return _BARE.sub(HIDDEN, _NAMED.sub(rf"\1\2{HIDDEN}", text))


def redacted_values(values: Mapping[Any, Any]) -> dict[Any, Any]:
    """The values of a log line: one under a secret's name is hidden, texts in it are `redacted`."""
    return {
        key: HIDDEN if _SECRET_KEY.search(_shown(str, key)) and value is not None else _value(value)
        for key, value in values.items()
    }


def _value(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redacted(value)
        case Mapping():
            return redacted_values(value)
        case list() | tuple():
            return [_value(each) for each in value]
        case BaseException():
            return told(value)
        case _:
            return redacted(_shown(repr, value))  # as whatever writes the line would write it


def _shown(how: Callable[[Any], str], value: Any) -> str:
    """`value` as it shows itself. One that cannot does not keep the line from being written."""
    try:
        return how(value)
    except Exception as error:
        return f"<{type(value).__name__} cannot be shown: {type(error).__name__}>"


_LONGEST = 500
"""Characters of the words of an error."""
_ABOUT_VALUES = ("22", "23", "P0")
"""Classes of SQLSTATE whose own words may repeat a value: data, integrity, what a trigger refuses."""
_NAMED_BY_POSTGRESQL = ("schema_name", "table_name", "column_name", "datatype_name", "constraint_name")


def told(error: BaseException) -> str:
    """What went wrong, without what somebody had handed in: an error of the database by its SQLSTATE and what it is
    about, one of pydantic by its fields, every other by its `redacted` words."""
    kind = type(error).__name__
    if hasattr(error, "sqlstate") and hasattr(error, "diag"):
        return " ".join((kind, *_told_by_the_database(error)))
    if callable(errors := getattr(error, "errors", None)):
        return f"{kind} {_told_by_pydantic(errors())}"
    words = _in_one_line(_shown(str, error))
    return f"{kind}: {words}" if words else kind


def _in_one_line(text: str) -> str:
    return " ".join(redacted(text).split())[:_LONGEST]


def _told_by_the_database(error: Any) -> list[str]:
    said = error.diag
    about = [f"{name.removesuffix('_name')}={value}" for name in _NAMED_BY_POSTGRESQL if (value := getattr(said, name))]
    if error.sqlstate is None:
        # The client says that nothing answers or, of data, what the value was.
        return [] if "Data" in type(error).__name__ else [_in_one_line(str(error))]
    words = [] if error.sqlstate.startswith(_ABOUT_VALUES) else [_in_one_line(said.message_primary or str(error))]
    return [error.sqlstate, *about, *words]


def _told_by_pydantic(errors: Any) -> str:
    try:
        return ", ".join(f"{'.'.join(map(str, each['loc']))}: {each['type']}" for each in errors)
    except (TypeError, KeyError):
        return ""


def traceback_of(error: BaseException | None) -> str:
    """Where an error came from, and the ones before it, each as it is `told`."""
    found: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        found.append("".join(traceback.format_tb(error.__traceback__)) + told(error))
        if isinstance(error, BaseExceptionGroup):
            found[-1] += "".join(f"\n| {line}" for each in error.exceptions for line in traceback_of(each).splitlines())
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\nafter which:\n\n".join(reversed(found))


def check_user_and_password(url: str) -> None:
    """Refuse an address whose user or password holds a sign that ends them, unless written as %2F, %3F, %23.

    What stands behind it would be taken for host, port or path, and be printed when that is wrong. Raises ValueError,
    which holds nothing of it.
    """
    user_and_password = url.partition("://")[2].rpartition("@")[0]
    if any(sign in user_and_password for sign in "/?#"):
        raise ValueError("has / ? or # in its user or password: write them as %2F, %3F, %23")
