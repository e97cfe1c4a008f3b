"""From views to plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

OMITTED = "omitted_when_none"
ONLY_WHEN_SET = {OMITTED: True}
"""Metadata of a field that is not part of every answer: it is left out where it is None."""


def to_json(view: Any) -> Any:
    """The plain values of a view: dictionaries, lists, text, numbers, booleans and None."""
    if is_dataclass(view):
        return {
            one.name: to_json(value)
            for one in fields(view)
            if (value := getattr(view, one.name)) is not None or OMITTED not in one.metadata
        }
    if isinstance(view, Mapping):
        return {name: to_json(value) for name, value in view.items()}
    if isinstance(view, (list, tuple)):
        return [to_json(value) for value in view]
    return view


def moment(value: datetime | None) -> str | None:
    """A moment as JSON has it."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")
