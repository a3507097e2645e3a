"""What the wearer hears when they are asked whether they are well, in Chinese and English: short, and slow to misread.

Pure. It is the one call that goes to the resident. It names no value and no diagnosis, and asks for one key.
"""

from typing import Any

from alerts.model.incident import IncidentKind
from alerts.texts.context import MessageContext
from alerts.texts.messages import greeting
from alerts.texts.phrases import either, subject

_WHY = {
    IncidentKind.NO_HEART_RATE: ("手环测不到数据", "Your band measures nothing"),
    IncidentKind.STILLNESS: ("手环很久没有感到您活动", "Your band has felt no movement for long"),
}
_NOTICED = ("手环提醒我们来问一问", "Your band has told us to ask")


def ask(context: MessageContext, language: str) -> dict[str, Any]:
    """The call: who is asked, why, and which keys there are."""
    name = subject(context, language)
    why = either(language, *_WHY.get(context.kind, _NOTICED))
    return {
        "say": [
            greeting(language),
            either(language, f"{name}，您还好吗？", f"{name}, are you well?"),
            either(language, f"{why}，想知道您有没有事。", f"{why}, and we want to know how you are."),
        ],
        "prompt": prompt(language),
        "goodbye": goodbye(language),
        "code": context.code,
    }


def prompt(language: str) -> str:
    """Which keys there are."""
    return either(language, "没事，请按1。需要帮助，请按9。", "If you are well, press 1. If you need help, press 9.")


def goodbye(language: str) -> str:
    """The last words of the call where no key was pressed. They promise nobody: it may be over by then."""
    zh = "没有收到按键。我们会继续留意您，需要帮助时，请按手环上的求助键。再见。"
    en = "No key was pressed. We go on watching over you. If you need help, press the button on the band. Goodbye."
    return either(language, zh, en)


def not_understood(language: str) -> str:
    """To any other key, before the question is asked once more."""
    return either(language, "没有听懂这个按键。", "That key was not understood.")


def well(language: str) -> str:
    """To 1."""
    zh = "好的，您没事我们就放心了。需要帮助时，请按手环上的求助键。"
    return either(language, zh, "Good, we are glad that you are well. If you need help, press the button on the band.")


def somebody_comes(context: MessageContext, language: str) -> str:
    """To 9, and to whoever was not understood twice: people are called, or somebody goes already."""
    if context.owner_name:
        return either(language, f"知道了，{context.owner_name}会来看您。", f"{context.owner_name} comes to see you.")
    return either(language, "知道了，我们马上请人来看您。", "We are calling people now to come and see you.")
