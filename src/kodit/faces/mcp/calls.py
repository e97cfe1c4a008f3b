"""What a tool is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from kodit.application.views.standing import StandingView
from kodit.domain.caller import Caller
from kodit.domain.questions import Where
from kodit.faces.mcp.arguments import Arguments
from kodit.faces.mcp.definitions import DEFAULT_BUDGET, LONGEST_WAIT_SECONDS, Tool
from kodit.faces.mcp.text.page import Page

if TYPE_CHECKING:
    from kodit.composition import Application

SECONDS_FOR_AN_ANSWER = 8
"""Of those within which a call is answered, when it has waited."""
EVERYWHERE = ("all", "*")
"""Given as a source, these mean every index."""


class OfFile(Protocol):
    """Something found in a file of an index."""

    @property
    def index_id(self) -> int: ...
    @property
    def path(self) -> str: ...


class ReportProgress(Protocol):
    """Tells a client that waits how far its call has come."""

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
    """Sentences that the answer begins with, whatever it is."""

    @property
    def now(self) -> datetime:
        return self.application.clock.now()

    @property
    def budget(self) -> int:
        """In tokens, for the whole answer."""
        budget: int = self.arguments.get("budget", DEFAULT_BUDGET)
        return budget

    @property
    def limit(self) -> int:
        """How many results are wanted at most."""
        limit: int | None = self.arguments.get("limit", self.tool.by_name["limit"].default)
        return limit or 1

    @property
    def wait(self) -> float:
        """For how many seconds the caller waits, so that there is time left to answer."""
        wait: float | None = self.arguments.get("wait", self.tool.by_name["wait"].default)
        return min(wait or 0.0, LONGEST_WAIT_SECONDS - SECONDS_FOR_AN_ANSWER)

    @property
    def sources(self) -> tuple[str, ...]:
        """What was named as source; nothing also where everything was meant."""
        named = self.arguments.get("source", ())
        named = (named,) if isinstance(named, str) else named
        return () if self.means_everything else named

    @property
    def means_everything(self) -> bool:
        named = self.arguments.get("source", ())
        return any(one in EVERYWHERE for one in ((named,) if isinstance(named, str) else named))

    @property
    def where(self) -> Where:
        """Which files are meant."""
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
        """The answer, still empty but for its notes, with what it is based on; `found` are the
        indexes that something was found in, `problems` what is wrong with some of the sources."""
        page = Page(self.budget, standing, self.now, found)
        for note in (*self.notes, *problems):
            page.note(note)
        return page

    def name_files(self, found: Iterable[OfFile]) -> None:
        """Note which files the answer names."""
        self.named.update((one.index_id, one.path) for one in found)


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of an answer; `is_error` tells a client that the call has failed."""

    text: str
    is_error: bool = False


Handler = Callable[[Call], Coroutine[Any, Any, str]]
