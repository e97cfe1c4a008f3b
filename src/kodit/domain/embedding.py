"""Vectors and enrichments as they are stored and cached."""

from __future__ import annotations

from typing import NamedTuple


class PackedVector(NamedTuple):
    """A vector in the form that is stored. A tuple: tens of thousands travel between processes.

    `values` is the rescoring form (the adapter's own compact encoding) and `code` its 1-bit form:
    one sign bit a dimension, packed into bytes, for finding candidates.
    """

    values: bytes
    code: bytes


def cache_key(model: str, text: str) -> bytes:
    """What identifies the result of a model for an exact input: 16 bytes of BLAKE2b.

    `model` names the model and the version of all that is done to the text before it.
    """
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, and who only reads hashes nothing

    digest = hashlib.blake2b(model.encode(), digest_size=16)
    digest.update(b"\0")
    digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.digest()
