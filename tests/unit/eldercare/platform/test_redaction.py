"""Nothing secret is printed or logged."""

import io
import json
import logging
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from eldercare.accounts import throttle
from eldercare.platform import log, redaction
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.finding import error
from eldercare.platform.settings import load_settings

MADE_BEFORE = log.logger("made.before")


@pytest.mark.parametrize("password", ["secret", "se/cret", "se#cret", "se?cret", "se@cret", "se:cret", "s%2Fecret"])
def test_no_part_of_a_password_stands_in_a_line(password: str) -> None:
    for url in (f"postgresql://u:{password}@db/x", f"mqtts://u:{password}@broker:8883"):
        line = redaction.redacted(f"cannot reach {url}: refused")
        assert "cret" not in line
        assert line.startswith("cannot reach ") and line.endswith(": refused")  # noqa: PT018
        assert "cret" not in str(error(f"no answer from {url}", "look"))
    assert "cret" not in redaction.redacted(f"host=db password='{password}' user=u")


@pytest.mark.parametrize("sign", ["/", "?", "#"])
@pytest.mark.parametrize("name", ["database_url", "mqtt_url", "migrate_database_url"])
def test_an_address_whose_password_ends_it_is_refused_without_being_told(name: str, sign: str) -> None:
    scheme = "mqtt" if name == "mqtt_url" else "postgresql"
    with pytest.raises(ConfigurationError, match="%2F, %3F, %23") as caught:
        load_settings(_env_file=None, **{name: f"{scheme}://u:pa{sign}ss@host/db"})
    assert "pa" not in str(caught.value).replace("password", "")
    assert load_settings(_env_file=None, **{name: f"{scheme}://u:pa%2Fss@host"})


def test_a_line_hides_what_a_secrets_name_stands_over() -> None:
    values = {"cookie": "eldercare_browser=a.b", "headers": {"Authorization": "Bearer x", "host": "h"}, "n": 1,
              "urls": ["amqp://u:p@h", "plain"], "token": None}  # fmt: skip
    assert redaction.redacted_values(values) == {
        "cookie": "…", "headers": {"Authorization": "…", "host": "h"}, "n": 1, "urls": ["amqp://…@h", "plain"],
        "token": None,
    }  # fmt: skip


SECRETS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=30).map(
    lambda text: f"Q7{text}z9"  # whatever stands between, its ends are looked for
)
NAMES = st.sampled_from(
    ["password", "auth_token", "TWILIO_AUTH_TOKEN", "api-key", "apikey", "client_secret", "PGPASSWORD", "access_token",
     "Authorization", "set-cookie", "X-Twilio-Signature", "eldercare_session", "sslpassword", "private_key", "密码"]
)  # fmt: skip
FORMS = {
    "header": lambda name, secret: f"{name}: {secret}",
    "scheme": lambda name, secret: f"Authorization: Bearer {secret}",
    "basic": lambda name, secret: f"Proxy-Authorization: Basic {secret}",
    "no header": lambda name, secret: f"sent bearer {secret.replace(chr(34), '').replace(chr(39), '')}",
    "cookies": lambda name, secret: f"Cookie: first=1; eldercare_session={secret}; last=3",
    "cookies by name": lambda name, secret: f"cookie=first=1; second={secret.replace(';', '')}; last=3",
    "set cookie": lambda name, secret: f"Set-Cookie: eldercare_browser_duty={secret}; Path=/; HttpOnly",
    "pair": lambda name, secret: f"{name}={secret}",
    "spaced": lambda name, secret: f"{name} = {secret}",
    "arrow": lambda name, secret: f"{name} => {secret!r}",
    "json": lambda name, secret: json.dumps({"n": 1, name: f"a {secret}"}, ensure_ascii=False),
    "json within json": lambda name, secret: json.dumps(
        {"body": json.dumps({name: f"a {secret}"}, ensure_ascii=False)}, ensure_ascii=False
    ),
    "list": lambda name, secret: json.dumps({f"{name}s": [secret.replace("]", "")]}, ensure_ascii=False),
    "python": lambda name, secret: repr({"n": 1, name: f"a {secret}"}),
    "headers as pairs": lambda name, secret: repr([("host", "h"), (name, f"Bearer {secret}")]),
    "headers as bytes": lambda name, secret: repr([(b"authorization", f"Bearer {secret}".encode())]),
    "dsn": lambda name, secret: "host=db password='" + secret.replace("\\", "\\\\").replace("'", "\\'") + " x' user=u",
    "query": lambda name, secret: f"GET /x?n=1&{name}={secret.replace('&', '')} HTTP/1.1",
    "encoded": lambda name, secret: f"/login?next=%2F%3F{name}%3D{secret}",
    "address": lambda name, secret: (
        f"postgresql://user:{secret.translate({34: None, 39: None, 60: None, 62: None})}@db/x"
    ),
    "cut off": lambda name, secret: repr({name: f"a {secret} b"})[:-4],
}


