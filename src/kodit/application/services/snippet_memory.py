"""A cache of snippets between searches."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable
from typing import TYPE_CHECKING, NamedTuple

from kodit.domain.recent import Recent
from kodit.domain.search import FoundSnippet

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Transaction

MOST_REMEMBERED = 16_384
"""How many snippets are cached between searches: about 10 MB. One search needs some 500, and half
of the cache holds what the last 15 searches needed."""
SECONDS_BETWEEN_AGES = 60.0
"""How long a snippet is cached at least: dropped and read again more often, they would fragment the
memory of a server that is asked time and again."""


class _Memory(NamedTuple):
    """Cached snippets by identifier, for one database file."""

    origin: Hashable
    snippets: Recent[int, FoundSnippet]

    @classmethod
    def of(cls, origin: Hashable) -> _Memory:
        return cls(origin, Recent(MOST_REMEMBERED, lambda _snippet: 1))


class SnippetMemory:
    """What ranking reads of snippets; cached, as it never changes. Any number of threads may use
    it."""

    def __init__(self, seconds_passed: Callable[[], float] = time.monotonic) -> None:
        self._memory = _Memory.of(None)
        self._seconds_passed = seconds_passed
        self._aged_at = seconds_passed()

    def age(self) -> None:
        """Drop the snippets that no search has read for a while, at most once a minute."""
        now = self._seconds_passed()
        if now - self._aged_at >= SECONDS_BETWEEN_AGES:
            self._aged_at = now
            self._memory.snippets.age()

    def look_up(self, transaction: Transaction, ids: Collection[int]) -> list[FoundSnippet]:
        """The snippets by identifier: the order of a set depends on its history."""
        memory = self._memory
        origin = transaction.search.origin
        if memory.origin != origin:
            # Other threads continue with the cache that they have.
            memory = self._memory = _Memory.of(origin)
        found = memory.snippets.find(ids)
        unknown = [snippet_id for snippet_id in ids if snippet_id not in found]
        for snippet in transaction.search.find_many(unknown):
            found[snippet.id] = snippet
            memory.snippets.add(snippet.id, snippet)
        snippets = [found[snippet_id] for snippet_id in sorted(found)]
        newer = transaction.search.successors({snippet.file_id for snippet in snippets})
        if not newer:
            return snippets
        return [
            snippet._replace(file_id=newer.get(snippet.file_id, snippet.file_id))
            for snippet in snippets
        ]
