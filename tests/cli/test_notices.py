"""What is said beside an answer about the index that it is from."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.sources import python_function, write_file, write_tree


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
