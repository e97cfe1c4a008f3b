"""A query that is a single token, to be found as it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from kodit.domain.ranking.query import QueryKind, QueryUnderstanding
from kodit.domain.ranking.terms import identifier_terms, identifiers, words
from kodit.domain.spelling import composed, fold_case

SHORTEST, LONGEST = 3, 200
PATH_SHARE = 0.6
"""What looks like a path, such as `text/css`: less than what a file of that path has."""
OTHER_CASE_SHARE = 0.7
"""`content-type` asked for and `Content-Type` found."""

_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Token:
    """`--retry-delay`, `http2.started`, `text/css`, `0x8000`, `MAX_SIZE`. `terms` are those of any
    text that contains it."""

    text: str
    terms: tuple[str, ...]
    kind: QueryKind

    @classmethod
    def of(cls, query: QueryUnderstanding) -> Self | None:
        """None for other queries, among them one word, which is a topic."""
        text = query.bare
        is_one = SHORTEST <= len(text) <= LONGEST and len(text.split()) == 1
        if not is_one or (_WORD.fullmatch(text) and len(words(text)) == 1):
            return None
        terms = {term: None for word in identifiers(text) for term in identifier_terms(word)}
        return cls(text, tuple(terms), query.kind) if terms else None

    def share_in(self, text: str) -> float:
        """From 0 for a text without the token to 1."""
        if not self.text.isascii():
            text = composed(text)
        share = PATH_SHARE if self.kind is QueryKind.PATH else 1.0
        if _occurs(self.text, text):
            return share
        is_alike = not self.kind.is_name and _occurs(fold_case(self.text), fold_case(text))
        return share * OTHER_CASE_SHARE if is_alike else 0.0


def _occurs(token: str, text: str) -> bool:
    """Whether a text has a token that is not a part of a longer one."""
    at = text.find(token)
    while at >= 0:
        end = at + len(token)
        if not _joins(text[at - 1 : at], token[0]) and not _joins(text[end : end + 1], token[-1]):
            return True
        at = text.find(token, at + 1)
    return False


def _joins(beside: str, edge: str) -> bool:
    return _is_of_word(beside) and _is_of_word(edge)


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character in ("_", "-")
