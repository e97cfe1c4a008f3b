"""Text that is not ASCII, by the rules of Unicode: where words begin and end.

Scripts without spaces between words (Chinese, Japanese, Korean with its particles, Thai, Lao,
Khmer, Burmese) are cut into pairs of characters, as is usual where there is no dictionary; a
question asks for several pairs in a row. Everywhere else marks belong to the letter before them.

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
"""As ranges of an expression: letters and marks of the scripts without spaces."""

_BLOCKS_WITH_MARKS = (range(0x300, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x20000))

_MARKED = re.compile("(?:Am*+)+(?!a)(?:0m*+)*|(?:Am*+)?(?:am*+)+(?:0m*+)*|(?:0m*+)+")
"""The words of an identifier, seen by what its characters are."""


class _Expressions(NamedTuple):
    pieces: re.Pattern[str]
    unspaced: re.Pattern[str]


@cache
def _expressions() -> _Expressions:
    """Made when the first text asks for them: it takes 10 ms to find all marks."""
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
    """Identifiers, numbers, and stretches without spaces between their words; in order, as
    written."""
    return _expressions().pieces.findall(text)


def placed_pieces(text: str) -> Iterator[tuple[int, str]]:
    """The same, each with where it begins."""
    for match in _expressions().pieces.finditer(text):
        yield match.start(), match[0]


def is_unspaced(piece: str) -> bool:
    """Whether a piece, or a term, is of a script without spaces."""
    return not piece.isascii() and _expressions().unspaced.match(piece) is not None


def cased_words(identifier: str) -> list[str]:
    """The words of an identifier, cut as `parseHTTPHeader_v2` is; as written, but composed."""
    seen = visible(normalize("NFKC", identifier))
    kinds = "".join(map(_KINDS.__getitem__, seen))
    return [seen[slice(*match.span())] for match in _MARKED.finditer(kinds)]


def grams(stretch: str) -> tuple[str, ...]:
    """Every character of a stretch without spaces, and every two in a row."""
    return (*stretch, *pairs(stretch))


def pairs(stretch: str) -> tuple[str, ...]:
    """Every two characters in a row; of a stretch of one, that one."""
    return tuple(map("".join, pairwise(stretch))) or (stretch,)


class _Kinds(dict[str, str]):
    """Of each character a letter that tells its kind: `A` for capitals, `a` for other letters, `0`
    for digits, `m` for marks, `_` for what separates."""

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
