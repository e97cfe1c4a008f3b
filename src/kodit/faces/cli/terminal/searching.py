"""`kodit search`."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kodit.application.services.refresh_service import Refreshed
from kodit.application.views.search import SearchView
from kodit.domain.errors import InvalidQueryError
from kodit.domain.search import choose
from kodit.domain.value_objects import SearchFilter, SearchMode, SearchRequest, SymbolKind
from kodit.faces.cli.advice import with_advice
from kodit.faces.cli.session import Session
from kodit.faces.cli.signals import on_signals
from kodit.faces.cli.terminal.notices import warn_of_missing_keywords
from kodit.faces.cli.terminal.output import print_json, printable, say
from kodit.faces.cli.terminal.runs import ago, counted
from kodit.faces.cli.terminal.tables import show_results

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
    session: Session, options: SearchOptions, *, lines: int, explain: bool, as_json: bool
) -> None:
    """Search and print the answer."""
    application = session.application
    request = _understand(session, options)
    results = application.search.search(request)
    warn_of_missing_keywords(session, request.filter)
    if as_json:
        print_json(SearchView.of(options.query, results, explain=explain))
    elif results:
        several = application.locator.are_several(request.filter.index_ids)
        show_results(results, lines, with_source=several, explain=explain)
        if explain and request.mode in ENGINES:
            say(f"Each score is that of the {ENGINES[request.mode]} alone.")
    else:
        say(_why_empty(session, request))


def _why_empty(session: Session, request: SearchRequest) -> str:
    """What was found may lie before the page, or not fit into the budget."""
    if request.budget is not None or request.offset:
        depth = request.offset + request.limit
        results = session.application.search.search(
            replace(request, limit=depth, offset=0, budget=None)
        )
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
    return _nothing_found(session, request.filter)


def _nothing_found(session: Session, search_filter: SearchFilter) -> str:
    """Nothing is no answer while an index that was searched is not complete."""
    application = session.application
    statuses = session.run(application.indexes.status(search_filter.index_ids))
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


def _understand(session: Session, options: SearchOptions) -> SearchRequest:
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
        index_ids: tuple[int, ...] = (_refresh(session, options.path),)
    else:
        index_ids = tuple(session.application.locator.locate(name).id for name in options.sources)
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


def _refresh(session: Session, path: str) -> int:
    """Bring the index of a source up to date, making it where there is none; its identifier.
    Where that cannot be, what was indexed before still answers, and standard error says so.

    Raises SourceError for a source that is none, and KoditError when there is no complete index.
    """
    from kodit.faces.cli.terminal.indexing import (  # noqa: PLC0415 - a plain search does without
        watching,
    )

    async def refresh() -> Refreshed:
        with watching([path]) as observer:
            return await session.application.refreshing.refresh(
                path, observer=observer, stopped_by=on_signals(signal.SIGTERM)
            )

    refreshed = session.run(refresh())
    if refreshed.reason is not None:
        index = refreshed.index
        say(
            f"{printable(str(index.source))} is searched as it was indexed "
            f"{ago(index.updated_at)}: {printable(with_advice(refreshed.reason))}"
        )
    return refreshed.index.id
