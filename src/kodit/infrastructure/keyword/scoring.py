"""BM25, computed only from each snippet's own terms and the corpus statistics.

tantivy finds the candidates. Its own scores count deleted snippets until it merges their segments,
so that they depend on the history of an index. So each document carries a record of its terms, from
which its score is computed again, by the same formula: with k1 = 1.2, b = 0.75, and lengths rounded
down to those that tantivy stores in one byte.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kodit.infrastructure.counting import count_equal

K1 = 1.2
B = 0.75
MOST_COUNTED = 255
"""The highest frequency that a record holds: a higher one changes a score by less than rounding."""
_FREQUENCY_BITS = 8
_ENTRY = np.dtype("<u4")
CODE_BYTES = _ENTRY.itemsize
_KEY_OF_CODE = 0xFFFFFF00
_EXACT_LENGTHS = 24
_MANTISSA_BITS = 3


def term_codes(terms: Sequence[str]) -> bytes:
    """Concatenated numbers of `CODE_BYTES` each that distinguish the terms."""
    return struct.pack(f"<{len(terms)}I", *map(zlib.crc32, map(str.encode, terms)))


def term_records(codes: Sequence[bytes]) -> list[bytes]:
    """Per snippet the frequencies of its terms, whose codes are given once per occurrence: for each
    term, 24 bits that identify it and 8 of its frequency.
    """
    lengths = [len(some) // CODE_BYTES for some in codes]
    firsts = np.arange(len(codes) + 1, dtype=np.int64) << 32
    # Snippet and code in one number, so that one sort counts all terms.
    pairs = np.repeat(firsts[:-1], lengths)
    pairs += np.frombuffer(b"".join(codes), _ENTRY)
    pairs, counts = count_equal(pairs)
    entries = (pairs & _KEY_OF_CODE) | np.minimum(counts, MOST_COUNTED)
    record = entries.astype(_ENTRY).tobytes()
    ends = (pairs.searchsorted(firsts) * CODE_BYTES).tolist()
    return [record[start:end] for start, end in pairwise(ends)]


def frequencies(records: Sequence[bytes], terms: Sequence[str]) -> NDArray[np.float64]:
    """The frequency of each of the terms (columns) in each record (rows)."""
    found = np.zeros((len(records), len(terms)))
    entries = np.frombuffer(b"".join(records), _ENTRY)
    keys = entries >> _FREQUENCY_BITS
    owners: NDArray[np.intp] | None = None
    for column, term in enumerate(terms):
        # Methods of arrays: the functions of the same names take twice as long for so few values.
        (places,) = (keys == _key(term)).nonzero()
        if len(places):
            if owners is None:
                lengths = np.fromiter(map(len, records), np.intp, len(records))
                owners = lengths.cumsum() // CODE_BYTES
            rows = owners.searchsorted(places, "right")
            found[rows, column] = entries[places] & MOST_COUNTED
    return found


def rarity(snippets: int, having: int) -> float:
    """The inverse document frequency of a term that `having` of the `snippets` have."""
    return float(np.log1p((snippets - having + 0.5) / (having + 0.5)))


def scores(
    frequency: NDArray[np.float64],
    lengths: NDArray[np.int64],
    rarities: Sequence[float],
    average_length: float,
) -> NDArray[np.float64]:
    """The scores of snippets; `frequency` has one row per snippet and one column per term. They are
    rounded to tantivy's precision, so that the order of summation does not show.
    """
    kept = _KEPT_LENGTHS[_KEPT_LENGTHS.searchsorted(lengths, "right") - 1]
    norms = K1 * (1 - B + B * kept / average_length)
    saturated = frequency / (frequency + norms[:, None])
    total = np.zeros(len(frequency))
    for column, weight in enumerate(rarities):
        total += weight * (1 + K1) * saturated[:, column]
    return total.astype(np.float32).astype(np.float64)


def _key(term: str) -> int:
    return zlib.crc32(term.encode()) >> _FREQUENCY_BITS


def _kept_lengths() -> NDArray[np.int64]:
    """The lengths that one byte distinguishes: the first ones exactly, then, as in a floating-point
    number, eight from each power of two to the next.
    """
    lengths = list(range(_EXACT_LENGTHS))
    for code in range(256 - _EXACT_LENGTHS):
        exponent, mantissa = divmod(code, 1 << _MANTISSA_BITS)
        if exponent:
            mantissa = (mantissa | 1 << _MANTISSA_BITS) << (exponent - 1)
        lengths.append(_EXACT_LENGTHS + mantissa)
    return np.array(lengths, dtype=np.int64)


_KEPT_LENGTHS = _kept_lengths()
