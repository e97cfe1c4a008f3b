"""The status of files as text columns: its first letter, or nothing."""

from __future__ import annotations

from kodit.domain.value_objects import FileProcessingStatus

_TEXTS = {
    FileProcessingStatus.CLEAN: "",  # most files are clean, and this takes no byte
    FileProcessingStatus.ADDED: "a",
    FileProcessingStatus.MODIFIED: "m",
    FileProcessingStatus.DELETED: "d",
}
_STATUSES = {text: status for status, text in _TEXTS.items()}
DELETED = _TEXTS[FileProcessingStatus.DELETED]


def status_to_text(status: FileProcessingStatus) -> str:
    return _TEXTS[status]


def text_to_status(text: str) -> FileProcessingStatus:
    return _STATUSES[text]