@given(
    form=st.sampled_from(sorted(FORMS)), name=NAMES, secret=SECRETS, before=st.sampled_from(["", "cannot: ", "a=b "])
)
def test_no_secret_is_readable_in_whatever_form_it_stands(form: str, name: str, secret: str, before: str) -> None:
    line = before + FORMS[form](name, secret)
    told = redaction.redacted(line)
    assert "Q7" not in told, line
    assert "z9" not in told, line
    assert told.startswith(before)
    assert redaction.redacted(told) == told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("authorization: Bearer abc\r\nHost: h", "authorization: …\r\nHost: h"),
        ('{"auth_token": "a b", "n": 1}', '{"auth_token": …, "n": 1}'),
        ("postgresql://u:p@one:5432,two/db refused", "postgresql://…@one:5432,two/db refused"),
        ("host=db password='a b' user=u", "host=db password=… user=u"),
        ("password= host=db", "password= …"),
        (f"AC{'0a' * 16} of CA{'0a' * 16}", f"… of CA{'0a' * 16}"),
        ("password=[a]b c", "password=… c"),
        ("no login with 0123456789abcdef0123456789abcdef", "no login with …"),
        ("hash $argon2id$v=19$m=19456$c29tZQ$aGFzaA", "hash …"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln is old", "… is old"),
        ("of-eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln, old", "…, old"),
        ("duplicate key\n\n \t\u3000DETAIL:  Key (phone)=(1)", "duplicate key\n\n \t\u3000DETAIL: …"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nread", "…\nread"),
        ("value [type=x, input_value='王秀英', input_type=str]", "value [type=x, input_value=…, input_type=str]"),
        ("duplicate key\nDETAIL:  Key (phone)=(+8613812345678) already exists.", "duplicate key\nDETAIL: …"),
        # What speaks of a secret is none.
        ("the token has ended", "the token has ended"),
        ("ELDERCARE_METRICS_TOKEN: String should have 16", "ELDERCARE_METRICS_TOKEN: String should have 16"),
        ("password: needs 8 to 200 characters", "password: needs 8 to 200 characters"),
        ("ELDERCARE_TWILIO_AUTH_TOKEN_FILE: no file '/x'", "ELDERCARE_TWILIO_AUTH_TOKEN_FILE: no file '/x'"),
        ("basic authentication, a bearer token", "basic authentication, a bearer token"),
        ("band-0001 at 31.2304, 121.4737", "band-0001 at 31.2304, 121.4737"),
    ],
)  # fmt: skip
def test_what_is_hidden_and_what_stays(line: str, told: str) -> None:
    assert redaction.redacted(line) == told


@pytest.mark.parametrize(
    "sign", ["a", "token", "'", "\\", "a://", "token=a;", "x-", "basic ", "token: ;", "-----BEGIN "]
)
def test_an_endless_line_is_cut(sign: str) -> None:
    assert len(redaction.redacted(sign * 1_000_000)) < 100_000


