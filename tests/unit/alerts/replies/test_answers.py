"""Hundreds of answers in many registers, Chinese (simplified, traditional, some Cantonese) and English."""

from pathlib import Path

import pytest

from alerts.replies.parse import DIGITS, Intent, Reply, by_key, understand

GOING, ASK_BACK = "going", "ask back"
MEANS = {
    GOING: {Intent.ACCEPT, Intent.EN_ROUTE},
    "there": {Intent.ARRIVE},
    "cannot": {Intent.DECLINE},
    "done": {Intent.DONE},
    "false alarm": {Intent.FALSE_ALARM},
    ASK_BACK: {None},
}


def answers() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (Path(__file__).parent / "answers.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            lot = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lot.append(line.replace("\\n", "\n"))
    return found


ANSWERS = answers()


@pytest.mark.parametrize("kind", MEANS)
def test_what_people_write_is_understood(kind: str) -> None:
    assert len(ANSWERS[kind]) > 30
    wrong = {text: understand(text) for text in ANSWERS[kind] if understand(text).intent not in MEANS[kind]}
    assert not wrong


@pytest.mark.parametrize(
    "text",
    ["已经送医院了", "救护车接走了", "120把老人拉走了", "送咗去醫院", "送去市一院急诊了", "老人已送人民医院",
     "已叫救护车送医院了",
     "taken to hospital by ambulance", "She's been taken to hospital", "Ambulance took her to hospital"],
)  # fmt: skip
def test_who_was_taken_to_hospital_is_understood(text: str) -> None:
    assert understand(text).intent is Intent.HOSPITAL


@pytest.mark.parametrize("text", ["I'm in hospital", "I am at the hospital", "去医院", "我在医院"])
def test_who_is_in_hospital_may_be_whoever_writes(text: str) -> None:
    assert understand(text).intent is None


@pytest.mark.parametrize(
    "text", ["yes", "Yes.", "YES!", "yep", "yeah", "Y", "yes yes", "Yes, thanks", "是的", "对", "行"]
)
def test_a_bare_yes_accepts_nothing(text: str) -> None:
    """The text says which digits mean what, and asks no question that yes would be the answer to."""
    assert understand(text).intent is None
    assert understand(f"1 {text}").intent is Intent.ACCEPT
    assert understand(f"{text}, 1").intent is Intent.ACCEPT


def test_a_code_with_it_changes_nothing_of_what_is_meant() -> None:
    for kind in ("going", "there", "cannot", "done", "false alarm"):
        for text in ANSWERS[kind]:
            if not any(char.isnumeric() for char in text) and "\n" not in text and "§" not in text:
                assert understand(f"{text} 123").intent in MEANS[kind], text
                assert understand(f"{text}，编号123").code == 123, text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("我到了 12:30", None),
        ("我到了 12：30", None),
        ("我到了，12点半", None),
        ("11月28日我到了", None),
        ("2026-11-28 到了", None),
        ("我到了 13800138000", None),
        ("到了，电话 021-62345678", None),
        ("到了 +86 138 0013 8000", None),
        ("我到3号楼了", None),
        ("到了，502室", None),
        ("10分钟后到", None),
        ("I'm on my way, 5 min", None),
        ("arrived at 12:30", None),
        ("arrived 3pm", None),
        ("我到了 12", 12),
        ("到了，编号 12，12:30", 12),
        ("alarm 12: arrived 3:15 pm", 12),
        ("1 12:30", None),
        ("1 13800138000", None),
        ("1，12", 12),
        ("1 我去 12", 12),
        ("我去 1", None),
        ("9 不去 12", 12),
        ("120来接了，到了", None),
    ],
)
def test_what_counts_something_is_no_code(text: str, code: int | None) -> None:
    assert understand(text).code == code


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "says_nothing"),
        ("1 去不了", "contradicts_the_key"),
        ("能去，去不了", "contradicts_itself"),
        ("误报，我去看看", "contradicts_itself"),
        ("不是误报", "negated"),
        ("我去吗？", "asks"),
        ("where is she going", "asks"),
        ("也许能去", "doubt"),
        ("小李已经去了", "not_plain"),
        ("我儿子去", "somebody_else"),
        ("快叫120", "need"),
        ("1 2 3", "too_many_numbers"),
    ],
)
def test_why_it_is_asked_back(text: str, reason: str) -> None:
    assert understand(text) == Reply(None)
    assert understand(text).reason == reason


@pytest.mark.parametrize(
    ("text", "key", "desk", "street"),
    [
        ("1", "1", Intent.HANDLE, Intent.ACCEPT),
        ("3", "3", Intent.ACCEPT, None),
        ("3 123", "3", Intent.ACCEPT, None),
        ("1 我去", "1", Intent.HANDLE, Intent.ACCEPT),
        ("9 不去", "9", Intent.DECLINE, Intent.DECLINE),
        ("2", "2", Intent.ADDRESS, Intent.ADDRESS),
        ("我去", None, Intent.ACCEPT, Intent.ACCEPT),
        ("我在处理", None, Intent.HANDLE, Intent.HANDLE),
        ("handling it, keep calling", None, Intent.HANDLE, Intent.HANDLE),
        ("已送医院", None, Intent.HOSPITAL, Intent.HOSPITAL),
        ("taken to hospital", None, Intent.HOSPITAL, Intent.HOSPITAL),
    ],
)
def test_a_key_means_what_that_call_said(text: str, key: str | None, desk: Intent, street: Intent | None) -> None:
    reply = understand(text)
    assert reply.key == key
    assert (reply.meant(desk=True), reply.meant(desk=False)) == (desk, street)


def test_keys() -> None:
    assert {digit: by_key(digit, desk=False) for digit in "1239"} == {**DIGITS, "3": None}
    assert by_key("5", desk=True) is None
    assert by_key("9", desk=True) is Intent.DECLINE


def test_several_words_that_agree_mean_the_one_that_says_the_most() -> None:
    assert understand("我去了，到了，处理好了").intent is Intent.DONE
    assert understand("到了，送医院了").intent is Intent.HOSPITAL
    assert understand("王阿姨家我去").intent is Intent.ACCEPT
    assert understand("王阿姨家小李去").intent is None
    assert understand("手环啦啦啦啦啦啦误报啦").intent is Intent.FALSE_ALARM
    assert understand("甲乙丙丁戊己 误报").intent is Intent.FALSE_ALARM
    assert understand("甲乙丙丁戊己误报").intent is None
