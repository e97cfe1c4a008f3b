"""The status of files as text columns."""

from __future__ import annotations

from kodit.domain.value_objects import FileProcessingStatus

_CLEAN = ""
"""Most files are clean, and this takes no byte."""


def status_to_text(status: FileProcessingStatus) -> str:
    return _CLEAN if status is FileProcessingStatus.CLEAN else status.value


def text_to_status(text: str) -> FileProcessingStatus:
    return FileProcessingStatus(text or FileProcessingStatus.CLEAN)
