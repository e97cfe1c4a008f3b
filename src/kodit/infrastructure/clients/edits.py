"""Edits of a text that leave everything else unchanged, and can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class UnreadableError(Exception):
    """The text does not have its file's format; the message says where and why."""


class UneditableError(Exception):
    """The place to be edited holds something that cannot be changed without guessing; the message
    says what.
    """


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters `start` to `end` (exclusive) become `text`."""

    start: int
    end: int
    text: str


def applied(text: str, edits: Sequence[Edit]) -> str:
    """The text after all edits; their positions refer to the text before, and none overlap."""
    for edit in sorted(edits, key=lambda one: one.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def inverted(text: str, edits: Sequence[Edit]) -> list[Edit]:
    """The edits that turn the edited text back into this one."""
    inverse: list[Edit] = []
    shift = 0
    for edit in sorted(edits, key=lambda one: one.start):
        start = edit.start + shift
        inverse.append(Edit(start, start + len(edit.text), text[edit.start : edit.end]))
        shift += len(edit.text) - (edit.end - edit.start)
    return inverse
