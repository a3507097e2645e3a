"""The phrases that texts are put together from, in Chinese and English: who, what, when, where."""

from alerts.model.incident import IncidentKind, IncidentState, Severity
from alerts.texts.context import MessageContext

NEAR_HOME_M = 100.0
"""A fix this close to the door, or within its own accuracy of it, is "near home"."""
STALE_POSITION_MINUTES = 10
"""A fix older than this is told with its age."""

_DIRECTIONS = {
    "zh": ("北", "东北", "东", "东南", "南", "西南", "西", "西北"),
    "en": ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"),
}
_URGENT_HEART_RATE = ("手环紧急报警，请尽快看望", " needs to be checked on now: urgent alarm")
_WHAT = {
    IncidentKind.SOS: ("按了求助键", " pressed the SOS button"),
    IncidentKind.HEART_RATE: ("手环提醒，请联系", " should be checked on: warning"),
    IncidentKind.WANDERING: ("离开了平时活动的范围", " has left the usual area"),
    IncidentKind.SILENT: ("的手环没有信号", "'s band has gone silent"),
    IncidentKind.OFF_WRIST: ("没有戴手环", " is not wearing the band"),
    IncidentKind.NO_HEART_RATE: ("的手环测不到数据", "'s band measures nothing"),
    IncidentKind.STILLNESS: ("很久没有动静，请尽快看望", " has not moved for long and needs to be checked on"),
    IncidentKind.RESTING_RATE: ("有一项需要卫生服务中心看看", "'s readings should be seen by the clinic"),
    IncidentKind.SPOT_VALUE: ("有一项需要卫生服务中心看看", "'s readings should be seen by the clinic"),
    IncidentKind.LOW_BATTERY: ("的手环电量低", "'s band has a low battery"),
    IncidentKind.NETWORK: ("：许多手环同时没有信号", ": many bands went silent at once"),
}
_BEFORE_THEY_ANSWERED = {IncidentKind.STILLNESS: ("很久没有动静", " has not moved for long")}
"""What happened, where nobody is asked to hurry any more."""
_SOS = {"fall": ("疑似摔倒", " may have fallen"), "telephone": ("来电求助", " called for help")}


def either(language: str, zh: str, en: str) -> str:
    """The one of two phrases that `language` asks for; everything but "en" is Chinese."""
    return en if language == "en" else zh


def subject(context: MessageContext, language: str) -> str:
    """Whom it is about: the resident, a band nobody registered, or the network."""
    if context.resident_name:
        return context.resident_name
    if context.kind is IncidentKind.NETWORK:
        return either(language, "手环网络", "Band network")
    return either(language, "未登记手环", "Unregistered band ") + (context.device_id or "?")


def who(context: MessageContext, language: str) -> str:
    """The subject with the age, where both are known."""
    name = subject(context, language)
    if context.resident_name is None or context.age is None:
        return name
    return either(language, f"{name}{context.age}岁", f"{name}, {context.age},")


def what(context: MessageContext, language: str) -> str:
    """What happened, to stand behind the subject: neither a value nor a diagnosis."""
    zh, en = _WHAT[context.kind]
    if context.wearer == "well":
        zh, en = _BEFORE_THEY_ANSWERED.get(context.kind, (zh, en))
        return either(language, f"{zh}，本人说没事", f"{en}, but answered that all is well")
    if context.kind is IncidentKind.HEART_RATE and context.severity is not Severity.WARNING:
        zh, en = _URGENT_HEART_RATE
    if context.kind is IncidentKind.SOS:
        zh, en = _SOS.get(context.reason, (zh, en))
        if context.press_count > 1:
            zh, en = f"{zh}{context.press_count}次", f"{en} ({context.press_count} times)"
    return either(language, zh, en)


def moment(context: MessageContext) -> str:
    """When it happened, on the clock people read."""
    return f"{context.occurred_at.astimezone(context.zone):%H:%M}"


def late(context: MessageContext, language: str) -> str:
    """The label of what came late, with its age; empty where it came in time."""
    if context.late_minutes is None:
        return ""
    age = minutes(context.late_minutes, language)
    return either(language, f"{moment(context)}发出，迟到{age}", f"sent at {moment(context)}, {age} late")


def asked(context: MessageContext, language: str) -> str:
    """What came of asking the wearer, where people are called because of it; else empty."""
    if context.wearer == "silent":
        return either(language, "问过本人，没有回答", "was asked and did not answer")
    if context.wearer == "unclear":
        return either(language, "问过本人，没有听懂", "was asked and could not be understood")
    return either(language, "本人说需要帮助", "asks for help") if context.wearer == "help" else ""


def ambulance(context: MessageContext, language: str) -> str:
    """That 120 was called, and is still waited for; empty where it was not."""
    return either(language, "已拨打120", "120 has been called") if context.called_120 else ""


