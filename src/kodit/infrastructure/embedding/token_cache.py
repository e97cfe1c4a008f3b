"""Byte-pair tokens of a text, by way of the pieces that no token reaches across.

A byte-pair merge only ever makes a token of the vocabulary. Where the vocabulary has no token that
spans two kinds of characters, text can therefore be cut between them without changing any token,
and the same pieces - words, operators, indentations - come again and again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from tokenizers import Tokenizer
from tokenizers.normalizers import Replace

PIECE = re.compile(
    r"""
    [ ]*[^\W\d_²]+            # letters, with the spaces before them
    | [ ]*(?:[^\w \n\t]|[_²])+  # signs, likewise; the vocabulary's ² goes with them
    | [ ]+ | [\n\t]+ | \d
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
"""Every token of the vocabulary, but for the special ones, lies within one match: a test proves it.
Cutting less than one could is always right."""

MOST_PIECES = 200_000
"""Some 30 MB; beyond, remembering starts anew."""


class TokenCache(dict[str, tuple[int, ...]]):
    """Token ids by piece, asked of the tokenizer when first met."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """The tokenizer's own normaliser puts a space before a text; here `tokens` does, since a
        piece is not a text."""
        super().__init__()
        tokenizer.normalizer = Replace(" ", "▁")
        self._encode = tokenizer.encode

    def __missing__(self, piece: str) -> tuple[int, ...]:
        if len(self) >= MOST_PIECES:
            self.clear()
        ids = self[piece] = tuple(self._encode(piece, add_special_tokens=False).ids)
        return ids

    def tokens(self, text: str) -> Iterator[int]:
        """The token ids of a text, in order. The sign that stands for a space is one."""
        pieces = PIECE.findall(f" {text}".replace("▁", " ")) if text else []
        return chain.from_iterable(map(self.__getitem__, pieces))
