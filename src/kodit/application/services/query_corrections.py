"""Reads a query as what there is: a member where no file has the name, a name that is spelled
similarly where none is spelled so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from kodit.application.services.snippet_memory import SnippetMemory
from kodit.domain.ranking.nearness import (
    about_names,
    corrected,
    is_unknown_name,
    occurs,
    possible_names,
)
from kodit.domain.ranking.query import QueryUnderstanding, as_member
from kodit.domain.value_objects import Scope

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Transaction
    from kodit.domain.ports.engines import KeywordReader

MOST_NEAR_DEFINITIONS = 100


class QueryCorrections:
    """Over the definitions in the memory."""

    def __init__(self, memory: SnippetMemory) -> None:
        self._memory = memory

    def answerable(
        self,
        understanding: QueryUnderstanding,
        transaction: Transaction,
        keyword: KeywordReader,
        scope: Scope,
    ) -> QueryUnderstanding | None:
        """The query, if any of its words occurs and, for a name, the name does; otherwise one for
        similar names. None if there are none and no word occurs, since the nearest vectors would be
        meaningless. If the keyword index lacks some snippets, the query is returned unchanged."""
        understanding = _without_file(understanding, transaction, scope)
        statistics = keyword.statistics(understanding.terms)
        if not statistics.snippets or keyword.leaves_out:
            return understanding
        if is_unknown_name(understanding, statistics) and occurs(understanding, statistics):
            wanted = possible_names(replace(understanding, text=min(understanding.names)))
            # Of all files, or a filter would change which name is meant.
            everywhere = scope.of_all_files()
            near = self._names_near(wanted, transaction, keyword, everywhere)
            return corrected(understanding, near)
        if occurs(understanding, statistics):
            return understanding
        wanted = possible_names(understanding)
        defined = self._names_near(wanted, transaction, keyword, scope)
        return about_names(wanted, defined) if defined else None

    def _names_near(
        self,
        wanted: Mapping[str, int],
        transaction: Transaction,
        keyword: KeywordReader,
        scope: Scope,
    ) -> set[str]:
        """The names of definitions that are spelled similarly, or begin alike."""
        near = {hit.snippet_id for hit in keyword.near(wanted, scope, MOST_NEAR_DEFINITIONS)}
        return {
            symbol.name
            for snippet in self._memory.look_up(transaction, near)
            for symbol in (snippet.symbol, *snippet.also_defines)
            if symbol is not None
        }


def _without_file(
    understanding: QueryUnderstanding, transaction: Transaction, scope: Scope
) -> QueryUnderstanding:
    """What looks like the name of a file may be that of a member, if no file has it."""
    member = as_member(understanding)
    if member is None or transaction.search.files_named(scope.index_ids, understanding.bare):
        return understanding
    return member
