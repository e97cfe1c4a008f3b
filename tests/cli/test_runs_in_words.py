"""The output of `kodit queue` and `kodit status`, word by word."""

from __future__ import annotations

import io
import json
import sys
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.cli.test_answers_in_words import Asked, Captured, printed

from kodit.application.services.source_service import IndexRequest
from kodit.application.views.indexes import AcceptedView, IndexesView, IndexView, SizesView
from kodit.application.views.left_out import LeftOutsView, LeftOutView
from kodit.application.views.runs import ListedRunView, QueueView, RunsView, TaskView, WorkView
from kodit.composition import Application
from kodit.domain.errors import IndexingError, NotFoundError, UserError
from kodit.domain.questions import Where
from kodit.domain.symbols import Use
from kodit.domain.value_objects import TaskState
from kodit.faces.cli.terminal import indexing, queue, status
from kodit.faces.cli.terminal.files import _TITLES
from kodit.faces.cli.terminal.refreshing import refresh
from kodit.faces.cli.terminal.runs import MARKS

QUEUE = QueueView(None, "priority", {}, False, (), 0, {}, 0)
TASK = TaskView(
    *(31, "SYNC", "ready", 10, 0, 0, None, None, None, None, None, None, WorkView()),
    reason="it is next",
)
RUN = ListedRunView(
    *(8, 2, "queued", False, True, False, "2026-01-02T03:04:05Z", None, None, (TASK,)),
    source="/s\x1b",
)


def test_the_queue(capsys: Captured) -> None:
    def listed(view: RunsView, **options: Any) -> Any:
        asked = {"everything": False, "limit": 5, **options}
        return printed(capsys, queue.list_runs, view, **asked)

    out, err = listed(RunsView(QUEUE, (RUN, replace(RUN, id=7, source=None)), complete=False))
    assert out[0] == "queue: 0 workers, 0 running, 0 waiting"
    assert [line.partition(",")[0] for line in out[1::3]] == ["run 8 queued", "run 7 queued"]
    assert out[2::3] == ["    /s\\x1b", "    a deleted index"]
    assert out[3] == "    SYNC: it is next"
    assert err == ["There are more; `--limit` shows more."]
    out, err = listed(RunsView(QUEUE, (replace(RUN, index_id=None),), complete=True))
    assert (len(out), err) == (3, [])
    out, err = listed(RunsView(QUEUE, (), complete=True))
    assert (out[1:], err) == ([], ["The queue is empty, and no run has failed."])
    out, err = listed(RunsView(QUEUE, (RUN,), complete=False), as_json=True)
    assert (json.loads("".join(out))["runs"][0]["id"], err) == (8, [])


def test_one_run(capsys: Captured) -> None:
    for run, second in (
        (RUN, "index 2: /s\\x1b"),
        (replace(RUN, source=None), "index 2: being deleted"),
    ):
        out, _err = printed(capsys, queue.show_one_run, run, 8)
        assert out[1] == second
        assert out[2].split(maxsplit=3) == ["○", "SYNC", "ready", "it is next"]
    alone = replace(RUN, source=None, index_id=None)
    assert len(printed(capsys, queue.show_one_run, alone, 8)[0]) == 2
    out, _err = printed(capsys, queue.show_one_run, RUN, 8, as_json=True)
    assert json.loads("".join(out))["id"] == 8


class Steered:
    """A remote server that performs the requested actions."""

    def __init__(self, run: ListedRunView, *, is_news: bool = True) -> None:
        self._run, self._is_news = run, is_news
        self.told: list[Any] = []

    def steer(self, run_id: int, action: str) -> ListedRunView:
        self.told.append((run_id, action))
        return self._run

    def set_queue(self, action: str) -> tuple[bool, RunsView]:
        self.told.append(action)
        return self._is_news, RunsView(QUEUE)


