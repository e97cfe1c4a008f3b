"""Cutting files into snippets.

`slice_file` is a pure function of a path and bytes. Nothing here imports tree-sitter or a grammar
before a file that needs it is met.
"""

from __future__ import annotations

from kodit.infrastructure.slicing.detection import detect_language
from kodit.infrastructure.slicing.slicer import slice_file
from kodit.infrastructure.slicing.version import extractor_version, is_outdated

__all__ = ["detect_language", "extractor_version", "is_outdated", "slice_file"]
