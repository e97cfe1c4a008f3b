"""Changes to a text that leave everything else as it is, and can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class UnreadableError(Exception):
    """The text is not what its file should hold; the message says where and why."""


class UneditableError(Exception):
    """The text holds something in the place that is to be changed which cannot be changed without
    guessing; the message says what."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters `start` to `end` (exclusive) become `text`."""

    start: int
    end: int
    text: str


def applied(text: str, edits: Sequence[Edit]) -> str:
    """The text with all edits made; their places are those of the text before, and none overlap."""
    for edit in sorted(edits, key=lambda one: one.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def inverted(text: str, edits: Sequence[Edit]) -> list[Edit]:
    """What turns the edited text back into this one."""
    inverse: list[Edit] = []
    shift = 0
    for edit in sorted(edits, key=lambda one: one.start):
        start = edit.start + shift
        inverse.append(Edit(start, start + len(edit.text), text[edit.start : edit.end]))
        shift += len(edit.text) - (edit.end - edit.start)
    return inverse
