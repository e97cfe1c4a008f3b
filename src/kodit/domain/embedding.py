"""Stored and cached forms of vectors and enrichments."""

from __future__ import annotations

import zlib
from typing import NamedTuple


class PackedVector(NamedTuple):
    """A vector as it is stored. A tuple, because tens of thousands travel between processes.

    `values` is used for rescoring (in the adapter's own compact encoding), and `code` is the 1-bit
    form for finding candidates: one sign bit per dimension, packed into bytes.
    """

    values: bytes
    code: bytes


def cache_key(model: str, text: str) -> bytes:
    """The cache key of a model's result for an exact input: 16 bytes of BLAKE2b. `model` names the
    model and the version of the preprocessing."""
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, and a process that only reads hashes nothing

    named = f"{model}\0{text}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(named, digest_size=16).digest()


def local_key(model: str, text: str) -> bytes:
    """The cache key of a model of this machine, for a text that begins with the line of its path:
    18 bytes, of which the first two depend on that line alone.

    The keys of a file are thus neighbours in the database's index of keys. Snippets come file by
    file, and a batch with random keys would rewrite a page of that index for nearly each of them.
    """
    path = text.partition("\n")[0].encode("utf-8", "surrogatepass")
    return (zlib.crc32(path) & 0xFFFF).to_bytes(2) + cache_key(model, text)
