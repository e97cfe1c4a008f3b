"""A search finds nothing where none of its words occurs and no name is near."""

from __future__ import annotations

import pytest

from kodit import Kodit
from kodit.domain.value_objects import SearchMode


@pytest.mark.parametrize(
    "query", ["zzzzqqqq", "zzzzqqqq wwwwkkkk", "zzzz::qqqq()", "zzzz/qqqq.xyzzy", "=> ???", "zqx"]
)
def test_words_that_are_nowhere(query: str, searchable: Kodit) -> None:
    """Are not answered with the least unlike snippets, by which vectors alone would go on."""
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
def test_a_name_that_is_nearly_right(query: str, path: str, searchable: Kodit) -> None:
    """Is answered with the one that is meant."""
    assert searchable.search(query)[0].snippet.path == path


def test_one_word_that_occurs_is_enough(searchable: Kodit) -> None:
    """The others may be said in other words."""
    assert searchable.search("zzzzqqqq wwwwkkkk matrix")[0].snippet.path == "rs/matrix.rs"
