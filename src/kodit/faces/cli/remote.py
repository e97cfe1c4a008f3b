"""A client of a server on another machine, over REST."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

from kodit.application.views.files import (
    DefinitionView,
    FilesView,
    FileView,
    GrepView,
    MatchView,
    OutlineView,
    ReferenceView,
    SymbolsView,
    TextView,
)
from kodit.application.views.indexes import AcceptedView, IndexesView, IndexView
from kodit.application.views.map import MapView
from kodit.application.views.runs import ListedRunView, RunsView, RunView
from kodit.application.views.search import RelatedView, ResultView, SearchView
from kodit.application.views.serialization import from_json
from kodit.application.views.standing import StandingView
from kodit.domain.errors import (
    KoditError,
    NotFoundError,
    RefusedByPolicyError,
    UserError,
    ambiguous,
    part_of_index,
)
from kodit.domain.files import FilePlace, parse_place, readings_of
from kodit.domain.naming import match_name, source_of
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
    Where,
)
from kodit.domain.repository_map import LEAST_BUDGET
from kodit.domain.value_objects import RunState
from kodit.faces.cli.remote_describing import describe
from kodit.faces.cli.remote_places import not_indexed, only_at
from kodit.faces.cli.remote_values import all_of, places, plain, standing_of
from kodit.infrastructure.remote.connection import RemoteConnection, path_of

MOST_AT_ONCE = 500
"""The maximum number of results in one answer of a server."""
FIRST_LOOK_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0

T = TypeVar("T")


class RemoteServer:
    """Asks the server the questions of the command line, and requests changes, for which a key
    needs the scope `write`. Raises the errors of the server."""

    def __init__(self, connection: RemoteConnection) -> None:
        self._connection = connection

    @property
    def url(self) -> str:
        return self._connection.url

    def close(self) -> None:
        self._connection.close()

    def ask(self, question: AnyQuestion) -> Any:
        """The view that answers a question. Raises KoditError for an invalid answer."""
        try:
            return self._ask(question)
        except (KeyError, TypeError, ValueError):
            raise KoditError(
                f"{self.url} answers in a way that this version of Kodit does not understand",
                code="server_unreachable",
            ) from None

    def _ask(self, question: AnyQuestion) -> Any:  # noqa: PLR0911, PLR0912 - one for each
        match question:
            case SearchQuestion():
                return self._search(question)
            case GrepQuestion():
                return self._grep(question)
            case SymbolsQuestion():
                return self._symbols(question)
            case FilesQuestion():
                return self._files(question)
            case ReadQuestion():
                return self._read(question)
            case OutlineQuestion():
                return self._outline(question)
            case MapQuestion():
                return self._map(question)
            case DescribeQuestion():
                return describe(self._connection, question, *self._chosen(question.where))
            case RelatedQuestion():
                return self._related(question)
            case StatusQuestion():
                return self._status(question)
            case QueueQuestion():
                return self._queue(question)
            case RunQuestion():
                return self._run(question.run_id)
            case LeftOutQuestion() | ExplainQuestion():
                raise UserError(
                    "files that are left out are only listed on the machine that has the "
                    "sources; ask there"
                )

    # Changes

    def add(self, source: str, **options: Any) -> AcceptedView:
        """Add or refresh a source."""
        body = {"source": source, **options}
        return from_json(AcceptedView, self._connection.post("/indexes", body))

    def add_or_sync(self, name: str) -> AcceptedView:
        """Refresh the index with this identifier, or add or refresh a source. A caller who may not
        add a source may still refresh its index."""
        if name.isdecimal() and name.isascii():
            return self.sync(int(name))
        try:
            return self.add(name)
        except RefusedByPolicyError:
            if not self.knows(name):
                raise
        return self.sync(self.find(name).id)

    def sync(self, index_id: int) -> AcceptedView:
        """Bring an index up to date."""
        return from_json(AcceptedView, self._connection.post(path_of("indexes", index_id, "runs")))

    def wait_for(self, run_id: int, *, waits_for_budget: bool = False) -> RunView:
        """The run when it has ended. Unless `waits_for_budget` is set, also a run that waits for a
        budget, be it the run itself or the one that it waits for. If the caller stops waiting, the
        run continues."""
        pause = FIRST_LOOK_SECONDS
        while True:
            run = self._run(run_id)
            if RunState(run.state).is_terminal:
                return run
            if not waits_for_budget:
                reached = self._reached(run)
                if reached.waits_for_budget is not None:
                    return reached
            time.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 1.5)

    def _reached(self, run: RunView) -> RunView:
        """The run itself or, while it is a follow-up, the run that it waits for."""
        if not run.is_follow_up or run.index_id is None:
            return run
        return self.find(str(run.index_id)).run or run

    def delete(self, name: str) -> IndexView:
        """Delete an index; returns its last view."""
        index, part = self._find_part(name)
        if part:
            raise part_of_index(name, index.id, index.source)
        self._connection.delete(path_of("indexes", index.id))
        return index

    def steer(self, run_id: int, action: str) -> ListedRunView:
        """`cancel` or `retry` a run; returns the resulting run."""
        return from_json(ListedRunView, self._connection.post(path_of("runs", run_id, action)))

    def set_queue(self, action: str) -> tuple[bool, RunsView]:
        """`pause` or `resume`: whether that changes anything, and the queue."""
        before = from_json(RunsView, self._connection.get("/queue", {"limit": 1}))
        after = from_json(RunsView, self._connection.post(f"/queue/{action}"))
        was_paused, is_paused = (one.queue.paused_since is not None for one in (before, after))
        return was_paused is not is_paused, after

    def _run(self, run_id: int) -> ListedRunView:
        return from_json(ListedRunView, self._connection.get(path_of("runs", run_id)))

    # Indexes

    def find(self, name: str) -> IndexView:
        """The index with an identifier, a source, or an unambiguous end of a source. Raises
        NotFoundError and SourceError."""
        return self._find_part(name)[0]

    def knows(self, name: str) -> bool:
        """Whether a name means an index of the server, or a part of one."""
        try:
            self._find_part(name)
        except UserError as error:
            return error.code == "source_ambiguous"
        return True

    def _find_part(self, name: str) -> tuple[IndexView, str]:
        """The same, and the path of the part that is meant, by the same rule as everywhere; the
        server's disks are not read."""
        if name.isdecimal() and name.isascii():
            return from_json(IndexView, self._connection.get(path_of("indexes", name))), ""
        indexes = list(self._indexes())
        found = match_name(name, [source_of(one.source) for one in indexes])
        if not found:
            raise not_indexed(name)
        if len(found) > 1:
            several = (indexes[one.position] for one in found)
            raise ambiguous(name, [f"{one.source} ({one.id})" for one in several])
        return indexes[found[0].position], found[0].part

    def _indexes(self) -> Iterator[IndexView]:
        for page in self._pages("/indexes", {}, None):
            yield from (from_json(IndexView, one) for one in page["indexes"])

    def _chosen(self, where: Where) -> tuple[list[tuple[IndexView, str]], list[UserError]]:
        """The selected indexes, each with its selected part, empty for all of it; and the errors of
        other names. Raises the first such error if all names are wrong."""
        if not where.sources:
            return [(index, "") for index in self._indexes()], []
        parts, errors = list[tuple[IndexView, str]](), list[UserError]()
        for name in dict.fromkeys(where.sources):
            try:
                parts.append(self._find_part(name))
            except UserError as error:
                errors.append(error)
        if not parts:
            raise errors[0]
        return parts, errors

    # Questions

    def _pages(
        self, path: str, parameters: dict[str, Any], limit: int | None, *, in_body: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Pages of an answer, until there are `limit` results."""
        left, cursor = limit, None
        while True:
            size = MOST_AT_ONCE if left is None else min(MOST_AT_ONCE, left)
            asked = {**parameters, "limit": size, "cursor": cursor}
            page = (self._connection.post if in_body else self._connection.get)(path, asked)
            yield page
            cursor = page["next"]
            left = None if left is None else left - size
            if cursor is None or left == 0:
                return

    def _search(self, question: SearchQuestion) -> SearchView:
        asked = {**plain(question), **plain(question.where)}
        pages = list(self._pages("/search", asked, question.limit, in_body=True))
        results = all_of(ResultView, pages, "results")
        problems = tuple(pages[0].get("problems", ()))
        first = from_json(SearchView, {**pages[0], "results": []})
        return replace(first, results=results, next=pages[-1]["next"], problems=problems, weak=None)

    def _grep(self, question: GrepQuestion) -> GrepView:
        asked = {**plain(question), **places(question.where)}
        pages = list(self._pages("/grep", asked, question.limit, in_body=True))
        first = from_json(GrepView, pages[0])
        problems = tuple(dict.fromkeys(chain.from_iterable(page["problems"] for page in pages)))
        return GrepView(
            question.pattern,
            all_of(MatchView, pages, "matches"),
            first.files,
            bool(pages[-1]["complete"]),
            problems,
            first.standing,
            pages[-1]["next"],
        )

    def _symbols(self, question: SymbolsQuestion) -> SymbolsView:
        asked = {**plain(question), **places(question.where), "uses": question.uses or None}
        pages = list(self._pages("/symbols", asked, question.limit))
        return SymbolsView(
            question.name,
            all_of(DefinitionView, pages, "definitions"),
            all_of(ReferenceView, pages, "references"),
            bool(pages[-1]["complete"]),
            standing_of(pages),
            pages[-1]["next"],
            tuple(pages[0].get("near", ())),
            tuple(pages[0].get("problems", ())),
        )

    def _files(self, question: FilesQuestion) -> FilesView:
        files: list[FileView] = []
        standing: list[StandingView] = []
        asked = {"languages": question.where.languages, "paths": question.where.paths}
        following = None
        chosen, errors = self._chosen(question.where)
        for index, folder in chosen:
            left = None if question.limit is None else max(1, question.limit - len(files))
            pages = list(
                self._pages(path_of("indexes", index.id, "files"), asked, None if folder else left)
            )
            listed = all_of(FileView, pages, "files")
            files += [
                one for one in listed if not folder or f"{one.path}/".startswith(f"{folder}/")
            ]
            standing += standing_of(pages)
            following = pages[-1]["next"]
        problems = tuple(map(str, errors))
        return FilesView(tuple(files[: question.limit]), tuple(standing), following, problems)

    def _read(self, question: ReadQuestion) -> TextView:
        place = question.place
        *others, place = readings_of(place) if isinstance(place, str) else [place]
        chosen, _errors = self._chosen(question.where)

        def read(index: IndexView, path: str) -> TextView:
            file = path_of("indexes", index.id, "files", path)
            lines = str(FilePlace("", place.start_line, place.end_line))[1:] or None
            return from_json(TextView, self._connection.get(file, {"lines": lines}))

        try:
            text = only_at(question.place, place.path, chosen, read)
        except NotFoundError:
            for literal in others:  # the end of a path may itself look like lines
                with suppress(UserError):
                    return self._read(replace(question, place=literal))
            raise
        if question.where.sources or len(chosen) == 1:
            return text
        return replace(text, standing=tuple(replace(one, is_implied=True) for one in text.standing))

    def _outline(self, question: OutlineQuestion) -> OutlineView:
        chosen, _errors = self._chosen(question.where)

        def look(index: IndexView, path: str) -> OutlineView:
            place = path_of("indexes", index.id, "outline", path)
            return from_json(OutlineView, self._connection.get(place, {}))

        return only_at(question.path, question.path, chosen, look)

    def _map(self, question: MapQuestion) -> MapView:
        where = question.where
        chosen, errors = self._chosen(where)
        share = max(LEAST_BUDGET, question.budget // max(1, len(chosen)))
        asked = {"languages": where.languages, "paths": where.paths, "budget": share}
        maps = [
            from_json(MapView, self._connection.get(path_of("indexes", index.id, "map"), asked))
            for index, _folder in chosen
        ]
        return MapView(
            question.budget,
            tuple(file for one in maps for file in one.files),
            sum(one.total for one in maps),
            tuple(standing for one in maps for standing in one.standing),
            tuple(map(str, errors)),
        )

    def _related(self, question: RelatedQuestion) -> RelatedView:
        place = question.place
        if isinstance(place, str):
            place = parse_place(place)
        line, where = place.start_line, question.where

        def look(source: int | None, path: str) -> RelatedView:
            asked = {
                "path": path,
                "line": line,
                "source": source,
                "languages": where.languages,
                "paths": where.paths,
                "everywhere": question.in_all,
                "limit": min(question.limit, MOST_AT_ONCE),
            }
            return from_json(RelatedView, self._connection.get("/related", asked))

        if not where.sources:
            return look(None, place.path)
        chosen, _errors = self._chosen(where)
        return only_at(question.place, place.path, chosen, lambda index, path: look(index.id, path))

    def _status(self, question: StatusQuestion) -> IndexesView:
        indexes = self._indexes() if question.source is None else [self.find(question.source)]
        view = from_json(RunsView, self._connection.get("/queue", {"limit": 1}))
        return IndexesView(tuple(indexes), view.queue)

    def _queue(self, question: QueueQuestion) -> RunsView:
        limit = min(question.limit, MOST_AT_ONCE)
        queue = from_json(RunsView, self._connection.get("/queue", {"limit": limit}))
        if not question.everything:
            return queue
        pages = list(self._pages("/runs", {}, question.limit))
        runs = all_of(ListedRunView, pages, "runs")
        return RunsView(queue.queue, runs, complete=pages[-1]["next"] is None)
