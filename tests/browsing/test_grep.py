"""Searching lines of indexed files."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from tests.browsing.conftest import BANK, SHOP, Indexed, write_files
from tests.support.sources import commit_all, write_file

from kodit import Kodit
from kodit.application.services.grep_service import GrepService
from kodit.composition import Application
from kodit.domain.entities import Index
from kodit.domain.errors import InvalidQueryError, NotFoundError, SourceError
from kodit.domain.grep import Expression, GrepAnswer, GrepRequest
from kodit.domain.ports.sources import SourceReader
from kodit.domain.value_objects import SearchFilter
from kodit.infrastructure.grep import line_searcher
from kodit.infrastructure.grep.folder_lister import ScannedFolderLister
from kodit.infrastructure.grep.line_searcher import FIRST_FILES, PooledLineSearcher
from kodit.settings import Settings

HARD = r"(a?[ab]?){500}c"
"""Takes RE2 half a minute for a megabyte of `a` and `b`."""


def places(answer: GrepAnswer) -> list[tuple[int, str, int]]:
    """Index, path and line of each match."""
    return [(match.index_id, match.path, match.found.line) for match in answer.matches]


def test_lines_of_every_index_come_by_index_path_and_line(indexed: Indexed) -> None:
    """A folder and a git repository in one answer, without ignored, binary or secret files."""
    answer = indexed.kodit.grep("round_price")
    assert places(answer) == [
        (1, "docs/guide.md", 3),
        (1, "shop/cart.py", 3),
        (1, "shop/cart.py", 28),
        (1, "shop/prices.py", 4),
        (1, "shop/prices.py", 13),
        (1, "tests/test_prices.py", 1),
        (1, "tests/test_prices.py", 4),
        (1, "tests/test_prices.py", 6),
        (1, "tests/test_prices.py", 7),
        (2, "bank/money.py", 4),
    ]
    assert answer.is_complete
    assert answer.matches[0].source == str(indexed.shop)
    assert answer.matches[-1].source == indexed.bank.as_uri()
    assert answer.matches[3].found.text == "def round_price(amount):"
    assert answer.matches[3].language == "python"


def test_an_answer_says_whether_there_is_more(indexed: Indexed) -> None:
    """A cut answer says so; with exactly as many matches as the limit, it is complete."""
    everything = places(indexed.kodit.grep("round_price"))
    assert len(everything) == 10
    for limit in (1, 9, 10):
        answer = indexed.kodit.grep("round_price", limit=limit)
        assert places(answer) == everything[:limit]
        assert answer.is_complete == (limit == 10)


def test_one_index_a_glob_and_a_language(indexed: Indexed) -> None:
    """Each narrows the files down, which are counted."""
    kodit = indexed.kodit
    assert places(kodit.grep("round_price", indexed.bank.as_uri())) == [(2, "bank/money.py", 4)]
    assert places(kodit.grep("round_price", 2)) == [(2, "bank/money.py", 4)]
    assert {path for _, path, _ in places(kodit.grep("round_price", paths=["/tests/**"]))} == {
        "tests/test_prices.py"
    }
    by_language = kodit.grep("return", languages=["javascript"])
    assert {match.path for match in by_language.matches} == {"web/basket.js"}
    assert by_language.files == 1
    nothing = kodit.grep("return", paths=["*.nothing"])
    assert (nothing.matches, nothing.files, nothing.is_complete) == ((), 0, True)


def test_case_fixed_strings_and_context(indexed: Indexed) -> None:
    """The effect of the options."""
    kodit = indexed.kodit
    assert not kodit.grep("ROUND_PRICE").matches
    assert len(kodit.grep("ROUND_PRICE", ignore_case=True).matches) == 10
    (found,) = kodit.grep("rstrip(|sum(", fixed_strings=True).matches or (None,)
    assert found is None
    (match,) = kodit.grep("sum(line", fixed_strings=True, context=1).matches
    assert match.found.before == ('        """The price of all lines, with tax."""',)
    assert match.found.after == ("        return round_price(amount * (1 + TAX_RATE))",)


def test_invalid_questions_are_user_errors(indexed: Indexed) -> None:
    """Also without a file to search."""
    with pytest.raises(InvalidQueryError, match="not a regular expression"):
        indexed.kodit.grep("(", paths=["*.nothing"])
    with pytest.raises(NotFoundError, match="no index 99"):
        indexed.kodit.grep("x", 99)
    with pytest.raises(SourceError, match="no index or folder"):
        indexed.kodit.grep("x", "/no/such/folder")
    with pytest.raises(SourceError, match="is not indexed"):
        indexed.kodit.grep("x", indexed.data_dir)


def test_git_sources_answer_from_the_indexed_commit_and_folders_as_they_are(
    tmp_path: Path,
) -> None:
    """A change of a git source is visible once it is indexed, of a folder at once."""
    write_files(tmp_path / "folder", {"a.py": "first = 1\n"})
    write_files(tmp_path / "repository", {"a.py": "first = 1\n"})
    commit_all(tmp_path / "repository")
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "folder")
        kodit.index((tmp_path / "repository").as_uri())
        for place in ("folder", "repository"):
            write_file(tmp_path / place / "a.py", "second = 2\n")
        commit_all(tmp_path / "repository")
        assert places(kodit.grep("first")) == [(2, "a.py", 1)]
        assert places(kodit.grep("second")) == [(1, "a.py", 1)]
        kodit.index((tmp_path / "repository").as_uri())
        assert places(kodit.grep("second")) == [(1, "a.py", 1), (2, "a.py", 1)]


def test_what_has_become_something_else_is_not_shown(tmp_path: Path) -> None:
    """A link, a folder of links, a key, a pipe: none is followed, read, or waited for."""
    folder = tmp_path / "folder"
    names = ("link.py", "key.py", "pipe.py", "binary.py", "deep/inner.py", "stays.py")
    write_files(folder, dict.fromkeys(names, "word = 1\n"))
    write_files(tmp_path / "outside", {"inner.py": "word = 'outside'\n"})
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(folder)
        assert len(kodit.grep("word").matches) == len(names)
        for name in ("link.py", "pipe.py", "deep/inner.py"):
            (folder / name).unlink()
        (folder / "deep").rmdir()
        (folder / "link.py").symlink_to(tmp_path / "outside" / "inner.py")
        (folder / "deep").symlink_to(tmp_path / "outside")
        os.mkfifo(folder / "pipe.py")
        write_file(folder / "key.py", "-----BEGIN PRIVATE KEY-----\nword\n")
        write_file(folder / "binary.py", b"word\x00")
        assert places(kodit.grep("word")) == [(1, "stays.py", 1)]


def test_a_missing_source_does_not_hide_the_others(tmp_path: Path) -> None:
    """Its error is reported beside the answer; alone, it is the answer."""
    write_files(tmp_path / "shop", {"a.py": SHOP["shop/prices.py"]})
    write_files(tmp_path / "bank", {"b.py": BANK["bank/money.py"]})
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "shop", tmp_path / "bank")
        (tmp_path / "shop").rename(tmp_path / "elsewhere")
        answer = kodit.grep("def round_price")
        assert places(answer) == [(2, "b.py", 4)]
        (problem,) = answer.problems
        assert str(tmp_path / "shop") in problem
        with pytest.raises(SourceError, match="does not exist"):
            kodit.grep("def round_price", str(tmp_path / "shop"))


def test_many_files_come_in_order(tmp_path: Path) -> None:
    """However many children share them, and wherever the answer is cut."""
    count = FIRST_FILES * 3
    files = {f"f{number:04}.txt": f"word {number}\n" for number in range(count)}
    write_files(tmp_path / "folder", files)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "folder")
        everything = kodit.grep("word", limit=count)
        assert [match.path for match in everything.matches] == sorted(files)
        assert everything.is_complete
        cut = kodit.grep("word", limit=FIRST_FILES + 7)
        assert cut.matches == everything.matches[: FIRST_FILES + 7]
        assert not cut.is_complete
        assert [match.path for match in kodit.grep("word 383$").matches] == ["f0383.txt"]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(a|a?)+c", "(.*)*(.*)*c", "(x+x+)+y"])
def test_an_expression_that_would_backtrack_does_not(pattern: str, indexed: Indexed) -> None:
    """RE2 never backtracks, so that this test ends."""
    assert indexed.kodit.grep(pattern, 1, paths=["*.py"]).files == 5


def test_an_expression_that_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one file, by the heartbeats of the child; over all files, by the clock."""
    choice = random.Random(1)  # noqa: S311 - any text that is not regular does
    hard = "".join(choice.choices("ab\n", [40, 40, 1], k=600_000))
    for name in ("ab.txt", "abc.txt"):
        write_file(tmp_path / "folder" / name, hard)
    write_file(tmp_path / "folder/a.txt", "easy\n")
    write_file(tmp_path / "folder/word.txt", "word\n")
    # The first file alone, then one hard file a child, so that another is under way at the end.
    monkeypatch.setattr(line_searcher, "FIRST_FILES", 1)
    monkeypatch.setattr(line_searcher, "MOST_FILES", 1)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "folder")

    async def grep(pattern: str, *, stall: float, total: float) -> GrepAnswer:
        with Application(Settings.load(data_dir=tmp_path / "data")) as application:
            searcher = PooledLineSearcher(
                application.places, application.pool, ripgrep=None, stall_seconds=stall
            )
            service = GrepService(
                catalogue=application.catalogue,
                searcher=searcher,
                lister=ScannedFolderLister(application.engines.reader),
                time_limit_seconds=total,
            )
            return await service.grep(GrepRequest(Expression(pattern)))

    with pytest.raises(InvalidQueryError, match=r"takes too long"):
        asyncio.run(grep(HARD, stall=1.0, total=60.0))
    with pytest.raises(InvalidQueryError, match=r"took more than 1 s"):
        asyncio.run(grep(HARD, stall=60.0, total=1.0))
    assert places(asyncio.run(grep("^word", stall=60.0, total=60.0))) == [(1, "word.txt", 1)]


def test_a_folder_that_takes_too_long_to_list_is_left_out() -> None:
    class Endless:
        async def scan(self, *_: object) -> None:
            await asyncio.Event().wait()

    lister = ScannedFolderLister(cast(SourceReader, Endless()), 0.01)
    index = cast(Index, SimpleNamespace(id=1))
    assert asyncio.run(lister.files(index, SearchFilter())) == ()
