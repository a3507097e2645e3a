"""The account at Twilio, as the environment names it."""

from typing import ClassVar

from pydantic import SecretStr

from eldercare.platform.settings import BaseUrl, Section, Telephone, is_loopback


class TwilioSettings(Section):
    """Account, token, number, and the address of the API: Twilio's own, or anything that speaks it."""

    SECRETS: ClassVar[tuple[str, ...]] = ("twilio_account_sid", "twilio_auth_token")

    twilio_account_sid: str | None = None
    twilio_auth_token: SecretStr | None = None
    twilio_from: Telephone | None = None
    """The number we call and text from, with its country; `doctor` says where no such number exists."""
    twilio_api_url: BaseUrl = "https://api.twilio.com"

    @property
    def simulated(self) -> bool:
        """Whether calls go to this machine only. Any other address, a proxy's too, may end at a real telephone."""
        return is_loopback(self.twilio_api_url)
