"""Draws the map of a repository: its most important files and definitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kodit.application.services.graph_reading import read_graph
from kodit.domain.errors import InvalidQueryError
from kodit.domain.ranking.graph import Importance, importance
from kodit.domain.repository_map import (
    LEAST_BUDGET,
    LONGEST_LINE,
    MOST_BUDGET,
    MappedDefinition,
    MappedFile,
    RepositoryMap,
    cost_of,
    cost_of_line,
)
from kodit.domain.search import CHARACTERS_PER_TOKEN
from kodit.domain.symbols import MEMBERS, Definition, outlined
from kodit.domain.text import cut_line
from kodit.domain.value_objects import SearchFilter

if TYPE_CHECKING:
    from kodit.domain.files import IndexedText
    from kodit.domain.ports.catalogue import Catalogue, OpenCatalogue

MOST_OF_A_FILE = 0.15
"""The share of a budget that one file may take, so that a map shows more than one file."""

MEMBER = 0.5
"""The importance of a member of a type, compared with that of a type or function: a newcomer looks
for these first."""

LEAST_DEFINITIONS = 3


class MapService:
    """Synchronous: reads the mentions and definitions in the files of an index."""

    def __init__(self, *, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def draw(self, search_filter: SearchFilter, budget: int) -> list[RepositoryMap]:
        """The map of each index that passes the filter, within `budget` tokens for all of them.
        Raises InvalidQueryError and NotFoundError."""
        if not LEAST_BUDGET <= budget <= MOST_BUDGET:
            raise InvalidQueryError(
                f"the budget is {budget} tokens; it must be {LEAST_BUDGET} to {MOST_BUDGET}"
            )
        with self._catalogue.open() as catalogue:
            indexed = catalogue.files(search_filter)
            share = budget * CHARACTERS_PER_TOKEN // max(1, len(indexed))
            return [
                RepositoryMap(
                    one.index.id,
                    str(one.index.source),
                    tuple(_chosen(catalogue, one.files, share)),
                    len(one.files),
                )
                for one in indexed
            ]


def _chosen(
    catalogue: OpenCatalogue, files: Sequence[IndexedText], characters: int
) -> Iterator[MappedFile]:
    graph = read_graph(catalogue, files)
    ranked = importance(graph)
    by_id = {file.id: file for file in files}
    order = sorted(
        (file_id for file_id in graph if graph[file_id].defines),
        key=lambda file_id: (-ranked.files[file_id], by_id[file_id].path),
    )
    left = characters
    for file_id in order:
        file = by_id[file_id]
        room = min(left, int(characters * MOST_OF_A_FILE)) - cost_of(file.path)
        if left <= cost_of(file.path) + LONGEST_LINE // 2:
            return
        definitions = _best(catalogue, file_id, ranked, room)
        if not definitions:
            continue
        left -= cost_of(file.path) + sum(cost_of_line(one.text) for one in definitions)
        yield MappedFile(file.path, file.language, ranked.files[file_id], definitions)


def _best(
    catalogue: OpenCatalogue, file_id: int, ranked: Importance, room: int
) -> tuple[MappedDefinition, ...]:
    """The most important definitions of a file, by line, as many as fit."""
    snippets = {one.id: one for one in catalogue.snippets_of_file(file_id)}
    firsts: dict[tuple[str, str], Definition] = {}
    for one in outlined(snippets.values()):  # the first piece of a definition names it
        firsts.setdefault((one.snippet.scope, one.snippet.symbol or ""), one)
    by_line: dict[tuple[int, str], Definition] = {}
    for one in firsts.values():  # a type and its constructor may be one line
        by_line.setdefault((one.line, one.snippet.symbol or ""), one)
    found = list(by_line.values())
    types = {_name_of(one): one for one in found if one.snippet.kind not in MEMBERS}
    often = Counter(one.snippet.symbol for one in found)
    texts = {
        number: line
        for one in snippets.values()
        for number, line in enumerate(one.text.split("\n"), one.start_line)
    }

    def importance_of(one: Definition) -> float:
        """A name that a file defines often says little about each of these."""
        symbol = one.snippet.symbol or ""
        whole = ranked.names.get((file_id, symbol), 0.0)
        return whole / often[symbol] * (MEMBER if one.snippet.scope in types else 1.0)

    found.sort(
        key=lambda one: (
            -importance_of(one),
            one.snippet.scope.count("."),
            one.snippet.start_line,
        )
    )
    chosen: dict[int, MappedDefinition] = {}
    for definition in found:
        if not importance_of(definition) and len(chosen) >= LEAST_DEFINITIONS:
            break
        # A member comes with the type that it belongs to.
        around = types.get(definition.snippet.scope)
        added = [
            _mapped(one, texts)
            for one in (around, definition)
            if one is not None and one.line not in chosen
        ]
        room -= sum(cost_of_line(one.text) for one in added)
        if room < 0:
            break
        chosen.update((one.line, one) for one in added)
    return tuple(chosen[line] for line in sorted(chosen))


def _name_of(definition: Definition) -> str:
    snippet = definition.snippet
    return ".".join(filter(None, (snippet.scope, snippet.symbol)))


def _mapped(definition: Definition, texts: Mapping[int, str]) -> MappedDefinition:
    snippet = definition.snippet
    text = texts.get(definition.line, "").strip()
    return MappedDefinition(
        snippet.symbol or "",
        snippet.kind or "",
        snippet.scope,
        definition.line,
        cut_line(text)[:LONGEST_LINE],
    )
