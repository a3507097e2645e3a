"""What the settings say of telephones and of the way back from the provider. Pure."""

from eldercare import telephone
from eldercare.doctor.finding import Finding, error, note, ok, warning
from eldercare.settings import Settings, is_loopback

_TWILIO = ("twilio_account_sid", "twilio_auth_token", "twilio_from")


def examine(settings: Settings) -> list[Finding]:
    """Findings about provider, callback address and dead-man."""
    return [*_provider(settings), *_public_url(settings), *_deadman(settings)]


def _provider(settings: Settings) -> list[Finding]:
    missing = [f"ELDERCARE_{name.upper()}" for name in _TWILIO if getattr(settings, name) is None]
    if missing:
        return [
            error(
                f"没有电话服务商：{', '.join(missing)} 未设置 · no telephone can ring: not set",
                "填写 Twilio 的账号、令牌和号码 · set the account, token and number of Twilio",
            )
        ]
    if settings.simulated_telephones:
        return [
            note(f"使用模拟电话 {settings.twilio_api_url}，不会打给真人 · simulated telephones: nobody real is called")
        ]
    return [ok("使用真实的 Twilio · real Twilio"), *_from(settings.required("twilio_from"))]


def _from(number: str) -> list[Finding]:
    if telephone.known(number):
        return []
    return [
        error(
            f"ELDERCARE_TWILIO_FROM {number} 不是存在的号码 · no such telephone number exists",
            "填写 Twilio 分配的号码 · set the number that Twilio has given you",
        )
    ]


def _public_url(settings: Settings) -> list[Finding]:
    url = settings.public_url
    if url is None:
        return [
            error(
                "ELDERCARE_PUBLIC_URL 未设置，收不到按键和回执 · is not set: no digit and no receipt can come back",
                "设为服务商能访问的 https 地址 · set it to an https address that the provider reaches",
            )
        ]
    if not settings.real_channel:
        return []
    findings = []
    if is_loopback(url):
        findings.append(
            error(
                f"ELDERCARE_PUBLIC_URL {url} 只有本机能访问 · only this machine reaches it",
                "设为公网地址 · set it to a public address",
            )
        )
    elif not url.startswith("https://"):
        findings.append(warning(f"ELDERCARE_PUBLIC_URL {url} 不加密 · is not encrypted", "改用 https · use https"))
    return findings


def _deadman(settings: Settings) -> list[Finding]:
    if settings.deadman_url is not None:
        return []
    return [
        warning(
            "ELDERCARE_DEADMAN_URL 未设置，整条线停了没有人知道 · is not set: nobody learns that the line is down",
            "设为外部监测的地址 · set it to the address of an external monitor",
        )
    ]
