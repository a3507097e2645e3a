"""What somebody means by a reply: a digit or some words, and maybe the code of an incident. Pure."""

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum

MAX_CODE = 2**63 - 1


class Intent(StrEnum):
    """What a person may say about an incident."""

    ACCEPT = "accept"
    PASS = "pass"  # noqa: S105  no password
    ADDRESS = "address"
    EN_ROUTE = "en_route"
    ARRIVE = "arrive"
    HANDLE = "handle"


@dataclass(frozen=True, slots=True)
class Reply:
    """`intent` None: not understood. `code` names the incident; None: none was named. `key`: the digit that said it."""

    intent: Intent | None
    code: int | None = None
    key: str | None = field(default=None, compare=False)

    def meant(self, *, desk: bool) -> Intent | None:
        """What it means from somebody who was called as one of the desk, or as anybody else."""
        return self.intent if self.key is None else by_key(self.key, desk=desk)


DIGITS = {"1": Intent.ACCEPT, "2": Intent.ADDRESS, "9": Intent.PASS}
"""The keys of a call, and the digits of a reply, of everybody but the desk."""
KEYS = frozenset({*DIGITS, "3"})
"""Every key that means something to somebody."""


def by_key(digit: str, *, desk: bool) -> Intent | None:
    """What a key of a call means: of somebody of the desk 1 is "I am handling it" and 3 is "I go". None: nothing."""
    if desk:
        return {"1": Intent.HANDLE, "3": Intent.ACCEPT}.get(digit, DIGITS.get(digit))
    return DIGITS.get(digit)


_WORDS = {
    Intent.ACCEPT: "去 我去 我能去 能去 可以去 马上去 我马上去 这就去 go yes y accept",
    Intent.PASS: "不去 我不去 不能去 我不能去 去不了 我去不了 来不了 不行 no n pass",
    Intent.ADDRESS: "地址 在哪 在哪里 哪里 address where",
    Intent.EN_ROUTE: "出发 已出发 在路上 我在路上 正在去 onmyway omw leaving",
    Intent.ARRIVE: "到 到了 已到 已到达 到达 我到了 here arrived",
}
SHORT = {
    Intent.ACCEPT: ("1", "1"),
    Intent.PASS: ("9", "9"),
    Intent.ADDRESS: ("2", "2"),
    Intent.EN_ROUTE: ("出发", "leaving"),
    Intent.HANDLE: ("在处理", "handling"),
    Intent.ARRIVE: ("到了", "arrived"),
}
"""One word for each, Chinese and English, to be said back to people who have to add which incident they mean."""
_BY_WORD = {word: intent for intent, words in _WORDS.items() for word in words.split()}
_CARRIER = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "start", "unstop", "help", "info"})
"""Words that the provider answers itself, as the law wants it; a second answer would only confuse."""
_NUMBER = re.compile(r"\d+")
_ENDINGS = "了啊吧呢的啦哦"


def understand(text: str) -> Reply:
    """The meaning of an SMS: `1`, `1 123`, `9`, `去`, `到了 123`, `１２３ 我去`.

    "好" or "OK" is no acceptance: nobody knows whether they mean "I go" or "I have read it".
    """
    plain = unicodedata.normalize("NFKC", text).lower()
    numbers = _NUMBER.findall(plain)
    word = "".join(char for char in _NUMBER.sub(" ", plain) if char.isalpha())
    intent = _BY_WORD.get(word) or _BY_WORD.get(word.rstrip(_ENDINGS))
    if len(numbers) == 2 and numbers[0] not in KEYS and numbers[1] in KEYS:
        numbers.reverse()  # "123 1"
    if intent is not None:
        return Reply(intent, _code(numbers[-1]) if numbers else None)
    if word or not 1 <= len(numbers) <= 2:
        return Reply(None)
    return Reply(DIGITS.get(numbers[0]), _code(numbers[1]) if len(numbers) == 2 else None, numbers[0])


def for_the_carrier(text: str) -> bool:
    """Whether the provider itself answers this word, such as STOP."""
    return text.strip().lower() in _CARRIER


def _code(digits: str) -> int | None:
    return int(digits) if len(digits) <= 19 and int(digits) <= MAX_CODE else None
