"""What the words and options of commands about files mean."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from kodit.domain.questions import Where
from kodit.faces.cli.commands import files


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder has a folder `shop` and a file `12`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "12").touch()


@pytest.mark.parametrize(
    ("words", "source", "place"),
    [
        ("a.py", None, "a.py"),
        ("a.py:10", None, "a.py:10"),
        ("a.py 10", None, "a.py:10"),
        ("a.py 10-20", None, "a.py:10-20"),
        ("a.py L10-L20", None, "a.py:L10-L20"),
        ("a.py 10 20", None, "a.py:10-20"),
        ("flask a.py", "flask", "a.py"),
        ("flask a.py 10", "flask", "a.py:10"),
        ("flask a.py 10-20", "flask", "a.py:10-20"),
        ("flask a.py 10 20", "flask", "a.py:10-20"),
        ("flask x10", "flask", "x10"),
        # A number is the name of a file where it follows a source, or there is such a file.
        ("shop 10", "shop", "10"),
        ("7 10", "7", "10"),
        ("https://host.org/a 10", "https://host.org/a", "10"),
        ("a.py 12", "a.py", "12"),
    ],
)
def test_a_source_and_a_place(words: str, source: str | None, place: str) -> None:
    assert files.source_and_place(words.split()) == (source, place)


@pytest.mark.parametrize(("words", "count"), [("a b c", 3), ("a b c 10", 3), ("a b c d e", 5)])
def test_too_many_words(words: str, count: int) -> None:
    with pytest.raises(typer.BadParameter, match=f"not {count} of them") as refused:
        files.source_and_place(words.split())
    assert refused.value.param_hint == "PATH"


@pytest.mark.parametrize(
    ("chosen", "uses"),
    [((), ""), (("calls",), "calls"), (("imports",), "imports")],
)
def test_the_uses_that_were_chosen(chosen: tuple[str, ...], uses: str) -> None:
    options = dict.fromkeys(("calls", "imports", "types"), False)
    assert files._chosen_uses(**options | dict.fromkeys(chosen, True)) == uses


def test_uses_that_exclude_each_other() -> None:
    """The first two are named."""
    with pytest.raises(typer.BadParameter, match=r"^--calls and --types exclude each other"):
        files._chosen_uses(calls=True, imports=False, types=True)
    with pytest.raises(typer.BadParameter, match=r"^--calls and --imports exclude each other"):
        files._chosen_uses(calls=True, imports=True, types=True)


def test_a_glob_has_a_star_and_does_not_exist() -> None:
    Path("a*").touch()
    assert [files._is_glob(one) for one in ("*.py", "a*", "a.py")] == [True, False, False]


def test_where_to_look() -> None:
    assert files.where_of((), None, None) == Where()
    assert files.where_of(("a",), ["go"], ["*.py", "x/"], everywhere=True) == Where(
        ("a",), everywhere=True, languages=("go",), paths=("*.py", "x/")
    )
    assert files.named_sources(None, None) == ()
    assert files.named_sources("a", ["b", "c"]) == ("a", "b", "c")
