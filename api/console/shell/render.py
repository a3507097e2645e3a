"""From a template and its facts to a response: the page's words, clock and addresses of its files."""

import json
import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response, status
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from api.console.shell.screen import Screen
from api.deps import settings_of

STATIC = Path(__file__).parents[1] / "static"
EVENTS_URL = "/api/v1/events"
RENEW_URL = "/api/v1/session/renew"


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
    env.globals |= {"asset": asset, "json_script": json_script, "favicon": _favicon()}
    return env


@cache
def static_version() -> str:
    """A word that changes with any of the static files. It is a folder of their addresses. So scripts, which import
    each other by plain names, keep to files of the same version, and a browser may keep these for good."""
    found = sha256()
    for file in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        found.update(f"{file.relative_to(STATIC)} {file.stat().st_size}\n".encode())
        found.update(file.read_bytes())
    return f"v-{found.hexdigest()[:10]}"


def _favicon() -> str:
    """The icon in the browser's tab as an address that holds it: three hundred bytes are no request of their own."""
    return f"data:image/svg+xml,{quote((STATIC / 'favicon.svg').read_text(encoding='utf-8'))}"


def asset(path: str) -> str:
    """The address of a static file, of this version."""
    return f"/static/{static_version()}/{path}"


def json_script(name: str, value: Any) -> Markup:
    """Facts for a script of the page: an element named `name` that runs nothing, whose text is `value` as JSON. Nothing
    in them can end it: `<`, `>`, `&` and `'` are written as JSON escapes."""
    text = htmlsafe_json_dumps(value, sort_keys=True)
    return Markup('<script type="application/json" id="{}">{}</script>').format(name, text)


def page(request: Request, screen: Screen, template: str, status_code: int = 200, **facts: Any) -> HTMLResponse:
    """A whole page, or a part of one, in the screen's language."""
    context = {
        "t": screen.t,
        "when": screen.when,
        "language": screen.language,
        "theme": screen.theme,
        "viewer": screen.viewer,
        "on_duty": screen.on_duty,
        "in_family": screen.in_family,
        "only_family": screen.only_family,
        "in_clinic": screen.in_clinic,
        "first_page": screen.first_page,
        "back": screen.back,
        "here": None,
        "alarms": [],
        "flash": None,
        "events_url": EVENTS_URL,
        "renew_url": RENEW_URL,
        "desk_phone": settings_of(request).desk_phone,
        "js_words": screen.t.table("js"),
        **facts,
    }
    return HTMLResponse(environment().get_template(template).render(context), status_code=status_code)


_BY_THE_PAGE = re.compile(
    r'\sdata-now="[^"]*"|(data-exact="[^"]*")\s+title="[^"]*"|(<[^<>]*\sdata-(?:ago|running)\b[^<>]*>)[^<]*'
)
"""What a page's own clock (`clock.js`) goes on writing by itself; it does not count as a change of the part."""


def part(request: Request, screen: Screen, template: str, **facts: Any) -> Response:
    """A part that fetches itself anew, or 304 where it looks as the page has it already (If-None-Match)."""
    shown = page(request, screen, template, **facts)
    lasting = _BY_THE_PAGE.sub(r"\1\2", bytes(shown.body).decode())
    shown.headers["ETag"] = f'W/"{sha256(lasting.encode()).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == shown.headers["ETag"]:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": shown.headers["ETag"]})
    return shown


def is_part(request: Request) -> bool:
    """Whether a script of the page asks for a part of it."""
    return request.headers.get("hx-request") == "true"


def dialog(
    request: Request, screen: Screen, body: str, title: str, status_code: int = 200, **facts: Any
) -> HTMLResponse:
    """A form: alone for the page's dialog, or as a page of its own where no script asked for it."""
    if is_part(request):
        return page(request, screen, body, status_code, **facts)
    return page(request, screen, "form.html", status_code, body=body, title=title, **facts)


def done(text: str, *, error: bool = False, close_dialog: bool = False, reset: str | None = None) -> Response:
    """Nothing to show: the page says `text`, closes its dialog, empties the field `reset`, and looks again."""
    events: dict[str, Any] = {"toast": {"text": text, "kind": "error" if error else "info"}, "live:changed": {}}
    if close_dialog:
        events["dialog:close"] = {}
    if reset:
        events["field:reset"] = {"id": reset}
    # ASCII only: header values are Latin-1, so the Chinese travels as JSON escapes.
    return Response(status_code=status.HTTP_204_NO_CONTENT, headers={"HX-Trigger": json.dumps(events)})