@pytest.fixture
def _no_longer_than_linear() -> Iterator[None]:
    """Stops what would go on for minutes: what looks at each sign again for each sign before it."""

    def stop(*_given: object) -> None:
        pytest.fail("the expression is not linear")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 20)  # of our own time: others on the machine do not count
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.usefixtures("_no_longer_than_linear")
@pytest.mark.parametrize(
    "part",
    ["\n", " ", " \n", "\\n", "\\", "'", '"', "a", "a-", ":", "=", ";", "a;", "0", "eyJaaaaa-", "eyJaaaaa.", "token",
     "token ", "token=", "token=;", "token='", "token=[", "('token', ", "cookie:", "cookie ", "bearer ", "basic ",
     "$argon2a", "a@", "-----BEGIN PRIVATE KEY-----", "input_value=", "\nLINE 1", "a:/"],
)  # fmt: skip
def test_no_expression_looks_at_a_long_text_again_and_again(part: str) -> None:
    # Far more than `MOST`, so that an expression whose steps grow with the square does not end.
    text = part * (200_000 // len(part))
    for expression in vars(redaction).values():
        if isinstance(expression, re.Pattern):
            expression.sub("", text)


def test_values_of_a_line_are_told_whatever_they_are() -> None:
    values = {1: b"Authorization: Bearer Q7", "path": Path("/x"), "ok": True, "error": ValueError("token=Q7"),
              "known_browser": "Q7"}  # fmt: skip
    assert redaction.redacted_values(values) == {
        1: "b'Authorization: …", "path": f"{Path('/x')!r}", "ok": True, "error": "ValueError: token=…",
        "known_browser": "…",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (psycopg.errors.UniqueViolation("Key (phone)=(Q7)"), "UniqueViolation 23505"),
        (psycopg.errors.InvalidTextRepresentation("Q7"), "InvalidTextRepresentation 22P02"),
        (psycopg.DataError("Q7 is too large"), "DataError"),
        (psycopg.OperationalError("postgresql://u:Q7@h\nrefused"), "OperationalError postgresql://…@h refused"),
        (psycopg.errors.AdminShutdown("gone"), "AdminShutdown 57P01 gone"),
    ],
)
def test_an_error_of_the_database_is_told_by_its_code(error: psycopg.Error, told: str) -> None:
    assert redaction.told(error) == told


class Typed(BaseModel):
    name: str = Field(max_length=2)


def test_an_error_is_told_without_what_was_handed_in() -> None:
    with pytest.raises(ValidationError) as caught:
        Typed(name="王秀英")
    assert redaction.told(caught.value) == "ValidationError name: string_too_long"
    assert redaction.told(TimeoutError()) == "TimeoutError"
    assert redaction.told(OSError(111, "refused")) == "ConnectionRefusedError: [Errno 111] refused"
    assert len(redaction.told(ValueError("long " * 1000))) < 600

    class Odd(Exception):
        def errors(self) -> list[str]:
            return ["王秀英"]

    assert redaction.told(Odd("王秀英")).strip() == "Odd"


def test_a_traceback_says_where_and_tells_each_error_before() -> None:
    def fail() -> None:
        try:
            Typed(name="王秀英")
        except ValidationError as error:
            raise ExceptionGroup("two of them", [ValueError("password=王秀英"), OSError("gone")]) from error

    with pytest.raises(ExceptionGroup) as caught:
        fail()
    told = redaction.traceback_of(caught.value)
    assert "王秀英" not in told.replace('Typed(name="王秀英")', "").replace('"password=王秀英"', "")  # our own lines
    lines = told.splitlines()
    assert "ValidationError name: string_too_long" in lines
    assert "| ValueError: password=…" in lines
    assert any(line.strip().startswith("File") and "in fail" in line for line in lines)
    alone = KeyError("n")
    alone.__context__, alone.__suppress_context__ = ValueError("before"), True
    assert redaction.traceback_of(alone) == "KeyError: 'n'"
    looped = ValueError("one")
    looped.__cause__ = KeyError("two")
    looped.__cause__.__cause__ = looped
    assert redaction.traceback_of(looped).count("one") == 1


@pytest.mark.usefixtures("own_logging")
def test_a_logger_made_before_follows_level_and_form(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    log.configure("warning", "api")
    MADE_BEFORE.info("quiet")
    MADE_BEFORE.warning("told", error="postgresql://u:p/w@h refused")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(line["event"], line["module"], line["service"], line["error"]) for line in lines] == [
        ("told", "made.before", "api", "postgresql://…@h refused")
    ]


def test_a_known_browsers_cookie_is_not_told() -> None:
    assert throttle.told("network 10.0.0.1") == "network 10.0.0.1"
    first, again, other = (throttle.told(f"browser {name}") for name in ("abc.def", "abc.def", "abc.deg"))
    assert "abc" not in first
    assert "def" not in first
    assert first == again != other


