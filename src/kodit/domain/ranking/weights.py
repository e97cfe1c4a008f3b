"""What each signal is worth, by what the query is.

A score is the weighted sum of the signals. The weights are those of a multinomial logit over the
files found (the conditional logit of McFadden, 1974; in ranking, ListNet's top-one loss): a
difference of 1 between two files means that the upper one is e times likelier to be wanted.
"""

from __future__ import annotations

from collections.abc import Mapping

from kodit.domain.ranking.query import QueryKind

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
    "defines": 1.5,
    "enclosing_scope": 6.0,
    "is_scope": 3.0,
    "length": 0.3,
}
"""What makes one snippet of a file the one to show. The file is given, so that what its snippets
share says nothing here, and how well one matches says more than it does of the file."""

REPEATED_FILE = 4.0
"""What every snippet of a file loses for each one of the same file above it."""


def weights_for(kind: QueryKind) -> Mapping[str, float]:
    """The weights for a kind of query."""
    return NAME if kind.is_name else PROSE
