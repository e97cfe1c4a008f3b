"""Byte-pair tokens of a text, by way of the pieces that no token reaches across.

A byte-pair merge only ever makes a token of the vocabulary. Where the vocabulary has no token that
spans two kinds of characters, text can therefore be cut between them without changing any token,
and the same pieces - words, operators, indentations - come again and again.
"""

from __future__ import annotations

import re
from array import array

from tokenizers import Tokenizer

PIECE = re.compile(
    r"""
    [ ]*(?:
      [^\W\d_²]+               # letters, with the spaces before them
      | (?:[^\w \n\t]|[_²])+   # signs, likewise; the vocabulary's ² goes with them
    )
    | [ ]+ | [\n\t]+ | \d
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
"""Every token of the vocabulary, but for the special ones, lies within one match: a test proves it.
Cutting less than one could is always right."""
ASCII_PIECE = re.compile(r" *(?:[a-zA-Z]+|[^a-zA-Z0-9 \n\t]+)|[0-9]| +|[\n\t]+")
"""Matches the same in text of ASCII alone, in two thirds of the time."""

MOST_PIECES = 200_000
"""Some 30 MB; beyond, the cache starts again from empty."""


class TokenCache(dict[str, bytes]):
    """Token ids by piece, as 16-bit numbers in a row, asked of the tokenizer when first met."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """What the tokenizer does to a text before it cuts it, a space in front and a sign for
        every space, `tokens` does here, since a piece is not a text."""
        super().__init__()
        if tokenizer.get_vocab_size() > 1 << 16:
            raise ValueError("the vocabulary is too large for 16 bits")
        self._tokenize = tokenizer.model.tokenize

    def __missing__(self, piece: str) -> bytes:
        if len(self) >= MOST_PIECES:
            self.clear()
        tokens = self._tokenize(piece.replace(" ", "▁"))
        ids = self[piece] = array("H", [token.id for token in tokens]).tobytes()
        return ids

    def tokens(self, text: str) -> bytes:
        """The token ids of a text, in order, as 16-bit numbers. The sign that stands for a space
        is one."""
        if not text:
            return b""
        text = f" {text}".replace("▁", " ")
        pieces = (ASCII_PIECE if text.isascii() else PIECE).findall(text)
        return b"".join(map(self.__getitem__, pieces))
