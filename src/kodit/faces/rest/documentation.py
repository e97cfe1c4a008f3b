"""The API description as OpenAPI, and as a page that loads nothing from other hosts. All of it is
cached in the form in which it is sent."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response

router = APIRouter(include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/openapi.json")
async def show_openapi(request: Request) -> Response:
    """The OpenAPI description, for programs."""
    return Response(request.app.state.description(), media_type="application/json")


@router.get("/docs")
async def show_page() -> Response:
    """The page of documentation."""
    return _served("docs.html", "text/html; charset=utf-8")


@router.get("/docs/docs.js")
async def show_script() -> Response:
    """The script that builds the page from `/openapi.json`."""
    return _served("docs.js", "text/javascript; charset=utf-8")


@router.get("/docs/docs.css")
async def show_style() -> Response:
    """The style sheet of the page."""
    return _served("docs.css", "text/css; charset=utf-8")


def _served(name: str, media_type: str) -> Response:
    headers = {
        "Content-Type": media_type,
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
    return Response(_page(name), headers=headers)


@cache
def _page(name: str) -> bytes:
    return (files("kodit.faces.rest") / "pages" / name).read_bytes()
