"""A search finds nothing if none of its words occurs and no name is similar."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.searching.test_golden_rankings import GOLDEN
from tests.support.sources import write_file

from kodit import Kodit
from kodit.domain.value_objects import SearchMode


@pytest.mark.parametrize(
    "query",
    [
        "flurb the gronkle",
        "zzzzqqqq",
        "zzzzqqqq wwwwkkkk",
        "zzzz::qqqq()",
        "zzzz/qqqq.xyzzy",
        "=> ???",
        "zqx",
    ],
)
def test_words_that_are_nowhere(query: str, searchable: Kodit) -> None:
    """They do not return the least dissimilar snippets, which the vectors alone would."""
    assert searchable.search(query) == []
    assert searchable.search(query, mode=SearchMode.KEYWORD) == []
    assert searchable.search(query, mode=SearchMode.CODE) != []


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("Schedulre", "cs/Scheduler.cs"),
        ("Scheduller", "cs/Scheduler.cs"),
        ("MAILR", "php/Mailer.php"),
        ("zzzzqqqq Ledgre", "java/Ledger.java"),
        ("Ledg", "java/Ledger.java"),
    ],
)
def test_a_misspelled_name(query: str, path: str, searchable: Kodit) -> None:
    """It finds the intended one."""
    assert searchable.search(query)[0].snippet.path == path


def test_one_word_that_occurs_is_enough(searchable: Kodit) -> None:
    """The others may have other words for the same thing."""
    assert searchable.search("zzzzqqqq wwwwkkkk matrix")[0].snippet.path == "rs/matrix.rs"


@pytest.mark.parametrize(
    "query",
    [
        "zzzzqqqq wwwwkkkk the flurb matrix",
        "how to bake sourdough bread for a large value",
        "purple elephants dancing on the moon line",
        "PushZzzzQqqq",
    ],
)
def test_a_weak_best_says_so(query: str, searchable: Kodit) -> None:
    """And so does every page of such an answer."""
    for offset in (0, 1):
        results = searchable.search(query, limit=1, offset=offset)
        assert [one.is_weak for one in results] == [True]


def test_what_is_there_is_no_weak_answer(searchable: Kodit) -> None:
    """Of the questions that are answered rightly, and of names that are nearly right."""
    ranks = json.loads(GOLDEN.read_text())["ranks"]
    first = [query for query, rank in ranks.items() if rank == 1]
    queries = [*first, "Schedulre", "cs/Scheduler.cs", "MAILR"]
    weak = [query for query in queries if any(one.is_weak for one in searchable.search(query))]
    assert weak == []


def test_where_a_keyword_index_is_missing_a_word_may_occur(tmp_path: Path) -> None:
    """The nearest vectors are the answer then, and nothing tells whether they are weak."""
    for name in ("first", "second"):
        write_file(tmp_path / name / f"{name}.py", f"def {name}():\n    return 1\n")
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "first")
        kodit.index(tmp_path / "second")
        assert kodit.search("zzzzqqqq") == []
        assert {one.is_weak for one in kodit.search("first zzzzqqqq wwwwkkkk")} == {True}
        with closing(sqlite3.connect(tmp_path / "data" / "kodit.db")) as connection, connection:
            connection.execute("UPDATE indexes SET keyword_generation = 'another' WHERE id = 2")
        assert {one.is_weak for one in kodit.search("zzzzqqqq")} == {False}
        assert {one.is_weak for one in kodit.search("first zzzzqqqq wwwwkkkk")} == {False}