@pytest.mark.usefixtures("own_logging")
def test_what_libraries_log_and_what_nobody_caught_is_told_like_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    log.configure("info", "api")
    log.configure("info", "api")
    with pytest.raises(ValidationError) as caught:
        Typed(name="\u738b\u79c0\u82f1")
    error = caught.value
    library = logging.getLogger("uvicorn.error")
    library.error("Exception in ASGI application\n", exc_info=error)
    library.warning("error connecting in %r: %s", "pool-1", OSError("postgresql://u:Q7@h refused"))
    library.info("nothing of note")
    MADE_BEFORE.error("failed", error=error)
    try:
        raise error
    except ValidationError:
        MADE_BEFORE.exception("failed_again")
    MADE_BEFORE.warning("none", exc_info=True)
    sys.excepthook(ValidationError, error, None)
    thread = threading.Thread(target=lambda: Typed(name="\u738b\u79c0\u82f1"))
    thread.start()
    thread.join()
    with monkeypatch.context() as quiet:
        interrupts: list[object] = []
        quiet.setattr(sys, "__excepthook__", lambda *given: interrupts.append(given[0]))
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
        assert interrupts == [KeyboardInterrupt]
    assert "\u738b" not in out.getvalue()
    assert "\\u738b" not in out.getvalue().replace("Typed(name=", "").replace("\\\\u738b", "")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"].strip() for line in lines] == [
        "Exception in ASGI application", "error connecting in 'pool-1': OSError: postgresql://…@h refused",
        "failed", "failed_again", "none", "not_caught", "not_caught",
    ]  # fmt: skip
    assert {line["service"] for line in lines[:-1]} == {"api"}
    assert lines[2]["error"] == "ValidationError name: string_too_long"
    assert all(lines[n]["exception"].endswith("ValidationError name: string_too_long") for n in (0, 3, 5, 6))
    assert "exception" not in lines[4]


class Unshown(Exception):
    """What cannot say what it is."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")

    __str__ = __repr__


class Absent:
    """Not an error, and as mute."""

    __repr__ = Unshown.__repr__


def test_what_cannot_show_itself_keeps_no_line_from_being_written() -> None:
    assert redaction.redacted_values({"it": Absent(), "error": Unshown(), "list": [Absent()]}) == {
        "it": "<Absent cannot be shown: RuntimeError>",
        "error": "Unshown: <Unshown cannot be shown: RuntimeError>",
        "list": ["<Absent cannot be shown: RuntimeError>"],
    }
    (key,) = redaction.redacted_values({Absent(): 1}).values()
    assert key == 1


@pytest.mark.usefixtures("own_logging")
def test_no_library_fails_by_what_it_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    log.configure("info", "api")
    root = logging.getLogger()
    ours = [each for each in root.handlers if isinstance(each, log._OfLibraries)]
    monkeypatch.setattr(root, "handlers", ours)  # those of pytest raise
    library = logging.getLogger("library")
    library.error("%d of %d", 1)
    library.error("%s", Absent())
    library.error("%s", Unshown())
    library.error("plain", exc_info=Unshown())
    for level in (31, 35, 39, 45, 99):
        library.log(level, "level")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(line["level"], line["event"]) for line in lines] == [
        ("error", "not_shown"),
        ("error", "not_shown"),
        ("error", "Unshown: <Unshown cannot be shown: RuntimeError>"),
        ("error", "plain"),
        ("warning", "level"),
        ("error", "level"),
        ("error", "level"),
        ("critical", "level"),
        ("critical", "level"),
    ]
    assert [(line["library"], line["error"]) for line in lines[:2]] == [
        ("library", "TypeError"),
        ("library", "RuntimeError"),
    ]
    assert lines[0]["at"].startswith("test_redaction.py:")
    out.close()
    library.error("there is nothing to write to")


def test_no_service_makes_an_error_a_text_for_the_log() -> None:
    root = Path(__file__).parents[4]
    made = re.compile(r"log\.\w+\([^)]*=(str|repr)\(error\)")
    found = [
        f"{file.relative_to(root)}: {line.strip()}"
        for package in ("eldercare", "ingest", "alerts", "api")
        for file in (root / package).rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if made.search(line)
    ]
    assert found == []  # the log tells it, without what was handed in
