"""A search finds nothing if none of its words occurs and no name is similar."""

from __future__ import annotations

import pytest

from kodit import Kodit
from kodit.domain.value_objects import SearchMode


@pytest.mark.parametrize(
    "query", ["zzzzqqqq", "zzzzqqqq wwwwkkkk", "zzzz::qqqq()", "zzzz/qqqq.xyzzy", "=> ???", "zqx"]
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
