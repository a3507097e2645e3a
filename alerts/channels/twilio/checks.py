"""What `eldercare doctor` says of Twilio."""

import base64
from collections.abc import Sequence

from alerts.channels.twilio.settings import TwilioSettings
from eldercare.platform.finding import Finding, error, note, ok, some
from eldercare.platform.http_status import get_status
from eldercare.platform.validation import telephone

_NEEDED = ("twilio_account_sid", "twilio_auth_token", "twilio_from")


def settings(twilio: TwilioSettings) -> list[Finding]:
    """Whether account, token and number are there, and whether the number can be one."""
    missing = [f"ELDERCARE_{name.upper()}" for name in _NEEDED if getattr(twilio, name) is None]
    if missing:
        return [
            error(
                f"没有电话服务商：{', '.join(missing)} 未设置 · no telephone can ring: not set",
                "填写 Twilio 的账号、令牌和号码 · set the account, token and number of Twilio",
            )
        ]
    if twilio.simulated:
        return [
            note(f"使用模拟电话 {twilio.twilio_api_url}，不会打给真人 · simulated telephones: nobody real is called")
        ]
    return [ok("使用真实的 Twilio · real Twilio"), *_from(twilio.required("twilio_from"))]


def _from(number: str) -> list[Finding]:
    if telephone.known(number):
        return []
    return [
        error(
            f"ELDERCARE_TWILIO_FROM {number} 不是存在的号码 · no such telephone number exists",
            "填写 Twilio 分配的号码 · set the number that Twilio has given you",
        )
    ]


async def account(twilio: TwilioSettings) -> list[Finding]:
    """Whether it answers, and knows the account."""
    sid, token = twilio.twilio_account_sid, twilio.twilio_auth_token
    if sid is None or token is None:
        return []
    basic = base64.b64encode(f"{sid}:{token.get_secret_value()}".encode()).decode()
    url = f"{twilio.twilio_api_url}/2010-04-01/Accounts/{sid}.json"
    status = await get_status(url, {"Authorization": f"Basic {basic}"})
    if status in (401, 403):
        return [
            error(
                "电话服务商不认账号 · the provider refuses the account", "检查 SID 和令牌 · check the SID and the token"
            )
        ]
    if not isinstance(status, int):
        return [
            error(f"连不上电话服务商 {twilio.twilio_api_url} · no answer: {status}", "检查网络 · check the network")
        ]
    return [ok(f"电话服务商 {twilio.twilio_api_url} 有应答 · the provider answers")]


def unreachable(numbers: Sequence[tuple[str, str, str]]) -> list[Finding]:
    """Whom it cannot call: Twilio has no voice to mainland China."""
    chinese = [f"{name} {number}" for name, channel, number in numbers if number[:3] == "+86" and channel == "voice"]
    if not chinese:
        return []
    return [
        error(
            f"Twilio 打不通中国大陆的电话 · Twilio has no voice to mainland China: {some(chinese)}",
            "改用国内服务商 · use a domestic provider",
        )
    ]
