"""`kodit index --include --exclude`: which files of a source are indexed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.sources import write_file

MISTAKES = {
    "[": "matches no file: its bracket is not closed",
    "src/[a-": "matches no file: its bracket is not closed",
    "a\\": "or it ends in a backslash",
    "!a": "only negates an earlier include glob, but none comes before it",
    "#a": "is a comment",
    "/": "is empty and matches no file",
    "  ": "is empty and matches no file",
    "a\nb": "holds a control character",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files of two kinds in two folders."""
    for name in ("src/one.py", "src/two.js", "docs/three.py"):
        write_file(tmp_path / "source" / name, "quartz = 1\n")
    return tmp_path / "source"


def paths(kodit: KoditCommand) -> set[str]:
    """The paths that are indexed."""
    return {file["path"] for file in kodit.ask("ls")["files"]}


def test_a_glob_that_chooses_nothing_is_refused(kodit: KoditCommand, folder: Path) -> None:
    """With a sentence; the index is unchanged."""
    kodit.succeed("index", folder)

    for glob, mistake in MISTAKES.items():
        outcome = kodit.run_here("index", folder, "--include", glob)

        assert (outcome.code, outcome.out) == (2, ""), glob
        (sentence,) = outcome.said
        assert sentence.startswith(f"kodit: the include glob {glob!r} ")
        assert mistake in sentence
    assert len(paths(kodit)) == 3
    assert kodit.run("index", folder, "--exclude", "src", "--exclude", "[").code == 2
    assert kodit.run("index", folder, "--exclude", "src", "--exclude", "").code == 2
    assert len(paths(kodit)) == 3


def test_globs_are_kept_until_changed(kodit: KoditCommand, folder: Path) -> None:
    """Each option by itself; an empty text clears it, and the status shows the globs."""
    kodit.succeed("index", folder, "--exclude", "docs/", "--exclude", "*.md")
    assert paths(kodit) == {"src/one.py", "src/two.js"}

    kodit.succeed("index", folder, "--include", "*.py")

    assert paths(kodit) == {"src/one.py"}
    index = kodit.status()
    assert (index["include"], index["exclude"]) == (["*.py"], ["docs/", "*.md"])
    shown = kodit.succeed("status").out
    assert "1 file, 1 snippet, " in shown
    assert "    include: *.py\n    exclude: docs/, *.md\n" in shown

    kodit.succeed("index", folder)
    assert paths(kodit) == {"src/one.py"}

    kodit.succeed("index", folder, "--exclude", "")
    assert paths(kodit) == {"src/one.py", "docs/three.py"}
    assert "exclude" not in kodit.succeed("status").out

    kodit.succeed("index", folder, "--include", "")
    assert len(paths(kodit)) == 3
    assert kodit.status()["include"] == []


def test_negated_globs_take_back(kodit: KoditCommand, folder: Path) -> None:
    """After a glob that selects."""
    kodit.succeed("index", folder, "--include", "src", "--include", "!*.js")

    assert paths(kodit) == {"src/one.py"}
