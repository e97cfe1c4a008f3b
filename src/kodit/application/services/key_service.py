"""The keys of callers over the network: creates, lists, removes and recognises them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from kodit.domain.errors import NotFoundError, UserError
from kodit.domain.keys import Key, KeyScope, find_key
from kodit.domain.ports.runtime import Clock


class KeyStore(Protocol):
    """Storage for keys."""

    def read(self) -> Sequence[Key]:
        """The current keys. Raises UserError if they cannot be read."""

    def change(self, change: Callable[[Sequence[Key]], Sequence[Key]]) -> None:
        """Replace the keys in one step. Raises UserError if they cannot be written."""


class KeyService:
    """The use cases of keys; blocking, and brief."""

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def list_all(self) -> Sequence[Key]:
        """The keys, oldest first. Raises UserError if they cannot be read or trusted."""
        return self._store.read()

    def add(self, name: str, scope: KeyScope) -> str:
        """Make a key; returns the secret, which is not stored. Raises UserError for a name that is
        taken or invalid."""
        key, secret = Key.make(name, scope, self._clock.now())

        def with_new(keys: Sequence[Key]) -> Sequence[Key]:
            if any(one.name == name for one in keys):
                raise UserError(
                    f"a key {name} already exists; remove it, or choose another name",
                    code="key_exists",
                    key=name,
                )
            return (*keys, key)

        self._store.change(with_new)
        return secret

    def remove(self, name: str) -> None:
        """Remove a key; its holder is refused from now on. Raises NotFoundError."""

        def without(keys: Sequence[Key]) -> Sequence[Key]:
            kept = [one for one in keys if one.name != name]
            if len(kept) == len(keys):
                raise NotFoundError(f"there is no key {name}", code="key_not_found", key=name)
            return kept

        self._store.change(without)

    def recognize(self, secret: str) -> Key | None:
        """The key that a secret belongs to, if any. Raises UserError, like `list_all`."""
        return find_key(self._store.read(), secret)
