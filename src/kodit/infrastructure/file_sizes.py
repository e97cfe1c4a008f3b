"""The size limit for files that are read: a setting of this process, inherited by its children."""

from __future__ import annotations

import os
from collections.abc import Mapping

USUAL_LIMIT = 1_000_000
VARIABLE = "KODIT_LARGEST_FILE_BYTES"
_NOTEBOOK = ".ipynb"
_NOTEBOOK_FACTOR = 10
"""Most of a notebook is output, above all pictures, which is not indexed."""


def _given() -> int:
    try:
        return int(os.environ[VARIABLE])
    except (KeyError, ValueError):
        return USUAL_LIMIT


class _Limit:
    bytes = _given()


def set_limit(largest: int) -> None:
    """Read files of up to this many bytes from now on."""
    _Limit.bytes = largest


def usual_limit() -> int:
    """The size limit in bytes for most files."""
    return _Limit.bytes


def limit_of(path: str) -> int:
    """The size limit in bytes for a file with this name."""
    return _Limit.bytes * (_NOTEBOOK_FACTOR if path.lower().endswith(_NOTEBOOK) else 1)


def for_children() -> Mapping[str, str]:
    """The variables that pass the limit to a child process."""
    return {VARIABLE: str(_Limit.bytes)}
