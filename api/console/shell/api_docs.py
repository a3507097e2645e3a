"""The documentation of the API, to read and to try, for anybody who is logged in."""

from fastapi import APIRouter, Request, Response

from api.console.duty import queries
from api.console.shell import render
from api.console.shell.screen import CurrentScreen
from api.deps import Db

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request, conn: Db, screen: CurrentScreen) -> Response:
    """`openapi.json` as a page. Requests that are tried there are real, and made as the viewer."""
    openapi_url = request.app.state.openapi_url
    return render.page(request, screen, "docs.html", alarms=await queries.alarms(conn, screen), openapi_url=openapi_url)
