"""What somebody means by a reply: a digit or some words, and maybe the code of an incident. Pure.

A text is brought to one way of writing, numbers that count something (clock times, dates, durations, telephones, house
numbers) are set aside, clauses are cut into the words of `alerts.replies.words`, and what they say together is decided
with a reason. A leading 1, 3 or 9 decides unless the words contradict it. A text that is not plain means nothing, and
the person is asked back: to take somebody for going who is not can cost a life, and to ask costs a text.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from alerts.replies.words.patterns import PATTERNS
from alerts.replies.words.word import Word
from alerts.replies.words.writing import plain

MAX_CODE = 2**63 - 1
MOST_CHARS = 400
"""Only the beginning of a longer text is read."""


class Intent(StrEnum):
    """What a person may say about an incident."""

    ACCEPT = "accept"
    DECLINE = "pass"
    ADDRESS = "address"
    EN_ROUTE = "en_route"
    ARRIVE = "arrive"
    HANDLE = "handle"
    DONE = "done"
    HOSPITAL = "hospital"
    FALSE_ALARM = "false_alarm"


OUTCOMES = frozenset({Intent.DONE, Intent.HOSPITAL, Intent.FALSE_ALARM})
"""How it ended: that is the owner's to say."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`intent` None: not understood. `code` names the incident; None: none was named.

    `key` is the digit that said it; `reason` names how it was understood, or why it was not.
    """

    intent: Intent | None
    code: int | None = None
    key: str | None = field(default=None, compare=False)
    reason: str = field(default="", compare=False)

    def meant(self, *, desk: bool) -> Intent | None:
        """What it means from somebody who was called as one of the desk, or as anybody else."""
        return self.intent if self.key is None else by_key(self.key, desk=desk)


DIGITS = {"1": Intent.ACCEPT, "2": Intent.ADDRESS, "9": Intent.DECLINE}
"""The keys of a call, and the digits of a reply, of everybody but the desk."""
KEYS = frozenset({*DIGITS, "3"})
"""Every key that means something to somebody."""


def by_key(digit: str, *, desk: bool) -> Intent | None:
    """What a key of a call means; None: nothing. From somebody of the desk, 1 is "I am handling it" and 3 is "I go"."""
    if desk:
        return {"1": Intent.HANDLE, "3": Intent.ACCEPT}.get(digit, DIGITS.get(digit))
    return DIGITS.get(digit)


SHORT = {
    Intent.ACCEPT: ("1", "1"),
    Intent.DECLINE: ("9", "9"),
    Intent.ADDRESS: ("2", "2"),
    Intent.EN_ROUTE: ("出发", "leaving"),
    Intent.HANDLE: ("在处理", "handling"),
    Intent.ARRIVE: ("到了", "arrived"),
    Intent.DONE: ("完成", "done"),
    Intent.HOSPITAL: ("送医院了", "in hospital"),
    Intent.FALSE_ALARM: ("误报", "false alarm"),
}
"""One word for each, Chinese and English, to be said back to people who have to add which incident they mean."""
_CARRIER = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "start", "unstop", "help", "info"})
"""Words that the provider answers itself, as the law wants it; a second answer would only confuse."""

_SIGNATURE = re.compile(
    r"^(?:--+|—{2,}|_{3,}|\*{3,}|>|发自|来自我的|发送自|此致|敬礼|祝好|sent from|best regards|"
    r"kind regards|regards|best,|cheers,|"
    r"on .*wrote:|.*写道|from:|发件人|原始邮件|-+ ?original)"
)
"""Where what is written by hand ends."""
_NUMERAL = "[一二两三四五六七八九十半几]{1,3}"
_DURATION = re.compile(
    rf"(?:\d{{1,3}}(?:[-~到至]\d{{1,3}})?|{_NUMERAL}|\b(?:a|an|one|two|three|four|five|six|seven|"
    rf"eight|ten|fifteen|twenty|thirty|few)\b|half)"
    r"\s*(?:个)?(?:多)?\s*(?:分钟|分|刻钟|小时|钟头|秒|minutes?|mins?|min\b|m\b|hours?|hrs?|h\b|"
    r"seconds?)(?:半)?|半小时|半个小时|\bin \d{1,2}(?= *$|[,.!;])"
)
_COUNTED = re.compile(
    r"\+\d[\d -]{6,}|\b1[3-9]\d(?:[ -]?\d{4}){2}\b|\b0\d{2,3}[ -]?\d{7,8}\b|\b\d{3,4}-\d{3,4}-?\d{0,4}\b"  # telephones
    r"|\d{1,2}[:：]\d{2}(?:[:：]\d{2})?(?: ?[ap]\.?m\b)?|\d{1,2}(?:点|时)(?:\d{1,2}分?|半|一刻|三刻|钟|整|多)?|"
    r"\b\d{1,2} ?[ap]\.?m\b"  # times
    r"|\d{2,4}年(?:\d{1,2}月)?(?:\d{1,2}[日号])?|\d{1,2}月\d{1,2}[日号]?|"
    r"\b\d{2,4}[-/.]\d{1,2}[-/.]\d{1,4}\b|\b\d{1,2}/\d{1,2}\b"
    r"|\d+(?:\.\d+)?\s*(?:路|巷|米|公里|里路|km\b|岁|块|元|个|人|次|位|度|床|遍|年|天|"
    r"号(?=[一-鿿])|%|bpm\b|st\b|nd\b|rd\b|th\b|(?:th |st |nd |rd )?floor\b)"
    r"|\d+\.\d+"
)
_HOURS = re.compile(
    r"(?:\d{1,3}|[一二两三四五六七八九十几]{1,3}|\b(?:an?|one|two|three|four|five|"
    r"six)\b)\s*个?(?:多|半)?\s*(?:小时|钟头|hours?|hrs?\b|h\b)"
)
"""Hours from now is not now. Half an hour is."""
_OCLOCK = r"(?:\d{1,2}|[一二两三四五六七八九十]{1,3})(?:点|时)(?:\d{1,2}分?|半|一刻|三刻|钟|整|多)?"
_COLON = r"\d{1,2}[:：]\d{2}"
_SOON = r"(?:左右|之?前|以?后|之后|能|会|再|才|就|可以|准)"
_LATER = re.compile(
    # "14:05到" is how an arrival is noted; with 点, 我 or 能 it is how one is announced.
    rf"(?:{_OCLOCK}|我\s*{_COLON}|{_COLON}\s*{_SOON})\s*{_SOON}*\s*我?\s*{_SOON}*\s*(?:赶|走)?"
    r"\s*(?:到|去|来|过去|过来|出发|回)(?!了|达了)"
    r"|\b(?:will|be|come|go|coming|going|leave|leaving)\b[^,.!;]{0,24}?"
    r"\b(?:at|by|around|about|after) \d{1,2}(?::\d{2})?(?: ?[ap]\.?m\b)?(?= *$|[,.!;])"
    r"|(?:忙|办|做|弄|吃|开|干|下|买|接|上|洗|睡|打|处理)(?:完|好|过)[一-鿿]{0,4}?(?:就|再|后|才)"
    r"|晚[点些]|晚一[点些]|[等待过]一?会儿?(?:再|就|去|来|过)|半夜|明[天早晚]|后天|(?:一|改)天再"
    r"|\b(?:later|tomorrow|afterwards|when i am (?:done|finished|off|free)|"
    r"after (?:work|lunch|dinner|school))\b"
    r"|\bwould (?:go|come)\b|(?:但是?|不过|可是|\bbut)[\s.。…]*$"
)
"""What is meant for later, or only wished, is not meant now: whoever goes after work, or tomorrow, is asked back."""
_DAYS = re.compile(
    r"(?<!刚)下了?[班课](?:后|以后|之后|了)?|放了?学|周[一二三四五六日天末]|星期[一二三四五六日天]|礼拜[一二三四五六日天]?|过[一两几]天|有空(?:了|的时候)?(?=我|再|就|去|来)"
    r"|吃[了过完]饭|天亮|\b(?:on |this |next |every )?(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b"
    r"|\b(?:this|next|the|at the) weekend\b|\bnext (?:week|time)\b|\bonce i\b|\bwhen i (?:get|finish|leave|come)\b"
)
"""Another time than now."""
_EXPECTED = re.compile(
    rf"(?:预计|预估|大概|大约|约|差不多|最晚|争取)\s*(?:{_OCLOCK}|{_COLON})\s*(?:左右|能|可以|前|之前)*\s*(?:赶|送)?(?:到达?|来|过来|过去)"
)
"""When they think that they will be there."""
_HOUSE = re.compile(r"(?:\d+\s*(?:号?楼|单元|号?室|号院|弄|层|栋|幢|号门|门)(?:\d+号?)?)+")
_AMBULANCE = re.compile(r"(?<=[叫打拨等])1(?:20|10|19)|\b1(?:20|10|19)(?=[在已来到接拉把送车还马快刚会要])")
_BEHIND = re.compile(r"^((\D{1,12}?)[\s,，。:：]*)([1239])(?!\d)")
_NUMBER = re.compile(r"\d+")
_LEADING = re.compile(
    r"^(?:我?(?:回复?|按|选择?|答)|reply|press(?:ed)?|option|key)?\s*[\"'“#【\[(（]?([1239])(?!\d)(?!\s*(?:分|点|号|楼|个|月|年|天|周|日|小时|层|岁|米|公里|刻|块|元|栋|单元|室|弄|位|人|名))"
)
_NAMED_CODE = re.compile(r"(?:编号|警报|报警|事件|号码|no\.?|number|alarm|incident|code|#)\s*[:：#]?\s*(\d+)")
_CLAUSES = re.compile(
    r"[。！!；;，,、\n…~～.:：()（）\"“”]+|(?<=[一-鿿]) +(?=[一-鿿])|\bbut\b|但是?|不过(?![去来])|可是|(?<=[?？])"
)


def understand(text: str) -> Reply:
    """The meaning of an SMS: `1`, `1 123`, `9`, `1 我去`, `到了 123`, `１２３ 我去`, `在路上了`, `false alarm`.

    "好" or "OK" is no acceptance: nobody knows whether they mean "I go" or "I have read it".
    """
    whole = plain(_by_hand(unicodedata.normalize("NFKC", text[:MOST_CHARS])))
    whole = _AMBULANCE.sub("救护车", whole)
    whole = _HOUSE.sub("楼下", whole)
    marked = _COUNTED.sub(
        " ", _DURATION.sub("§", _HOURS.sub("¢", _LATER.sub("¤", _DAYS.sub("¢", _EXPECTED.sub("£", whole)))))
    )
    numbers = _NUMBER.findall(marked)
    words = _NUMBER.sub(" ", marked)
    said = _clauses(words)
    spoken = any(said)
    meaning, reason = _together(said)
    lead = _LEADING.match(marked) or _after_thanks(marked)
    key = lead.group(lead.lastindex or 1) if lead else None
    if key is None and not spoken and len(numbers) == 2 and numbers[1] in KEYS and numbers[0] not in KEYS:
        key, numbers = numbers[1], [numbers[1], numbers[0]]  # "123 1"
    if key is not None:
        return _with_key(key, meaning, reason, said, numbers, marked)
    if meaning is None:
        return Reply(None, None, None, reason)
    return Reply(meaning, _code_among(marked, numbers, meaning), None, reason)


def for_the_carrier(text: str) -> bool:
    """Whether the provider itself answers this word, such as STOP."""
    return text.strip().lower() in _CARRIER


def _by_hand(text: str) -> str:
    """The text without the signature below, and without pictures and the combining marks of keycaps."""
    kept: list[str] = []
    for line in text.replace("\r", "\n").split("\n"):
        if kept and _SIGNATURE.match(line.strip().lower()):
            break
        kept.append("".join(char for char in line if unicodedata.category(char) not in ("Mn", "Me", "Cf", "So", "Sk")))
    return "\n".join(line.strip() for line in kept).strip()


def _after_thanks(marked: str) -> re.Match[str] | None:
    """A key behind nothing but "好的，" or "收到 "."""
    found = _BEHIND.match(marked)
    if found is None or {word for clause in _clauses(found.group(2)) for word, _ in clause} - {
        Word.ACKNOWLEDGED,
        Word.YES,
    }:
        return None
    return found


def _clauses(words: str) -> list[list[tuple[Word, str]]]:
    return [_cut(clause.strip()) for clause in _CLAUSES.split(words) if clause.strip(" \t'-_/*")]


def _cut(clause: str) -> list[tuple[Word, str]]:
    """The words of a clause in order, with how they are written; a question mark makes a question of it."""
    found: list[tuple[Word, str]] = []
    asks = clause.endswith("?")
    clause = clause.rstrip("? ")
    if not asks and _GOING_ON.search(clause):
        clause = clause.rstrip("呢")
    at = 0
    while at < len(clause):
        if clause[at].isspace():
            at += 1
            continue
        word, end = _at(clause, at)
        found.append((word, clause[at:end]))
        at = end
    return [*found, (Word.ASKS, "?")] if asks else found


_GOING_ON = re.compile("(?:正|在|着).*呢$")
"""What is going on, and no question."""


def _at(clause: str, at: int) -> tuple[Word, int]:
    for word, pattern in _COMPILED:
        match = pattern.match(clause, at)
        if match and match.end() > at:
            return word, match.end()
    other = _OTHER.match(clause, at)
    return Word.OTHER, other.end() if other else at + 1


_COMPILED = tuple((word, re.compile(pattern)) for word, pattern in PATTERNS)
_OTHER = re.compile(r"[a-z0-9']+")

_MEANS = {
    Word.GO: Intent.ACCEPT,
    Word.SET_OUT: Intent.EN_ROUTE,
    Word.THERE: Intent.ARRIVE,
    Word.CANNOT: Intent.DECLINE,
    Word.DONE: Intent.DONE,
    Word.HOSPITAL: Intent.HOSPITAL,
    Word.MISTAKE: Intent.FALSE_ALARM,
    Word.HANDLING: Intent.HANDLE,
}
_FURTHEST = (
    Intent.FALSE_ALARM, Intent.HOSPITAL, Intent.DONE, Intent.ARRIVE, Intent.EN_ROUTE, Intent.ACCEPT, Intent.HANDLE,
)  # fmt: skip
"""If several agree, the first of these counts: it says the most."""
_UNSURE = frozenset(
    {Word.ASKS, Word.DOUBT, Word.SOMEBODY_ELSE, Word.NEED, Word.ELSEWHERE, Word.ETA, Word.TODAY, Word.NOBODY}
)
_HARMLESS = {
    Intent.DECLINE: {Word.NEED, Word.ELSEWHERE, Word.TODAY},
    Intent.ARRIVE: {Word.NOBODY},
    Intent.DONE: {Word.ELSEWHERE},
    Intent.FALSE_ALARM: {Word.ELSEWHERE},
    Intent.HOSPITAL: {Word.ELSEWHERE},
}
"""What contradicts nothing in the same clause: somebody who cannot go is elsewhere, and asks for others."""


def _together(clauses: Sequence[Sequence[tuple[Word, str]]]) -> tuple[Intent | None, str]:
    """What the clauses come to, and why."""
    meanings: set[Intent] = set()
    asks_where = False
    doubts: set[Word] = set()
    for clause in clauses:
        words = [word for word, _ in clause]
        meant = {_MEANS[word] for word in words if word in _MEANS}
        if Word.ADDRESS in words:
            if meant:
                return None, "asks"
            asks_where = True
            continue
        unsure = _UNSURE.intersection(words)
        if len(meant) == 1:
            unsure = unsure - _HARMLESS.get(next(iter(meant)), set())
        if unsure and meant:
            return None, min(unsure)
        if unsure:
            doubts |= unsure
            continue
        if Word.NOT in words and meant:
            return None, "negated"
        if _of_others(clause):
            return None, "somebody_else"
        if Word.OTHER in words and meant and not (_refuses(clause) if meant == {Intent.DECLINE} else _carries(clause)):
            return None, "not_plain"
        meanings |= meant
    if doubts and not _whatever_else(meanings, doubts):
        return None, min(doubts)
    if not meanings:
        return (Intent.ADDRESS, "address") if asks_where else (None, "says_nothing")
    if Intent.DECLINE in meanings:
        return (Intent.DECLINE, "cannot") if meanings == {Intent.DECLINE} else (None, "contradicts_itself")
    if Intent.FALSE_ALARM in meanings and meanings & {Intent.ACCEPT, Intent.EN_ROUTE, Intent.HANDLE}:
        return None, "contradicts_itself"
    if Intent.DONE in meanings and Intent.ARRIVE not in meanings and meanings & {Intent.ACCEPT, Intent.EN_ROUTE}:
        return None, "contradicts_itself"  # another thing is done, and now they go
    furthest = next(intent for intent in _FURTHEST if intent in meanings)
    return furthest, furthest.value


def _whatever_else(meanings: set[Intent], doubts: set[Word]) -> bool:
    """Whether the doubts of other clauses change nothing: who cannot go cannot, whatever they ask or want, and who is
    on the way may say when they think to be there."""
    if meanings == {Intent.DECLINE}:
        return not doubts & {Word.SOMEBODY_ELSE, Word.NOBODY}
    if meanings == {Intent.ARRIVE}:
        return doubts == {Word.NOBODY}
    if meanings == {Intent.EN_ROUTE}:
        return doubts == {Word.ETA}
    return doubts == {Word.ELSEWHERE} and bool(meanings) and meanings <= OUTCOMES


def _of_others(clause: Sequence[tuple[Word, str]]) -> bool:
    """Whether somebody else is named right before the word of who goes or is there, as in "有人在她家"."""
    before = ""
    for word, written in clause:
        if word in _ACTIONS and _OTHERS.search(before) and not _MINE.match(written):
            return True
        before = f"{before} {written}" if word is Word.PLAIN else ""
    return False


_OTHERS = re.compile(
    r"(?:^| )(?:有 人|有人|[他她它](?: 们)?|老人家?|老太太?|阿姨|奶奶|爷爷|[你您](?: 们)?|he|"
    r"she|they|you)(?: 自己)?(?: (?:已经?|现在|就|is|are))*$"
)


def _refuses(clause: Sequence[tuple[Word, str]]) -> bool:
    """Whether "cannot" stands for itself: they may be unable to do another thing, such as open the door."""
    pairs = pairwise(clause)
    return not any(_OPEN.search(written) and after is Word.OTHER for (_, written), (after, _) in pairs)


_OPEN = re.compile(r"(?:cannot|will not|would not|unable to|able to)$")


def _carries(clause: Sequence[tuple[Word, str]]) -> bool:
    """Whether a clause is plain although it holds unknown words: these are few, none is beside what is meant, and the
    writer is said to go or be there where somebody else could be named before it."""
    words = [word for word, _ in clause]
    unknown = [place for place, word in enumerate(words) if word is Word.OTHER]
    for place, (word, written) in enumerate(clause):
        if word not in _MEANS:
            continue
        if place + 1 in unknown or (place - 1 in unknown and word is not Word.MISTAKE):
            return False
        mine = _MINE.match(written) or (place > 0 and _MINE.match(clause[place - 1][1]))
        if word in _ACTIONS and not mine:
            return False
    return len(unknown) <= MOST_UNKNOWN


MOST_UNKNOWN = 4
_ACTIONS = (Word.GO, Word.SET_OUT, Word.THERE)
_MINE = re.compile(r"我|俺|咱|(?:i|we)\b")


def _with_key(
    key: str,
    meaning: Intent | None,
    reason: str,
    said: Sequence[Sequence[tuple[Word, str]]],
    numbers: Sequence[str],
    marked: str,
) -> Reply:
    """A leading key decides, unless the words contradict it."""
    own = {"1": Intent.ACCEPT, "3": Intent.ACCEPT, "9": Intent.DECLINE, "2": Intent.ADDRESS}[key]
    heard = {word for clause in said for word, _ in clause}
    agrees = {
        Intent.ACCEPT: {Intent.ACCEPT, Intent.EN_ROUTE, Intent.ARRIVE, Intent.HANDLE},
        Intent.DECLINE: {Intent.DECLINE},
        Intent.ADDRESS: {Intent.ADDRESS},
    }[own]
    doubtful = {Word.ASKS, Word.SOMEBODY_ELSE, Word.DOUBT, Word.NOT} if own is Intent.ACCEPT else {Word.ASKS}
    if own is Intent.ADDRESS:
        doubtful = set()
    if own is Intent.DECLINE:
        doubtful = doubtful | {Word.YES}
    if (meaning is not None and meaning not in agrees) or reason == "contradicts_itself" or heard & doubtful:
        return Reply(None, None, None, "contradicts_the_key")
    rest = list(numbers)
    rest.remove(key)
    if len(rest) > 1 and not any(said):
        return Reply(None, None, None, "too_many_numbers")
    code = _code_among(marked, rest, None)
    return Reply(DIGITS.get(key), code, key, "key")


def _code_among(marked: str, numbers: Sequence[str], meaning: Intent | None) -> int | None:
    """The number that names an incident: the one that is called so, else the only one."""
    named = _NAMED_CODE.search(marked)
    if named:
        return _code(named.group(1))
    if len(numbers) != 1:
        return None
    if meaning is not None and DIGITS.get(numbers[0]) is meaning:
        return None  # "我去 1": the key behind the words
    return _code(numbers[0])


def _code(digits: str) -> int | None:
    return int(digits) if len(digits) <= 19 and int(digits) <= MAX_CODE else None
