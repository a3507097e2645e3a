"""What the settings say of telephones and of the way back from the provider."""

from alerts.channels import registry
from eldercare.platform.finding import Finding, error, warning
from eldercare.platform.settings import Settings, is_loopback


def examine(settings: Settings) -> list[Finding]:
    """Findings about provider, callback address and dead-man."""
    return [*_providers(settings), *_public_url(settings), *_deadman(settings)]


def _providers(settings: Settings) -> list[Finding]:
    # Where none is set up, each of them says what it misses.
    asked = registry.set_up(settings) or registry.PROVIDERS
    return [finding for provider in asked for finding in provider.examine(settings)]


def _public_url(settings: Settings) -> list[Finding]:
    url = settings.public_url
    if url is None:
        return [
            error(
                "ELDERCARE_PUBLIC_URL 未设置，收不到按键和回执 · is not set: no digit and no receipt can come back",
                "设为服务商能访问的 https 地址 · set it to an https address that the provider reaches",
            )
        ]
    if not registry.is_real(settings):
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
