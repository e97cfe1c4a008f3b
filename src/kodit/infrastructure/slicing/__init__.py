"""Cutting files into snippets.

`slice_file` is a pure function of a path and bytes. Nothing here imports tree-sitter or a grammar
before a file that needs it is met.
"""

from __future__ import annotations

from kodit.infrastructure.slicing.detection import detect_language
from kodit.infrastructure.slicing.slicer import slice_file
from kodit.infrastructure.slicing.version import extractor_version, extractor_version_of_all

EXTRACTOR_VERSION: str
"""Changes when the slicing of any language changes; `extractor_version` is that of one."""

__all__ = ["EXTRACTOR_VERSION", "detect_language", "extractor_version", "slice_file"]


def __getattr__(name: str) -> str:
    if name == "EXTRACTOR_VERSION":
        return extractor_version_of_all()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
