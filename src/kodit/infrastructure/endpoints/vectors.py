"""The vectors in an endpoint's answer, checked before anything relies on them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kodit.domain.errors import PermanentError, TransientError

FEWEST_DIMENSIONS = 8
MOST_DIMENSIONS = 16_384
_WORD = 64
"""Stored codes consist of words; shorter vectors are filled up with zeros, which changes no
similarity."""
_LEAST_LENGTH = 1e-6

Matrix = NDArray[np.float32]


def vectors_of(answer: Any, count: int, address: str) -> Matrix:
    """The vectors of an answer, one row of length 1 for each of `count` texts in their order.

    Raises TransientError for a wrong number of vectors and for numbers that are none: nothing of
    such an answer can be trusted, and the next one may be right.
    """

    def wrong(why: str) -> TransientError:
        return TransientError(f"{address} {why}", code="endpoint_answer_invalid")

    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list):
        raise PermanentError(
            f"{address} does not answer as /v1/embeddings does; check its address",
            code="endpoint_answer_invalid",
        )
    if len(data) != count:
        raise wrong(f"was asked for {count} vectors and returned {len(data)}")
    rows: list[Any] = [None] * count
    for place, one in enumerate(data):
        if not isinstance(one, dict):
            raise wrong("returned vectors in an unknown form")
        index = one.get("index", place)
        if type(index) is not int or not 0 <= index < count or rows[index] is not None:
            raise wrong("returned vectors whose numbers do not match the texts")
        rows[index] = _numbers(one.get("embedding"), wrong("returned vectors in an unknown form"))
    if len({len(row) for row in rows}) != 1:
        raise wrong("returned vectors of different lengths in one answer")
    vectors: Matrix = np.stack(rows)
    if not FEWEST_DIMENSIONS <= vectors.shape[1] <= MOST_DIMENSIONS:
        raise wrong(f"returned vectors of {vectors.shape[1]} dimensions")
    if not np.isfinite(vectors).all():
        raise wrong("returned vectors with values that are not numbers")
    lengths = np.sqrt(np.square(vectors.astype(np.float64)).sum(axis=1, keepdims=True))
    if lengths.min() < _LEAST_LENGTH:
        raise wrong("returned vectors that are all zero")
    unit: Matrix = (vectors / lengths).astype(np.float32)
    return unit


def _numbers(embedding: Any, error: Exception) -> Matrix:
    try:
        if isinstance(embedding, str):
            return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
        if isinstance(embedding, list):
            # A missing value would become NaN, which is checked.
            row = np.asarray(embedding, dtype=np.float32)
            if row.ndim == 1:
                return row
    except (ValueError, TypeError, OverflowError):
        pass
    raise error


def filled(vectors: Matrix) -> Matrix:
    """The vectors with a number of dimensions that can be stored."""
    missing = -vectors.shape[1] % _WORD
    return np.pad(vectors, ((0, 0), (0, missing))) if missing else vectors


def similarities(queries: Matrix, texts: Matrix) -> tuple[float, float]:
    """The mean similarity of each query with its own text, and with the others."""
    cosines = queries.astype(np.float64) @ texts.astype(np.float64).T
    own = float(np.trace(cosines)) / len(queries)
    others = float(cosines.sum() - np.trace(cosines)) / (len(queries) * (len(queries) - 1))
    return own, others


def usage_of(answer: Any, *names: str) -> int | None:
    """A count of tokens that the answer reports; None if it has none."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    for name in names:
        found = usage.get(name) if isinstance(usage, dict) else None
        if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 1 << 40:
            return found
    return None


def rows_of(vectors: Sequence[Matrix], address: str) -> Matrix:
    """Rows of several answers as one matrix. Raises PermanentError if their dimensions differ."""
    dimensions = sorted({rows.shape[1] for rows in vectors})
    if len(dimensions) > 1:
        raise PermanentError(
            f"{address} returns vectors of different dimensions for the same model: "
            f"{' and '.join(map(str, dimensions))}",
            code="endpoint_dimensions_changed",
        )
    return np.concatenate(vectors)
