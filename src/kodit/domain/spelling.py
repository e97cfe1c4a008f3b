"""Equivalent spellings, by the rules of Unicode.

Spellings are equivalent if they differ only in case, in composition (NFC, NFD) or in compatibility
(full-width forms, ligatures), and alike if they also differ in diacritics.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import combining, decimal, normalize

from kodit.domain.idleness import empty_when_idle

IGNORED = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
"""Default_Ignorable_Code_Point: invisible characters such as soft hyphens and joiners."""
_IGNORED_CHARACTER = re.compile(f"[{IGNORED}]+")

_PLAIN_LETTERS = {
    "ð": "d", "ø": "o", "þ": "th", "đ": "d", "ħ": "h", "\u0131": "i", "ł": "l", "ŧ": "t",
    "æ": "ae", "œ": "oe", "\u0640": "",
}  # fmt: skip
"""Letters with a stroke and ligatures, which have no decomposition, and the Arabic tatweel."""


def composed(text: str) -> str:
    """The text in NFC, as most text is written."""
    return text if text.isascii() else normalize("NFC", text)


def fold_case(text: str) -> str:
    """The common form of all equivalent spellings: NFKC_Casefold."""
    if text.isascii():
        return text.lower()
    while True:
        folded = normalize("NFKC", visible(normalize("NFKC", text).casefold()))
        if folded == text:
            return folded
        text = folded


def visible(text: str) -> str:
    """The text without invisible characters."""
    return _IGNORED_CHARACTER.sub("", text)


@lru_cache(maxsize=4_096)
def without_diacritics(word: str) -> str:
    """The common form of all case-folded words that are alike, with ASCII digits. Marks that make a
    different letter remain, such as the vowels and viramas of Indic scripts."""
    if word.isascii():
        return word
    return normalize("NFKC", "".join(map(_PLAIN.__getitem__, normalize("NFKD", word))))


empty_when_idle(without_diacritics.cache_clear)


class _PlainCharacters(dict[str, str]):
    """The plain form of each character of a decomposed word, empty for a diacritic."""

    def __missing__(self, character: str) -> str:
        plain = self[character] = "" if self._is_diacritic(character) else self._plain(character)
        return plain

    @staticmethod
    def _plain(character: str) -> str:
        if character.isdecimal():
            return str(decimal(character))
        return _PLAIN_LETTERS.get(character, character)

    @staticmethod
    def _is_diacritic(character: str) -> bool:
        """By canonical combining class: overlays, the points of Hebrew and Arabic, and marks above
        or below; not nuktas, viramas, voicing marks, and the vowels and tones of Thai and others.
        """
        kind = combining(character)
        return kind == 1 or 10 <= kind <= 36 or kind >= 200


_PLAIN = _PlainCharacters()
