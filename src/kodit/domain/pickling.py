"""Pickling values of which tens of thousands travel between processes."""

from __future__ import annotations

from dataclasses import Field, fields
from operator import attrgetter
from typing import Any, ClassVar, Protocol, TypeVar


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Kind = TypeVar("Kind", bound=type[_Dataclass])


def pickled_by_fields(kind: Kind) -> Kind:
    """Let a frozen dataclass of two or more fields be pickled as a call with their values, which
    takes a fifth of the time that the standard library needs to look them up in each value."""
    values = attrgetter(*(field.name for field in fields(kind)))

    def reduce(self: Any) -> tuple[Any, ...]:
        return kind, values(self)

    kind.__reduce__ = reduce  # type: ignore[method-assign]
    return kind
