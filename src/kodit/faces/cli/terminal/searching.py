"""`kodit search`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from kodit.application.services.standing_words import nothing_found
from kodit.application.views.search import RelatedView, ResultView, SearchView
from kodit.application.views.standing import StandingView
from kodit.domain.errors import InvalidQueryError, KoditError
from kodit.domain.files import FilePlace
from kodit.domain.questions import (
    WAIT_SECONDS,
    FilesQuestion,
    ReadQuestion,
    SearchQuestion,
    Where,
)
from kodit.domain.ranking.places import QueryPlace, query_places
from kodit.domain.search import choose
from kodit.domain.value_objects import SearchMode, SymbolKind
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.found_descriptions import show_descriptions
from kodit.faces.cli.terminal.notices import (
    ALL,
    NO_FILE_PASSES,
    NOTHING_INDEXED,
    no_files_in,
    say_changes,
    say_if_outside,
    say_left_out,
    say_problems,
    say_where,
    warn_of_missing_keywords,
)
from kodit.faces.cli.terminal.output import (
    print_as_it_is,
    print_json,
    print_json_lines,
    printable,
    say,
)
from kodit.faces.cli.terminal.pager import paged
from kodit.faces.cli.terminal.paint import PATH, Find, nothing, paint, words_of
from kodit.faces.cli.terminal.places import Places
from kodit.faces.cli.terminal.refreshing import ask_refreshed, refresh
from kodit.faces.cli.terminal.results import Layout, show_results
from kodit.faces.cli.terminal.runs import counted
from kodit.faces.cli.terminal.search_words import query_and_sources

ENGINES = {
    SearchMode.KEYWORD: "keyword index",
    SearchMode.CODE: "vectors of the code",
    SearchMode.TEXT: "vectors of the enriched texts",
}


_NOTHING_MATCHES = "Nothing found."
_WEAK = "No result matches the query well; these are the closest ones."


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """The typed options, not yet parsed. `words` are a query, optionally followed by sources, which
    are brought up to date and searched; `sources` are indexes to search as they are."""

    words: Sequence[str]
    sources: Sequence[str] = ()
    everywhere: bool = False
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


@dataclass(frozen=True, slots=True)
class Shown:
    """How results are printed: as text, with `lines` or `context` as in `Layout`; as the paths of
    their files alone; as one JSON document; or as one JSON document per line."""

    lines: int | None = None
    context: int | None = None
    only_files: bool = False
    as_json: bool = False
    as_json_lines: bool = False


@paged
def search_and_show(
    session: Session, options: SearchOptions, shown: Shown, *, explain: bool
) -> SearchView:
    """Search and print the answer."""
    question = replace(_understand(session, options), explain=explain)
    answer = ask_refreshed(session, question)
    say_where(question.where, answer.standing, ALL)
    say_if_outside(session, question.where, answer.standing)
    say_changes(session, answer.standing)
    warn_of_missing_keywords(answer.standing)
    is_text = not (shown.as_json or shown.as_json_lines or shown.only_files)
    find = words_of(question.query) if is_text and answer.results else nothing
    print_results(session, answer, shown, find, asked_places(question.query))
    if is_text or shown.only_files:
        show_descriptions(session, answer)
    say_problems(answer.problems)
    if answer.weak:
        say(_WEAK)
    if not answer.results and not answer.descriptions and not shown.as_json:
        why = _why_empty(session, question, answer.standing)
        say(why)
        if why == _NOTHING_MATCHES:
            say_left_out(question.where, answer.standing)
    elif explain and question.mode in ENGINES and not (shown.as_json or shown.as_json_lines):
        say(f"Each score is that of the {ENGINES[question.mode]} alone.")
    return answer


def asked_places(query: str) -> Sequence[QueryPlace]:
    """The places whose lines the user wants to see: not those of a trace, which quotes its lines,
    and may be of another version."""
    return () if "\n" in query.strip() else query_places(query)


def print_results(
    session: Session,
    answer: SearchView | RelatedView,
    shown: Shown,
    find: Find = nothing,
    asked: Sequence[QueryPlace] = (),
) -> None:
    """Print the results; prints nothing if there are none, except an empty JSON document."""
    places = Places(session.folder, several=len(answer.standing) > 1)
    if shown.as_json:
        print_json(answer)
    elif shown.as_json_lines:
        print_json_lines(answer.results)
    elif shown.only_files:
        files = dict.fromkeys(places.of(one.source, one.path) for one in answer.results)
        for file in files:
            print_as_it_is(paint(file, PATH))
    else:
        read = partial(_lines_of, session)
        layout = Layout(places, shown.lines, shown.context, find, read, asked)
        show_results(answer.results, layout)


def _lines_of(session: Session, result: ResultView, first: int, last: int) -> Sequence[str]:
    """Lines of a result's file, as it is now."""
    from kodit.application.views.files import TextView  # noqa: PLC0415 - not needed for a plain search

    where = Where(sources=(str(result.index_id),))
    try:
        text = session.ask(ReadQuestion(FilePlace(result.path, first, last), where), TextView)
    except KoditError:
        return ()
    return text.text.split("\n")


