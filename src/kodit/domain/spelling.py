"""Which spellings are the same, by the rules of Unicode.

Two spellings are the same if they differ in case, in composition (NFC, NFD) or in compatibility
(full-width forms, ligatures), and alike if they differ in diacritics.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import combining, decimal, normalize

IGNORED = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
"""Default_Ignorable_Code_Point: what is not seen, as soft hyphens, joiners and directions."""
_IGNORED_CHARACTER = re.compile(f"[{IGNORED}]+")

_PLAIN_LETTERS = {
    "ð": "d", "ø": "o", "þ": "th", "đ": "d", "ħ": "h", "\u0131": "i", "ł": "l", "ŧ": "t",
    "æ": "ae", "œ": "oe", "\u0640": "",
}  # fmt: skip
"""Letters that have a stroke or are two in one, which no decomposition tells, and the line by which
Arabic letters are drawn out."""


def composed(text: str) -> str:
    """As most text is written (NFC): a letter and its marks are one character, if there is one."""
    return text if text.isascii() else normalize("NFC", text)


def fold_case(text: str) -> str:
    """The one form of all spellings that are the same: NFKC_Casefold."""
    if text.isascii():
        return text.lower()
    while True:
        folded = normalize("NFKC", visible(normalize("NFKC", text).casefold()))
        if folded == text:
            return folded
        text = folded


def visible(text: str) -> str:
    """The text without what is not seen."""
    return _IGNORED_CHARACTER.sub("", text)


@lru_cache(maxsize=4_096)
def without_diacritics(word: str) -> str:
    """The one form of all words that are alike, of one whose case is folded; digits as those of
    ASCII. Marks that make another letter remain, as vowels and viramas of Indic scripts do."""
    if word.isascii():
        return word
    plain = "".join(
        _plain(character) for character in normalize("NFKD", word) if not _is_diacritic(character)
    )
    return normalize("NFKC", plain)


def _plain(character: str) -> str:
    if character.isdecimal():
        return str(decimal(character))
    return _PLAIN_LETTERS.get(character, character)


def _is_diacritic(character: str) -> bool:
    """By canonical combining class: overlays, the points of Hebrew and Arabic, and what stands
    above or below; not nuktas, viramas, voicing marks, and the vowels and tones of Thai and others.
    """
    kind = combining(character)
    return kind == 1 or 10 <= kind <= 36 or kind >= 200
