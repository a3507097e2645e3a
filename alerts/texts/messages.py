"""What people are told, in Chinese and English: pure text, the same facts on every channel.

A text names the resident and the place and never a diagnosis. A Chinese SMS is one message where it holds at most 70
UCS-2 characters with its 【signature】 (67 each beyond that), and carries no link and no telephone number: carriers
drop those. Only the one who goes is told of a key, a door code or how to get in.
"""

from collections.abc import Sequence
from typing import Any, Literal

from alerts.model.incident import IncidentState
from alerts.texts.context import MessageContext
from alerts.texts.phrases import (
    ambulance,
    asked,
    asks_you,
    either,
    full_stop,
    how_far,
    late,
    moment,
    place,
    subject,
    what,
    who,
)
from eldercare.platform.validation.fields import utf16_units

__all__ = ["SMS_UNITS", "MessageContext", "alarm", "pressed_again", "stand_down"]

Standing = Literal["asked", "desk", "going", "there"]
"""Where somebody who answers stands: what they can sensibly say next."""
SMS_UNITS = 70
"""UTF-16 units of one message that is not split: most characters are one, rare ones and pictures two."""


def alarm(
    context: MessageContext, language: str, channel: str, *, desk: bool = False, named: bool = False
) -> dict[str, Any]:
    """The first thing a person hears: `{"text"}` for sms; `{"say", "prompt", "address", "goodbye"}` for voice.

    `desk`: they are called as somebody of the desk, who may deal with it without going; the content says so, for the
    answer. `named`: the desk asks them by name.
    """
    content = _alarm(context, language, channel, desk, named)
    if not desk:
        return content
    return to_the_desk(content, language) if channel == "voice" else {**content, "desk": True}


def to_the_desk(content: dict[str, Any], language: str) -> dict[str, Any]:
    """What `alarm` says by voice, as somebody of the desk hears it: all but the keys is the same."""
    return {**content, "prompt": prompt(language, desk=True), "desk": True}


def _alarm(context: MessageContext, language: str, channel: str, desk: bool, named: bool) -> dict[str, Any]:
    if channel == "voice":
        parts = (
            asks_you(context, language) if named else "",
            f"{who(context, language)}{what(context, language)}",
            asked(context, language),
            late(context, language),
            ambulance(context, language),
            place(context, language),
        )
        return {
            "say": [greeting(language), *(full_stop(part, language) for part in parts if part)],
            "prompt": prompt(language),
            "address": spoken_address(context, language),
            "goodbye": goodbye(language),
            "code": context.code,
        }
    return {"text": _alarm_text(context, language, desk, named), "code": context.code}


def by_hand(code: str, name: str | None, address: str | None, language: str, channel: str) -> dict[str, Any]:
    """To the desk: an incident that cannot be handled without people, and of which only this much may be known."""
    about = either(language, f"{name or '有人'}的报警（编号{code}）", f"{name or 'Somebody'}, alarm {code}")
    home = either(language, f"，家住{address}", f", home address {address}") if address else ""
    zh = f"{about}系统无法自动呼叫{home}。请马上看控制台并派人"
    en = f"{about}{home}: nobody can be called automatically. Look at the console now and send somebody"
    text = either(language, zh, en)
    if channel == "voice":
        return {"say": [greeting(language), full_stop(text, language)], "code": code}
    return {"text": signed(text, language), "code": code}


def taken_off(context: MessageContext, language: str) -> dict[str, Any]:
    """To the owner whom the desk took off."""
    name, code = subject(context, language), context.code
    zh = f"{name}的报警（编号{code}）：值班台已改派别人，您不用去了，谢谢"
    en = f"{name}, alarm {code}: the desk sends somebody else. You need not go. Thank you"
    return _plain(context, either(language, zh, en), language, "sms")


