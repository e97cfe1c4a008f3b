"""Answers any question, by its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kodit.domain.caller import Caller
from kodit.domain.questions import (
    AnyQuestion,
    DescribeQuestion,
    ExplainQuestion,
    FilesQuestion,
    GrepQuestion,
    LeftOutQuestion,
    MapQuestion,
    OutlineQuestion,
    QueueQuestion,
    ReadQuestion,
    RelatedQuestion,
    RunQuestion,
    SearchQuestion,
    StatusQuestion,
    SymbolsQuestion,
)

if TYPE_CHECKING:
    from kodit.application.services.answers.answer_service import AnswerService
    from kodit.application.services.answers.description_answers import DescriptionAnswers
    from kodit.application.services.answers.index_answers import IndexAnswers
    from kodit.application.services.answers.left_out_answers import LeftOutAnswers
    from kodit.application.services.answers.run_answers import RunAnswers
    from kodit.application.views.description import DescriptionsView
    from kodit.application.views.files import (
        FilesView,
        GrepView,
        OutlineView,
        SymbolsView,
        TextView,
    )
    from kodit.application.views.indexes import IndexesView
    from kodit.application.views.left_out import ExplanationView, LeftOutsView
    from kodit.application.views.map import MapView
    from kodit.application.views.runs import ListedRunView, RunsView
    from kodit.application.views.search import RelatedView, SearchView

    AnyView = (
        SearchView
        | GrepView
        | SymbolsView
        | FilesView
        | TextView
        | OutlineView
        | MapView
        | DescriptionsView
        | RelatedView
        | LeftOutsView
        | ExplanationView
        | IndexesView
        | RunsView
        | ListedRunView
    )


class AnsweringServices(Protocol):
    """The services that answer; each may be created when it is first needed."""

    @property
    def answers(self) -> AnswerService: ...

    @property
    def description_answers(self) -> DescriptionAnswers: ...

    @property
    def left_out_answers(self) -> LeftOutAnswers: ...

    @property
    def index_answers(self) -> IndexAnswers: ...

    @property
    def run_answers(self) -> RunAnswers: ...


async def answer(asked: AnsweringServices, caller: Caller, question: AnyQuestion) -> AnyView:  # noqa: PLR0911, PLR0912 - one for each kind
    """Raises what the answering service raises."""
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
        case OutlineQuestion():
            return await asked.answers.outline(caller, question)
        case MapQuestion():
            return await asked.answers.map(caller, question)
        case DescribeQuestion():
            return await asked.description_answers.describe(caller, question)
        case RelatedQuestion():
            return await asked.answers.related(caller, question)
        case LeftOutQuestion():
            return await asked.left_out_answers.left_out(caller, question)
        case ExplainQuestion():
            return await asked.left_out_answers.explain(caller, question)
        case StatusQuestion():
            return await asked.index_answers.status(caller, question)
        case QueueQuestion():
            return await asked.run_answers.queue(question)
        case RunQuestion():
            return await asked.run_answers.show(question.run_id)
