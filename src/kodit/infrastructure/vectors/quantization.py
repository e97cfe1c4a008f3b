"""Vectors as compact bytes.

Rescoring form: one signed byte per dimension, scaled so that the largest component becomes 127,
followed by that scale as a little-endian float32. Candidate form: one sign bit per dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kodit.domain.embedding import PackedVector

FloatMatrix = NDArray[np.float32]


def pack(vectors: FloatMatrix) -> list[PackedVector]:
    """`vectors` has the shape (n, dimensions), rows of length 1."""
    largest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-12).astype(np.float32)
    quantised = np.rint(vectors / largest * 127).astype(np.int8)
    scales = (largest / 127).astype("<f4")
    codes = np.packbits(vectors > 0, axis=1)
    return [
        PackedVector(row.tobytes() + scale.tobytes(), code.tobytes())
        for row, scale, code in zip(quantised, scales, codes, strict=True)
    ]


def unpack(values: Sequence[bytes]) -> FloatMatrix:
    """Rescoring forms as a matrix of shape (n, dimensions)."""
    raw = np.frombuffer(b"".join(values), dtype=np.int8).reshape(len(values), -1)
    scales = raw[:, -4:].copy().view("<f4")
    values_f32: FloatMatrix = raw[:, :-4].astype(np.float32) * scales
    return values_f32


def products(vectors: NDArray[Any], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scalar product of each row of `vectors`, shape (n, dimensions), with `query`.

    Not by `@`: its library wakes one thread per core, which then spins longer than the sum takes
    and keeps buffers for good: twice the processor time, and 160 MB.
    """
    scores: NDArray[np.float32] = np.vecdot(vectors.astype(np.float32, copy=False), query)
    return scores


def pack_code(vector: FloatMatrix) -> NDArray[np.uint64]:
    """The sign bits of one vector, as words to compare with `codes_matrix`."""
    return np.packbits(vector > 0).view(np.uint64)


def codes_matrix(codes: Sequence[bytes]) -> NDArray[np.uint64]:
    """Stored codes as words, one row per code; dimensions are a multiple of 64."""
    return np.frombuffer(b"".join(codes), dtype=np.uint64).reshape(len(codes), -1)
