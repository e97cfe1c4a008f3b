"""Remote and local servers as commands use them, with prepared answers."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.cli.test_answers_in_words import PLACE, STANDING

from kodit.application.views.errors import ErrorView
from kodit.application.views.files import FilesView, FileView, OutlineView, TextView
from kodit.application.views.indexes import IndexView
from kodit.application.views.map import MapView
from kodit.application.views.runs import ListedRunView, QueueView, RunsView
from kodit.application.views.serialization import to_json
from kodit.domain.errors import KoditError, NotFoundError, SourceError, TransientError, UserError
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
from kodit.faces.cli import resident
from kodit.faces.cli.remote import RemoteServer
from kodit.faces.cli.resident import ResidentServer, find_server
from kodit.faces.cli.session import Session
from kodit.infrastructure.resident import place
from kodit.infrastructure.resident.connecting import ASK_PATH
from kodit.settings import Settings
from kodit.version import VERSION

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


class Line:
    """A connection that says whether it was closed."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def resident_server(
    monkeypatch: pytest.MonkeyPatch, answer: Any, **about: Any
) -> tuple[ResidentServer, Line, list[Any]]:
    line, asked = Line(), list[Any]()

    def exchange(_connection: Any, *sent: Any, **options: Any) -> Any:
        asked.append((*sent, options))
        if isinstance(answer, Exception):
            raise answer
        return answer

    told = {"version": "0.0", "pid": 7, "busy_with": None, **about}
    monkeypatch.setattr(resident, "exchange", exchange)
    monkeypatch.setattr(resident, "handshake", lambda _connection: SimpleNamespace(**told))
    monkeypatch.setattr(resident, "ask_to_end", lambda _connection: told.get("ends", False))
    settings = Settings(data_dir=cast(Any, "/data"))
    return ResidentServer(cast(Any, line), settings, "/a b/\udcff"), line, asked


def test_what_a_server_of_this_machine_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer or an error; nothing if it has ended, so that the command continues by itself."""
    asking, line, asked = resident_server(monkeypatch, (200, {"answer": {"x": 1}}))
    assert asking.ask(StatusQuestion()) == {"x": 1}
    assert not line.is_closed
    [(method, path, body, options)] = asked
    assert (method, path) == ("POST", ASK_PATH)
    assert f'"version": "{VERSION}"'.encode() in body
    assert options["headers"] == {"X-Kodit-Folder": "/a%20b/%FF"}
    assert options["seconds"] == 60
    error = to_json(ErrorView.of(NotFoundError("no run", code="run_not_found", run=7)))
    asking, line, _asked = resident_server(monkeypatch, (200, {"error": error}))
    with pytest.raises(NotFoundError, match="no run"):
        asking.ask(StatusQuestion())
    asking, line, _asked = resident_server(monkeypatch, TransientError("it has ended"))
    assert asking.ask(StatusQuestion()) is None
    assert line.is_closed


@pytest.mark.parametrize(
    ("answer", "about", "said"),
    [
        ((409, {"answer": 1}), {}, "is version 0.0"),
        ((404, {}), {"busy_with": "it is indexing (run 1)"}, "is not used: it is indexing (run 1)"),
        ((409, {}), {}, "is not used: it was started to keep running"),
        ((409, {}), {"version": VERSION}, ""),
        ((409, {}), {"ends": True}, ""),
        ((500, {"answer": 1}), {}, ""),
        ((200, ["odd"]), {}, ""),
    ],
)
def test_a_server_of_this_machine_that_is_not_used(
    answer: Any,
    about: dict[str, Any],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A server of another version that stays is reported."""
    asking, line, _asked = resident_server(monkeypatch, answer, **about)
    assert asking.ask(StatusQuestion()) is None
    assert line.is_closed
    told = capsys.readouterr().err
    assert said in told
    assert bool(said) is bool(told)


def test_an_untrusted_server_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_data_dir: object) -> None:
        raise SourceError("it is of somebody else")

    settings = Settings(data_dir=cast(Any, "/data"))
    monkeypatch.setattr(resident, "connect", refuse)
    assert find_server(settings, "/") is None
    monkeypatch.setattr(resident, "connect", lambda _data_dir: None)
    assert find_server(settings, "/") is None


def test_a_command_that_has_opened_the_data_itself_asks_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does one without a folder; the others look for a server once."""
    looks: list[Path] = []

    def look(data_dir: Path) -> bool:
        looks.append(data_dir)
        return False

    monkeypatch.setattr(place, "has_socket", look)
    settings = Settings(data_dir=tmp_path)
    with Session(settings) as session:
        _ = session.application
        assert not session.is_served
    with Session(settings) as session:
        monkeypatch.setattr(session, "_folder", None)
        assert not session.is_served
    assert looks == []
    with Session(settings) as session:
        assert not session.is_served
        assert not session.is_served
    assert looks == [tmp_path]
