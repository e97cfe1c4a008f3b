"""The weights of the signals, by the kind of query.

A score is the weighted sum of the signals. The weights are those of a multinomial logit over the
files found (the conditional logit of McFadden, 1974; in ranking, ListNet's top-one loss): a
difference of 1 between two files means that the upper one is e times as likely to be wanted.
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
"""Files that are seldom the answer, for every kind of query."""

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
"""The share of a file's weights in the ranking of its snippets for a statement."""

STATEMENT: Mapping[str, float] = {
    **{name: FILE_SHARE * weight for name, weight in PROSE.items()},
    # A test says much the same as the code it tests, so all of this still counts.
    **_SECONDARY,
}
"""For a statement: a snippet is ranked by its own signals, and by these for its file."""

NAME: Mapping[str, float] = {
    "keyword_hits": 1.0,
    # More than all that may count against a file: a query for a name never means a file without it.
    "mentions": 12.0,
    "pasted": 8.0,
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
"""The weights that select the snippet of a file to show, and for a statement rank all snippets. How
well one snippet matches says more about it than about its file."""

REPEATED_FILE = 4.0
"""What every snippet of a file loses for each one of the same file above it."""

FURTHER_SNIPPET = 1.0
"""What all snippets of a file but the first lose for a statement: other files may have the answer,
and the best snippet of this one is already shown."""


def weights_for(query: QueryUnderstanding) -> Mapping[str, float]:
    """The weights of the file signals for a query."""
    if query.is_statement:
        return STATEMENT
    return NAME if query.kind.is_name else PROSE
