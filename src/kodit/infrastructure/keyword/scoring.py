"""BM25, computed from what each snippet has and from nothing else.

tantivy finds the candidates. Its own scores count snippets that were deleted until it merges the
segments that hold them, so that they depend on what an index was before. So each document carries a
record of its terms, from which its score is computed again, by the same formula: with k1 = 1.2,
b = 0.75, and lengths rounded down to those that tantivy keeps in one byte.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75
MOST_COUNTED = 255
"""What a record holds of a term's frequency: more of it changes a score by less than rounding."""
_FREQUENCY_BITS = 8
_ENTRY = np.dtype("<u4")
CODE_BYTES = _ENTRY.itemsize
_KEY_OF_CODE = 0xFFFFFF00
_EXACT_LENGTHS = 24
_MANTISSA_BITS = 3


def term_codes(terms: Iterable[str]) -> bytes:
    """Numbers that tell terms from each other, in a row, of `CODE_BYTES` each."""
    return b"".join([zlib.crc32(term.encode()).to_bytes(CODE_BYTES, "little") for term in terms])


def term_records(codes: Sequence[bytes]) -> list[bytes]:
    """How often each snippet has each of its terms, whose codes are given, as often as it has
    them: of each term, 24 bits that tell it from the others and 8 of its frequency."""
    lengths = [len(some) // CODE_BYTES for some in codes]
    firsts = np.arange(len(codes) + 1, dtype=np.int64) << 32
    # Snippet and code in one number, so that one sort counts the terms of all.
    pairs = np.repeat(firsts[:-1], lengths) + np.frombuffer(b"".join(codes), _ENTRY)
    pairs, counts = np.unique(pairs, return_counts=True)
    entries = (pairs & _KEY_OF_CODE) | np.minimum(counts, MOST_COUNTED)
    record = entries.astype(_ENTRY).tobytes()
    ends = (np.searchsorted(pairs, firsts) * CODE_BYTES).tolist()
    return [record[start:end] for start, end in pairwise(ends)]


def frequencies(records: Sequence[bytes], terms: Sequence[str]) -> NDArray[np.float64]:
    """How often each record, one row each, has each of the terms."""
    found = np.zeros((len(records), len(terms)))
    entries = np.frombuffer(b"".join(records), _ENTRY)
    keys = entries >> _FREQUENCY_BITS
    owners: NDArray[np.intp] | None = None
    for column, term in enumerate(terms):
        places = np.flatnonzero(keys == _key(term))
        if len(places):
            if owners is None:
                owners = np.cumsum([len(record) // _ENTRY.itemsize for record in records])
            rows = np.searchsorted(owners, places, "right")
            found[rows, column] = entries[places] & MOST_COUNTED
    return found


def rarity(snippets: int, having: int) -> float:
    """The inverse document frequency of a term that so many of the snippets have."""
    return float(np.log1p((snippets - having + 0.5) / (having + 0.5)))


def scores(
    frequency: NDArray[np.float64],
    lengths: NDArray[np.int64],
    rarities: Sequence[float],
    average_length: float,
) -> NDArray[np.float64]:
    """The scores of snippets, of which `frequency` has one row each and one column a term, rounded
    to what tantivy would keep of them: that the order of a sum cannot be seen."""
    kept = _KEPT_LENGTHS[np.searchsorted(_KEPT_LENGTHS, lengths, "right") - 1]
    norms = K1 * (1 - B + B * kept / average_length)
    saturated = frequency / (frequency + norms[:, None])
    total = np.zeros(len(frequency))
    for column, weight in enumerate(rarities):
        total += weight * (1 + K1) * saturated[:, column]
    return total.astype(np.float32).astype(np.float64)


def _key(term: str) -> int:
    return zlib.crc32(term.encode()) >> _FREQUENCY_BITS


def _kept_lengths() -> NDArray[np.int64]:
    """The lengths that one byte tells apart: the first ones exactly, then, as in a floating-point
    number, eight from each power of two to the next."""
    lengths = list(range(_EXACT_LENGTHS))
    for code in range(256 - _EXACT_LENGTHS):
        exponent, mantissa = divmod(code, 1 << _MANTISSA_BITS)
        if exponent:
            mantissa = (mantissa | 1 << _MANTISSA_BITS) << (exponent - 1)
        lengths.append(_EXACT_LENGTHS + mantissa)
    return np.array(lengths, dtype=np.int64)


_KEPT_LENGTHS = _kept_lengths()
