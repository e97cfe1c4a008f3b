"""The stored terms of each snippet, and the scores computed from them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kodit.infrastructure.keyword import scoring
from kodit.infrastructure.keyword.scoring import (
    CODE_BYTES,
    MOST_COUNTED,
    frequencies,
    term_codes,
    term_records,
)


def test_a_record_tells_how_often_a_snippet_has_a_term() -> None:
    snippets = [["one", "two", "one"], [], ["two"], ["three"] * (MOST_COUNTED + 1)]
    records = term_records([term_codes(terms) for terms in snippets])
    assert frequencies(records, ["one", "two", "three", "none"]).tolist() == [
        [2, 1, 0, 0],
        [0, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, MOST_COUNTED, 0],
    ]


def test_a_record_has_each_term_once() -> None:
    records = term_records([term_codes(["one", "two", "one"]), b"", term_codes(["one"])])
    assert [len(record) // CODE_BYTES for record in records] == [2, 0, 1]
    assert records == [*term_records([term_codes(["two", "one", "one"]), b""]), records[2]]


def test_no_snippets_have_no_records() -> None:
    assert term_records([]) == []


def test_lengths_are_rounded_as_in_the_engine() -> None:
    """The first ones exactly, then eight from each power of two to the next."""
    kept = scoring._kept_lengths().tolist()
    assert kept[:41] == list(range(41))
    assert kept[40:60] == [
        *(40, 42, 44, 46, 48, 50, 52, 54, 56, 60, 64, 68, 72, 76, 80, 84, 88, 96, 104, 112),
    ]
    assert (len(kept), kept[-1]) == (256, 2_013_265_944)


@pytest.mark.parametrize(("length", "kept"), [(0, 0), (39, 39), (41, 40), (42, 42), (95, 88)])
def test_a_score_is_that_of_bm25(length: int, kept: int) -> None:
    """As a single-precision number."""
    found = scoring.scores(np.array([[2.0, 0.0]]), np.array([length]), [1.5, 9.0], 10.0)
    norm = 1.2 * (0.25 + 0.75 * kept / 10.0)
    assert found.tolist() == [float(np.float32(1.5 * 2.2 * 2.0 / (2.0 + norm)))]
    assert scoring.rarity(10, 3) == pytest.approx(math.log(1 + 7.5 / 3.5))


def test_the_frequency_of_a_term() -> None:
    """Up to a number that fits into a byte."""
    texts: tuple[list[str], ...] = (["a"] * 300 + ["b"] * 200, [], ["b", "c"])
    records = scoring.term_records([scoring.term_codes(terms) for terms in texts])
    counted = scoring.frequencies(records, ["a", "b", "c", "d"]).tolist()
    assert counted == [[255, 200, 0, 0], [0, 0, 0, 0], [0, 1, 1, 0]]
