"""A phrase in a script without spaces is one term of a query, and each of its letters and pairs a
term of a text.
"""

from __future__ import annotations

import pytest

from kodit.domain.ranking.terms import LONGEST_IDENTIFIER, query_terms_of, terms


@pytest.mark.parametrize("length", [2, LONGEST_IDENTIFIER, LONGEST_IDENTIFIER + 1])
def test_a_phrase_is_a_term_however_long(length: int) -> None:
    """Unlike a word of another script, which is then no name."""
    assert query_terms_of("関" * length) == ["関" * length]
    assert query_terms_of("é" * length) == (["é" * length] if length <= LONGEST_IDENTIFIER else [])
    assert len(terms("関" * length)) == 2 * length - 1


def test_phrases_beside_words() -> None:
    assert query_terms_of("parse関数 Größe") == ["pars", "関数", "grösse"]
    assert terms("関数") == ["関", "数", "関数"]
