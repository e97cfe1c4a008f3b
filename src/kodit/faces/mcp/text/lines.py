"""Matching lines, by file."""

from __future__ import annotations

from collections.abc import Sequence

from kodit.application.views.files import MatchView
from kodit.faces.mcp.text.sheet import Sheet, code_line, shown_path


def show_matches(sheet: Sheet, matches: Sequence[MatchView], *, several: bool) -> int:
    """Add the matches that fit, as `LINE:text` below the path of their file; returns how many.
    Lines around a match are written `LINE-text`."""
    shown = 0
    file: tuple[int, str] | None = None
    last_line = 0
    for match in matches:
        block: list[str] = []
        if (match.index_id, match.path) != file:
            block.append((f"[{match.index_id}] " if several else "") + shown_path(match.path))
            last_line = 0
        before = match.before or ()
        start = match.line - len(before)
        if last_line and match.before is not None and start > last_line + 1:
            block.append("--")
        block += [
            f"{number}-{code_line(line)}"
            for number, line in enumerate(before, start)
            if number > last_line
        ]
        block.append(f"{match.line}:{code_line(match.text)}")
        after = match.after or ()
        block += [
            f"{number}-{code_line(line)}" for number, line in enumerate(after, match.line + 1)
        ]
        if not sheet.add(*block):
            break
        file, last_line = (match.index_id, match.path), match.line + len(after)
        shown += 1
    return shown
