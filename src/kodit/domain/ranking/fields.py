"""What of a snippet goes into the keyword index.

One field of search terms in which the path, the name and what is written for people occur
more than once. BM25 over one weighted bag (the simple BM25F of Robertson, Zaragoza and Taylor,
2004) ranked as well here as five boosted fields, at a fifth of the postings to read; and a second
field with the name alone, for exact look-ups of definitions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain

from kodit.domain.ranking.terms import run_terms, runs
from kodit.domain.search import StoredSnippet
from kodit.domain.snippet import MinorSymbol

PATH_REPEATED = 3
NAME_REPEATED = 3
COMMENT_REPEATED = 1
"""How often the terms of path, name and comments are added to those of the text."""

_MARKED_LINE = re.compile(
    r"""
    \n[^\S\n]*+(?=["'/*\#;%{(-])                             # seldom goes on from here
    (?:
      (\"\"\"|''')                                          # a docstring begins
      | (?://+!?|/\*+!?|\*+/?|\#+!?|--+\[*|;+|%+|\{-|\(\*)[^\S\n]?  # a comment
    )(.*)
    """,
    re.VERBOSE,
)
"""Begins with a newline, which is looked for at a fraction of the cost of looking at each line."""


@dataclass(frozen=True, slots=True)
class KeywordDocument:
    """`runs`: what the search terms are made from, repeated as often as it counts. `names`: the
    lower-case names of all that the snippet defines, each one token, but for `minor_names`, those
    of minor symbols."""

    runs: list[str]
    names: tuple[str, ...]
    minor_names: tuple[str, ...] = ()

    @property
    def terms(self) -> list[str]:
        """The search terms, in order, repeated as often as they count."""
        return list(chain.from_iterable(map(run_terms, self.runs)))


def keyword_document(snippet: StoredSnippet) -> KeywordDocument:
    """The keyword fields of a snippet."""
    found = runs(snippet.text)
    found += runs(comments(snippet.text)) * COMMENT_REPEATED
    found += runs(snippet.path) * PATH_REPEATED
    names: dict[str, None] = {}
    if snippet.symbol is not None and snippet.kind is not None:
        found += runs(snippet.symbol) * NAME_REPEATED
        found += runs(snippet.scope)
        names[snippet.symbol.lower()] = None
    minor: dict[str, None] = {}
    for placed in snippet.also_defines:
        group = minor if isinstance(placed, MinorSymbol) else names
        group[placed.symbol.name.lower()] = None
    return KeywordDocument(found, tuple(names), tuple(minor))


def comments(text: str) -> str:
    """Comment lines and Python docstrings of any language's code, without their marks.

    Seen line by line, without a parser: text in many languages, of which the marks overlap.
    """
    text = f"\n{text}"
    found: list[str] = []
    position = 0
    while match := _MARKED_LINE.search(text, position):
        quote, rest = match.groups()
        position = match.end()
        if quote is None:
            found.append(rest)
            continue
        # A docstring goes on to the end of the line with the next quote, or of the text.
        closing = text.find(quote, match.end(1))
        end = -1 if closing < 0 else text.find("\n", closing)
        position = len(text) if end < 0 else end
        lines = text[match.start() + 1 : position].split("\n")
        found += [line.strip().replace(quote, "") for line in lines]
    return "\n".join(found)
