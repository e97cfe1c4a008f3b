"""A part that is made when something is first asked of it, for who may never ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

Part = TypeVar("Part")


class _Later:
    """Looks like what it stands for."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)


def made_later(make: Callable[[], Part]) -> Part:
    """Stands for the part that `make` gives, which is called at each use: `made_once` keeps it."""
    return cast(Part, _Later(make))
