"""`kodit grep`, `ls`, `read`, `symbols` and `related`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from kodit.application.views.files import FilesView, GrepView, SymbolsView, TextView
from kodit.application.views.search import RelatedView
from kodit.domain.entities import StoredSnippet
from kodit.domain.grep import GrepMatch, GrepRequest
from kodit.domain.symbols import SymbolAnswer, SymbolRequest
from kodit.domain.value_objects import SearchFilter
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.notices import warn_of_missing_keywords
from kodit.faces.cli.terminal.output import print_json, print_line, printable, say
from kodit.faces.cli.terminal.runs import counted
from kodit.faces.cli.terminal.tables import show_results


def grep_and_show(session: Session, request: GrepRequest, *, as_json: bool) -> None:
    """Print matching lines as `path:line:text`, and lines of context as `path-line-text`."""
    answer = session.run(session.application.grep.grep(request))
    if as_json:
        print_json(GrepView.of(request.expression.pattern, answer))
    else:
        several = session.application.locator.are_several(request.filter.index_ids)
        _show_matches(answer.matches, with_context=request.context > 0, several=several)
    for problem in answer.problems:
        say(f"kodit: {problem}")
    if not answer.files:
        say("No indexed file passes these filters.")
    elif not answer.matches:
        say(f"Nothing found in {counted(answer.files, 'file')}.")
    elif not answer.is_complete:
        say(f"There are more than these {request.limit} lines; --limit shows more.")


def _show_matches(matches: Sequence[GrepMatch], *, with_context: bool, several: bool) -> None:
    shown_before = False
    for (index_id, path), of_file in groupby(matches, key=attrgetter("index_id", "path")):
        place = _place(index_id, path, several=several)
        last = None
        for number, (mark, text) in sorted(_numbered(of_file).items()):
            if with_context and shown_before and (last is None or number > last + 1):
                print_line("--")
            print_line(f"{place}{mark}{number}{mark}{_shown(text)}")
            shown_before, last = True, number


def _numbered(matches: Iterable[GrepMatch]) -> dict[int, tuple[str, str]]:
    """The lines of one file by number: those that match with a colon, context with a dash."""
    lines: dict[int, tuple[str, str]] = {}
    for match in matches:
        found = match.found
        for number, text in enumerate(found.before, found.line - len(found.before)):
            lines.setdefault(number, ("-", text))
        lines[found.line] = (":", found.text)
        for number, text in enumerate(found.after, found.line + 1):
            lines.setdefault(number, ("-", text))
    return lines


def list_and_show(session: Session, search_filter: SearchFilter, *, as_json: bool) -> None:
    """Print one file a line: lines, bytes, snippets, language, path."""
    files = session.application.browse.list_files(search_filter)
    if as_json:
        print_json(FilesView.of(files))
        return
    several = session.application.locator.are_several(search_filter.index_ids)
    for file in files:
        place = _place(file.index_id, file.path, several=several)
        print_line(
            f"{file.lines:>6} {file.size:>8} {file.snippets:>5}  {file.language:<12} {place}"
        )
    if not files:
        say("No indexed file passes these filters.")


def read_and_show(session: Session, source: str, place: str, *, as_json: bool) -> None:
    """Print the lines of a file as they are."""
    text = session.application.browse.read_file(
        session.application.locator.locate(source).id, place
    )
    if as_json:
        print_json(TextView.of(text))
    elif text.start_line <= text.end_line:
        for line in text.text.split("\n"):
            print_line(_shown(line))


def symbols_and_show(session: Session, request: SymbolRequest, *, as_json: bool) -> None:
    """Print definitions, then references."""
    answer = session.application.symbols.find(request)
    warn_of_missing_keywords(session, request.filter)
    if as_json:
        print_json(SymbolsView.of(request.name, answer))
    else:
        _show_symbols(
            answer, several=session.application.locator.are_several(request.filter.index_ids)
        )
    if not answer.definitions and not answer.references:
        say("Nothing found.")
    elif not answer.is_complete:
        say("There may be more; --limit shows more, and --path or --language narrow it down.")


def _show_symbols(answer: SymbolAnswer, *, several: bool) -> None:
    if answer.definitions:
        print_line("definitions:")
    for definition in answer.definitions:
        snippet = definition.snippet
        place = _place(snippet.index_id, snippet.path, several=several)
        lines = f"lines {snippet.start_line}-{snippet.end_line}"
        print_line(f"  {place}:{definition.line}: {_name(snippet)}, {lines}")
    if answer.references:
        print_line("references:")
    for reference in answer.references:
        snippet = reference.snippet
        place = _place(snippet.index_id, snippet.path, several=several)
        print_line(f"  {place}:{reference.line}: {_shown(reference.text)}")


def related_and_show(
    session: Session,
    source: str,
    place: str,
    *,
    search_filter: SearchFilter,
    everywhere: bool,
    limit: int,
    lines: int,
    as_json: bool,
) -> None:
    """Print the snippets like the one at a place."""
    index = session.application.locator.locate(source)
    if not everywhere:
        search_filter = SearchFilter((index.id,), search_filter.languages, search_filter.paths)
    results = session.application.related.find(index.id, place, search_filter, limit)
    if as_json:
        print_json(RelatedView.of(place, results))
    elif results:
        several = session.application.locator.are_several(search_filter.index_ids)
        show_results(results, lines, with_source=several)
    else:
        say("Nothing found.")


def _name(snippet: StoredSnippet) -> str:
    parts: Iterable[str | None] = (snippet.scope, snippet.symbol)
    return printable(f"{snippet.kind} {'.'.join(part for part in parts if part)}")


def _place(index_id: int, path: str, *, several: bool) -> str:
    """A path, after its index where there are several."""
    return f"[{index_id}] {printable(path)}" if several else printable(path)


def _shown(line: str) -> str:
    return printable(line, keep="\t")
