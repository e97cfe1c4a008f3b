"""Splitting files into snippets.

`slice_file` is a pure function of a path and bytes. tree-sitter and each grammar are imported only
when the first file needs them.
"""

from __future__ import annotations

from kodit.infrastructure.slicing.detection import detect_language
from kodit.infrastructure.slicing.slicer import DETECTION_BYTES, read_alike, slice_file
from kodit.infrastructure.slicing.version import extractor_version, is_outdated

__all__ = [
    "DETECTION_BYTES",
    "detect_language",
    "extractor_version",
    "is_outdated",
    "read_alike",
    "slice_file",
]
