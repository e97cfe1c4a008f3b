"""Converts views to plain values, and back."""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

OMITTED = "omitted_when_none"
ONLY_WHEN_SET = {OMITTED: True}
"""Metadata of a field that is left out of an answer if it is None."""

T = TypeVar("T")


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
    if isinstance(view, datetime):
        return moment(view)
    return view.value if isinstance(view, Enum) else view


def from_json(kind: type[T], value: Any) -> T:
    """Builds a value of this type, a dataclass or a type that its fields may have, from the output
    of `to_json`. A missing field gets its default, or None; an unknown field is ignored, so that
    the answer of a newer server can be read.

    Raises ValueError for a value that is not of this type.
    """
    made: T = _from_json(kind, value)
    return made


def _from_json(kind: Any, value: Any) -> Any:
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise _mismatch(kind, value)
        return kind(**_arguments(kind, value))  # type: ignore[operator] # it is a class
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), value)
    if origin is tuple:
        if not isinstance(value, list):
            raise _mismatch(kind, value)
        of_item = get_args(kind)[0]
        return tuple([_from_json(of_item, item) for item in value])
    if origin is Mapping:
        if not isinstance(value, dict):
            raise _mismatch(kind, value)
        of_value = get_args(kind)[1]
        return {name: _from_json(of_value, item) for name, item in value.items()}
    return _plain(kind, value)


def _arguments(kind: Any, value: dict[str, Any]) -> dict[str, Any]:
    given = {}
    for name, of_field, default in _fields_of(kind):
        if name in value:
            given[name] = _from_json(of_field, value[name])
        elif default is MISSING:
            raise ValueError(f"{kind.__name__} lacks {name}")
        else:
            given[name] = default
    return given


def _plain(kind: Any, value: Any) -> Any:
    if kind is datetime and isinstance(value, str):
        return datetime.fromisoformat(value)
    if issubclass(kind, Enum):
        return kind(value)
    is_number = isinstance(value, int) and kind is float
    # Python treats a boolean as a number, but the declared type does not.
    if isinstance(value, bool) is not (kind is bool) or not (isinstance(value, kind) or is_number):
        raise _mismatch(kind, value)
    return kind(value)


def _one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    if value is None and types.NoneType in kinds:
        return None
    for kind in kinds:
        if kind is not types.NoneType:
            with suppress(ValueError):
                return _from_json(kind, value)
    raise _mismatch(" | ".join(str(kind) for kind in kinds), value)


@functools.cache
def _fields_of(kind: Any) -> tuple[tuple[str, Any, Any], ...]:
    """Name, type, and default of each field; MISSING for a required one."""
    hints = get_type_hints(kind)
    return tuple((one.name, hints[one.name], _default_of(one)) for one in fields(kind))


def _default_of(one: Field[Any]) -> Any:
    if one.default is not MISSING:
        return one.default
    return None if OMITTED in one.metadata else MISSING


def _mismatch(kind: Any, value: Any) -> ValueError:
    name = getattr(kind, "__name__", kind)
    return ValueError(f"{type(value).__name__} is not {name}")


def moment(value: datetime | None) -> str | None:
    """A time as JSON has it."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def file_of(source: str, path: str) -> str | None:
    """The absolute path of a file, if the source is a folder and so an absolute path itself; None
    otherwise."""
    return f"{source.rstrip('/')}/{path}" if source.startswith("/") else None
