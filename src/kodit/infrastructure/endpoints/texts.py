"""Texts as they are sent to an endpoint, and how many tokens they have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from kodit.infrastructure.endpoints.masking import mask

LONGEST_TEXT = 24_000
"""Characters; a longer text is cut at the end of a line."""

_BYTES_PER_TOKEN = 3.2
_FEWEST_BYTES_PER_TOKEN = 1.6
_MOST_BYTES_PER_TOKEN = 6.0
"""Tokenizers differ: code takes some 3 to 4 bytes for each token with those of large models, and 2
to 3 with those of small ones."""


class TokenRange(NamedTuple):
    """How many tokens texts have: at least, probably, and at most."""

    least: int = 0
    likely: int = 0
    most: int = 0

    def plus(self, other: TokenRange) -> TokenRange:
        return TokenRange(*(one + two for one, two in zip(self, other, strict=True)))


def tokens_in(text: str) -> TokenRange:
    """The tokens of a text, by its size."""
    size = len(text.encode("utf-8", "replace"))
    return TokenRange(
        int(size / _MOST_BYTES_PER_TOKEN),
        int(size / _BYTES_PER_TOKEN) + 1,
        int(size / _FEWEST_BYTES_PER_TOKEN) + 8,
    )


def prepared(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text without secrets, which fits: never empty, as endpoints refuse empty texts."""
    return cut(mask(text), longest) or "(empty)"


def cut(text: str, longest: int) -> str:
    """The start of a text, up to the end of a line where there is one in its second half."""
    text = text.strip("\0").replace("\0", " ")
    if len(text) <= longest:
        return text if text.strip() else ""
    end = text.rfind("\n", longest // 2, longest)
    return text[: end if end > 0 else longest]


class Sized(NamedTuple):
    """A text to send, its key, and its probable size."""

    key: bytes
    text: str
    tokens: int


def batches(
    texts: Iterable[tuple[bytes, str]],
    most_texts: int,
    most_tokens: int,
    count: Callable[[str], int],
) -> Iterator[list[Sized]]:
    """Texts in batches, each within both limits; a text that is too large alone is a batch. `count`
    counts the tokens of a text."""
    batch: list[Sized] = []
    tokens = 0
    for key, text in texts:
        one = Sized(key, text, count(text))
        if batch and (len(batch) >= most_texts or tokens + one.tokens > most_tokens):
            yield batch
            batch, tokens = [], 0
        batch.append(one)
        tokens += one.tokens
    if batch:
        yield batch
