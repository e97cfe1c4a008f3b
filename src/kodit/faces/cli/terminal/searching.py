"""`kodit search`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from kodit.composition import Application
from kodit.domain.entities import Index
from kodit.domain.errors import InvalidQueryError, KoditError, NotFoundError, SourceError
from kodit.domain.search import choose
from kodit.domain.value_objects import SearchFilter, SearchMode, SearchRequest, SymbolKind
from kodit.faces.cli.terminal.output import print_json, printable, say
from kodit.faces.cli.terminal.runs import ago, counted
from kodit.faces.cli.terminal.status import find_index
from kodit.faces.cli.terminal.tables import show_results
from kodit.indexing import IndexRequest
from kodit.infrastructure.sources.parsing import parse_source
from kodit.locating import are_several, locate_gone
from kodit.shapes import result_shape

ENGINES = {
    SearchMode.KEYWORD: "keyword index",
    SearchMode.CODE: "vectors of the code",
    SearchMode.TEXT: "vectors of the enriched texts",
}


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
    request = _understand(application, options)
    results = application.search.search(request)
    if as_json:
        shapes = [result_shape(result, explain=explain) for result in results]
        print_json({"query": options.query, "results": shapes})
    elif results:
        several = are_several(application, request.filter.index_ids)
        show_results(results, lines, with_source=several, explain=explain)
        if explain and request.mode in ENGINES:
            say(f"Each score is that of the {ENGINES[request.mode]} alone.")
    else:
        say(_why_empty(application, request))


def _why_empty(application: Application, request: SearchRequest) -> str:
    """What was found may lie before the page, or not fit into the budget."""
    if request.budget is not None or request.offset:
        depth = request.offset + request.limit
        results = application.search.search(replace(request, limit=depth, offset=0, budget=None))
        if len(results) > request.offset:
            snippet = results[request.offset].snippet
            return (
                f"A budget of {counted(request.budget or 0, 'token')} is too small for the first "
                f"result, {printable(snippet.path)}:{snippet.start_line}-{snippet.end_line}."
            )
        if results:
            return (
                f"There are no more results: --offset {request.offset} is past the last of "
                f"{len(results)}."
            )
    return _nothing_found(application, request.filter)


def _nothing_found(application: Application, search_filter: SearchFilter) -> str:
    """Nothing is no answer while an index that was searched is not complete."""
    statuses = asyncio.run(application.indexes.status(search_filter.index_ids))
    if not statuses:
        return "Nothing is indexed yet; `kodit index SOURCE` adds a git URL or a folder."
    incomplete = [str(one.summary.index.id) for one in statuses if not one.summary.index.updated_at]
    if not incomplete:
        if search_filter.chooses_files and not application.browse.list_files(search_filter):
            return "No indexed file passes these filters."
        if not any(one.summary.files for one in statuses):
            return "Nothing found; there is no indexed file."
        return "Nothing found."
    *others, last = incomplete
    which = f"indexes {', '.join(others)} and {last} are" if others else f"index {last} is"
    return f"Nothing found; {which} not complete yet, see `kodit status`."


def _understand(application: Application, options: SearchOptions) -> SearchRequest:
    """Raises InvalidQueryError, naming the option, and what finding and indexing sources raise."""
    if options.path is not None and options.sources:
        raise InvalidQueryError(
            "PATH brings one source up to date and searches it, --source searches indexes as they "
            "are; give one of the two"
        )
    mode = choose(SearchMode, "mode", options.mode)
    kinds = tuple(choose(SymbolKind, "kind", kind) for kind in options.kinds)
    created_after = _moment("--created-after", options.created_after)
    created_before = _moment("--created-before", options.created_before)
    if options.path is not None:
        index_ids: tuple[int, ...] = (_refresh(application, options.path),)
    else:
        index_ids = tuple(_find(application, name).id for name in options.sources)
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


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidQueryError(f"{option} takes a date such as 2026-01-31, not {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _find(application: Application, name: str) -> Index:
    return asyncio.run(find_index(application, name))


def _refresh(application: Application, path: str) -> int:
    """Bring the index of a source up to date, making it where there is none; its identifier.
    Where that cannot be, what was indexed before still answers, and standard error says so.

    Raises SourceError for a source that is none, and KoditError when there is no complete index.
    """
    from kodit.faces.cli.terminal.indexing import (  # noqa: PLC0415 - a plain search does without
        failure_of,
        run_and_watch,
    )

    if path.isdecimal() and not Path(path).exists():
        path = str(_find(application, path).source)
    try:
        source = parse_source(path).source
    except SourceError as error:
        gone = locate_gone(application, path)
        if gone is None or gone.updated_at is None:
            raise
        return _answer_as_it_was(gone, str(error))
    if asyncio.run(application.queue.paused_since()) is not None:
        with application.database.read() as transaction:
            known = transaction.indexes.find(source)
        if known is None or known.updated_at is None:
            raise KoditError(
                f"{source} is not indexed yet and the queue is paused; `kodit queue resume` lets "
                "it go on"
            )
        return _answer_as_it_was(known, "the queue is paused until `kodit queue resume`")
    runs = asyncio.run(run_and_watch(application, IndexRequest([path])))
    if not runs or runs[0].index_id is None:
        raise NotFoundError(f"{source} was deleted while it was being indexed")
    failure = failure_of(runs[0])
    if failure is not None:
        with application.database.read() as transaction:
            known = transaction.indexes.get(runs[0].index_id)
        if known.updated_at is None:
            raise KoditError(f"{source} is not indexed: {failure}")
        return _answer_as_it_was(known, failure)
    return runs[0].index_id


def _answer_as_it_was(index: Index, why: str) -> int:
    """Say from when the answer is."""
    say(
        f"{printable(str(index.source))} is searched as it was indexed {ago(index.updated_at)}: "
        f"{printable(why)}"
    )
    return index.id
