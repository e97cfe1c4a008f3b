"""The answer to any question, by its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kodit.domain.caller import Caller
from kodit.domain.questions import (
    AnyQuestion,
    FilesQuestion,
    GrepQuestion,
    ReadQuestion,
    RelatedQuestion,
    SearchQuestion,
    SymbolsQuestion,
)

if TYPE_CHECKING:
    from kodit.application.services.answers.answer_service import AnswerService
    from kodit.application.views.files import FilesView, GrepView, SymbolsView, TextView
    from kodit.application.views.search import RelatedView, SearchView

    AnyView = SearchView | GrepView | SymbolsView | FilesView | TextView | RelatedView


class Asked(Protocol):
    """What answers; each may be made when it is first needed."""

    @property
    def answers(self) -> AnswerService: ...


async def answer(asked: Asked, caller: Caller, question: AnyQuestion) -> AnyView:
    """Raises what the service raises that answers the question."""
    match question:
        case SearchQuestion():
            return await asked.answers.search(caller, question)
        case GrepQuestion():
            return await asked.answers.grep(caller, question)
        case SymbolsQuestion():
            return await asked.answers.symbols(caller, question)
        case FilesQuestion():
            return await asked.answers.files(caller, question)
        case ReadQuestion():
            return await asked.answers.read(caller, question)
        case RelatedQuestion():
            return await asked.answers.related(caller, question)
