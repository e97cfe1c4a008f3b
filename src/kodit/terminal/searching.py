"""`kodit search`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kodit.composition import Application
from kodit.domain.errors import InvalidQueryError
from kodit.domain.search import SearchFilter, SearchMode, SearchRequest
from kodit.indexing import IndexRequest
from kodit.shapes import result_shape
from kodit.terminal.output import print_json, say
from kodit.terminal.tables import show_results


def search_and_show(
    application: Application,
    query: str,
    path: str | None,
    *,
    mode: str,
    limit: int,
    languages: Sequence[str],
    paths: Sequence[str],
    lines: int,
    as_json: bool,
) -> None:
    """Search all indexes, or that of `path`, and print the answer."""
    try:
        search_mode = SearchMode(mode)
    except ValueError:
        modes = ", ".join(SearchMode)
        raise InvalidQueryError(f"there is no mode {mode!r}; choose one of {modes}") from None
    index_ids = () if path is None else (_refresh(application, path),)
    request = SearchRequest(
        query, search_mode, SearchFilter(index_ids, tuple(languages), tuple(paths)), limit
    )
    results = application.search.search(request)
    if as_json:
        print_json({"query": query, "results": [result_shape(result) for result in results]})
    elif results:
        show_results(results, lines)
    else:
        say("Nothing found.")


def _refresh(application: Application, path: str) -> int:
    """Bring the index of a source up to date, making it where there is none; its identifier.
    When that fails, what was indexed before still answers."""
    from kodit.terminal.indexing import (  # noqa: PLC0415 - a plain search does without
        report_failures,
        run_and_watch,
    )

    (run,) = asyncio.run(run_and_watch(application, IndexRequest([path])))
    report_failures([run])
    assert run.index_id is not None  # noqa: S101 - runs of sources have an index
    return run.index_id
