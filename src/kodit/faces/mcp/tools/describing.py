"""`files` with `describe`."""

from __future__ import annotations

from kodit.application.views.description_text import lines_of_view
from kodit.domain.descriptions.description import DescriptionLine
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.questions import DescribeQuestion
from kodit.domain.search import choose
from kodit.faces.mcp.calls import Call
from kodit.faces.mcp.text.sheet import code_line, one_line, shown_path
from kodit.faces.mcp.tools.nothing import nothing_found
from kodit.faces.mcp.tools.on_demand_indexing import on_demand_indexing

SHARE = 0.9
"""The share of the budget for the description; the rest is for its standing."""
_INDENTATIONS = {"text": 1, "item": 1, "rest": 1, "note": 3, "code": 3}


async def describe(call: Call) -> str:
    """A description as text. Lines of the repository are indented, as none of the answer's own
    is, so that they cannot be mistaken for those."""
    kind = choose(DescriptionKind, "kind", call.arguments["describe"])
    await on_demand_indexing(call, needs_everything=True)
    question = DescribeQuestion(
        kind, call.arguments.get("subject", ""), call.where, int(call.budget * SHARE)
    )
    view = await call.application.description_answers.describe(call.caller, question)
    if not view.descriptions:
        return await nothing_found(call, view.standing, 0, view.problems)
    page = call.page(view.standing, {one.index_id for one in view.descriptions}, view.problems)
    for one in view.descriptions:
        for part in one.parts:
            paths = (part.path, *(item.path for item in part.items))
            call.named.update((one.index_id, path) for path in paths if path)
    for one in view.descriptions:
        for line in lines_of_view(one):
            if not page.sheet.add(_text(line)):
                page.note("… raise the budget, or give a subject, for the rest")
                return page.finish()
    return page.finish()


def _text(line: DescriptionLine) -> str:
    place = shown_path(line.path) if line.path else ""
    if line.line:
        end = f"-{line.end_line}" if line.end_line > line.line and line.role == "item" else ""
        place = f"{place}:{line.line}{end}"
    if line.role == "title":
        return one_line(line.text)
    if line.role == "part":
        # Names of a repository: a table, a file.
        return (
            f"# {place}" if line.path == line.text else f"# {one_line(line.text)} {place}".rstrip()
        )
    indentation = "  " * (_INDENTATIONS[line.role] + line.depth)
    return f"{indentation}{code_line(line.text)} {place}".rstrip()
