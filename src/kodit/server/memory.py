"""Memory budgets shared by many requests."""

from __future__ import annotations

SMALL_BODY_BYTES = 65_536
SMALL_HEAD_BYTES = 16_384
"""This much of each body and of each head is not counted, so that many large ones never block a
small one."""


class SharedBytes:
    """A number of bytes that several users share."""

    def __init__(self, most: int) -> None:
        self._left = most

    @property
    def left(self) -> int:
        """How many bytes are free."""
        return self._left

    def take(self, size: int) -> None:
        """Count more bytes, or with a negative size fewer."""
        self._left -= size


class Share:
    """The counted bytes of one request or connection, beyond those that are not counted."""

    def __init__(self, of: SharedBytes, uncounted: int) -> None:
        self._of = of
        self._uncounted = uncounted
        self._counted = 0

    def hold(self, size: int) -> bool:
        """Set the total to `size` bytes; False, and nothing changes, if the budget is too small."""
        more = max(0, size - self._uncounted) - self._counted
        if more > 0 and more > self._of.left:
            return False
        self._of.take(more)
        self._counted += more
        return True

    def release(self) -> None:
        """Free all bytes."""
        self.hold(0)