def second(context: MessageContext, language: str, other: str) -> dict[str, Any]:
    """To the owner: the desk asks `other` to go as well."""
    name, code = subject(context, language), context.code
    zh = f"{name}的报警（编号{code}）：值班台已请{other}也去，您照常前往"
    en = f"{name}, alarm {code}: the desk asks {other} to go as well. Please go on as you are"
    return _plain(context, either(language, zh, en), language, "sms")


def stand_down(context: MessageContext, language: str, channel: str) -> dict[str, Any]:
    """To the others who were called: who goes or is there, or that it is over."""
    name, code, far = subject(context, language), context.code, how_far(context, language)
    zh = f"{name}的报警（编号{code}）：{far}，您不用去了，谢谢"
    return _plain(context, either(language, zh, f"{name}, alarm {code}: {far}. Please stand down"), language, channel)


def pressed_again(context: MessageContext, language: str, channel: str) -> dict[str, Any]:
    """To the owner: the wearer pressed once more while help is on its way."""
    name, code, count = subject(context, language), context.code, context.press_count
    zh = f"{name}又按了求助键，共{count}次。您负责这次求助（编号{code}），请尽快"
    en = f"{name} pressed again, {count} times now. You are the one going to alarm {code}, please hurry"
    return _plain(context, either(language, zh, en), language, channel)


def accepted(context: MessageContext, language: str, told: Sequence[str] = ()) -> str:
    """To the one who accepted: it is you, where to, how to get in, and who (`told`, names) is told so."""
    name, code, where = subject(context, language), context.code, full_stop(place(context, language), language)
    if language == "en":
        entry = f" To get in: {full_stop(context.entry, language)}" if context.entry else ""
        names = f"Told that you are going: {', '.join((*told, 'the wearer'))}."
        there = f"Once there, text: arrived {code}. If you cannot go after all: 9 {code}"
        return f"You are the one going to {name}, alarm {code}. {where}{entry} {names} {there}"
    entry = f"进门：{full_stop(context.entry, language)}" if context.entry else ""
    names = "、".join((*told, "老人"))
    there = f"到了请发短信“到了 {code}”，去不了请发“9 {code}”"
    return f"收到，由您去{name}处，编号{code}。{where}{entry}已告诉{names}您正在去。{there}"


def already_yours(context: MessageContext, language: str) -> str:
    """To the owner who accepts once more; whoever is there is asked only how it ended."""
    name, code, where = subject(context, language), context.code, place(context, language)
    if context.state is IncidentState.ON_SITE:
        zh = f"{name}的报警（编号{code}）已由您负责，您已到场。处理好了请发“完成 {code}”，误报请发“误报 {code}”"
        en = f"You are with {name}, alarm {code}. When it is over, text: done {code}, or false alarm {code}"
        return either(language, zh, en)
    zh = f"{name}的报警（编号{code}）已由您负责。{where}。到了请发短信“到了 {code}”"
    en = f"You are already the one going to {name}, alarm {code}. {where}. Once there, text: arrived {code}"
    return either(language, zh, en)


def taken(context: MessageContext, language: str) -> str:
    """To somebody who answers when another person already goes, or 120 does."""
    name, code = subject(context, language), context.code
    if context.state in (IncidentState.ON_SITE, IncidentState.HANDED_TO_120, IncidentState.RESOLVED):
        far = how_far(context, language)
        zh = f"{name}的报警（编号{code}）：{far}，您不用去了，谢谢"
        return either(language, zh, f"{name}, alarm {code}: {far}. You need not go. Thank you")
    owner = context.owner_name or either(language, "别人", "Somebody else")
    zh = f"{name}的报警（编号{code}）已由{owner}前往，您不用去了，谢谢"
    return either(language, zh, f"{owner} is already going to {name}, alarm {code}. You need not go. Thank you")


def joined(context: MessageContext, language: str, owner: str) -> str:
    """To somebody whom the desk asked to go as well, and who does."""
    name, code, where = subject(context, language), context.code, full_stop(place(context, language), language)
    if language == "en":
        entry = f" To get in: {full_stop(context.entry, language)}" if context.entry else ""
        return f"Noted, you go to {name} as well, alarm {code}; {owner} goes too. {where}{entry}"
    entry = f"进门：{full_stop(context.entry, language)}" if context.entry else ""
    return f"收到，您也去{name}处，编号{code}，{owner}也在去。{where}{entry}"