def steered(capsys: Captured, do: Any, server: Steered, *arguments: Any) -> list[str]:
    session = Asked()
    session.remote = server  # type: ignore[assignment] # as one that asks elsewhere
    do(session, *arguments, as_json=True)
    told = capsys.readouterr()
    assert json.loads(told.out)
    assert told.err == ""
    do(session, *arguments, as_json=False)
    told = capsys.readouterr()
    assert told.out == ""
    return [line.partition(",")[0] for line in told.err.splitlines()]


def test_runs_on_another_server_are_controlled(capsys: Captured) -> None:
    cancelled = replace(RUN, state="cancelled", tasks=())
    server = Steered(cancelled)
    said = steered(capsys, queue.cancel_run, server, 8)
    assert (said[0], said[1:]) == (
        "run 8 cancelled",
        ["`kodit queue retry 8` starts it again."],
    )
    assert steered(capsys, queue.cancel_run, Steered(RUN), 8) == [
        *("run 8 queued", "    SYNC: it is next")
    ]
    assert steered(capsys, queue.retry_run, Steered(RUN), 8)[0] == "run 8 queued"
    replaced = Steered(replace(RUN, id=9))
    assert steered(capsys, queue.retry_run, replaced, 8)[:2] == [
        *("Run 8 is out of date; run 9 has replaced it.", "run 9 queued")
    ]
    assert (server.told[0], replaced.told[0]) == ((8, "cancel"), (8, "retry"))


def test_the_queue_of_another_server_is_paused_and_resumed(capsys: Captured) -> None:
    for do, is_news, said in (
        (queue.pause_queue, True, "Paused; running tasks finish first."),
        (queue.pause_queue, False, "The queue was already paused."),
        (queue.resume_queue, True, "Resumed."),
        (queue.resume_queue, False, "The queue was not paused."),
    ):
        server = Steered(RUN, is_news=is_news)
        assert steered(capsys, do, server) == [said, "queue: 0 workers"]
        assert server.told == [do.__name__.removesuffix("_queue")] * 2


INDEX = IndexView(
    *(2, "/s", "folder", (), (), 3, 4, None, None, None, {}, {}, None),
)
SIZES = SizesView(1_000_000, 0, 0, 0, 0)


def test_indexes_by_name(capsys: Captured) -> None:
    """Existing indexes, and errors for other names."""
    wrong = NotFoundError("there is no index 9", code="index_not_found")
    view = IndexesView((INDEX,), QUEUE, SIZES)
    both = Asked(view, wrong, replace(view, indexes=(INDEX, replace(INDEX, id=1))))
    assert not status.show_indexes(both, ["2", "9", "1"], as_json=False)  # type: ignore[arg-type]
    told = capsys.readouterr()
    heads = [line for line in told.out.splitlines() if line.startswith("[")]
    assert heads == ["[2] /s", "[1] /s"]
    assert told.out.splitlines()[-1] == "On disk: 1.0 MB (database 1.0 MB)"
    assert told.err == "kodit: there is no index 9; `kodit status` lists the indexes\n"
    with pytest.raises(NotFoundError):
        status.show_indexes(Asked(wrong, wrong), ["8", "9"], as_json=False)  # type: ignore[arg-type]
    session: Any = Asked(replace(view, queue=replace(QUEUE, waiting=1)))
    assert status.show_indexes(session, [], as_json=False)
    assert capsys.readouterr().out.startswith("queue: 0 workers, 0 running, 1 waiting\n[2] /s\n")


def test_parts_of_indexes_are_named(capsys: Captured) -> None:
    """What is all of an index, or of none, is not."""
    parts: dict[str, object] = {
        "a": SimpleNamespace(path="src\x1b", index=SimpleNamespace(source="/s")),
        "b": SimpleNamespace(path="", index=SimpleNamespace(source="/t")),
    }
    application = cast(Application, SimpleNamespace(locator=SimpleNamespace(find_part=parts.get)))
    indexing._say_parts(application, IndexRequest(["a", "b", "c"]))
    assert capsys.readouterr().err == "src\\x1b is part of /s.\n"


