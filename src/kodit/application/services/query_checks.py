"""Which queries are refused as mistakes."""

from __future__ import annotations

from kodit.domain.errors import InvalidQueryError
from kodit.domain.text import is_text

LONGEST_QUERY = 200_000
"""The maximum length in characters; a longer query is refused as a mistake. Only the start of a
long query counts."""


def check_text(text: str) -> None:
    """Raises InvalidQueryError for half a character, which no database can store."""
    if not is_text(text):
        raise InvalidQueryError(f"{text[:100]!r} is not valid text")


def checked(query: str) -> str:
    """The query itself. Raises InvalidQueryError if it is empty or too long."""
    if not query.strip():
        raise InvalidQueryError("the query is empty; enter what you are looking for")
    if len(query) > LONGEST_QUERY:
        raise InvalidQueryError(
            f"the query has {len(query)} characters; at most {LONGEST_QUERY} are allowed"
        )
    return query