def handling(context: MessageContext, language: str) -> str:
    """To somebody of the desk who deals with it: what goes on, and how to go after all."""
    name, code = subject(context, language), context.code
    if context.owner_name:
        far = how_far(context, language)
        return either(
            language, f"{name}的报警（编号{code}）由您处理：{far}", f"You are handling {name}, alarm {code}: {far}"
        )
    zh = f"{name}的报警（编号{code}）由您处理，我们继续呼叫别人。您自己去请回“3 {code}”"
    en = f"You are handling {name}, alarm {code}; we go on calling others. To go yourself, reply 3 {code}"
    return either(language, zh, en)


def handled_by(context: MessageContext, language: str, other: str) -> str:
    """To somebody of the desk who would deal with it, when a colleague does."""
    name, code = subject(context, language), context.code
    zh = f"{name}的报警（编号{code}）已由{other}在处理，我们继续呼叫别人。您自己去请回“3 {code}”"
    en = f"{other} is handling {name}, alarm {code}; we go on calling others. To go yourself, reply 3 {code}"
    return either(language, zh, en)


def over(context: MessageContext, language: str) -> str:
    """To somebody who answers after the incident was resolved."""
    name, code = subject(context, language), context.code
    return either(language, f"{name}的报警（编号{code}）已经处理完毕，谢谢", f"{name}, alarm {code}: already over")


def on_the_way(context: MessageContext, language: str) -> str:
    """To the owner who says that they have left."""
    name, code = subject(context, language), context.code
    return either(
        language, f"已记录您正赶往{name}处（编号{code}）", f"Noted, you are on the way to {name}, alarm {code}"
    )


def declined(context: MessageContext, language: str) -> str:
    """To somebody who cannot go: others go on being called, some of them later."""
    name, code = subject(context, language), context.code
    zh = f"知道了，会继续通知其他人去{name}处（编号{code}）"
    return either(language, zh, f"Noted, others go on being called for {name}, alarm {code}")


def arrived(context: MessageContext, language: str) -> str:
    """To the owner who says that they are there."""
    name, code = subject(context, language), context.code
    return either(language, f"已记录您到达{name}处（编号{code}）", f"Noted, you are with {name}, alarm {code}")


def closed(context: MessageContext, language: str) -> str:
    """To the owner who says how it ended."""
    name, code = subject(context, language), context.code
    zh = f"已记录{name}的报警（编号{code}）处理完毕，谢谢。还要人去请打值班台"
    en = f"Noted, {name}, alarm {code} is over. Thank you. If somebody is needed after all, call the desk"
    return either(language, zh, en)


def which(choices: Sequence[MessageContext], language: str, meant: str) -> str:
    """Asks which of several open incidents (two or more) a reply meant; `meant` is a word for what it asked for."""
    listed = _listed(choices, language, meant)
    return either(language, f"有{len(choices)}个报警：{listed}", f"{len(choices)} alarms are open: {listed}")


def _listed(choices: Sequence[MessageContext], language: str, meant: str) -> str:
    """The first three by code and whom they are about, and how to name one."""
    listed = [f"{choice.code} {subject(choice, language)}" for choice in choices[:3]]
    example = f"{meant} {choices[0].code}"
    zh, en = f"{'、'.join(listed)}。请回复如“{example}”", f"{', '.join(listed)}. Reply for example {example}"
    return either(language, zh, en)


def nothing_open(language: str) -> str:
    """To somebody who replies or calls while nothing they were called to is open."""
    return either(language, "现在没有需要您处理的报警", "No alarm is waiting for you now")