def test_a_queue_that_is_paused_is_shown(capsys: Captured) -> None:
    """Even where nothing waits in it."""
    for paused, lines in ((None, 2), ("2026-01-02T03:04:05Z", 3)):
        session: Any = Asked(IndexesView((INDEX,), replace(QUEUE, paused_since=paused)))
        assert status.show_indexes(session, [], as_json=False)
        assert len(capsys.readouterr().out.splitlines()) == lines


def test_what_is_left_out_of_each_index(capsys: Captured) -> None:
    """Of all of them unless some are named."""
    one = LeftOutView(2, "/s", "a.png", None, "binary", "the extension .png", 1, True)
    for names, where in (([], Where(everywhere=True)), (["2"], Where(sources=("2",)))):
        session: Any = Asked(IndexesView((INDEX,), QUEUE), LeftOutsView((one,), (), ()))
        assert status.show_indexes(session, names, as_json=False, with_left_out=True)
        assert session.asked[-1].where == where
        assert "a.png" in capsys.readouterr().out.splitlines()[-1]


class Indexing:
    """A server elsewhere that indexes what it is asked to, or says why not."""

    url = "https://kodit.example.org"

    def __init__(self, run: ListedRunView, index: IndexView, *wrong: str) -> None:
        self._accepted, self._run, self._wrong = AcceptedView(index, run), run, wrong
        self.told: list[tuple[str, dict[str, Any]]] = []

    def add(self, source: str, **options: Any) -> AcceptedView:
        self.told.append((source, options))
        if source in self._wrong:
            raise NotFoundError(f"there is no {source}")
        return self._accepted

    def add_or_sync(self, name: str) -> AcceptedView:
        return self.add(name)

    def wait_for(self, _run_id: int, *, waits_for_budget: bool = False) -> ListedRunView:
        return self._run

    def find(self, _name: str) -> IndexView:
        return self._accepted.index


def indexed_elsewhere(
    capsys: Captured, server: Indexing, request: IndexRequest, *, wait: bool = True
) -> tuple[bool, list[str]]:
    session: Any = Asked()
    session.remote = server
    succeeded = indexing.index_and_show(session, request, wait=wait, as_json=False)
    told = capsys.readouterr()
    assert told.out.startswith("[2] /s")
    return succeeded, told.err.splitlines()


def test_sources_are_indexed_elsewhere(capsys: Captured) -> None:
    done = replace(RUN, state="succeeded", tasks=())
    options: dict[str, Any] = {
        "include": ("*.py",),
        "exclude": (),
        "submodules": True,
        "credentials": "env:A",
        "sync_every": 0,
    }
    for given in ({}, options, *({name: value} for name, value in options.items())):
        server = Indexing(done, INDEX)
        assert indexed_elsewhere(capsys, server, IndexRequest(["a", "b", "a"], **given)) == (
            True,
            [],
        )
        all_of_it = dict.fromkeys(options) | given if given else {}
        assert server.told == [("a", all_of_it), ("b", all_of_it)]
    refusing = Indexing(done, INDEX, "b")
    both = IndexRequest(["a", "b"])
    assert indexed_elsewhere(capsys, refusing, both) == (False, ["kodit: there is no b"])
    assert indexed_elsewhere(capsys, refusing, both, wait=False) == (
        False,
        [
            "kodit: there is no b",
            "Queued; the workers of https://kodit.example.org will do the work.",
        ],
    )
    with pytest.raises(NotFoundError, match="there is no b"):
        indexed_elsewhere(capsys, refusing, IndexRequest(["b"]))


def test_a_search_elsewhere_by_somebody_who_may_only_read(capsys: Captured) -> None:
    """Searches what is indexed; a source that is not indexed is still refused."""

    class ReadOnly(Indexing):
        def add_or_sync(self, name: str) -> AcceptedView:
            raise UserError(f"the key ada may only read {name}", code="key_may_not_write")

        def knows(self, name: str) -> bool:
            return name == "s"

    session: Any = Asked()
    session.remote = ReadOnly(RUN, INDEX)
    refresh(session, "s")
    said = capsys.readouterr().err
    assert said.startswith("/s was searched as indexed ")
    assert said.endswith(": the key ada may only read s.\n")
    with pytest.raises(UserError, match="may only read other"):
        refresh(session, "other")


