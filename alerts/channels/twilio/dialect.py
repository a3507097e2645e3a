"""How Twilio posts and is answered: signed forms in, TwiML out."""

from collections.abc import Mapping

from alerts.channels.callbacks import Dialect, Form
from alerts.channels.twilio import callbacks, twiml
from alerts.channels.twilio.settings import TwilioSettings
from eldercare.platform.settings import Settings


class _Twilio:
    media_type = "text/xml"

    def authenticate(self, settings: Settings, url: str, form: Form, headers: Mapping[str, str]) -> None:
        token = settings.section(TwilioSettings).twilio_auth_token
        signature = headers.get(callbacks.SIGNATURE)
        callbacks.check_signature(token.get_secret_value() if token else None, url, form, signature)

    call_status = staticmethod(callbacks.call_status)
    answered_by = staticmethod(callbacks.answered_by)
    message_status = staticmethod(callbacks.message_status)
    key = staticmethod(callbacks.key)
    incoming_text = staticmethod(callbacks.incoming_text)
    incoming_call = staticmethod(callbacks.incoming_call)

    announcement = staticmethod(twiml.announcement)
    question = staticmethod(twiml.question)
    farewell = staticmethod(twiml.farewell)
    wait_and_ask = staticmethod(twiml.wait_and_ask)
    reply = staticmethod(twiml.reply)


DIALECT: Dialect = _Twilio()