def not_open(code: int, language: str, others: Sequence[MessageContext] = (), meant: str = "1") -> str:
    """To a reply that names an incident which is over, or to which they were never called. `others`: those they
    were called to which are open; `meant` is the word to say of one."""
    none = either(language, f"没有编号为{code}的报警需要您处理", f"Alarm {code} is not waiting for you")
    if not others:
        return none
    listed = _listed(others, language, meant)
    return either(language, f"{none}。通知过您的是：{listed}", f"{none}. You were called about {listed}")


def sorry(language: str) -> str:
    """To a call for which nothing can be looked up at this moment."""
    return either(language, "系统暂时无法处理，请联系值班室。", "This cannot be recorded now. Please call the desk.")


def not_understood(language: str, stands: Standing = "asked") -> str:
    """To a reply that is not plain: the two answers that fit somebody who is asked to go, sits at the desk, goes, or is
    there."""
    if stands == "desk":
        zh = "没看懂。您在处理请回1，您自己去请回3，可加编号，如“1 123”"
        en = "Not understood. Reply 1 if you are handling it, 3 if you go yourself, with the code if there are several"
        return either(language, zh, en)
    if stands == "going":
        zh = "没看懂。到了请回“到了”，去不了请回9，可加编号，如“到了 123”"
        return either(language, zh, "Not understood. Reply arrived when you are there, 9 if you cannot go after all")
    if stands == "there":
        zh = "没看懂。处理好了请回“完成”，误报请回“误报”，可加编号，如“完成 123”"
        return either(language, zh, "Not understood. Reply done when it is over, or false alarm if it was one")
    zh = "没看懂。能去请回1，不能去请回9，可加编号，如“1 123”"
    en = "Not understood. Reply 1 to go, 9 to pass on, with the code if there are several, such as 1 123"
    return either(language, zh, en)


def nothing_open_call_120(language: str) -> str:
    """To a caller for whom nothing is open, known or not: whoever calls in need hears what to do."""
    zh = "现在没有需要您处理的报警。如有紧急情况，请拨打120。"
    return either(language, zh, "No alarm is waiting for you now. In an emergency dial 120.")


def no_longer_matched(language: str) -> str:
    """To a key whose call we have lost sight of: nothing was recorded, and what is open follows."""
    zh = "系统无法对应您接的这个电话，您刚才的按键没有登记。如有紧急情况，请拨打120。"
    en = "This call can no longer be matched, and your key was not recorded. In an emergency dial 120."
    return either(language, zh, en)


def called_anew(context: MessageContext, language: str) -> str:
    """To a key of an earlier round: it does not count for this one, and is asked for once more."""
    zh = f"{subject(context, language)}的报警后来又重新呼叫了，您按的是上一次的电话。"
    en = f"The alarm of {subject(context, language)} has been called out anew since the call you answered."
    return either(language, zh, en)


def call_back(language: str) -> str:
    """To a key whose call we have lost sight of, where nothing is open for the number."""
    zh = "如果仍有老人需要帮助，我们会马上再打给您，请接听；您也可以回拨本号码。"
    return either(language, zh, "If somebody still needs help we call you again at once. You may also call us back.")


def sure_to_hand_back(context: MessageContext, language: str) -> str:
    """To the owner who presses 9 on another call than the one on which they accepted."""
    name, code = subject(context, language), context.code
    zh = f"您已经答应去{name}处，编号{code}。"
    return either(language, zh, f"You have already said that you go to {name}, alarm {code}.")


def sure_prompt(language: str) -> str:
    """Which keys there are after that."""
    zh = "如果您还是去，请挂机。确实去不了，请再按9。"
    return either(language, zh, "If you still go, hang up. If you cannot go after all, press 9 once more.")


def still_yours(language: str) -> str:
    """The last words of that call where no key was pressed."""
    return either(language, "还是由您去，谢谢。再见。", "It is still you who goes. Thank you, goodbye.")


def goodbye(language: str) -> str:
    """The last words of a call in which no digit was pressed."""
    return either(
        language, "没有收到按键，我们会通知其他人。再见。", "No key was pressed. We will call others. Goodbye."
    )


