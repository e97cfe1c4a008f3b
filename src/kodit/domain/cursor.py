"""Where the next page of an answer starts, as an opaque text that is valid for one question
only."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Self

from kodit.domain.errors import InvalidQueryError

VERSION = "1"
LONGEST = 100
_DIGEST_BYTES = 9
_BODY = re.compile(r"(?P<version>\w+)\.(?P<offset>\d{1,9})\.(?P<digest>[\w-]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How many results of a question have been returned so far."""

    offset: int

    def encode(self, question: str) -> str:
        """The cursor as text, bound to this question."""
        body = f"{VERSION}.{self.offset}.{_digest(question)}"
        return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, question: str) -> Self:
        """The cursor that `encode` made for the same question. Raises InvalidQueryError with the
        code `cursor_invalid` for any other text, including a cursor of another version."""
        match = _BODY.fullmatch(_decoded(text))
        if match is None or match["version"] != VERSION or match["digest"] != _digest(question):
            raise InvalidQueryError(
                "the cursor belongs to another question or an older version; ask again without it",
                code="cursor_invalid",
            )
        return cls(int(match["offset"]))


def _decoded(text: str) -> str:
    if len(text) > LONGEST:
        return ""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return base64.b64decode(padded, b"-_", validate=True).decode("ascii")
    except ValueError:
        return ""


def _digest(question: str) -> str:
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, and most answers have only one page

    digest = hashlib.blake2b(question.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES)
    return base64.urlsafe_b64encode(digest.digest()).decode()
