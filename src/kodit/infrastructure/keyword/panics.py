"""Recognising panics of tantivy."""

from __future__ import annotations


def is_panic(error: BaseException) -> bool:
    """Whether an exception is a panic of tantivy's Rust code."""
    return type(error).__name__ == "PanicException"
