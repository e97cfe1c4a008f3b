"""Questions as the parameters of requests to a server, and its pages as views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from kodit.application.views.serialization import from_json, to_json
from kodit.application.views.standing import StandingView
from kodit.domain.questions import Where

T = TypeVar("T")


def plain(question: Any) -> dict[str, Any]:
    """The fields of a question as request parameters."""
    fields: dict[str, Any] = to_json(question)
    fields.pop("where", None)
    return fields


def places(where: Where) -> dict[str, Any]:
    fields = plain(where)
    return {name: fields[name] for name in ("sources", "everywhere", "languages", "paths")}


def all_of(kind: type[T], pages: Sequence[dict[str, Any]], name: str) -> tuple[T, ...]:
    return tuple(from_json(kind, one) for page in pages for one in page[name])


def standing_of(pages: Sequence[dict[str, Any]]) -> tuple[StandingView, ...]:
    return all_of(StandingView, pages[:1], "standing")
