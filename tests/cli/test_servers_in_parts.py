"""Remote and local servers as commands use them, with prepared answers."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, cast

import pytest
from tests.cli.test_answers_in_words import PLACE, STANDING

from kodit.application.views.files import FilesView, FileView, OutlineView, TextView
from kodit.application.views.indexes import IndexView
from kodit.application.views.map import MapView
from kodit.application.views.runs import (
    ListedRunView,
    QueueView,
    RunsView,
    TaskView,
    WorkView,
)
from kodit.application.views.serialization import to_json
from kodit.domain.errors import KoditError, SourceError, UserError
from kodit.domain.questions import (
    FilesQuestion,
    LeftOutQuestion,
    MapQuestion,
    OutlineQuestion,
    QueueQuestion,
    ReadQuestion,
    RelatedQuestion,
    StatusQuestion,
    Where,
)
from kodit.domain.repository_map import LEAST_BUDGET
from kodit.faces.cli.remote import RemoteServer

RUN = ListedRunView(8, 2, "running", False, True, False, None, None, None, ())
QUEUE = QueueView(None, "priority", {}, False, (), 0, {}, 0)


def index(number: int, source: str) -> IndexView:
    return IndexView(number, source, "git", (), (), 0, 0, None, None, None, {}, {}, None)


class Connection:
    """Sends prepared answers in turn, and records the requests."""

    url = "https://kodit.example.org"

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str, Any]] = []

    def _answer(self, method: str, path: str, parameters: Any = None) -> Any:
        self.asked.append((method, path, parameters))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return to_json(answer)

    def get(self, path: str, parameters: Any = None) -> Any:
        return self._answer("GET", path, parameters)

    def post(self, path: str, body: Any = None) -> Any:
        return self._answer("POST", path, body)

    def delete(self, path: str) -> None:
        self._answer("DELETE", path)


def server(*answers: Any) -> tuple[RemoteServer, list[tuple[str, str, Any]]]:
    connection = Connection(*answers)
    return RemoteServer(cast(Any, connection)), connection.asked


def page(*indexes: IndexView, following: str | None = None) -> dict[str, Any]:
    return {"indexes": list(indexes), "standing": [], "next": following}


SHOP, BANK = index(1, "https://git/x/shop"), index(2, "https://git/x/bank")
TWIN = index(3, "https://other/x/bank")


def test_a_run_is_waited_for_with_pauses_that_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    ended = ListedRunView(8, 2, "failed", False, True, False, None, None, None, ())
    asking, asked = server(*[RUN] * 8, ended)
    assert asking.wait_for(8) == ended
    assert pauses[:3] == pytest.approx([0.2, 0.3, 0.45])
    assert pauses[-2:] == [2.0, 2.0]
    assert {path for _method, path, _parameters in asked} == {"/runs/8"}


def task(state: str, code: str | None = None, available_at: str | None = None) -> TaskView:
    return TaskView(
        *(5, "ENRICH", state, 1, 1, 0, None, available_at, None, None, None),
        error=code and "waits",
        work=WorkView(),
        error_code=code,
    )


POSTPONED = task("ready", "budget_spent", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("tasks", "waits"),
    [
        ([], False),
        ([task("succeeded"), POSTPONED, task("blocked")], True),
        ([POSTPONED, POSTPONED], True),
        ([task("ready", "budget_spent")], False),  # a user has just asked for it
        ([POSTPONED, task("running")], False),
        ([POSTPONED, task("ready")], False),
        ([task("ready", "endpoint_paused", "2026-01-01T00:00:00Z")], False),
    ],
    ids=["no tasks", "one", "all", "asked for", "running", "another", "paused"],
)
def test_a_budget_is_waited_for_on_request(
    tasks: list[TaskView], waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the run is returned, be it the one that was asked for or the one before it."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    waiting = replace(RUN, tasks=tuple(tasks))
    ended = replace(RUN, state="succeeded")
    follow_up = replace(RUN, id=9, is_follow_up=True)
    before = replace(SHOP, id=2, run=waiting)
    assert server(waiting, ended)[0].wait_for(8) == (waiting if waits else ended)
    found = server(follow_up, before, replace(ended, id=9))[0].wait_for(9)
    assert found.id == (waiting.id if waits else 9)
    assert server(waiting, ended)[0].wait_for(8, waits_for_budget=True) == ended
    assert server(follow_up, ended)[0].wait_for(9, waits_for_budget=True) == ended


def test_an_identifier_is_synced_and_anything_else_added() -> None:
    accepted = {"index": SHOP, "run": RUN}
    for name, expected in (
        ("7", ("POST", "/indexes/7/runs", None)),
        ("\u0667", ("POST", "/indexes", {"source": "\u0667"})),
        ("https://git/x", ("POST", "/indexes", {"source": "https://git/x"})),
    ):
        asking, asked = server(accepted)
        asking.add_or_sync(name)
        assert asked == [expected]


def test_the_index_that_a_name_means() -> None:
    everything = page(SHOP, BANK, TWIN)
    assert server(everything)[0].find("shop") == SHOP
    with pytest.raises(SourceError) as several:
        server(everything)[0].find("bank")
    assert several.value.code == "source_ambiguous"
    assert "https://git/x/bank (2)" in str(several.value)
    assert [server(everything)[0].knows(name) for name in ("shop", "bank", "none")] == [
        *(True, True, False)
    ]
    with pytest.raises(UserError) as digit:  # no identifier
        server(everything)[0].find("\u0667")
    assert digit.value.code == "index_not_found"
    with pytest.raises(SourceError) as part:
        server(page(index(4, "/srv/shop")))[0].delete("/srv/shop/web")
    assert part.value.code == "source_is_part"
    asking, asked = server(everything, None)
    assert asking.delete("shop") == SHOP
    assert asked[-1] == ("DELETE", "/indexes/1", None)
    pages = (page(SHOP, following="more"), page(BANK))
    asking, asked = server(*pages)
    assert asking.find("bank") == BANK
    assert [parameters["cursor"] for _method, _path, parameters in asked] == [None, "more"]


def test_whether_the_queue_changed() -> None:
    paused = RunsView(QueueView("2026-01-02T03:04:05Z", "priority", {}, False, (), 0, {}, 0))
    for before, after, changed in (
        (RunsView(QUEUE), paused, True),
        (paused, paused, False),
        (paused, RunsView(QUEUE), True),
    ):
        asking, asked = server(before, after)
        assert asking.set_queue("pause") == (changed, after)
        assert [path for _method, path, _parameters in asked] == ["/queue", "/queue/pause"]


def listing(number: int, *paths: str, following: str | None = None) -> FilesView:
    files = (
        FileView(path=path, size=1, lines=1, snippets=1, **{**PLACE, "index_id": number})
        for path in paths
    )
    return FilesView(tuple(files), (STANDING,), following)


def test_files_of_several_indexes_are_as_many_as_were_asked_for() -> None:
    asking, asked = server(page(SHOP, BANK), listing(1, "a", "b"), listing(2, "c", "d"))
    view = asking.ask(FilesQuestion(Where(), limit=3))
    assert [one.path for one in view.files] == ["a", "b", "c"]
    assert [parameters["limit"] for _method, _path, parameters in asked[1:]] == [3, 1]
    folder = index(4, "/srv/shop")
    asking, asked = server(page(folder), listing(4, "web/a", "website/b"))
    view = asking.ask(FilesQuestion(Where(("/srv/shop/web",)), limit=1))
    assert [one.path for one in view.files] == ["web/a"]
    assert asked[1][2]["limit"] == 500
    asking, _asked = server(page(SHOP), page(SHOP), listing(1, "a"))
    view = asking.ask(FilesQuestion(Where(("none", "shop"))))
    assert view.problems == ("there is no index or folder 'none'",)
    with pytest.raises(SourceError):
        server(page(SHOP), page(SHOP))[0].ask(FilesQuestion(Where(("none", "nothing"))))


def test_a_large_answer_comes_in_several() -> None:
    pages = (listing(1, "a", following="x"), listing(1, "b", following="y"), listing(1, "c"))
    asking, asked = server(page(SHOP), *pages)
    assert len(asking.ask(FilesQuestion(Where(), limit=1_100)).files) == 3
    assert [parameters["limit"] for _method, _path, parameters in asked[1:]] == [500, 500, 100]
    asking, asked = server(page(SHOP), *pages)
    assert asking.ask(FilesQuestion(Where(), limit=1_000)).next == "y"
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("question", "path", "answer"),
    [
        (
            ReadQuestion("a.py:3-4", Where(("bank",))),
            "/indexes/2/files/a.py",
            TextView(
                path="a.py", start_line=3, end_line=4, lines=9, text="x", standing=(), **PLACE
            ),
        ),
        (
            OutlineQuestion("a.py", Where(("bank",))),
            "/indexes/2/outline/a.py",
            OutlineView(path="a.py", lines=9, symbols=(), standing=(), **PLACE),
        ),
        (
            RelatedQuestion("a.py:3", Where(("bank",)), limit=5),
            "/related",
            {"place": "a.py:3", "results": [], "standing": []},
        ),
        (MapQuestion(Where(("bank",))), "/indexes/2/map", MapView(100, (), 5, ())),
        (FilesQuestion(Where(("bank",))), "/indexes/2/files", FilesView((), (), None)),
        (StatusQuestion("bank"), "/queue", RunsView(QUEUE)),
    ],
    ids=["read", "outline", "related", "map", "files", "status"],
)
def test_only_the_index_that_is_named_is_asked(question: Any, path: str, answer: Any) -> None:
    asking, asked = server(page(SHOP, BANK), answer)
    asking.ask(question)
    assert [one[1] for one in asked] == ["/indexes", path]
    if path == "/related":
        assert asked[1][2]["source"] == 2
    if path.endswith("files/a.py"):
        assert asked[1][2] == {"lines": "3-4"}


def test_a_map_is_shared_by_the_indexes() -> None:
    drawn = MapView(100, (), 5, (STANDING,))
    for budget, share in ((4_000, 2_000), (LEAST_BUDGET, LEAST_BUDGET)):
        asking, asked = server(page(SHOP, BANK), drawn, drawn)
        view = asking.ask(MapQuestion(Where(), budget))
        assert (view.budget, view.total, len(view.standing)) == (budget, 10, 2)
        assert [parameters["budget"] for _method, _path, parameters in asked[1:]] == [share] * 2


def test_what_is_asked_of_similar_code_and_the_queue() -> None:
    related = {"place": "a:3", "results": [], "standing": []}
    asking, asked = server(related)
    asking.ask(RelatedQuestion("a:3", Where(languages=("c",), paths=("b",)), True, limit=900))
    assert asked[0][2] == {
        "path": "a",
        "line": 3,
        "source": None,
        "languages": ("c",),
        "paths": ("b",),
        "everywhere": True,
        "limit": 500,
    }
    runs = {"runs": [RUN], "next": "more"}
    asking, asked = server(RunsView(QUEUE), runs)
    view = asking.ask(QueueQuestion(everything=True, limit=1))
    assert (view.runs, view.complete) == ((RUN,), False)
    asking, asked = server(RunsView(QUEUE, (RUN,), complete=True))
    assert asking.ask(QueueQuestion(limit=900)).complete
    assert asked == [("GET", "/queue", {"limit": 500})]
    asking, asked = server(RunsView(QUEUE), page(SHOP))
    assert asking.ask(StatusQuestion()).indexes == (SHOP,)


def test_requests_that_another_server_refuses() -> None:
    with pytest.raises(KoditError, match="only listed on the machine that has the sources"):
        server()[0].ask(LeftOutQuestion(Where()))
    with pytest.raises(KoditError, match="does not understand") as odd:
        server({"odd": 1})[0].ask(QueueQuestion())
    assert odd.value.code == "server_unreachable"
