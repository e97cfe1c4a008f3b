"""Every field of every view, from values that all differ, so that no two are swapped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kodit.application.services.index_service import IndexStatus
from kodit.application.services.queue_overview import QueueOverview
from kodit.application.views.files import (
    FilesView,
    GrepView,
    OutlineView,
    SymbolsView,
    TextView,
)
from kodit.application.views.indexes import IndexesView, IndexView, OneIndexView, SizesView
from kodit.application.views.map import MapView
from kodit.application.views.runs import QueueView, RunView, TaskView
from kodit.application.views.search import RelatedView, SearchView
from kodit.application.views.serialization import to_json
from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.entities import Index, IndexRun, Task, TaskAttempt
from kodit.domain.files import FileText, ListedFile
from kodit.domain.grep import FoundLine, GrepAnswer, GrepMatch
from kodit.domain.index import IndexSummary, WorkingCopy
from kodit.domain.repository_map import MappedDefinition, MappedFile, RepositoryMap
from kodit.domain.search import CopyPlace, SearchResult, SignalPoints, StoredSnippet
from kodit.domain.source import SourceKind
from kodit.domain.space import Sizes
from kodit.domain.symbols import Definition, FileOutline, Reference, SymbolAnswer, Use
from kodit.domain.task import AttemptOutcome
from kodit.domain.value_objects import (
    ErrorAbout,
    QueuePriority,
    RunState,
    Source,
    TaskProgress,
    TaskState,
    TaskType,
)


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def told(number: int) -> str:
    """The same value after conversion."""
    return f"2026-01-0{number}T00:00:00Z"


SNIPPET = StoredSnippet(1, 2, 3, "/s", "a/b.py", 4, 6, "python", "add", "method", "Cart", "text")
SYMBOL: dict[str, Any] = {"symbol": "add", "kind": "method", "scope": "Cart"}
PLACED: dict[str, Any] = {
    "index_id": 2,
    "source": "/s",
    "path": "a/b.py",
    "file": "/s/a/b.py",
    "language": "python",
}
LINES: dict[str, Any] = {"start_line": 4, "end_line": 6}


def both(view: Any, *of: Any, **options: Any) -> Any:
    """A view for local callers and for others, without the difference that is checked here: the
    absolute paths of files."""
    near = to_json(view.of(*of, with_file=True, **options))
    far = to_json(view.of(*of, with_file=False, **options))
    assert set(_files(near)) == {"/s/a/b.py"}
    assert set(_files(far)) == {None}
    return near


def _files(value: Any) -> list[Any]:
    if isinstance(value, dict):
        own = [value["file"]] if "file" in value else []
        return [*own, *(file for one in value.values() for file in _files(one))]
    return [file for one in value for file in _files(one)] if isinstance(value, list) else []


def test_results_of_a_search() -> None:
    points = (SignalPoints("keyword", 0.123456, 2.0, 0.246913), SignalPoints("name", 1.0, 0.5, 0.5))
    results = [SearchResult(SNIPPET, 0.12345678, points, is_cut=True)]
    result = {**PLACED, **LINES, **SYMBOL, "score": 0.123457, "text": "text", "cut": True}
    explanation = [
        {"signal": "keyword", "value": 0.1235, "weight": 2.0, "points": 0.2469},
        {"signal": "name", "value": 1.0, "weight": 0.5, "points": 0.5},
    ]
    asked: dict[str, Any] = {"following": "next", "problems": ("wrong",)}
    answer = {"query": "q", "standing": [], "next": "next", "problems": ["wrong"]}
    assert both(SearchView, "q", results, (), **asked) == {**answer, "results": [result]}
    explained = {**result, "explanation": explanation}
    assert both(SearchView, "q", results, (), explain=True, **asked)["results"] == [explained]
    copied = replace(results[0], also_in=(CopyPlace("a/b.py", "/s", 8, 9, 3),))
    also_in = [
        {key: value for key, value in PLACED.items() if key != "language"}
        | {"index_id": 3, "start_line": 8, "end_line": 9}
    ]
    assert both(SearchView, "q", [copied], ())["results"] == [{**result, "also_in": also_in}]
    weak = [replace(results[0], is_weak=True)]
    assert both(SearchView, "q", weak, (), **asked) == {**answer, "results": [result], "weak": True}
    related = {"place": "a/b.py:4", "results": [result], "standing": []}
    assert both(RelatedView, "a/b.py:4", results, ()) == related


def test_lines_files_and_texts() -> None:
    found = FoundLine(7, 3, "x", ("w",), ())
    answer = GrepAnswer((GrepMatch(2, "/s", "a/b.py", "python", found),), 9, False, ("slow",))
    match = {**PLACED, "line": 7, "column": 3, "text": "x", "before": ["w"], "after": []}
    assert both(GrepView, "p", answer, (), "next", ("wrong",)) == {
        "pattern": "p",
        "matches": [match],
        "files": 9,
        "complete": False,
        "problems": ["wrong", "slow"],
        "standing": [],
        "next": "next",
    }
    for complete, following in ((True, "next"), (False, None)):
        view = GrepView.of("p", GrepAnswer((), 0, complete), (), following, with_file=True)
        assert (view.complete, view.next) == (complete, following)
    listed = ListedFile(2, "/s", "a/b.py", "python", 70, 8, 5)
    assert both(FilesView, [listed], (), "next", ("wrong",)) == {
        "files": [{**PLACED, "size": 70, "lines": 8, "snippets": 5}],
        "standing": [],
        "next": "next",
        "problems": ["wrong"],
    }
    text = FileText(2, "/s", "a/b.py", "python", 4, 6, 80, "text")
    expected = {**PLACED, **LINES, "lines": 80, "text": "text", "standing": []}
    assert both(TextView, text, ()) == expected


def test_symbols_and_what_matters_most() -> None:
    definition = Definition(SNIPPET, 5)
    calling = Reference(SNIPPET, 9, "add()", Use.CALL, "Cart.sum", False, "", None)
    target = StoredSnippet(8, 2, 3, "/s", "c.py", 44, 46, "python", "x", None, "", "")
    called = Reference(SNIPPET, 10, "x()", Use.CALL, "", True, "x", target)
    answer = SymbolAnswer((definition,), (calling, called), False, True, ("adds",))
    reference = {**PLACED, **SYMBOL, "use": "call"}
    assert both(SymbolsView, "add", answer, (), "next", ("wrong",)) == {
        "name": "add",
        "definitions": [{**PLACED, **LINES, **SYMBOL, "line": 5, "text": "text"}],
        "references": [
            {**reference, "line": 9, "text": "add()", "within": "Cart.sum", "likely": False},
            {
                **reference,
                "line": 10,
                "text": "x()",
                "within": "",
                "likely": True,
                "name": "x",
                "target": "c.py:44",
            },
        ],
        "complete": False,
        "standing": [],
        "next": "next",
        "near": ["adds"],
        "problems": ["wrong"],
    }
    outline = FileOutline(2, "/s", "a/b.py", "python", 80, (definition,))
    assert both(OutlineView, outline, ()) == {
        **PLACED,
        "lines": 80,
        "symbols": [{**SYMBOL, **LINES, "line": 5}],
        "standing": [],
    }
    mapped = MappedDefinition("add", "method", "Cart", 5, "def add():")
    files = (MappedFile("a/b.py", "python", 0.12345678, (mapped,)),)
    maps = [RepositoryMap(2, "/s", files, 30), RepositoryMap(2, "/s", files, 4)]
    file = {
        **PLACED,
        "importance": 0.123457,
        "definitions": [{**SYMBOL, "line": 5, "text": "def add():"}],
    }
    assert to_json(MapView.of(400, maps, (), ("wrong",), with_file=True)) == {
        "budget": 400,
        "files": [file, file],
        "total": 34,
        "standing": [],
        "problems": ["wrong"],
    }
    assert _files(to_json(MapView.of(4, maps, (), with_file=False))) == [None, None]


def index_of(**changes: Any) -> Index:
    source = Source(SourceKind.FOLDER, "/s", include=("*.py",), exclude=("b*",), submodules=True)
    given: dict[str, Any] = {"source": source, "sync_every": 600, "updated_at": day(2), **changes}
    return Index(2, working_copy=WorkingCopy("0123abcd"), created_at=day(1), **given)


def test_an_index() -> None:
    summary = IndexSummary(index_of(), 3, 4, {"too_long": 5}, {"binary": 6, "ignored": 7})
    run = IndexRun(2, id=8, created_at=day(3))
    view = to_json(IndexView.of(IndexStatus(summary, run)))
    assert view == {
        "id": 2,
        "source": "/s",
        "kind": "folder",
        "include": ["*.py"],
        "exclude": ["b*"],
        "files": 3,
        "snippets": 4,
        "commit": "0123abcd",
        "created_at": told(1),
        "updated_at": told(2),
        "problems": {"too_long": 5},
        "skipped": summary.skipped,
        "run": to_json(RunView.of(run)),
        "sync_every": 600,
        "submodules": True,
    }
    plain = index_of(source=Source(SourceKind.FOLDER, "/s"), sync_every=None)
    empty = IndexStatus(IndexSummary(plain, 0, 0), None)
    view = to_json(IndexView.of(empty))
    assert (view["run"], view["why_empty"]) == (None, "the folder is empty")
    assert {"submodules", "sync_every", "unsearched", "bytes", "left_out"}.isdisjoint(view)
    queue = overview()
    assert to_json(IndexesView.of([empty], queue)) == {
        "indexes": [view],
        "queue": to_json(QueueView.of(queue)),
    }
    assert to_json(IndexesView.of([empty], queue, with_queue=False)) == {"indexes": [view]}
    assert to_json(OneIndexView.of(empty).with_standing(()))["standing"] == []
    sizes = SizesView.of(Sizes(1, 2, 3, 4, {}), 5)
    assert to_json(sizes) == {"database": 1, "keyword": 2, "vectors": 3, "clones": 4, "freeable": 5}


def overview(**changes: Any) -> QueueOverview:
    given: dict[str, Any] = {
        "paused_since": day(4),
        "workers": ["ada"],
        "running": {TaskType.SYNC: 2, "DREAM": 1},
        "waiting": [31, 32],
        **changes,
    }
    rules = ClaimRules(QueueOrder.RUN_FIRST, {TaskType.ENRICH: 1})
    return QueueOverview(day(5), rules, **given)


def test_the_queue() -> None:
    assert to_json(QueueView.of(overview(rules_differ=True))) == {
        "paused_since": told(4),
        "order": "run_first",
        "limits": {"ENRICH": 1},
        "workers_differ": True,
        "workers": ["ada"],
        "running": 3,
        "running_by_type": {"SYNC": 2, "DREAM": 1},
        "waiting": 2,
    }
    assert not QueueView.of(overview()).workers_differ


def test_a_run_with_its_tasks() -> None:
    about = ErrorAbout("clone_damaged", {"source": "x"})
    task = Task(
        *(TaskType.SYNC, 10, {}),
        id=31,
        state=TaskState.FAILED,
        claim_no=3,
        worker="ada",
        failures=2,
        available_at=day(2),
        started_at=day(3),
        finished_at=day(4),
        error="no",
        progress=TaskProgress("reading", 5, 50),
        work={"files_parsed": 6},
        error_about=about,
    )
    attempts = [
        TaskAttempt(31, 1, "ada", day(3), day(4), AttemptOutcome.FAILED, "no", about),
        TaskAttempt(31, 2, "bob", day(5), None, None, None),
    ]
    run = IndexRun(
        *(2, RunState.FAILED),
        is_follow_up=True,
        cancel_requested=True,
        id=8,
        created_at=day(1),
        started_at=day(2),
        finished_at=day(6),
        tasks=[task],
    )
    reason = overview().why(task, run)
    view = to_json(RunView.of(run, overview(), {31: attempts}))
    [shown] = view.pop("tasks")
    assert view == {
        "id": 8,
        "index_id": 2,
        "state": "failed",
        "is_follow_up": True,
        "is_user_initiated": run.is_user_initiated,
        "cancel_requested": True,
        "created_at": told(1),
        "started_at": told(2),
        "finished_at": told(6),
    }
    error = {"error": "no", "error_code": "clone_damaged", "error_fields": {"source": "x"}}
    times = {"started_at": told(3), "finished_at": told(4)}
    work = shown.pop("work")
    assert (work["files_parsed"], sum(work.values())) == (6, 6)
    assert shown == {
        "id": 31,
        "type": "SYNC",
        "state": "failed",
        "priority": 10,
        "attempts": 3,
        "failures": 2,
        "worker": "ada",
        "available_at": told(2),
        **times,
        **error,
        "progress": {"operation": "reading", "current": 5, "total": 50},
        "reason": str(reason),
        "reason_code": reason.code,
        "reason_fields": dict(reason.fields),
        "history": [
            {
                "task_id": 31,
                "claim_no": 1,
                "worker": "ada",
                **times,
                "outcome": "failed",
                **error,
            },
            {
                "task_id": 31,
                "claim_no": 2,
                "worker": "bob",
                "started_at": told(5),
                "finished_at": None,
                "outcome": None,
                "error": None,
            },
        ],
    }
    assert (reason.code, dict(reason.fields)) == ("run_failed", {"run": 8})
    bare = to_json(TaskView.of(Task("DREAM", 1, {}, error_about=ErrorAbout("lease_lost"))))
    assert (bare["type"], bare["error_code"]) == ("DREAM", "lease_lost")
    optional = {"reason", "reason_code", "reason_fields", "history", "error_fields"}
    assert optional.isdisjoint(bare)
    user = IndexRun.create(2, QueuePriority.USER_INITIATED, day(1))
    assert [RunView.of(one).is_user_initiated for one in (user, IndexRun(2))] == [True, False]
