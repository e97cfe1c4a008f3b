"""Splits the words after `kodit search` into the query and the sources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kodit.application.services.index_locator import is_identifier
from kodit.domain.errors import InvalidQueryError, NotFoundError, SourceError
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.output import printable, say

_BOTH = 2
"""A query and a source: of two words, either may be the source."""


def query_and_sources(
    session: Session, words: Sequence[str], sources: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """The query, and the sources named beside it; `sources` are those of the option.

    The last word is a source if it means one, and so are the words just before it that exist as
    folders or files; paths are sources in any position. All other words are one query. If another
    reading is possible, standard error says how the words were understood.
    """
    *before, last = words
    if not before:
        return last, ()
    if sources:
        raise InvalidQueryError(
            "a source after QUERY is updated before it is searched, while --source searches "
            "indexes as they are; give only one of the two, and put a query of several words in "
            "quotes"
        )
    if len(words) == _BOTH:
        return _one_of_each(session, words[0], last)
    query, found = list(words), list[str]()
    if _is_source(session, last):
        found.append(query.pop())
        while len(query) > 1 and _is_there(session, query[-1]):
            found.insert(0, query.pop())
    paths = [word for word in query if "/" in word and _is_there(session, word)]
    if len(paths) < len(query):
        query = [word for word in query if word not in paths]
        found = [*paths, *found]
    if len(found) > 1 or paths:
        _say_understood(" ".join(query), found)
    return " ".join(query), tuple(found)


def _one_of_each(session: Session, first: str, last: str) -> tuple[str, tuple[str, ...]]:
    """The query comes first, unless only the first word means a source. Raises SourceError for two
    words that look like a query."""
    if not _is_source(session, first):
        if _is_word(first) and _is_word(last) and not _is_source(session, last):
            raise SourceError(
                f"there is no index or folder {last!r}; put a query of several words in quotes",
                code="folder_missing",
                source=last,
            )
        return first, (last,)
    if not _is_source(session, last):
        say(f"Searching for {printable(last)!r}; the query comes first, then the source.")
        return last, (first,)
    _say_understood(first, [last])
    return first, (last,)


def _say_understood(query: str, sources: Sequence[str]) -> None:
    *others, last = map(printable, sources)
    named = f"{', '.join(others)} and {last}" if others else last
    say(f"Searching for {printable(query)!r} in {named}; put a query of several words in quotes.")


def _is_there(session: Session, word: str) -> bool:
    """Whether a word can hardly be anything but a source."""
    if session.remote is not None:
        return session.remote.knows(word)
    return Path(word).exists()


def _is_source(session: Session, word: str) -> bool:
    """Whether a word means something that is indexed or could be."""
    if "://" in word or Path(word).exists():
        return True
    if session.remote is not None:
        return session.remote.knows(word)
    try:
        return session.application.locator.find_part(word) is not None
    except NotFoundError:  # a number that no index has
        return False


def _is_word(word: str) -> bool:
    """Whether a word looks like no path, address, number of an index or query in quotes."""
    return word.replace("_", "").replace("-", "").isalnum() and not is_identifier(word)
