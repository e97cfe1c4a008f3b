"""A part that is created on first use, for users that may never need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

Part = TypeVar("Part")


class _Later:
    """A proxy for the part."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)


def made_later(make: Callable[[], Part]) -> Part:
    """A proxy for the part that `make` returns. `make` is called at each use: `made_once` keeps its
    result."""
    return cast(Part, _Later(make))
