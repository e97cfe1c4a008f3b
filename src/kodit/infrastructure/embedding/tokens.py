"""Tokens of a text: the words of its identifiers, and pieces of words that are not known.

What is not a letter, a digit or an underscore only separates. The way a text is cut belongs to the
model that was trained with it, and changes with it alone.
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
"""Characters; what is longer is an encoded blob, and only its beginning is read."""
LONGEST_PIECE = 20
"""Characters of the longest token by which a word that is not known is cut."""
MOST_RUNS = 200_000
"""Some 25 MB; beyond, the cache starts again from empty."""
BUCKETS = 256
"""Tokens for characters that the vocabulary lacks, shared by their code points."""


def split(run: str) -> list[str]:
    """The words of a run, lower-cased: `parseHTTPHeader_v2` is parse, http, header, v2."""
    return [word.lower() for word in _WORD.findall(run)]


def runs(text: str) -> list[str]:
    """The runs of letters, digits and underscores of a text, in order."""
    return text.translate(_SPACES).split() if text.isascii() else _RUN.findall(text)


class Tokenizer(dict[str, bytes]):
    """Token numbers by run, as 16-bit numbers in a row, worked out when a run is first met."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """The vocabulary in the order of falling frequency; `BUCKETS` numbers follow its own."""
        super().__init__()
        if len(vocabulary) + BUCKETS > 1 << 16:
            raise ValueError("the vocabulary is too large for 16 bits")
        self._numbers = dict(zip(vocabulary, range(len(vocabulary)), strict=True))
        self._size = len(vocabulary)

    @property
    def size(self) -> int:
        """How many tokens there are, buckets included."""
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
        """The token numbers of a text, in order, as 16-bit numbers."""
        return b"".join(map(self.__getitem__, runs(text)))

    def _pieces(self, word: str) -> list[int]:
        """The tokens a word is most likely made of, when the likelihood of each falls with its
        place in the vocabulary as Zipf's law has it."""
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
