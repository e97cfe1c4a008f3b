"""An idle process empties the caches that fill with the words of texts, and unmaps the model."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from tests.support.memory import mapped_bytes

from kodit.domain import spelling
from kodit.domain.idleness import empty_caches
from kodit.domain.ranking.stemming import stem
from kodit.domain.ranking.terms import _pieces, terms, words
from kodit.infrastructure.embedding.static_model import TABLE_FILE, load_model
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


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_pages_of_the_model_are_released_and_read_again() -> None:
    texts = ["read and write every header", "grüße"]
    before = load_model().embed(texts).tolist()
    assert mapped_bytes(TABLE_FILE)
    empty_caches()
    assert not mapped_bytes(TABLE_FILE)
    assert before == load_model().embed(texts).tolist()


def _fill() -> None:
    """Do with a small text what indexing does."""
    text = "def parseHeader(größe):\n    return readBytes(größe)\n"
    words("parseHeader")
    terms(text)
    spelling.without_diacritics("größe")
    slice_file("a.py", text.encode())
    _ = schema._terms_of["parseHeader"]
    load_model().embed([text])
