"""Text that a query quotes word for word: an error message, a pasted line of code.

A literal is compared by its identifiers and numbers, in order and as written; quotes, placeholders
and line breaks between them in the code are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from kodit.domain.ranking.terms import identifier_terms, identifiers
from kodit.domain.spelling import composed

FEWEST_WORDS = 4
"""The fewest words of a literal that may as well be a question."""
FEWEST_MARKED = 2
"""The fewest words of a literal in quotes, or with the punctuation of code or of a message."""
MOST_WORDS = 40
MOST_LITERALS = 8
MOST_SKIPPED = 4
"""The most words that may be skipped between two words of the literal, for a placeholder such as
`{self.path!r}` or `%s`."""
LEAST_SHARE = 0.75
"""The share of its words that a text must have in a row; the others may be values that the code
does not contain."""
ROUNDING = 1e-9
ALL_BUT_ROUNDING = 1 - ROUNDING
PART_OF_LINE = 0.85
"""The weight of a literal within a line; one that fills the line counts 1."""
IN_PROSE = 0.4
"""The weight of the words of a possible question that are not preceded by a quote."""
OTHER_PUNCTUATION = 0.7
"""The weight of words with different punctuation between them."""
CONTAINED_IN_STRING = LEAST_SHARE * OTHER_PUNCTUATION
"""A text with at least this share contains the literal, and not as prose."""

_QUOTED = re.compile(r"\"([^\"\n]+)\"|`([^`\n]+)`|(?<!\w)'([^'\n]+)'(?!\w)")
_QUOTES = "\"'`"
_MARK = re.compile(r"[^\w\s,.?!'-]")
_BETWEEN_SENTENCES = re.compile(r":\s|\.\s")
_VALUE = re.compile(
    r"""
    \[[^\[\]\n]*\] | <[^<>\n]*> | "[^"\n]*" | `[^`\n]*` | (?<!\w)'[^'\n]*'(?!\w)
    | (?<!\S)-\S+ | \S*[\\/]\S* | \S*\d\S*
    """,
    re.VERBOSE,
)
"""Parts of a message that may be values: text in brackets or quotes, an option, a path, a
number."""
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal that a text may contain: `words` as written, `text` with single spaces."""

    text: str
    words: tuple[str, ...]
    is_marked: bool
    """Whether it is in quotes or has punctuation that a question does not have: some of its words
    may be values that the code does not contain."""

    @property
    def is_short(self) -> bool:
        """Whether it has too few words to be a message by itself."""
        return len(self.words) < FEWEST_WORDS

    @property
    def terms(self) -> tuple[str, ...]:
        """The distinct search terms of any text that contains all of it."""
        return tuple(dict.fromkeys(chain.from_iterable(map(identifier_terms, self.words))))


def literals(query: str) -> tuple[Literal, ...]:
    """The possible literals of a query, the longer ones first: each line, the same line without
    possible values, and quoted text."""
    found: dict[str, Literal] = {}
    for line in query.splitlines():
        _add(found, line, is_marked=_MARK.search(line) is not None)
        _add(found, _VALUE.sub(" ", line), is_marked=_VALUE.search(line) is not None)
        # The text after the name of an error, and its sentences.
        for part in _BETWEEN_SENTENCES.split(line)[1:]:
            _add(found, part, is_marked=False)
            _add(found, _VALUE.sub(" ", part), is_marked=_VALUE.search(part) is not None)
    for match in _QUOTED.finditer(query):
        _add(found, match[1] or match[2] or match[3], is_marked=True)
    return tuple(found.values())[:MOST_LITERALS]


def _add(found: dict[str, Literal], text: str, *, is_marked: bool) -> None:
    words = tuple(identifiers(text)[:MOST_WORDS])
    text = _SPACES.sub(" ", text).strip()
    if len(words) >= (FEWEST_MARKED if is_marked else FEWEST_WORDS):
        found.setdefault(text, Literal(text, words, is_marked))


class WeighedLiteral:
    """A literal with the weights of its words, to be looked for in many texts."""

    def __init__(self, literal: Literal, rarity: Callable[[str], float]) -> None:
        """`rarity` of a word that occurs nowhere is 0."""
        self._literal = literal
        self._worth = [rarity(word) for word in literal.words]
        self._total = sum(self._worth)
        self._least = LEAST_SHARE if literal.is_marked else ALL_BUT_ROUNDING
        self._is_known = sum(map(bool, self._worth)) >= max(FEWEST_MARKED, len(self._worth) / 2)
        self._rarest = max(
            range(len(self._worth)), key=lambda number: (self._worth[number], -number)
        )

    def share_in(self, text: str) -> float:
        """How much of the literal a text contains in one place, weighted by the rarity of its
        words: 1 for a line that has nothing else, 0 below three quarters."""
        literal = self._literal
        if not literal.text.isascii():
            text = composed(text)
        if literal.text in text:
            lines = text.splitlines()
            if any(literal.text == line.strip() for line in lines):
                return 1.0
            return PART_OF_LINE * (
                1.0 if literal.is_marked else _worth_of_place(literal.text, lines)
            )
        if not self._may_be_in(text):
            return 0.0
        share = self._most_in_order(identifiers(text)) / self._total
        if share < self._least:
            return 0.0
        said = literal.words[self._rarest]
        return OTHER_PUNCTUATION * share * _worth_of_place(said, text.splitlines())

    def _may_be_in(self, text: str) -> bool:
        """Whether the text has enough of the words, in any order. Most texts do not, and looking
        for each word takes a small part of the time of splitting the text into words."""
        words = self._literal.words
        if not self._is_known or words[self._rarest] not in text:
            return False
        had = sum(worth for word, worth in zip(words, self._worth, strict=True) if word in text)
        return had / self._total > self._least - ROUNDING

    def _most_in_order(self, found: Sequence[str]) -> float:
        """The largest weight of words in their order around an occurrence of the rarest one."""
        words, worth, rarest = self._literal.words, self._worth, self._rarest
        widest = len(worth) * (1 + MOST_SKIPPED)
        best = 0.0
        for start, word in enumerate(found):
            if word != words[rarest]:
                continue
            said = worth[rarest]
            after, before = found[start + 1 : start + widest], found[max(0, start - widest) : start]
            said += _weight_in_order(words[rarest + 1 :], worth[rarest + 1 :], after)
            said += _weight_in_order(words[:rarest][::-1], worth[:rarest][::-1], before[::-1])
            best = max(best, said)
        return best


def _worth_of_place(said: str, lines: Sequence[str]) -> float:
    """A weight by place: words of a question that match a comment say less than a match in a
    string."""
    before = (line.partition(said)[0] for line in lines if said in line)
    is_quoted = any(quote in some for some in before for quote in _QUOTES)
    return 1.0 if is_quoted else IN_PROSE


def _weight_in_order(words: Sequence[str], worth: Sequence[float], found: Sequence[str]) -> float:
    """The weight of the words that follow in order, with at most a placeholder between two."""
    said, at = 0.0, 0
    for word, value in zip(words, worth, strict=True):
        ahead = found[at : at + 1 + MOST_SKIPPED]
        if word in ahead:
            at += ahead.index(word) + 1
            said += value
    return said
