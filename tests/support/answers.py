"""What an index answers to every kind of question, in a form in which two can be compared, wherever
their versions are stored and whatever other indexes there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.support.serving import ServingKodit

from kodit.composition import Application
from kodit.domain.grep import Expression, GrepAnswer, GrepRequest
from kodit.domain.symbols import SymbolRequest
from kodit.domain.value_objects import SearchFilter, SearchMode, SearchRequest

MODES = tuple(SearchMode)
Found = tuple[str, int, str, float, tuple[tuple[str, int], ...]]
"""Path, first line, text, score, and where else."""
MOST = 10_000
DIGITS = 9
"""The order in which equal parts of a score are added is that of identifiers."""


def answers(
    serving: ServingKodit,
    index_id: int,
    queries: Sequence[str],
    names: Sequence[str],
    modes: Sequence[SearchMode] = MODES,
) -> dict[str, Any]:
    """Files, texts, lines, definitions, uses, and what each engine finds, with scores. All of it
    names the source of the index."""

    async def ask(application: Application) -> dict[str, Any]:
        return await answers_of(application, index_id, queries, names, modes)

    return serving.call(ask)


async def answers_of(
    application: Application,
    index_id: int,
    queries: Sequence[str],
    names: Sequence[str],
    modes: Sequence[SearchMode] = MODES,
) -> dict[str, Any]:
    """The same on the application's own event loop."""
    chosen = SearchFilter(index_ids=(index_id,))
    own = _own(application, index_id)
    listed = application.browse.list_files(chosen)
    read = [application.browse.read_file(index_id, file.path) for file in listed]
    lines: GrepAnswer = await application.grep.grep(
        GrepRequest(Expression("."), chosen, limit=MOST)
    )
    symbols = [application.symbols.find(SymbolRequest(name, chosen, limit=MOST)) for name in names]
    named = [
        *((one.index_id, one.source) for one in listed),
        *((one.index_id, one.source) for one in read),
        *((one.index_id, one.source) for one in lines.matches),
        *(
            (one.snippet.index_id, one.snippet.source)
            for some in symbols
            for one in some.definitions
        ),
        *(
            (one.snippet.index_id, one.snippet.source)
            for some in symbols
            for one in some.references
        ),
    ]
    assert set(named) <= {own}
    return {
        "files": [(one.path, one.language, one.size, one.lines, one.snippets) for one in listed],
        "texts": {one.path: one.text for one in read},
        "lines": [(one.path, one.found.line, one.found.text) for one in lines.matches],
        "problems": lines.problems,
        "symbols": {
            name: (
                [(one.snippet.path, one.line, one.snippet.text) for one in answer.definitions],
                [(one.snippet.path, one.line, one.use, one.within) for one in answer.references],
                answer.near,
            )
            for name, answer in zip(names, symbols, strict=True)
        },
        "found": found_in(application, index_id, queries, modes),
    }


def found_in(
    application: Application,
    index_id: int,
    queries: Sequence[str],
    modes: Sequence[SearchMode] = MODES,
) -> dict[tuple[str, str], list[Found]]:
    """By mode and query, what is found in an index. All of it names its source."""
    chosen = SearchFilter(index_ids=(index_id,))
    own = _own(application, index_id)
    found: dict[tuple[str, str], list[Found]] = {}
    for mode in modes:
        for query in queries:
            request = SearchRequest(query, mode, chosen, limit=MOST)
            results = application.search.search(request)
            named = [
                *((one.snippet.index_id, one.snippet.source) for one in results),
                *((one.index_id, one.source) for result in results for one in result.also_in),
            ]
            assert set(named) <= {own}
            found[mode.value, query] = sorted(
                (
                    one.snippet.path,
                    one.snippet.start_line,
                    one.snippet.text,
                    round(one.score, DIGITS),
                    tuple((copy.path, copy.start_line) for copy in one.also_in),
                )
                for one in results
            )
    return found


def _own(application: Application, index_id: int) -> tuple[int, str]:
    """The index and its source."""
    with application.database.read() as transaction:
        return index_id, str(transaction.indexes.get(index_id).source)
