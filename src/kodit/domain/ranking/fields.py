"""The fields of a snippet in the keyword index.

One field of search terms repeats those of the path, the name and the comments. BM25 over one
weighted bag of terms (the simple BM25F of Robertson, Zaragoza and Taylor, 2004) ranked as well here
as five boosted fields, with a fifth of the postings to read. A second field has the names alone,
for exact look-ups of definitions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, filterfalse

from kodit.domain.ranking.scripts import is_unspaced
from kodit.domain.ranking.terms import run_terms, runs
from kodit.domain.search import StoredSnippet
from kodit.domain.snippet import MinorSymbol
from kodit.domain.spelling import fold_case, without_diacritics

PATH_REPEATED = 3
NAME_REPEATED = 3
COMMENT_REPEATED = 1
"""How many times the terms of path, name and comments are added to those of the text."""
MOST_PATHS = 64
"""Files whose terms are kept: the snippets of a file come one after another."""

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
"""Starts with a newline, because searching for newlines is far cheaper than matching at each
line."""


@dataclass(frozen=True, slots=True)
class KeywordDocument:
    """`runs` are the sources of the search terms, repeated by their weight, without those of the
    path, which are `path_runs`: the snippets of a file share them. `names` are the names
    that the snippet defines, case-folded, and also without diacritics, each one token, except for
    minor symbols, which are in `minor_names`. `unspaced` are the runs in scripts without spaces
    between words."""

    runs: list[str]
    path_runs: Sequence[str]
    names: tuple[str, ...]
    minor_names: tuple[str, ...] = ()
    unspaced: Sequence[str] = ()

    @property
    def terms(self) -> list[str]:
        """The search terms, in order, repeated by their weight."""
        return list(chain.from_iterable(map(run_terms, chain(self.runs, self.path_runs))))


def keyword_document(snippet: StoredSnippet) -> KeywordDocument:
    """The keyword fields of a snippet."""
    found = runs(snippet.text)
    found += runs(comments(snippet.text)) * COMMENT_REPEATED
    of_path = _path_runs(snippet.path)
    is_ascii = snippet.text.isascii() and snippet.path.isascii()
    names: dict[str, None] = {}
    if snippet.symbol is not None and snippet.kind is not None:
        found += runs(snippet.symbol) * NAME_REPEATED
        found += runs(snippet.scope)
        names.update(dict.fromkeys(_keys(snippet.symbol)))
        is_ascii = is_ascii and snippet.symbol.isascii() and snippet.scope.isascii()
    minor: dict[str, None] = {}
    for placed in snippet.also_defines:
        group = minor if isinstance(placed, MinorSymbol) else names
        group.update(dict.fromkeys(_keys(placed.symbol.name)))
    # Most runs are ASCII even in other texts.
    others = () if is_ascii else filterfalse(str.isascii, chain(found, of_path))
    unspaced = tuple(filter(is_unspaced, others))
    return KeywordDocument(found, of_path, tuple(names), tuple(minor), unspaced)


@lru_cache(maxsize=MOST_PATHS)
def _path_runs(path: str) -> tuple[str, ...]:
    return tuple(runs(path)) * PATH_REPEATED


def _keys(name: str) -> tuple[str, ...]:
    if name.isascii():
        return (name.lower(),)
    key = fold_case(name)
    return (key, without_diacritics(key))


def comments(text: str) -> str:
    """Comment lines and Python docstrings, in code of any language, without comment marks. Reads
    line by line, without a parser, because the marks of many languages overlap."""
    text = f"\n{text}"
    found: list[str] = []
    position = 0
    while match := _MARKED_LINE.search(text, position):
        quote, rest = match.groups()
        position = match.end()
        if quote is None:
            found.append(rest)
            continue
        # A docstring continues to the end of the line with the next quote, or of the text.
        closing = text.find(quote, match.end(1))
        end = -1 if closing < 0 else text.find("\n", closing)
        position = len(text) if end < 0 else end
        lines = text[match.start() + 1 : position].split("\n")
        found += [line.strip().replace(quote, "") for line in lines]
    return "\n".join(found)
