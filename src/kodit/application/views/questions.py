"""Questions in the form that one process sends to another."""

from __future__ import annotations

from typing import Any, get_args

from kodit.application.views.serialization import from_json, to_json
from kodit.domain.questions import AnyQuestion

_KINDS = {kind.__name__: kind for kind in get_args(AnyQuestion)}


def question_to_json(question: AnyQuestion) -> dict[str, Any]:
    """The kind of a question, and its fields."""
    return {"kind": type(question).__name__, "fields": to_json(question)}


def question_from_json(value: Any) -> AnyQuestion:
    """Parses a question. Raises ValueError for any other value."""
    kind = _KINDS.get(str(value.get("kind"))) if isinstance(value, dict) else None
    if kind is None:
        raise ValueError("this is not a known kind of question")
    question: AnyQuestion = from_json(kind, value.get("fields"))
    return question
