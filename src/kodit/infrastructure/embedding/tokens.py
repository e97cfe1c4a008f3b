"""Tokenising a text: the words of its identifiers, and pieces of unknown words.

Characters other than letters, digits and underscores only separate. The tokenisation belongs to the
model trained with it, and changes only together with it.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence
from functools import cached_property

_RUN = re.compile(r"\w+")
_SPACED = bytes(code if _RUN.match(chr(code)) else ord(" ") for code in range(256))
"""Maps each ASCII character that no run contains to a space."""
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[^\W\dA-Z_]+\d*|\d+")

LONGEST_RUN = 100
"""Characters; a longer run is an encoded blob, and only its beginning is read."""
LONGEST_PIECE = 20
"""Characters of the longest token used as a piece of an unknown word."""
MOST_RUNS = 200_000
"""Some 25 MB; beyond that the cache starts afresh."""
_HEAD = 3
"""Characters by which tokens are sought: few parts of a word begin as a longer token does."""
BUCKETS = 256
"""Tokens for characters that the vocabulary lacks, shared by their code points."""


def split(run: str) -> list[str]:
    """The words of a run, lower-cased: `parseHTTPHeader_v2` is parse, http, header, v2."""
    return [word.lower() for word in _WORD.findall(run)]


def runs(text: str) -> list[str]:
    """The runs of letters, digits and underscores in a text, in order."""
    if not text.isascii():
        return _RUN.findall(text)
    # `str.translate` looks up each character of each text anew: half the time of a short one.
    return text.encode().translate(_SPACED).decode().split()


class Tokenizer(dict[str, bytes]):
    """The token ids of each run, as concatenated 16-bit numbers, computed when a run first
    occurs.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """`vocabulary` is in descending order of frequency; `BUCKETS` further ids follow its
        own.
        """
        super().__init__()
        if len(vocabulary) + BUCKETS > 1 << 16:
            raise ValueError("the vocabulary is too large for 16 bits")
        self._numbers = dict(zip(vocabulary, range(len(vocabulary)), strict=True))
        self._size = len(vocabulary)

    @property
    def size(self) -> int:
        """The number of tokens, buckets included."""
        return self._size + BUCKETS

    def __missing__(self, run: str) -> bytes:
        if len(self) >= MOST_RUNS:
            self.clear()
        numbers = array("H")
        for word in split(run[:LONGEST_RUN]):
            known = self._numbers.get(word)
            if known is None:
                numbers.extend(self._pieces(word))
            else:
                numbers.append(known)
        found = self[run] = numbers.tobytes()
        return found

    def tokens(self, text: str) -> bytes:
        """The token ids of a text, in order, as 16-bit numbers."""
        return b"".join(map(self.__getitem__, runs(text)))

    def _pieces(self, word: str) -> list[int]:
        """The most likely split of a word into tokens, if the probability of each falls with its
        rank in the vocabulary by Zipf's law.
        """
        known, reach, costs = self._numbers.get, self._reach.get, self._costs
        size = len(word)
        best = [0.0] + [math.inf] * size
        starts = [0] * (size + 1)
        chosen = [-1] * (size + 1)
        for start in range(size):
            longest = reach(word[start : start + _HEAD], _HEAD - 1)
            for end in range(start + 1, min(size, start + longest) + 1):
                number = known(word[start:end])
                if number is not None and (cost := best[start] + costs[number]) < best[end]:
                    best[end], starts[end], chosen[end] = cost, start, number
            if chosen[start + 1] < 0:  # no token ends after this character
                best[start + 1], starts[start + 1] = best[start] + costs[-1], start
                chosen[start + 1] = self._size + ord(word[start]) % BUCKETS
        found: list[int] = []
        while size > 0:
            found.append(chosen[size])
            size = starts[size]
        return found[::-1]

    @cached_property
    def _costs(self) -> list[float]:
        """By token; the last one is that of a bucket."""
        return [math.log(rank + 2) for rank in range(self._size + 1)]

    @cached_property
    def _reach(self) -> dict[str, int]:
        """The length of the longest piece with this head."""
        short = (word for word in self._numbers if len(word) <= LONGEST_PIECE)
        return {word[:_HEAD]: len(word) for word in sorted(short, key=len)}