def test_a_run_that_fails_elsewhere(capsys: Captured) -> None:
    """Before a search, that is an error where nothing was indexed before."""
    wrong = replace(TASK, error="no room", state="failed")
    failed = replace(RUN, state="failed", tasks=(replace(TASK, id=30), wrong))
    server = Indexing(failed, INDEX)
    said = "run 8 failed: SYNC: no room"
    assert indexed_elsewhere(capsys, server, IndexRequest(["a"])) == (False, [said])
    session: Any = Asked()
    session.remote = server
    with pytest.raises(IndexingError, match=said):
        refresh(session, "a")
    session.remote = Indexing(failed, replace(INDEX, updated_at="2026-01-02T03:04:05Z"))
    refresh(session, "a")
    [told] = capsys.readouterr().err.splitlines()
    assert told.startswith("/s was searched as indexed ")
    assert told.endswith(f" ago: {said}")
    session.remote = Indexing(replace(RUN, state="succeeded"), INDEX)
    refresh(session, "a")
    assert capsys.readouterr().err == ""


def test_indexes_are_watched_until_ctrl_c(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal, they are printed at each change."""
    first, then = (IndexesView((replace(INDEX, id=number),), QUEUE) for number in (2, 3))
    looks = [first, first, then, then, first]
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == len(looks):
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    session: Any = Asked(*looks)
    assert status.watch_indexes(session, [], as_json=False)
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if line[0] == "["] == ["[2] /s", "[3] /s", "[2] /s"]
    assert set(pauses) == {1.0}
    pauses.clear()
    documents: Any = Asked(*looks)
    assert status.watch_indexes(documents, [], as_json=True)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["indexes"][0]["id"] for line in lines] == [2, 3, 2]


def test_whether_the_current_folder_is_indexed(capsys: Captured) -> None:
    for index, said in ((INDEX, ""), (replace(INDEX, source="/other"), "This folder is not")):
        session: Any = Asked(IndexesView((index,)))
        status.say_whether_indexed(session)
        assert capsys.readouterr().err[:18] == said
    nowhere: Any = Asked(folder=None)
    status.say_whether_indexed(nowhere)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("typed", "is_broad", "is_meant"),
    [("y\n", True, True), ("YES \n", True, True), ("n\n", True, False), ("", False, True)],
)
def test_a_folder_of_much_more_than_code_is_asked_about(
    typed: str,
    is_broad: bool,
    is_meant: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    sources = SimpleNamespace(
        sources=lambda _request: ["/home/a\x1b"], is_broad=lambda _one: is_broad
    )
    application = cast(Application, SimpleNamespace(sources=sources))
    request = IndexRequest(["~"])
    monkeypatch.setattr(sys, "stdin", Typed(typed))
    assert indexing._confirmed(application, request) is request
    assert capsys.readouterr().err == ""  # nobody sees it
    monkeypatch.setattr(indexing, "is_interactive", lambda: True)
    assert indexing._confirmed(application, request).even_if_broad is is_meant
    said = [
        "/home/a\\x1b holds much more than code; indexing it may take hours.",
        "Index it anyway? [y/N]",
    ]
    assert capsys.readouterr().err.splitlines() == (said if is_broad else [])
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))  # of a program, not of somebody
    assert indexing._confirmed(application, request) is request
    assert capsys.readouterr().err == ""
    sure = replace(request, even_if_broad=True)
    assert indexing._confirmed(application, sure) is sure


def test_every_state_and_use_has_its_sign_and_words() -> None:
    assert MARKS == {
        "blocked": "·",
        "ready": "○",
        "running": "▶",
        "succeeded": "✓",
        "failed": "✗",
        "skipped": "»",
        "cancelled": "⊘",
    }
    assert set(MARKS) == set(TaskState)
    assert set(_TITLES) == set(Use)
