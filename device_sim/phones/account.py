"""The one account of the simulated provider."""

from dataclasses import dataclass

from eldercare.platform.errors import Conflict


@dataclass(frozen=True)
class Account:
    """`number` is the application's own; `public_url` is where calls and texts to it are posted."""

    sid: str
    token: str
    number: str
    public_url: str | None

    def webhook(self, kind: str) -> str:
        """Where an incoming `voice` call or `sms` is posted. Raises Conflict where PUBLIC_URL is unset."""
        if self.public_url is None:
            raise Conflict("ELDERCARE_PUBLIC_URL is not set: a phone cannot reach the application")
        return f"{self.public_url}/webhooks/twilio/{kind}"
