"""Handles a question about a repository that is not indexed yet."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kodit.application.views.standing import StandingView
from kodit.domain.questions import GrepQuestion
from kodit.faces.mcp.calls import Call
from kodit.faces.mcp.text.lines import show_matches
from kodit.faces.mcp.tools.nothing import nothing_found

FIRST_WAIT_SECONDS = 1.5
"""How long the first question waits for indexing: it is answered within 5 seconds, even if the
server has to start for it."""
LONGEST_LATER_WAIT_SECONDS = 20.0
"""How long the next questions wait for an index that is likely to be ready by then."""
MOST_WORDS = 3
MOST_LINES = 30

_WORD = re.compile(r"[^\W_]\w{2,}")


async def on_demand_indexing(call: Call, *, needs_everything: bool = False) -> None:
    """Request indexing for the sources of a question that are not indexed, and wait a moment. A
    question that needs a complete index waits for one that is nearly ready."""
    service = call.application.on_demand_indexing
    indexing = await service.start(call.caller, call.where, FIRST_WAIT_SECONDS)
    for project in indexing.deleted:
        call.notes.append(
            f"The index of {project} was deleted, so this folder is not searched. To index it "
            f"again, call index with source={project}."
        )
    if needs_everything and not indexing.has_started:
        await service.wait_until_made(
            call.caller, call.where, FIRST_WAIT_SECONDS, LONGEST_LATER_WAIT_SECONDS
        )


async def lines_meanwhile(call: Call, standing: Sequence[StandingView]) -> str:
    """The answer to a search while nothing is indexed: lines that contain its longest words, which
    can be found at once."""
    words = sorted(set(_WORD.findall(call.arguments["query"])), key=lambda word: (-len(word), word))
    words = words[:MOST_WORDS]
    if not words:
        return await nothing_found(call, standing, 0)
    question = GrepQuestion("|".join(words), call.where, ignore_case=True, limit=MOST_LINES)
    view = await call.application.answers.grep(call.caller, question)
    if not view.matches:
        return await nothing_found(call, view.standing, 0)
    call.name_files(view.matches)
    page = call.page(view.standing, {one.index_id for one in view.matches})
    page.note(f"Results cannot be ranked yet. Lines that contain {', '.join(words)}:")
    show_matches(page.sheet, view.matches, several=len(view.standing) > 1)
    return page.finish()