def greeting(language: str) -> str:
    """The first words of every call."""
    return either(language, "您好，这里是老人守护中心。", "This is the eldercare desk.")


def prompt(language: str, *, desk: bool = False) -> str:
    """Which keys there are; the desk's say whether somebody deals with it or goes."""
    if desk:
        zh = "您在处理、请我们继续呼叫，请按1。您自己去，请按3。再听一遍地址，请按2。不能处理，请按9。"
        en = (
            "If you are handling it and we should go on calling, press 1. If you go yourself, press 3."
            " To hear the address again, press 2. If you cannot handle it, press 9."
        )
        return either(language, zh, en)
    zh = "您能去，请按1。再听一遍地址，请按2。不能去，请按9。"
    en = "If you can go, press 1. To hear the address again, press 2. If you cannot go, press 9."
    return either(language, zh, en)


def spoken_address(context: MessageContext, language: str) -> str:
    """What the key 2 repeats: the place, and nothing else."""
    return full_stop(place(context, language), language)


def signed(text: str, language: str) -> str:
    """A text with the signature in front that carriers ask for."""
    return either(language, f"【守护】{text}", f"[Eldercare] {full_stop(text, language)}")


def _plain(context: MessageContext, text: str, language: str, channel: str) -> dict[str, Any]:
    if channel == "voice":
        return {"say": [greeting(language), full_stop(text, language)], "code": context.code}
    return {"text": signed(text, language), "code": context.code}


def _alarm_text(context: MessageContext, language: str, desk: bool, named: bool) -> str:
    """As much as fits one message: the age goes first, then the time, then the head of the address."""
    asked = {"desk": desk, "named": named}
    whole = _compose(context, language, context.address, with_age=True, with_time=True, **asked)
    if language == "en" or utf16_units(whole) <= SMS_UNITS:
        return whole
    for with_time in (True, False):
        text = _compose(context, language, context.address, with_age=False, with_time=with_time, **asked)
        if utf16_units(text) <= SMS_UNITS:
            return text
    address = context.address or ""
    room = SMS_UNITS - (utf16_units(text) - utf16_units(address)) - 1
    # The house number stands at the end of a Chinese address; but half an address helps nobody, so a second message
    # is the smaller evil.
    if room < max(1, utf16_units(address) // 2):
        return whole
    return _compose(context, language, f"…{_end(address, room)}", with_age=False, with_time=False, **asked)


def _end(text: str, units: int) -> str:
    """As much of the end of `text` as fits `units`, whole characters only."""
    kept = text[-units:]
    while utf16_units(kept) > units:
        kept = kept[1:]
    return kept


def _compose(
    context: MessageContext,
    language: str,
    address: str | None,
    *,
    with_age: bool,
    with_time: bool,
    desk: bool,
    named: bool,
) -> str:
    person = who(context, language) if with_age else subject(context, language)
    what_happened, delay, where = what(context, language), late(context, language), place(context, language, address)
    called, answer = ambulance(context, language), asked(context, language)
    asks = asks_you(context, language) if named else ""
    if language == "en":
        when = f" ({delay})" if delay else f" at {moment(context)}"
        when = f"{when}, {answer}" if answer else when
        happened = f"{person}{what_happened}{when}. {full_stop(called, language) + ' ' if called else ''}{where}."
        how = "1 if you handle it, 3 to go, 9 if you cannot" if desk else "1 to go, 9 if you cannot"
        return signed(
            f"{full_stop(asks, language) + ' ' if asks else ''}{happened} Alarm {context.code}: reply {how}", language
        )
    when = f"，{delay}" if delay else (f"（{moment(context)}）" if with_time else "")
    for more in (answer, called):
        when = f"{when}，{more}" if more else when
    how = "处理回1，去回3，不能回9" if desk else "去回1，不能去回9"
    asks = f"{asks}：" if asks else ""
    return signed(f"{asks}{person}{what_happened}{when}。{where}。编号{context.code}，{how}", language)
