"""What a move remembers of the rows it has copied."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodit.domain.moving import Row, RowBatch, TableProgress, digest

VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.binary()
ROWS = st.lists(st.tuples(VALUES, VALUES))


def copied(batches: list[list[Row]]) -> TableProgress:
    progress = TableProgress()
    for rows in batches:
        progress = progress.after(RowBatch(rows, (len(rows),)))
    return progress


@given(ROWS, st.data())
def test_neither_order_nor_batches_count(rows: list[Row], data: st.DataObject) -> None:
    """So that an interrupted copy, in other batches, is the same."""
    at = data.draw(st.integers(0, len(rows)))
    other = data.draw(st.permutations(rows))
    assert copied([rows]).is_same(copied([list(other)[:at], list(other)[at:]]))


@given(ROWS, ROWS)
def test_other_rows_have_another_digest(first: list[Row], second: list[Row]) -> None:
    """Unless they are the same in another order; True and 1 are not the same."""
    is_same = sorted(map(repr, first)) == sorted(map(repr, second))
    assert (digest(first) == digest(second)) is is_same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((b"ab", b"c"), (b"a", b"bc")),
        ((b"a", None), (None, b"a")),
        ((b"1", 1), (1, b"1")),
        (("a", "b"), ("b", "a")),
        ((True,), (1,)),
        (("1",), (1,)),
        ((b"1",), ("1",)),
    ],
)
def test_values_stay_in_their_places(one: Row, other: Row) -> None:
    assert digest([one]) != digest([other])


def test_twice_the_same_row_is_not_once() -> None:
    """Nor none at all."""
    assert not copied([[(1,), (1,)]]).is_same(copied([[(1,)]]))
    assert not copied([[(1,)]]).is_same(copied([]))
    assert copied([[(1,)], [(2,)]]).last_key == (1,)
