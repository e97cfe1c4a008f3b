"""Distances between sign codes, and the nearest of many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROWS_PER_SWEEP = 65_536
"""Rows whose distances are computed at once, to stay in the processor's cache."""


def hamming_distances(codes: NDArray[np.uint64], query: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """The number of differing sign bits. `codes` has the shape (words, n), `query` (words,)."""
    words, count = codes.shape
    distances = np.empty(count, dtype=np.uint16)
    for start in range(0, count, ROWS_PER_SWEEP):
        sweep = codes[:, start : start + ROWS_PER_SWEEP]
        total = np.bitwise_count(sweep[0] ^ query[0]).astype(np.uint16)
        for word in range(1, words):
            total += np.bitwise_count(sweep[word] ^ query[word])
        distances[start : start + ROWS_PER_SWEEP] = total
    return distances


def edge_of_nearest(distances: Sequence[NDArray[np.uint16]], wanted: int) -> int | None:
    """The smallest distance that at least `wanted` of all distances do not exceed; None if there
    are no more than that.
    """
    if wanted >= sum(map(len, distances)):
        return None
    every = distances[0] if len(distances) == 1 else np.concatenate(distances)
    # There are few distinct distances: counting them finds the cutoff without sorting.
    return int(np.searchsorted(np.cumsum(np.bincount(every)), wanted))
