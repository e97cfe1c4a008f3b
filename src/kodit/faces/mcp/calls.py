"""The input of a tool, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from kodit.application.views.standing import StandingView
from kodit.domain.caller import Caller
from kodit.domain.questions import Where
from kodit.domain.text import as_sentence
from kodit.faces.mcp.arguments import Arguments
from kodit.faces.mcp.definitions import DEFAULT_BUDGET, LONGEST_WAIT_SECONDS, Tool
from kodit.faces.mcp.text.page import Page

if TYPE_CHECKING:
    from kodit.composition import Application

SECONDS_FOR_AN_ANSWER = 8
"""The part of a call's time limit that is kept for answering after a wait."""
EVERYWHERE = ("all", "*")
"""As a source, these mean every index."""


class OfFile(Protocol):
    """Something found in a file of an index."""

    @property
    def index_id(self) -> int: ...
    @property
    def path(self) -> str: ...


class ReportProgress(Protocol):
    """Reports the progress of a call to a waiting client."""

    async def __call__(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool, by a caller."""

    application: Application
    caller: Caller
    tool: Tool
    arguments: Arguments
    report_progress: ReportProgress
    named: set[tuple[int, str]] = field(default_factory=set)
    """The files that the answer names, each by the identifier of its index and its path."""
    notes: list[str] = field(default_factory=list)
    """Sentences at the start of the answer, whatever it is."""

    @property
    def now(self) -> datetime:
        return self.application.clock.now()

    @property
    def budget(self) -> int:
        """The budget of the whole answer, in tokens."""
        budget: int = self.arguments.get("budget", DEFAULT_BUDGET)
        return budget

    @property
    def limit(self) -> int:
        """The maximum number of results."""
        limit: int | None = self.arguments.get("limit", self.tool.by_name["limit"].default)
        return limit or 1

    @property
    def wait(self) -> float:
        """How many seconds the caller waits at most, with time left to answer."""
        wait: float | None = self.arguments.get("wait", self.tool.by_name["wait"].default)
        return min(wait or 0.0, LONGEST_WAIT_SECONDS - SECONDS_FOR_AN_ANSWER)

    @property
    def sources(self) -> tuple[str, ...]:
        """The named sources; empty also if everything is selected."""
        named = self.arguments.get("source", ())
        named = (named,) if isinstance(named, str) else named
        return () if self.means_everything else named

    @property
    def means_everything(self) -> bool:
        named = self.arguments.get("source", ())
        return any(one in EVERYWHERE for one in ((named,) if isinstance(named, str) else named))

    @property
    def where(self) -> Where:
        """The selected files."""
        languages = tuple(one.lower() for one in self.arguments.get("languages", ()))
        return Where(
            self.sources, self.means_everything, languages, self.arguments.get("paths", ())
        )

    def page(
        self,
        standing: Sequence[StandingView] = (),
        found: Collection[int] = (),
        problems: Sequence[str] = (),
    ) -> Page:
        """The answer, still empty except for its notes, with its standing; `found` are the indexes
        with results, `problems` those of some of the sources."""
        page = Page(self.budget, standing, self.now, found)
        for note in (*self.notes, *map(as_sentence, problems)):
            page.note(note)
        return page

    def name_files(self, found: Iterable[OfFile]) -> None:
        """Record which files the answer names."""
        self.named.update((one.index_id, one.path) for one in found)


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of an answer; `is_error` tells a client that the call has failed."""

    text: str
    is_error: bool = False


Handler = Callable[[Call], Coroutine[Any, Any, str]]
