"""What stands for a name that does not occur."""

from __future__ import annotations

import pytest

from kodit.domain.ranking.candidate import CorpusStatistics
from kodit.domain.ranking.nearness import MOST_NEAR, corrected, is_unknown_name
from kodit.domain.ranking.query import understand

THERE = (
    *("addItem", "addItems", "add_tax", "remove_item", "addItemToCart"),
    *("TestProject", "BestProjectResolver"),
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("adItem", "addItem"),
        ("add_txa", "add_tax"),
        ("Cart.remove_itme", "Cart.remove_item"),
        ("Item::Item::remove_itm()", "Item::Item::remove_item()"),
        ("addItemTo", "addItemToCart"),
        ("addI", "addItem addItems addItemToCart"),
        # The beginning of one, but more like another.
        ("BestProject", "TestProject"),
        ("multiply", "multiply"),
        ("item", "item"),
    ],
)
def test_a_name_that_is_misspelled_or_typed_in_part(query: str, expected: str) -> None:
    assert corrected(understand(query), THERE) == understand(expected)


def test_of_names_that_begin_alike_the_shortest_are_taken() -> None:
    there = [f"addition{'x' * length}" for length in range(9, 0, -1)]
    assert corrected(understand("addi"), there).text.split() == there[::-1][:MOST_NEAR]
    assert corrected(understand("addi"), ()) == understand("addi")


@pytest.mark.parametrize(
    ("query", "terms", "expected"),
    [
        ("addItem", {"add": 1, "item": 2}, True),
        ("addItem", {"additem": 1}, False),
        ("Cart.addItem", {"cart": 1, "add": 1}, True),
        ("add item", {"add": 1}, False),
    ],
)
def test_a_name_that_occurs_nowhere_as_a_whole(
    query: str, terms: dict[str, int], expected: bool
) -> None:
    statistics = CorpusStatistics(9, terms)
    assert is_unknown_name(understand(query), statistics) is expected