def asks_you(context: MessageContext, language: str) -> str:
    """That the desk asks this person by name: to go, or to go as well where somebody does."""
    if context.owner_name and context.state is not IncidentState.OPEN:
        going = how_far(context, language)
        return either(language, f"{going}，值班台请您也去", f"{going}, and the desk asks you to go as well")
    return either(language, "值班台请您去", "The desk asks you to go")


def how_far(context: MessageContext, language: str) -> str:
    """How far the help has come: who goes, who is there, that 120 does; or that it is over, or nobody's any more."""
    owner = context.owner_name
    if context.state is IncidentState.ON_SITE:
        return either(language, f"{owner or '120'}已到场", f"{owner or '120'} is there")
    going = either(language, f"{owner}正在前往", f"{owner} is going") if owner else ""
    if context.state is IncidentState.HANDED_TO_120:
        called = either(language, "已拨打120", "120 has been called")
        return called + either(language, f"，{going}", f", {going}") if going else called
    if context.state is IncidentState.OPEN and context.wearer == "well":
        return either(language, "本人说没事", "the wearer answered that all is well")
    if context.state is IncidentState.RESOLVED or not going:
        return either(language, "已处理完毕", "it has been dealt with")
    return going


def place(context: MessageContext, language: str, address: str | None = None) -> str:
    """Where the wearer is, as far as known, and the home address; `address` may be a shortened one."""
    home = address or context.address
    if context.kind is IncidentKind.NETWORK:
        return either(language, "请查看控制台", "See the console")
    spot = _spot(context, language)
    if home is None:
        return spot or either(language, "位置不明", "Position unknown")
    if spot is None:
        return either(language, f"位置不明，家住{home}", f"Position unknown, home address is {home}")
    if _near_home(context):
        return either(language, f"{spot}：{home}", f"{spot}: {home}")
    return either(language, f"{spot}，家住{home}", f"{spot}; home address is {home}")


def distance(metres: float, language: str) -> str:
    """A distance as people say it: tens of metres below a kilometre, then tenths of kilometres."""
    if metres < 995:
        rounded = max(10, round(metres / 10) * 10)
        return either(language, f"{rounded}米", f"{rounded} m")
    return either(language, f"{metres / 1000:.1f}公里", f"{metres / 1000:.1f} km")


def minutes(count: int, language: str) -> str:
    """An age as people say it: minutes up to two hours, then hours, then days."""
    if count < 120:
        return either(language, f"{count}分钟", f"{count} min")
    if count < 48 * 60:
        return either(language, f"{count // 60}小时", f"{count // 60} h")
    return either(language, f"{count // 1440}天", f"{count // 1440} days")


def full_stop(text: str, language: str) -> str:
    """The text as a sentence that a voice can read: a capital where there are capitals, a stop at the end."""
    sentence = text[:1].upper() + text[1:] if language == "en" else text
    return sentence if sentence.endswith(("。", ".", "!", "！", "？", "?")) else sentence + either(language, "。", ".")


def _near_home(context: MessageContext) -> bool:
    return context.distance_m is not None and context.distance_m <= max(NEAR_HOME_M, context.accuracy_m or 0.0)


def whereabouts(context: MessageContext, language: str) -> str | None:
    """The last fix in words, seen from home where that is known; None without a fix."""
    if context.lat is None or context.lon is None:
        return None
    return _relative(context, language) or _coordinates(context.lat, context.lon, language)


def _spot(context: MessageContext, language: str) -> str | None:
    """The last fix in words, with its age when it is stale; None without one."""
    spot = whereabouts(context, language)
    if spot is None:
        return None
    age = context.position_age_minutes
    if age is None or age <= STALE_POSITION_MINUTES:
        return spot
    return either(language, f"{minutes(age, language)}前{spot}", f"{spot} {minutes(age, language)} ago")


def _relative(context: MessageContext, language: str) -> str | None:
    if context.distance_m is None:
        return None
    if _near_home(context):
        return either(language, "在家附近", "Near home")
    away = distance(context.distance_m, language)
    if context.bearing_deg is None:
        return either(language, f"离家约{away}", f"About {away} from home")
    towards = _DIRECTIONS["en" if language == "en" else "zh"][round(context.bearing_deg % 360 / 45) % 8]
    return either(language, f"在家{towards}约{away}处", f"About {away} {towards} of home")


def _coordinates(lat: float, lon: float, language: str) -> str:
    """Degrees for a wearer whose home nobody knows: all there is to go by."""
    north, east = lat >= 0, lon >= 0
    return either(
        language,
        f"位置{'北纬' if north else '南纬'}{abs(lat):.4f}{'东经' if east else '西经'}{abs(lon):.4f}",
        f"At {abs(lat):.4f} {'N' if north else 'S'} {abs(lon):.4f} {'E' if east else 'W'}",
    )
