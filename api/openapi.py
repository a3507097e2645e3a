"""The OpenAPI document: what FastAPI derives from the routes, with the problem details and whole examples put in."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from api.deps import CurrentViewer
from api.problems import FieldError, Problem
from api.responses import NULL


def document(app: FastAPI, address: str) -> None:
    """Let `app.openapi()` make the document, once, and tell the pages that it is answered at `address`."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
    app.state.openapi_url = address


def answer(request: Request, _viewer: CurrentViewer) -> JSONResponse:
    """The document, for anybody who is logged in."""
    return JSONResponse(request.app.openapi())


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for model in (FieldError, Problem):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    made["paths"] = _with_nulls(made["paths"])
    return made


def _with_nulls(value: Any) -> Any:
    """`value` with the word that stands for null in examples replaced by null."""
    match value:
        case dict():
            return {name: _with_nulls(each) for name, each in value.items()}
        case list():
            return [_with_nulls(each) for each in value]
        case _:
            return None if value == NULL else value
