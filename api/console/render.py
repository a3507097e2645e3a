"""From a template and its facts to a response: the page's words, clock and addresses of its files."""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.console.screen import Screen

STATIC = Path(__file__).parent / "static"
EVENTS_URL = "/api/v1/events"


@cache
def environment() -> Environment:
    """The templates: everything is escaped, and a name that is missing is an error rather than a blank."""
    env = Environment(
        loader=PackageLoader("api.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals["asset"] = asset
    return env


@cache
def asset(path: str) -> str:
    """The address of a static file, which changes with its content. Raises FileNotFoundError where there is none."""
    digest = sha256((STATIC / path).read_bytes()).hexdigest()[:8]
    return f"/static/{path}?v={digest}"


def page(request: Request, screen: Screen, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
    """A whole page, or a part of one, in the screen's language."""
    context = {
        "t": screen.t,
        "when": screen.when,
        "language": screen.language,
        "theme": screen.theme,
        "viewer": screen.viewer,
        "on_duty": screen.on_duty,
        "back": screen.back,
        "here": None,
        "alarms": [],
        "flash": None,
        "events_url": EVENTS_URL,
        "js_words": screen.t.table("js") | screen.t.table("time"),
        **facts,
    }
    return HTMLResponse(environment().get_template(template).render(context), status_code=status)


def is_part(request: Request) -> bool:
    """Whether a script of the page asks for a part of it."""
    return request.headers.get("hx-request") == "true"


def toast(text: str, *, error: bool = False, close_dialog: bool = False) -> dict[str, str]:
    """The header that makes the page say `text`, and close its dialog."""
    events: dict[str, Any] = {"toast": {"text": text, "kind": "error" if error else "info"}}
    if close_dialog:
        events["dialog:close"] = {}
    # ASCII only: header values are Latin-1, so the Chinese travels as JSON escapes.
    return {"HX-Trigger": json.dumps(events)}
