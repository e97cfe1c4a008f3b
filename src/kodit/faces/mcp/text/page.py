"""An answer as a whole: what is missing, what was found, where it comes from, how to continue."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from kodit.application.views.standing import StandingView
from kodit.domain.search import CHARACTERS_PER_TOKEN
from kodit.faces.mcp.text.sheet import Sheet, one_line, shortened
from kodit.faces.mcp.text.standing import standing_lines

LONGEST_CURSOR_LINE = 160
SHARE_FOR_STANDING = 0.25
"""The share of a small budget that goes to the standing of the answer."""


class Page:
    """A sheet with space reserved for its end."""

    def __init__(
        self,
        budget: int,
        standing: Sequence[StandingView],
        now: datetime,
        shown: Collection[int] = (),
    ) -> None:
        self.sheet = Sheet(budget)
        most = int(budget * CHARACTERS_PER_TOKEN * SHARE_FOR_STANDING)
        warnings, sources = standing_lines(standing, now, shown)
        for line in warnings:
            self.sheet.add(shortened(line, most // max(1, len(warnings))))
        self._end = [shortened(line, most) for line in sources]
        for line in self._end:
            self.sheet.reserve(len(line))
        self.sheet.reserve(min(LONGEST_CURSOR_LINE, most))

    def note(self, sentence: str) -> None:
        """Add a sentence on a line of its own, cut if there is too little space."""
        self.sheet.force(one_line(sentence))

    def finish(self, cursor: str | None = None, more: str = "More") -> str:
        """The text. `more` names what the cursor leads to."""
        self.sheet.release()
        for line in self._end:
            self.sheet.add(line)
        if cursor is not None:
            self.sheet.add(f"{more}: cursor={cursor}")
        return str(self.sheet)
