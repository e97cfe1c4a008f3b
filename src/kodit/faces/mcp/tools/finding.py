"""`search`, `related`, `grep` and `symbols`."""

from __future__ import annotations

from kodit.application.views.search import ResultView
from kodit.domain.near import did_you_mean
from kodit.domain.questions import (
    GrepQuestion,
    RelatedQuestion,
    SearchQuestion,
    SymbolsQuestion,
    cursor_at,
    start_of,
)
from kodit.domain.value_objects import SymbolKind
from kodit.faces.mcp.calls import Call
from kodit.faces.mcp.text.lines import show_matches
from kodit.faces.mcp.text.page import Page
from kodit.faces.mcp.text.results import head, show_results
from kodit.faces.mcp.text.sheet import one_line, parse_shown_path, shown_path
from kodit.faces.mcp.text.symbols import show_symbols
from kodit.faces.mcp.tools.nothing import nothing_found
from kodit.faces.mcp.tools.on_demand_indexing import lines_meanwhile, on_demand_indexing

LONGEST_WAIT_OF_A_SEARCH = 20.0
"""The longest wait for changes; the search may have waited as long for a new index before."""


async def search(call: Call) -> str:
    arguments = call.arguments
    await on_demand_indexing(call, needs_everything=True)
    question = SearchQuestion(
        arguments["query"],
        call.where,
        kinds=tuple(map(SymbolKind, arguments.get("kinds", ()))),
        limit=call.limit,
        cursor=arguments.get("cursor"),
        wait=min(call.wait, LONGEST_WAIT_OF_A_SEARCH),
    )
    start = start_of(question)
    view = await call.application.answers.search(call.caller, question)
    if not view.results and not view.descriptions:
        if not start and any(one.state == "indexing" for one in view.standing):
            return await lines_meanwhile(call, view.standing)
        return await nothing_found(call, view.standing, start, view.problems)
    call.name_files(view.results)
    page = call.page(view.standing, {one.index_id for one in view.results}, view.problems)
    if view.weak:
        page.note("No result matches the query well; these are the closest ones.")
    for one in view.descriptions or ():
        place = f" {shown_path(one.path)}:{one.line}" if one.path else ""
        subject = one.subject[:12] if one.kind == "commit" else one.subject
        page.note(
            f"{one_line(one.title)}{place}: call files with describe={one.kind} "
            f"subject={one_line(subject)}"
        )
    if not view.results:
        return page.finish()
    shown = _show(page, view.results, several=len(view.standing) > 1)
    if shown < len(view.results):
        return page.finish(cursor_at(question, start + shown))
    return page.finish(view.next)


async def related(call: Call) -> str:
    arguments = call.arguments
    place = f"{parse_shown_path(arguments['path'])}:{arguments['line']}"
    await on_demand_indexing(call, needs_everything=True)
    view = await call.application.answers.related(
        call.caller, RelatedQuestion(place, call.where, limit=call.limit)
    )
    if not view.results:
        return await nothing_found(call, view.standing, 0)
    call.name_files(view.results)
    page = call.page(view.standing, {one.index_id for one in view.results})
    shown = _show(page, view.results, several=len(view.standing) > 1)
    if shown < len(view.results):
        page.note(
            f"{len(view.results) - shown} more did not fit; raise the budget or lower the limit."
        )
    return page.finish()


async def grep(call: Call) -> str:
    arguments = call.arguments
    await on_demand_indexing(call)
    question = GrepQuestion(
        arguments["pattern"],
        call.where,
        ignore_case=arguments.get("ignore_case", False),
        context=arguments.get("context", 0),
        limit=call.limit,
        cursor=arguments.get("cursor"),
    )
    start = start_of(question)
    view = await call.application.answers.grep(call.caller, question)
    if not view.matches:
        return await nothing_found(call, view.standing, start, view.problems)
    page = call.page(view.standing, {one.index_id for one in view.matches}, view.problems)
    shown = show_matches(page.sheet, view.matches, several=len(view.standing) > 1)
    call.name_files(view.matches[: shown or 1])
    if not shown:  # not even one line fits: it is cut, so that the next call makes progress
        first = view.matches[0]
        page.note(f"{shown_path(first.path)}:{first.line}:{first.text.strip()}")
        shown = 1
    if shown < len(view.matches):
        return page.finish(cursor_at(question, start + shown))
    return page.finish(view.next)


async def symbols(call: Call) -> str:
    arguments = call.arguments
    await on_demand_indexing(call, needs_everything=True)
    question = SymbolsQuestion(
        arguments["name"],
        call.where,
        kinds=arguments.get("kinds", ()),
        limit=call.limit,
        uses=arguments.get("uses", ""),
        cursor=arguments.get("cursor"),
    )
    start = start_of(question)
    view = await call.application.answers.symbols(call.caller, question)
    if not view.definitions and not view.references:
        return await nothing_found(call, view.standing, start, view.problems, view.near)
    found = {one.index_id for one in view.definitions}
    found |= {one.index_id for one in view.references}
    page = call.page(view.standing, found, view.problems)
    if not view.definitions and not start:
        hint = did_you_mean(view.near)
        page.note(f"No definition of {arguments['name']} is indexed.{hint}")
    if view.is_of_pattern:
        page.note("A name with * finds definitions alone; ask for one of them to see its uses.")
    shown = show_symbols(page.sheet, view, several=len(view.standing) > 1)
    call.name_files(view.definitions[: shown or 1])
    call.name_files(view.references[: shown or 1])
    if not shown:
        place = view.definitions[0] if view.definitions else view.references[0]
        page.note(f"{shown_path(place.path)}:{place.line}:{place.text.strip()}")
        shown = 1
    if shown < max(len(view.definitions), len(view.references)):
        return page.finish(cursor_at(question, start + shown))
    return page.finish(view.next)


def _show(page: Page, results: tuple[ResultView, ...], *, several: bool) -> int:
    """How many results are done with: at least one, or no cursor would ever get past it."""
    shown = show_results(page.sheet, results, several=several)
    if shown == 0:
        page.sheet.force(head(results[0], several=several))
    return max(1, shown)
