"""What a question does about a repository that is not indexed, or not yet."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kodit.application.views.standing import StandingView
from kodit.domain.questions import GrepQuestion
from kodit.faces.mcp.calls import Call
from kodit.faces.mcp.text.lines import show_matches
from kodit.faces.mcp.tools.nothing import nothing_found

SECONDS_OF_A_FIRST_LOOK = 1.5
"""How long the first question waits for what it is about to be indexed: it is answered within 5,
also where the server starts for it."""
MOST_SECONDS_OF_A_SECOND_LOOK = 20.0
"""How long the next ones wait for an index that is being made and seems to be ready by then."""
MOST_WORDS = 3
MOST_LINES = 30

_WORD = re.compile(r"[^\W_]\w{2,}")


async def first_look(call: Call, *, needs_everything: bool = False) -> None:
    """Have what is asked about indexed, where it is not, and give that a moment. A question that
    needs all of an index waits for one that is made and nearly ready."""
    service = call.application.first_look
    looked = await service.begin(call.caller, call.where, SECONDS_OF_A_FIRST_LOOK)
    for project in looked.deleted:
        call.notes.append(
            f"The index of {project} was deleted, so this folder is not searched. To index it "
            f"again, call index with source={project}."
        )
    if needs_everything and not looked.has_started:
        await service.wait_until_made(
            call.caller, call.where, SECONDS_OF_A_FIRST_LOOK, MOST_SECONDS_OF_A_SECOND_LOOK
        )


async def lines_meanwhile(call: Call, standing: Sequence[StandingView]) -> str:
    """The answer to a search that nothing is indexed for yet: lines with its longest words, which
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
