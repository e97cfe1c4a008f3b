"""A static token-vector model: the vector of a text is the weighted sum of its tokens' vectors.

All sums are of integers below 2**53, which 64-bit floating-point numbers represent exactly: a text
has the same vector on every machine, whatever the order of summation.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from functools import cache
from mmap import MADV_DONTNEED
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kodit.domain.idleness import empty_when_idle
from kodit.infrastructure.counting import count_equal
from kodit.infrastructure.embedding.table_file import TableFile, open_table
from kodit.infrastructure.embedding.tokens import Tokenizer

MODEL = "kodit-static-1"
TABLE_FILE = Path(__file__).with_name(f"{MODEL}.table")
LONGEST_TEXT = 8_000
"""Characters; a longer text is cut. Snippets are shorter."""
MOST_TEXTS = (1 << 16) - 1
"""Embedded at once, so that a text and a token fit into 32 bits, which are sorted fastest."""
_TOKEN_BITS = 16
WEIGHT_UNIT = 64
"""A token is weighted 1 + ln(its frequency), rounded to a multiple of 1 / `WEIGHT_UNIT`."""

_WEIGHTS = np.asarray(
    [0, *(round(WEIGHT_UNIT * (1 + math.log(count))) for count in range(1, LONGEST_TEXT + 1))],
    dtype=np.float64,
)


class StaticModel:
    """A table of vectors and the tokenizer that it was trained with."""

    def __init__(self, file: TableFile) -> None:
        self._mapping = file.mapping
        self._table = file.table
        self._scales = file.scales.astype(np.float64)
        self._query_scales = file.query_scales.astype(np.float64)
        self._tokens = Tokenizer(file.words)
        if self._tokens.size != len(file.table):
            raise ValueError(f"{len(file.table)} vectors, but {self._tokens.size} tokens")

    @property
    def dimensions(self) -> int:
        return int(self._table.shape[1])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of length 1 per text, shape (n, dimensions). Each distinct token is weighted 1 +
        ln(its frequency); a text without any token gives a row of zeros. Raises ValueError for more
        than `MOST_TEXTS`.
        """
        if len(texts) > MOST_TEXTS:
            raise ValueError(f"{len(texts)} texts at once, but at most {MOST_TEXTS} can be counted")
        return self._embed(texts, self._scales)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The row of a query, in which tokens are weighted differently than in the searched
        texts.
        """
        vector: NDArray[np.float32] = self._embed([text], self._query_scales)[0]
        return vector

    def forget_runs(self) -> None:
        """Empty the cache of runs of texts, and of their tokens."""
        self._tokens.clear()

    def release_pages(self) -> None:
        """Release the resident pages of the table, which the system's cache keeps: embedding maps
        them again, at once where it reads.
        """
        if self._mapping is not None:
            self._mapping.madvise(MADV_DONTNEED)

    def _embed(self, texts: Sequence[str], scales: NDArray[np.float64]) -> NDArray[np.float32]:
        sums = np.zeros((len(texts), self.dimensions), dtype=np.float64)
        tokens, counts, ends = self._count(texts)
        weights = _WEIGHTS[counts] * scales[tokens]
        # The vectors of a text's tokens, in one array for all texts: a new one costs as much again.
        room = np.empty((int(np.diff(ends, prepend=0).max(initial=0)), self.dimensions))
        start = 0
        for row, end in enumerate(ends):
            if end > start:
                rows = room[: end - start]
                rows[...] = self._table.take(tokens[start:end], axis=0)
                np.matmul(weights[start:end], rows, out=sums[row])
            start = end
        lengths = np.sqrt(np.square(sums).sum(axis=1, keepdims=True))
        vectors = sums / np.where(lengths > 0, lengths, 1.0)
        return vectors.astype(np.float32)

    def _count(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.uint16], NDArray[np.int64], list[int]]:
        """The distinct tokens of all texts, text after text, how often each occurs, and where each
        text ends.
        """
        found = [self._tokens.tokens(text[:LONGEST_TEXT]) for text in texts]
        tokens = np.frombuffer(b"".join(found), np.uint16)
        # Text and token in one number, so that one sort counts the tokens of all texts.
        firsts = np.arange(len(texts) + 1, dtype=np.uint32) << _TOKEN_BITS
        pairs = np.repeat(firsts[:-1], [len(some) // tokens.itemsize for some in found])
        pairs += tokens
        pairs, counts = count_equal(pairs)
        ends = pairs.searchsorted(firsts[1:]).tolist()
        return pairs.astype(np.uint16), counts, ends


def load_model() -> StaticModel:
    """The built-in model; the table is mapped, not read, so that processes share it. If several
    threads call this at once, it is loaded only once.
    """
    with _loading:
        return _load_model()


_loading = threading.Lock()


@cache
def _load_model() -> StaticModel:
    model = StaticModel(open_table(TABLE_FILE))
    empty_when_idle(model.forget_runs)
    empty_when_idle(model.release_pages)
    return model
