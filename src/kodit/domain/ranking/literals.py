"""Text that a query repeats word for word: the sentence of an error, a pasted line of code.

A literal is compared by its identifiers and numbers, in order and as written: what stands between
them in the code, as quotes, placeholders or the end of a line, is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kodit.domain.ranking.terms import identifier_terms, identifiers

FEWEST_WORDS = 4
"""Of what may as well be a question: fewer stand side by side in places that nobody asks for."""
FEWEST_MARKED = 2
"""Of what is in quotes, or has the punctuation of code or of a message."""
MOST_WORDS = 40
MOST_LITERALS = 8
MOST_SKIPPED = 4
"""Words between two of the literal: a placeholder, as `{self.path!r}` or `%s` is one."""
LEAST_SHARE = 0.75
"""Of its words that a text must have in a row; the others are values that the code does not say."""
ALL_BUT_ROUNDING = 1 - 1e-9
PART_OF_LINE = 0.85
"""What the literal counts within a line, beside 1 where it is all of one."""
IN_PROSE = 0.4
"""What the words of a possible question count where no quote stands before them."""
OTHER_PUNCTUATION = 0.7
"""What its words count when anything between them is different."""
SAID_IN_A_STRING = LEAST_SHARE * OTHER_PUNCTUATION
"""From here on a text says enough of it, and not in prose."""

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
"""What a message may have been given: something in brackets or quotes, an option, a path, a
number."""
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Literal:
    """What a text may say word for word: `words` as they are written, `text` with single spaces."""

    text: str
    words: tuple[str, ...]
    is_marked: bool
    """Whether it is in quotes or has punctuation that a question has not: values that the code does
    not say may be among its words."""

    @property
    def is_short(self) -> bool:
        """Whether it has too few words to be a message by itself."""
        return len(self.words) < FEWEST_WORDS

    @property
    def terms(self) -> tuple[str, ...]:
        """The distinct search terms that a text has which says all of it."""
        return tuple(dict.fromkeys(term for word in self.words for term in identifier_terms(word)))


def literals(query: str) -> tuple[Literal, ...]:
    """Each line, also without what may be a value in it, and what is in quotes; whatever may be a
    literal, the longer ones first."""
    found: dict[str, Literal] = {}
    for line in query.splitlines():
        _add(found, line, is_marked=_MARK.search(line) is not None)
        _add(found, _VALUE.sub(" ", line), is_marked=_VALUE.search(line) is not None)
        # What is said after the name of an error, and the sentences of it.
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


def share_said(literal: Literal, text: str, rarity: Callable[[str], float]) -> float:
    """How much of the literal a text says in one place: 1 for a line that says nothing else, 0 for
    less than three quarters, by the rarity of the words; that of one which no text has is 0."""
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
        said += _said_on(literal.words[rarest + 1 :], worth[rarest + 1 :], after)
        said += _said_on(literal.words[:rarest][::-1], worth[:rarest][::-1], before[::-1])
        best = max(best, said)
    share = best / total
    least = LEAST_SHARE if literal.is_marked else ALL_BUT_ROUNDING
    if share < least:
        return 0.0
    return OTHER_PUNCTUATION * share * _worth_of_place(literal.words[rarest], lines)


def _worth_of_place(said: str, lines: Sequence[str]) -> float:
    """What a question shares with a comment says less than what it shares with a string."""
    before = (line.partition(said)[0] for line in lines if said in line)
    is_quoted = any(quote in some for some in before for quote in _QUOTES)
    return 1.0 if is_quoted else IN_PROSE


def _said_on(words: Sequence[str], worth: Sequence[float], found: Sequence[str]) -> float:
    """What of the words follows in order, with no more than a placeholder between two."""
    said, at = 0.0, 0
    for word, value in zip(words, worth, strict=True):
        ahead = found[at : at + 1 + MOST_SKIPPED]
        if word in ahead:
            at += ahead.index(word) + 1
            said += value
    return said
