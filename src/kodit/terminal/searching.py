"""`kodit search`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from kodit.composition import Application
from kodit.domain.errors import InvalidQueryError, NotFoundError
from kodit.domain.search import SearchFilter, SearchMode, SearchRequest
from kodit.domain.snippet import SymbolKind
from kodit.indexing import IndexRequest
from kodit.shapes import result_shape
from kodit.terminal.output import print_json, say
from kodit.terminal.steering import find_index
from kodit.terminal.tables import show_results

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What was typed, not yet understood. `path` is a source to bring up to date and to search;
    `sources` are indexes to search as they are."""

    query: str
    path: str | None = None
    sources: Sequence[str] = ()
    mode: str = "hybrid"
    limit: int = 10
    offset: int = 0
    languages: Sequence[str] = ()
    paths: Sequence[str] = ()
    authors: Sequence[str] = ()
    created_after: str | None = None
    created_before: str | None = None
    kinds: Sequence[str] = ()
    budget: int | None = None


def search_and_show(
    application: Application, options: SearchOptions, *, lines: int, explain: bool, as_json: bool
) -> None:
    """Search and print the answer."""
    results = application.search.search(_understand(application, options))
    if as_json:
        shapes = [result_shape(result, explain=explain) for result in results]
        print_json({"query": options.query, "results": shapes})
    elif results:
        show_results(results, lines, explain=explain)
    else:
        say(_nothing_found(application))


def _nothing_found(application: Application) -> str:
    """Nothing is no answer while an index is not complete."""
    statuses = asyncio.run(application.indexes.status())
    if not statuses:
        return "Nothing is indexed yet; `kodit index SOURCE` adds a git URL or a folder."
    incomplete = [str(one.summary.index.id) for one in statuses if not one.summary.index.updated_at]
    if incomplete:
        which = ", ".join(incomplete)
        return f"Nothing found; index {which} is not complete yet, see `kodit status`."
    return "Nothing found."


def _understand(application: Application, options: SearchOptions) -> SearchRequest:
    """Raises InvalidQueryError, naming the option, and what finding and indexing sources raise."""
    mode = _choose(SearchMode, "mode", options.mode)
    kinds = tuple(_choose(SymbolKind, "kind", kind) for kind in options.kinds)
    created_after = _moment("--created-after", options.created_after)
    created_before = _moment("--created-before", options.created_before)
    if options.path is not None:
        index_ids: tuple[int, ...] = (_refresh(application, options.path),)
    else:
        index_ids = tuple(_find(application, name) for name in options.sources)
    return SearchRequest(
        options.query,
        mode,
        SearchFilter(
            index_ids=index_ids,
            languages=tuple(language.lower() for language in options.languages),
            paths=tuple(options.paths),
            authors=tuple(options.authors),
            created_after=created_after,
            created_before=created_before,
            kinds=kinds,
        ),
        limit=options.limit,
        offset=options.offset,
        budget=options.budget,
    )


def _choose(choices: type[Choice], what: str, name: str) -> Choice:
    try:
        return choices(name.lower())
    except ValueError:
        known = ", ".join(choices)
        raise InvalidQueryError(f"there is no {what} {name!r}; choose one of {known}") from None


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidQueryError(f"{option} takes a date such as 2026-01-31, not {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _find(application: Application, name: str) -> int:
    return asyncio.run(find_index(application, name)).id


def _refresh(application: Application, path: str) -> int:
    """Bring the index of a source up to date, making it where there is none; its identifier.
    When that fails, what was indexed before still answers."""
    from kodit.terminal.indexing import (  # noqa: PLC0415 - a plain search does without
        report_failures,
        run_and_watch,
    )

    runs = asyncio.run(run_and_watch(application, IndexRequest([path])))
    report_failures(runs)
    for run in runs:
        if run.index_id is not None:
            return run.index_id
    raise NotFoundError(f"{path} was deleted while it was being indexed")