def _why_empty(session: Session, question: SearchQuestion, standing: Sequence[StandingView]) -> str:
    """Why an answer is empty: its results lie before the page, do not fit the budget, or there are
    none."""
    if question.budget is not None or question.offset:
        whole = replace(
            question,
            limit=question.offset + question.limit,
            offset=0,
            budget=None,
            explain=False,
            wait=0.0,
        )
        results = session.ask(whole, SearchView).results
        if len(results) > question.offset:
            first = results[question.offset]
            return (
                f"A budget of {counted(question.budget or 0, 'token')} is too small for the first "
                f"result, {printable(first.path)}:{first.start_line}-{first.end_line}."
            )
        if results:
            return (
                f"There are no more results: --offset {question.offset} is past the last of "
                f"{len(results)}."
            )
    return _nothing_found(session, question.where, standing)


def _nothing_found(session: Session, where: Where, standing: Sequence[StandingView]) -> str:
    """Why there are no results: an index that was searched may be incomplete."""
    if not standing:
        return NOTHING_INDEXED
    incomplete = [str(one.index_id) for one in standing if one.indexed_at is None]
    if not incomplete:
        return _nothing_in_files(session, where, standing)
    *others, last = incomplete
    if not others:
        return f"{printable(nothing_found(standing)).removesuffix('.')}; see `kodit status`."
    which = f"indexes {', '.join(others)} and {last} are"
    return f"Nothing found; {which} not complete yet, see `kodit status`."


def _nothing_in_files(session: Session, where: Where, standing: Sequence[StandingView]) -> str:
    """Why complete indexes have no results: nothing matches, or no file passes the filters."""
    if _holds_files(session, where):
        return _NOTHING_MATCHES
    if _holds_files(session, Where(where.sources, everywhere=where.everywhere)):
        return NO_FILE_PASSES
    return no_files_in(where, standing)


def _holds_files(session: Session, where: Where) -> bool:
    from kodit.application.views.files import FilesView  # noqa: PLC0415 - as above

    return bool(session.ask(FilesQuestion(where, limit=1), FilesView).files)


def _understand(session: Session, options: SearchOptions) -> SearchQuestion:
    """Raises InvalidQueryError, naming the option, and what finding and indexing sources raise."""
    query, sources = query_and_sources(session, options.words, options.sources)
    mode = choose(SearchMode, "mode", options.mode)
    kinds = tuple(choose(SymbolKind, "kind", kind) for kind in options.kinds)
    created_after = _moment("--created-after", options.created_after)
    created_before = _moment("--created-before", options.created_before)
    for source in sources:
        refresh(session, source)
    return SearchQuestion(
        query,
        Where(
            sources=sources or tuple(options.sources),
            everywhere=options.everywhere,
            languages=tuple(options.languages),
            paths=tuple(options.paths),
            authors=tuple(options.authors),
            created_after=created_after,
            created_before=created_before,
        ),
        mode,
        kinds,
        limit=options.limit,
        offset=options.offset,
        budget=options.budget,
        wait=WAIT_SECONDS,
    )


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidQueryError(f"{option} takes a date such as 2026-01-31, not {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
