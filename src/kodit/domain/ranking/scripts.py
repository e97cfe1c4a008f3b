"""Word boundaries in text that is not ASCII, by the rules of Unicode.

Scripts without spaces between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese), and Korean with
its particles, are indexed as pairs of characters, the usual way without a dictionary; a query is a
phrase of such pairs. In all other scripts, a mark belongs to the letter before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple
from unicodedata import category, normalize

from kodit.domain.spelling import IGNORED, visible

_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e"  # Thai
    "\u0e81-\u0ece\u0edc-\u0edf"  # Lao
    "\u1000-\u103f\u1050-\u108f\u109a-\u109d\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa7f"  # Burmese
    "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7fb\uffa1-\uffdc"  # Hangul
    "\u1780-\u17d3\u17d7\u17dc\u17dd"  # Khmer
    "\u1950-\u19cf\u1a20-\u1a5e\uaa80-\uaadd"  # Tai
    "\u2e80-\u2fd5\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"  # Han
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    "\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\U0001aff0-\U0001b16f"
    "\u3105-\u312f\u31a0-\u31bf"  # Bopomofo
)
"""The letters and marks of the scripts without spaces, as the ranges of a character class."""

_BLOCKS_WITH_MARKS = (range(0x300, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x20000))

_MARKED = re.compile("(?:Am*+)+(?!a)(?:0m*+)*|(?:Am*+)?(?:am*+)+(?:0m*+)*|(?:0m*+)+")
"""A word of an identifier whose characters are replaced by their kinds."""


class _Expressions(NamedTuple):
    pieces: re.Pattern[str]
    unspaced: re.Pattern[str]


@cache
def _expressions() -> _Expressions:
    """Compiled on first use: finding all marks takes 10 ms."""
    within = f"{_ranges(_marks())}{IGNORED}"
    letter = rf"[^\W{_UNSPACED}]"
    return _Expressions(
        re.compile(
            rf"[^\W\d{_UNSPACED}]{letter}*(?:[{within}]+{letter}*)*"
            rf"|[{_UNSPACED}][{_UNSPACED}{within}]*|\d+"
        ),
        re.compile(f"[{_UNSPACED}]"),
    )


def _marks() -> list[int]:
    """All combining marks."""
    return [code for block in _BLOCKS_WITH_MARKS for code in block if category(chr(code))[0] == "M"]


def _ranges(codes: Iterable[int]) -> str:
    """Ascending code points as ranges of an expression."""
    found: list[list[int]] = []
    for code in codes:
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in found)


def pieces(text: str) -> list[str]:
    """Identifiers, numbers, and segments of scripts without spaces; in order, unchanged."""
    return _expressions().pieces.findall(text)


def placed_pieces(text: str) -> Iterator[tuple[int, str]]:
    """The same, each with its start."""
    for match in _expressions().pieces.finditer(text):
        yield match.start(), match[0]


def is_unspaced(piece: str) -> bool:
    """Whether a piece, or a term, is in a script without spaces."""
    return not piece.isascii() and _expressions().unspaced.match(piece) is not None


def cased_words(identifier: str) -> list[str]:
    """The words of an identifier, split at changes of case like `parseHTTPHeader_v2`; composed, and
    in their own case."""
    seen = visible(normalize("NFKC", identifier))
    kinds = "".join(map(_KINDS.__getitem__, seen))
    return [seen[slice(*match.span())] for match in _MARKED.finditer(kinds)]


def grams(segment: str) -> tuple[str, ...]:
    """Every character of a segment, and every two adjacent ones."""
    return (*segment, *pairs(segment))


def pairs(segment: str) -> tuple[str, ...]:
    """Every two adjacent characters; for a segment of one character, that one."""
    return tuple(map("".join, pairwise(segment))) or (segment,)


class _Kinds(dict[str, str]):
    """The kind of each character: `A` for capitals, `a` for other letters, `0` for digits, `m` for
    marks, `_` for separators."""

    def __missing__(self, character: str) -> str:
        kind = self[character] = self._kind(character)
        return kind

    @staticmethod
    def _kind(character: str) -> str:
        if category(character)[0] == "M":
            return "m"
        if character.isupper() or character.istitle():
            return "A"
        if character.isdecimal():
            return "0"
        return "a" if character.isalnum() else "_"


_KINDS = _Kinds()
