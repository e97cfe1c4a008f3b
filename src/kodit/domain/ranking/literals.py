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
ALL_BUT_ROUNDING = 1 - 1e-9
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


def share_contained(literal: Literal, text: str, rarity: Callable[[str], float]) -> float:
    """How much of the literal a text contains in one place, weighted by the rarity of its words
    (words that occur nowhere count 0): 1 for a line that has nothing else, 0 below three
    quarters."""
    if not literal.text.isascii():
        text = composed(text)
    lines = text.splitlines()
    if literal.text in text:
        if any(literal.text == line.strip() for line in lines):
            return 1.0
        return PART_OF_LINE * (1.0 if literal.is_marked else _worth_of_place(literal.text, lines))
    worth = [rarity(word) for word in literal.words]
    total = sum(worth)
    if sum(map(bool, worth)) < max(FEWEST_MARKED, len(worth) / 2):
        return 0.0
    best = 0.0
    found = identifiers(text)
    places: dict[str, list[int]] = {}
    for place, word in enumerate(found):
        places.setdefault(word, []).append(place)
    widest = len(worth) * (1 + MOST_SKIPPED)
    rarest = max(range(len(worth)), key=lambda number: (worth[number], -number))
    for start in places.get(literal.words[rarest], ()):
        said = worth[rarest]
        after, before = found[start + 1 : start + widest], found[max(0, start - widest) : start]
        said += _weight_in_order(literal.words[rarest + 1 :], worth[rarest + 1 :], after)
        said += _weight_in_order(literal.words[:rarest][::-1], worth[:rarest][::-1], before[::-1])
        best = max(best, said)
    share = best / total
    least = LEAST_SHARE if literal.is_marked else ALL_BUT_ROUNDING
    if share < least:
        return 0.0
    return OTHER_PUNCTUATION * share * _worth_of_place(literal.words[rarest], lines)


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
