"""Keys of callers over the network. A key is shown once, when it is made; only its digest is
stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kodit.domain.errors import UserError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_PREFIX = "kodit_"
_SECRET_BYTES = 32
_SALT_BYTES = 16


class KeyScope(StrEnum):
    """What the holder of a key may do."""

    READ = "read"
    """Read everything, change nothing."""
    WRITE = "write"
    """Everything that a caller over the network may do."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is stored. `digest` is SHA-256 over the salt and the key, both in hexadecimal;
    one round is enough, since a key is 256 random bits and cannot be guessed."""

    name: str
    scope: KeyScope
    salt: str
    digest: str
    created_at: datetime

    @classmethod
    def make(cls, name: str, scope: KeyScope, created_at: datetime) -> tuple[Key, str]:
        """A new key, and the secret that its holder sends. Raises UserError for an invalid name."""
        if _NAME.fullmatch(name) is None:
            raise UserError(
                f"{name!r} is not a valid key name; use at most 64 letters, digits and . _ @ -"
            )
        secret = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        salt = secrets.token_hex(_SALT_BYTES)
        return cls(name, scope, salt, _digest(salt, secret), created_at), secret

    def matches(self, secret: str) -> bool:
        """Whether the secret is this key; takes the same time for every secret of one length."""
        return hmac.compare_digest(_digest(self.salt, secret), self.digest)


def find_key(keys: Iterable[Key], secret: str) -> Key | None:
    """The key that the secret belongs to. Compares all keys, so that the time reveals nothing."""
    found = None
    for key in keys:
        if key.matches(secret):
            found = key
    return found


def _digest(salt: str, secret: str) -> str:
    return hashlib.sha256(salt.encode() + secret.encode("utf-8", "surrogateescape")).hexdigest()
