"""Every field of the views of left-out files, problems and errors, from values that all differ."""

from __future__ import annotations

from typing import Any

import pytest
from tests.application.test_views_in_full import LINES, SYMBOL, both, day, index_of, told

from kodit.application.views.doctor import DiagnosisView
from kodit.application.views.errors import ErrorView
from kodit.application.views.keys import KeysView
from kodit.application.views.left_out import ExplanationView
from kodit.application.views.serialization import to_json
from kodit.domain.diagnosis import Area, Diagnosis, Problem
from kodit.domain.errors import NotFoundError, TransientError
from kodit.domain.keys import Key, KeyScope
from kodit.domain.left_out import Explanation, FileFacts, LeftOut, Presence, SnippetFacts
from kodit.domain.source import FileProcessingStatus


def test_why_a_file_is_not_in_an_index() -> None:
    left_out = LeftOut("a/b.py", "ignored", ".gitignore:1: *.py", 7, is_counted=False)
    facts = FileFacts(
        *(3, "a/b.py", FileProcessingStatus.MODIFIED, "0a", "python", 70, "too long", True),
        *("Ada", day(2), day(1)),
    )
    snippets = (SnippetFacts(4, 6, "add", "method", "Cart", {"EMBED": False}),)
    explanation = Explanation(index_of(), "a/b.py", left_out, facts, snippets, Presence.FILE)
    assert both(ExplanationView, explanation, ()) == {
        "index_id": 2,
        "source": "/s",
        "path": "a/b.py",
        "file": "/s/a/b.py",
        "state": "left_out",
        "left_out": {
            "index_id": 2,
            "source": "/s",
            "path": "a/b.py",
            "file": "/s/a/b.py",
            "reason": "ignored",
            "rule": ".gitignore:1: *.py",
            "files": 7,
            "counted": False,
        },
        "status": FileProcessingStatus.MODIFIED.value,
        "language": "python",
        "size": 70,
        "problem": "too long",
        "author": "Ada",
        "changed_at": told(2),
        "created_at": told(1),
        "standing": [],
        "snippets": [{**LINES, **SYMBOL, "stages": {"EMBED": False}}],
    }
    unknown = Explanation(index_of(), "a/b.py", None, None, (), Presence.FILE)
    view = to_json(ExplanationView.of(unknown, (), with_file=True))
    nothing = "left_out status language size problem author changed_at created_at".split()
    assert {view[name] for name in nothing} == {None}


def test_an_examination_and_keys() -> None:
    problems = [Problem(Area.QUEUE, what, "do it", index_id=2) for what in ("one", "two")]
    assert to_json(DiagnosisView.of(Diagnosis((problems[0],), (problems[1],), 9))) == {
        "healthy": False,
        "problems": [
            {"area": "queue", "index_id": 2, "problem": "one", "repair": None, "advice": "do it"}
        ],
        "remaining": [
            {"area": "queue", "index_id": 2, "problem": "two", "repair": None, "advice": "do it"}
        ],
        "freeable_bytes": 9,
    }
    assert DiagnosisView.of(Diagnosis((problems[0],), ())).healthy
    keys = [Key(name, KeyScope.READ, "salt", "digest", day(1)) for name in ("b", "a")]
    assert to_json(KeysView.of(keys)) == {
        "keys": [
            {"name": "b", "scope": "read", "created_at": told(1)},
            {"name": "a", "scope": "read", "created_at": told(1)},
        ]
    }


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError("no", code="run_not_found", run=7),
        TransientError("later", 2.5, code="git_failed"),
    ],
    ids=["not-found", "transient"],
)
def test_an_error_goes_over_as_it_was(error: Any) -> None:
    made = ErrorView.of(error).error()
    assert (type(made), str(made), made.code, made.fields) == (
        *(type(error), str(error)),
        *(error.code, error.fields),
    )
    assert getattr(made, "retry_after_seconds", None) == getattr(error, "retry_after_seconds", None)
