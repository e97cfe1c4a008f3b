"""What is said beside an answer about the index that it is from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.sources import python_function, write_file, write_tree

from kodit.application.views.standing import StandingView
from kodit.domain.questions import Where
from kodit.faces.cli.terminal.notices import say_where


def test_which_index_and_what_else_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--all is named only where it would look into more."""
    here, other = tmp_path / "here", tmp_path / "other"
    for folder in (here, other):
        write_tree(folder, files=2)
    write_file(here / "only.py", python_function("only", "a b c".split()))
    kodit = KoditCommand(tmp_path / "data")
    kodit.succeed("index", here, other)

    def said(*words: str) -> list[str]:
        outcome = kodit.run_here(*words)
        assert outcome.code == 0, outcome.err
        return outcome.said

    monkeypatch.chdir(tmp_path)
    assert said("read", "only.py") == [f"In {here}."]
    assert said("related", "only.py:1") == [f"In {here}; --all searches every index."]
    assert said("related", "only.py:1", "--all") == []
    assert said("ls") == []
    monkeypatch.chdir(here)
    assert said("read", "only.py") == [f"In {here}; --all searches every index."]
    assert said("ls") == [f"In {here}; --all searches every index."]
    assert said("grep", "only") == [f"In {here}; --all searches every index."]


def test_how_old_an_index_is_that_is_searched_for_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Said where the user does not know it anyway: nothing of one that was indexed just now."""
    now = datetime.now(UTC)

    def said(*ages: timedelta | None) -> str:
        standing = [
            standing_of(f"/{number}", None if age is None else (now - age).isoformat())
            for number, age in enumerate(ages)
        ]
        say_where(Where(everywhere=True), standing, with_age=True)
        return capsys.readouterr().err

    old = replace(standing_of("/here", (now - timedelta(days=2)).isoformat()), is_implied=True)
    say_where(Where(), [old], "--all searches every index", with_age=True)
    assert capsys.readouterr().err == "In /here, indexed 2 d ago; --all searches every index.\n"
    assert said() == said(None) == said(timedelta(minutes=59)) == ""
    assert said(timedelta(hours=3)) == "/0 was indexed 3 h ago.\n"
    assert said(timedelta(0), timedelta(days=3), None, timedelta(hours=3)) == (
        "The oldest of 4 indexes, that of /1, was indexed 3 d ago.\n"
    )


def standing_of(source: str, indexed_at: str | None) -> StandingView:
    """One whose index is complete."""
    return StandingView(1, source, "complete", None, indexed_at, None, 0, (), (), {}, ())
