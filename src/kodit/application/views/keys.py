"""Keys as they are listed, without their secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from kodit.application.views.serialization import moment
from kodit.domain.keys import Key


@dataclass(frozen=True, slots=True)
class KeyView:
    """One key."""

    name: str
    scope: str
    created_at: str | None


@dataclass(frozen=True, slots=True)
class KeysView:
    """All keys of a file."""

    keys: tuple[KeyView, ...]

    @classmethod
    def of(cls, keys: Sequence[Key]) -> Self:
        """The keys, in the order in which they were made."""
        return cls(tuple(KeyView(key.name, key.scope, moment(key.created_at)) for key in keys))
