"""A cache that is bounded by size."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Values by key; those that have not been looked up recently are dropped.

    There are two generations, each up to half of the maximum size. New values, and values that are
    looked up again, go into the younger one. When that is full it becomes the older one, and the
    previous older one is dropped. Any number of threads may use it at once.
    """

    __slots__ = ("_half", "_older", "_size", "_size_of", "_younger")

    def __init__(self, most: int, size_of: Callable[[Value], int]) -> None:
        """`most` is the maximum size of all values together, in the unit of `size_of`."""
        self._half = most // 2
        self._size_of = size_of
        self._size = 0
        self._younger: dict[Key, Value] = {}
        self._older: dict[Key, Value] = {}

    @property
    def values(self) -> list[Value]:
        """All cached values, in no particular order."""
        return list((self._older | self._younger).values())

    def find(self, keys: Iterable[Key]) -> dict[Key, Value]:
        """The values that are cached, by key."""
        younger, older = self._younger, self._older
        found = {}
        for key in keys:
            if key in younger:
                found[key] = younger[key]
            elif key in older:
                found[key] = older[key]
                self.add(key, older[key])
        return found

    def find_all(self, keys: Iterable[Key]) -> list[Value] | None:
        """The values of all these keys in order, if each was cached or looked up not long ago."""
        younger = self._younger
        try:
            return [younger[key] for key in keys]
        except KeyError:
            return None

    def age(self) -> None:
        """Drop the values that have not been looked up since this was last called."""
        self._older, self._younger, self._size = self._younger, {}, 0

    def add(self, key: Key, value: Value) -> None:
        """Cache a value, unless it is larger than a generation."""
        size = self._size_of(value)
        if self._size + size > self._half:
            if size > self._half:
                return
            self.age()
        self._younger[key] = value
        self._size += size
