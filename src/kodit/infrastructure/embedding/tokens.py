"""Tokenising a text: the words of its identifiers, and pieces of unknown words.

Characters other than letters, digits and underscores only separate. The tokenisation belongs to the
model trained with it, and changes only together with it.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence

_RUN = re.compile(r"\w+")
_SPACES = {code: " " for code in range(128) if not _RUN.match(chr(code))}
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[^\W\dA-Z_]+\d*|\d+")

LONGEST_RUN = 100
"""Characters; a longer run is an encoded blob, and only its beginning is read."""
LONGEST_PIECE = 20
"""Characters of the longest token used as a piece of an unknown word."""
MOST_RUNS = 200_000
"""Some 25 MB; beyond that the cache starts afresh."""
BUCKETS = 256
"""Tokens for characters that the vocabulary lacks, shared by their code points."""


def split(run: str) -> list[str]:
    """The words of a run, lower-cased: `parseHTTPHeader_v2` is parse, http, header, v2."""
    return [word.lower() for word in _WORD.findall(run)]


def runs(text: str) -> list[str]:
    """The runs of letters, digits and underscores in a text, in order."""
    return text.translate(_SPACES).split() if text.isascii() else _RUN.findall(text)


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
        best = [0.0]
        last: list[tuple[int, int]] = [(0, 0)]
        for end in range(1, len(word) + 1):
            cost, start, number = math.inf, end - 1, -1
            for begin in range(max(0, end - LONGEST_PIECE), end):
                known = self._numbers.get(word[begin:end])
                if known is None:
                    continue
                total = best[begin] + math.log(known + 2)
                if total < cost:
                    cost, start, number = total, begin, known
            if number < 0:
                number = self._size + ord(word[end - 1]) % BUCKETS
                cost = best[start] + math.log(self._size + 2)
            best.append(cost)
            last.append((start, number))
        found: list[int] = []
        at = len(word)
        while at > 0:
            at, number = last[at]
            found.append(number)
        return found[::-1]
