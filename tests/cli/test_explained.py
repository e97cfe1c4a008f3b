"""`kodit explain` and `kodit ls --left-out` as text, word by word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kodit.application.views.left_out import (
    ExplainedSnippetView,
    ExplanationView,
    LeftOutsView,
    LeftOutView,
)
from kodit.application.views.standing import StandingView
from kodit.domain.questions import ExplainQuestion, LeftOutQuestion
from kodit.faces.cli.terminal.left_out import explain_and_show, list_left_out

STANDING = StandingView(
    3, "/source", "complete", None, "2026-01-02T03:04:05Z", None, 0, (), (), {}, ()
)
FOLDER = LeftOutView(
    3, "/source", "build/", None, "ignored", ".gitignore:1: build/\x1b", 12, counted=True
)
EXPLANATION = ExplanationView(
    index_id=3,
    source="/source",
    path="build/a.py",
    file=None,
    state="indexed",
    left_out=None,
    status="clean",
    language="python",
    size=12_345,
    problem=None,
    author="Ada\x07",
    changed_at="2026-01-02T03:04:05Z",
    created_at="2025-01-02T03:04:05Z",
    snippets=(),
    standing=(STANDING,),
)
DONE = ExplainedSnippetView(1, 9, "swing", "method", "Lantern", {"keyword": True, "code": True})


class Asked:
    """A session that has its answer already."""

    folder = None

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def ask(self, _question: object, view: type[object]) -> object:
        assert isinstance(self._answer, view)
        return self._answer


def explained(capsys: pytest.CaptureFixture[str], **changes: object) -> list[str]:
    asked: Any = Asked(replace(EXPLANATION, **changes))  # type: ignore[arg-type]
    explain_and_show(asked, ExplainQuestion("a.py"), as_json=False)
    return capsys.readouterr().out.splitlines()


def listed(capsys: pytest.CaptureFixture[str], *left_out: LeftOutView, problem: str = "") -> Any:
    problems = (problem,) if problem else ()
    asked: Any = Asked(LeftOutsView(left_out, problems, (STANDING,)))
    found = list_left_out(asked, LeftOutQuestion(), as_json=False)
    return found, capsys.readouterr()


def test_a_file_that_is_indexed(capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown facts are not shown."""
    assert explained(capsys) == [
        "[3] build/a.py is indexed",
        "    python, 12,345 bytes",
        r"    last changed by Ada\x07, 2026-01-02",
        "    first committed 2025-01-02",
    ]
    nothing = {"language": None, "author": None, "created_at": None}
    assert explained(capsys, **nothing) == ["[3] build/a.py is indexed"]
    assert explained(capsys, size=None, changed_at=None)[1:3] == [
        "    python",
        r"    last changed by Ada\x07, at an unknown time",
    ]
    assert explained(capsys, problem="too deep")[1] == "    split by lines: too deep"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("changed", "is indexed, but has changed since; the next run updates it"),
        ("left_out", "is left out"),
        ("new", "is not indexed yet; the next run adds it"),
        ("removed", "no longer exists; the next run removes it from the index"),
        ("folder", "is a folder whose files are indexed"),
        ("of a newer\x1b server", r"of a newer\x1b server"),
    ],
)
def test_the_states_of_a_file(state: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(capsys, state=state)[0] == f"[3] build/a.py {words}"


def test_the_implied_index_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    asked: Any = Asked(replace(EXPLANATION, standing=(replace(STANDING, is_implied=True),)))
    explain_and_show(asked, ExplainQuestion("a.py"), as_json=False)
    assert capsys.readouterr().err == "In /source.\n"
    found = list_left_out(
        Asked(LeftOutsView((), (), asked.ask(None, ExplanationView).standing)),  # type: ignore[arg-type]
        LeftOutQuestion(),
        as_json=False,
    )
    said = capsys.readouterr().err.splitlines()
    assert (found, said[0]) == (False, "In /source; --all searches every index.")


def test_what_excludes_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    """The file itself, or a folder around it."""
    why = r"    ignored, by .gitignore:1: build/\x1b"
    folder = explained(capsys, left_out=FOLDER, problem="ignored")
    assert folder[1:3] == [why, "    with all of build/, 12 files"]
    one = explained(capsys, left_out=replace(FOLDER, files=1, counted=False))
    assert one[2] == "    with all of build/, 1+ file"
    itself = replace(FOLDER, path="build/a.py")
    assert explained(capsys, left_out=itself)[1:3] == [why, "    python, 12,345 bytes"]
    assert explained(capsys, path="build", left_out=FOLDER)[2].startswith("    python")


def test_how_far_the_snippets_of_a_file_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with the stages that it still waits for."""
    module = ExplainedSnippetView(10, 12, None, None, "", {"keyword": False, "code": False})
    plain = replace(DONE, scope="", kind=None)
    assert explained(capsys, snippets=(DONE, module, plain))[4:] == [
        "    3 snippets",
        "      1-9  method Lantern.swing",
        "      10-12  waiting for keyword, code",
        "      1-9   swing",
    ]
    assert explained(capsys, snippets=(DONE,))[4:] == [
        "    1 snippet",
        "      1-9  method Lantern.swing",
        "    all of them have passed every stage",
    ]


def test_what_is_left_out_of_an_index(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each; returns whether there was any, and reports a source that cannot be read."""
    found, printed = listed(capsys, FOLDER, replace(FOLDER, path="x", files=9, counted=False))
    assert (found, printed.err) == (True, "")
    assert printed.out.splitlines() == [
        r"     12  ignored            build/  .gitignore:1: build/\x1b",
        r"     9+  ignored            x  .gitignore:1: build/\x1b",
    ]
    found, printed = listed(capsys)
    assert (found, printed.out, printed.err) == (False, "", "Nothing is left out.\n")
    found, printed = listed(capsys, problem="/gone does not exist")
    assert (found, printed.out, printed.err) == (False, "", "kodit: /gone does not exist\n")


def test_version_control_data_comes_last(capsys: pytest.CaptureFixture[str]) -> None:
    """In each index: the data of version-control systems, in any folder."""
    ones = [replace(FOLDER, path=path) for path in (".git/", "build/", "deep/.hg/", "x.py")]
    _found, printed = listed(capsys, *ones, replace(FOLDER, index_id=4, path="a.py"))
    shown = [
        line.partition("ignored")[2].split("  .gitignore")[0] for line in printed.out.splitlines()
    ]
    assert [place.split()[-1] for place in shown] == [
        "build/",
        "x.py",
        ".git/",
        "deep/.hg/",
        "a.py",
    ]
