"""Parts that are created on first use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, Protocol, Self, TypeVar, overload

Part = TypeVar("Part")


class Maker(Protocol):
    """An object with such parts."""

    @property
    def making(self) -> threading.RLock: ...


class made_once(Generic[Part]):  # noqa: N801 - a decorator
    """A part of an object, created on first use: once, whichever threads ask."""

    def __init__(self, make: Callable[[Any], Part]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, maker: None, owner: type[Any]) -> Self: ...

    @overload
    def __get__(self, maker: Maker, owner: type[Any]) -> Part: ...

    def __get__(self, maker: Maker | None, owner: type[Any]) -> Part | Self:
        if maker is None:
            return self
        with maker.making:
            parts = vars(maker)
            if self._name not in parts:
                parts[self._name] = self._make(maker)
            made: Part = parts[self._name]
            return made
