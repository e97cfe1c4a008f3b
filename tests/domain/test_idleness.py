"""An idle process empties the caches that fill with the words of texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kodit.domain import spelling
from kodit.domain.idleness import empty_caches
from kodit.domain.ranking.stemming import stem
from kodit.domain.ranking.terms import _pieces, terms, words
from kodit.infrastructure.embedding.static_model import load_model
from kodit.infrastructure.keyword import schema
from kodit.infrastructure.slicing import mentions
from kodit.infrastructure.slicing.slicer import slice_file

CACHES: dict[str, Callable[[], int]] = {
    "words": lambda: words.cache_info().currsize,
    "pieces": lambda: _pieces.cache_info().currsize,
    "stems": lambda: stem.cache_info().currsize,
    "words without diacritics": lambda: spelling.without_diacritics.cache_info().currsize,
    "rows of mentions": lambda: mentions._tail.cache_info().currsize,
    "names of mentions": lambda: mentions._named.cache_info().currsize,
    "terms of runs": lambda: len(schema._terms_of),
    "tokens of runs": lambda: len(load_model()._tokens),
}


@pytest.mark.parametrize("name", CACHES)
def test_a_cache_is_emptied_and_fills_again(name: str) -> None:
    size = CACHES[name]
    empty_caches()
    assert not size()
    _fill()
    assert size()
    empty_caches()
    assert not size()


def _fill() -> None:
    """Do with a small text what indexing does."""
    text = "def parseHeader(größe):\n    return readBytes(größe)\n"
    words("parseHeader")
    terms(text)
    spelling.without_diacritics("größe")
    slice_file("a.py", text.encode())
    _ = schema._terms_of["parseHeader"]
    load_model().embed([text])
