"""`read` and `files`."""

from __future__ import annotations

from dataclasses import replace

from kodit.domain.files import place_at
from kodit.domain.questions import (
    FilesQuestion,
    MapQuestion,
    OutlineQuestion,
    ReadQuestion,
    Where,
    cursor_at,
    start_of,
)
from kodit.faces.mcp.calls import Call
from kodit.faces.mcp.text.sheet import code_line, one_line, parse_shown_path, shortened, shown_path
from kodit.faces.mcp.tools.describing import describe
from kodit.faces.mcp.tools.nothing import nothing_found
from kodit.faces.mcp.tools.on_demand_indexing import on_demand_indexing

LONGEST_LINE = 2_000
"""The maximum length of a line; longer lines are not written by people."""


async def read(call: Call) -> str:
    where, path = _place(call)
    lines = _lines(call)
    await on_demand_indexing(call)
    if call.arguments.get("outline"):
        return await _outline(call, OutlineQuestion(path, where))
    view = await call.application.answers.read(call.caller, ReadQuestion(path + lines, where))
    call.name_files([view])
    page = call.page()
    lines_of_text = [
        shortened(line.replace("\r", ""), LONGEST_LINE) for line in view.text.split("\n")
    ]
    path = shown_path(view.path)
    room = page.sheet.left - len(f"{path}:{view.start_line}-{view.end_line} of {view.lines}; ")
    room -= len(_rest(path, view.end_line, view.end_line)) + 2
    shown = 0
    for line in lines_of_text:
        room -= len(line) + 1
        if room < 0:
            break
        shown += 1
    last = min(view.end_line, view.start_line + shown - 1)
    # All remarks precede the text, so that file content cannot be mistaken for them.
    rest = f"; {_rest(path, last + 1, view.end_line)}" if last < view.end_line else ""
    page.sheet.add(f"{path}:{view.start_line}-{last} of {view.lines}{rest}", *lines_of_text[:shown])
    return page.finish()


async def _outline(call: Call, question: OutlineQuestion) -> str:
    view = await call.application.answers.outline(call.caller, question)
    call.name_files([view])
    page = call.page()
    path = shown_path(view.path)
    page.note(f"{path}: {view.lines} lines, {view.language}")
    if not view.symbols:
        page.note("It defines no symbols.")
    page.sheet.reserve(len(_rest(path, view.lines, view.lines)) + 2)
    for one in view.symbols:
        indentation = "  " * len(one.scope.split(".")) if one.scope else ""
        place = f"{one.start_line}-{one.end_line}"
        only = " (declaration)" if one.declaration else ""
        if not page.sheet.add(f"{indentation}{place} {one.kind} {one_line(one.symbol)}{only}"):
            page.sheet.release()
            page.note(f"… {_rest(path, one.start_line, view.lines)}")
            break
    return page.finish()


def _rest(path: str, first: int, last: int) -> str:
    return f"call read with path={path} lines={first}-{last} for the rest"


def _place(call: Call) -> tuple[Where, str]:
    """An absolute path determines its source by itself."""
    path = parse_shown_path(call.arguments["path"]).removeprefix("file://")
    where = call.where
    if path.startswith("/") and call.caller.is_local:
        where = replace(where, sources=(), everywhere=False)
    return where, path


def _lines(call: Call) -> str:
    """`:30-60`, from any of the accepted forms of a line range."""
    given = call.arguments.get("lines")
    if not given:
        return ""
    return str(place_at("", given))


async def files(call: Call) -> str:
    if call.arguments.get("describe"):
        return await describe(call)
    if call.arguments.get("map"):
        return await _map(call)
    question = FilesQuestion(call.where, limit=call.limit, cursor=call.arguments.get("cursor"))
    start = start_of(question)
    await on_demand_indexing(call)
    view = await call.application.answers.files(call.caller, question)
    if not view.files:
        return await nothing_found(call, view.standing, start, view.problems)
    several = len(view.standing) > 1
    page = call.page(view.standing, (), view.problems)
    shown = 0
    for file in view.files:
        place = f"[{file.index_id}] " if several else ""
        if not page.sheet.add(f"{place}{shown_path(file.path)} {file.lines}"):
            break
        shown += 1
    if shown < len(view.files):
        return page.finish(cursor_at(question, start + max(1, shown)))
    return page.finish(view.next)


async def _map(call: Call) -> str:
    await on_demand_indexing(call, needs_everything=True)
    view = await call.application.answers.map(call.caller, MapQuestion(call.where))
    if not view.files:
        return await nothing_found(call, view.standing, 0, view.problems)
    several = len(view.standing) > 1
    call.name_files(view.files)
    page = call.page(view.standing, (), view.problems)
    shown = 0
    for file in view.files:
        place = f"[{file.index_id}] " if several else ""
        lines = [f"{one.line}:{code_line(one.text)}" for one in file.definitions]
        if not page.sheet.add(f"{place}{shown_path(file.path)}", *lines):
            break
        shown += 1
    page.note(f"The {shown} most important of {view.total} files; read with outline shows one.")
    return page.finish()
