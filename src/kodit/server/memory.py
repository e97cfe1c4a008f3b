"""Memory that many requests share."""

from __future__ import annotations

SMALL_BODY_BYTES = 65_536
SMALL_HEAD_BYTES = 16_384
"""So much of each body and of each head is not counted: many large ones keep no small one out."""


class SharedBytes:
    """So many bytes for all that counts its own."""

    def __init__(self, most: int) -> None:
        self._left = most

    @property
    def left(self) -> int:
        """How many bytes may still come."""
        return self._left

    def take(self, size: int) -> None:
        """Count more bytes, or with a negative size fewer."""
        self._left -= size


class Share:
    """What one request or connection takes of the bytes, beyond those that are not counted."""

    def __init__(self, of: SharedBytes, uncounted: int) -> None:
        self._of = of
        self._uncounted = uncounted
        self._counted = 0

    def hold(self, size: int) -> bool:
        """Hold so many bytes altogether; False, and nothing is changed, where there is no room."""
        more = max(0, size - self._uncounted) - self._counted
        if more > 0 and more > self._of.left:
            return False
        self._of.take(more)
        self._counted += more
        return True

    def release(self) -> None:
        """Hold nothing any more."""
        self.hold(0)
