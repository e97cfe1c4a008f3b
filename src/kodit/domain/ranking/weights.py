"""What each signal is worth, by what the query is.

A score is the weighted sum of the signals. The weights are those of a multinomial logit over the
files found (the conditional logit of McFadden, 1974; in ranking, ListNet's top-one loss): a
difference of 1 between two files means that the upper one is e times likelier to be wanted.
"""

from __future__ import annotations

from collections.abc import Mapping

from kodit.domain.ranking.query import QueryUnderstanding

_SECONDARY: Mapping[str, float] = {
    "not_code": -2.5,
    "is_test": -2.0,
    "is_example": -1.5,
    "is_derived": -2.0,
    "is_compatibility": -1.0,
    "is_stub": -2.0,
}
"""What is seldom the answer, for every kind of query."""

PROSE: Mapping[str, float] = {
    "keyword_best": 1.5,
    "keyword_hits": 1.75,
    "pasted": 12.0,
    "code_similarity": 5.5,
    "text_similarity": 2.75,
    "file_name": 2.5,
    "folders": 1.5,
    "defines": 1.5,
    "enclosing_scope": 3.0,
    "defines_word": 1.75,
    "symbol_name": 1.0,
    "path_asked": 8.0,
    "depth": -2.5,
    **_SECONDARY,
}

FILE_SHARE = 0.25
"""What speaks for a file counts so much where one of its snippets was described."""

STATEMENT: Mapping[str, float] = {
    **{name: FILE_SHARE * weight for name, weight in PROSE.items()},
    # A test says much the same as what it tests, so all of this still counts.
    **_SECONDARY,
}
"""For a statement: a snippet is ranked by what speaks for it, and by this for its file."""

NAME: Mapping[str, float] = {
    "keyword_hits": 1.0,
    # More than all that may be said against a file: who asks for a name does not mean what never
    # says it.
    "mentions": 12.0,
    "text_similarity": 1.5,
    "file_name": 3.0,
    "defines": 6.0,
    "enclosing_scope": 8.0,
    "depth": -2.5,
    **_SECONDARY,
}

WITHIN_FILE: Mapping[str, float] = {
    "keyword": 4.5,
    "pasted": 30.0,
    "code": 10.0,
    "text": 8.0,
    "symbol_name": 2.5,
    "length": 0.3,
    "defines": 1.5,
    "enclosing_scope": 6.0,
    "is_scope": 3.0,
}
"""What makes one snippet of a file the one to show, and of all snippets the one that a statement
describes. How well one snippet matches says more of it than it does of its file."""

REPEATED_FILE = 4.0
"""What every snippet of a file loses for each one of the same file above it."""

FURTHER_SNIPPET = 1.0
"""What all snippets of a file but the first lose where a statement is asked for: other files may
have what was meant, and the best snippet of this one is there to read."""


def weights_for(query: QueryUnderstanding) -> Mapping[str, float]:
    """The weights of the signals of files for a query."""
    if query.is_statement:
        return STATEMENT
    return NAME if query.kind.is_name else PROSE
