"""How tantivy gives up."""

from __future__ import annotations


def is_panic(error: BaseException) -> bool:
    """Whether tantivy gave up in the middle of something."""
    return type(error).__name__ == "PanicException"
