"""What of a snippet goes into the keyword index.

One field of search terms in which the path, the name and what is written for people occur
more than once. BM25 over one weighted bag (the simple BM25F of Robertson, Zaragoza and Taylor,
2004) ranked as well here as five boosted fields, at a fifth of the postings to read; and a second
field with the name alone, for exact look-ups of definitions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kodit.domain.ranking.terms import spaced_terms
from kodit.domain.snippet import Snippet

PATH_REPEATED = 3
NAME_REPEATED = 3
COMMENT_REPEATED = 1
"""How often the terms of path, name and comments are added to those of the text."""

_COMMENT = re.compile(r"^\s*(?://+!?|/\*+!?|\*+/?|#+!?|--+\[*|;+|%+|\{-|\(\*)\s?(.*)$")
_QUOTES = ('"""', "'''")


@dataclass(frozen=True, slots=True)
class KeywordDocument:
    """`terms`: search terms joined by spaces, to be split there and otherwise left as they are.
    `names`: the lower-case names of all that the snippet defines, each one token."""

    terms: str
    names: tuple[str, ...]


def keyword_document(snippet: Snippet) -> KeywordDocument:
    """The keyword fields of a snippet."""
    found = [spaced_terms(snippet.text)]
    found += [spaced_terms(comments(snippet.text))] * COMMENT_REPEATED
    found += [spaced_terms(snippet.path)] * PATH_REPEATED
    if snippet.symbol is not None:
        found += [spaced_terms(snippet.symbol.name)] * NAME_REPEATED
        found.append(spaced_terms(snippet.symbol.scope))
    defined = [snippet.symbol, *(placed.symbol for placed in snippet.also_defines)]
    names = dict.fromkeys(symbol.name.lower() for symbol in defined if symbol is not None)
    return KeywordDocument(" ".join(found), tuple(names))


def comments(text: str) -> str:
    """Comment lines and Python docstrings of any language's code, without their marks.

    Seen line by line, without a parser: text in many languages, of which the marks overlap.
    """
    found: list[str] = []
    open_quote = ""
    for line in text.split("\n"):
        stripped = line.strip()
        if open_quote:
            found.append(stripped.replace(open_quote, ""))
            if open_quote in stripped:
                open_quote = ""
        elif stripped.startswith(_QUOTES):
            quote = stripped[:3]
            found.append(stripped.replace(quote, ""))
            if stripped.count(quote) == 1:
                open_quote = quote
        elif match := _COMMENT.match(line):
            found.append(match[1])
    return "\n".join(found)
