"""Explains empty answers: "not indexed", "still indexing", "left out", "no such file" and "nothing"
are different answers, each with another next step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kodit.application.views.standing import StandingView
from kodit.domain.languages import language_named
from kodit.domain.near import did_you_mean, nearest
from kodit.domain.questions import FilesQuestion, Where
from kodit.domain.text import as_sentence
from kodit.faces.mcp.calls import Call
from kodit.faces.mcp.text.sheet import shown_path

MOST_LANGUAGES = 12

_INSTEAD = {
    "search": "Rephrase the query, or call grep for literal text.",
    "grep": "Try ignore_case, a shorter pattern, or call search with a description.",
    "symbols": "Call search with the name to find other spellings.",
    "related": "Leave paths out, or call search.",
    "files": "Call files without paths and languages.",
}


async def nothing_found(
    call: Call,
    standing: Sequence[StandingView],
    start: int,
    problems: Sequence[str] = (),
    near: Sequence[str] = (),
) -> str:
    """The whole answer to a call that found nothing. `start` is how many results came before, and
    `near` are names that were probably meant."""
    page = call.page(standing)
    for problem in problems:
        page.note(as_sentence(problem))
    if not standing:
        page.note("Nothing is indexed yet. Call index with a folder or git URL as its source.")
    elif start:
        page.note("There are no more results.")
    elif (reason := await _filtered_out(call)) is not None:
        page.note(reason)
    elif any(one.indexed_at is None for one in standing):
        page.note("Nothing found so far.")
    else:
        page.note(f"Nothing found.{did_you_mean(near) or f' {_INSTEAD[call.tool.name]}'}")
        left_out = Counter[str]()
        for one in standing:
            left_out.update(one.left_out)
        if left_out:
            counted = ", ".join(f"{count} {reason}" for reason, count in left_out.most_common())
            page.note(f"Files left out of the index: {counted}.")
    return page.finish()


async def _filtered_out(call: Call) -> str | None:
    """A sentence if the filters exclude every file, with what would pass them; None otherwise."""
    where = call.where
    if not where.paths and not where.languages:
        return None
    answers = call.application.answers
    if (await answers.files(call.caller, FilesQuestion(where, limit=1))).files:
        return None
    plain = Where(where.sources, where.everywhere)
    listed = (await answers.files(call.caller, FilesQuestion(plain))).files
    languages = Counter(file.language for file in listed)
    for language in map(language_named, where.languages):
        if language not in languages and languages:
            meant = nearest(language, languages)
            hint = f" Did you mean {meant}?" if meant else ""
            known = ", ".join(name for name, _count in languages.most_common(MOST_LANGUAGES))
            return f"No indexed file is in language {language!r}.{hint} There are {known}."
    globs = ", ".join(where.paths)
    folders = sorted({file.path.partition("/")[0] + "/" for file in listed if "/" in file.path})
    shown = ", ".join(map(shown_path, folders[:MOST_LANGUAGES]))
    return (
        f"No indexed file matches paths {globs}. Globs are relative to the source, as in **/*.py; "
        f"its top folders are {shown or 'none'}."
    )
