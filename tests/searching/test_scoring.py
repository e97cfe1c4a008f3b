"""What the keyword index keeps of each snippet's terms, and what is read from it."""

from __future__ import annotations

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
