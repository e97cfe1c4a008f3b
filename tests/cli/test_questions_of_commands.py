"""From typed arguments to the question: every option of every reading command."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import typer

from kodit.application.services.source_service import IndexRequest
from kodit.application.views.description import DescriptionsView
from kodit.application.views.files import FilesView, GrepView, OutlineView, SymbolsView
from kodit.application.views.indexes import IndexesView
from kodit.application.views.left_out import LeftOutsView
from kodit.application.views.map import MapView
from kodit.application.views.search import RelatedView, SearchView
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.questions import (
    WAIT_SECONDS,
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
from kodit.domain.value_objects import SearchMode, SymbolKind
from kodit.faces.cli.app import app
from kodit.faces.cli.commands.options import KINDS, CommandContext, Serve
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal import (
    doctor,
    files,
    grepping,
    indexing,
    queue,
    searching,
    status,
)
from kodit.faces.cli.terminal.grepping import GrepMode
from kodit.faces.cli.terminal.searching import Shown
from kodit.settings import Settings

SOME = Where(("s",), languages=("c", "go"), paths=("a*", "b*"))
OF_SOME = "-s s -l c -l go --path 'a*' --path 'b*'"
ALL = Where(everywhere=True)


class Noted(BaseException):
    """Records the question instead of answering it."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which is empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KODIT_DATA_DIR", str(tmp_path / "data"))

    def ask(_session: Session, question: object, _view: object) -> Any:
        raise Noted(question)

    monkeypatch.setattr(Session, "ask", ask)
    return tmp_path


def asked(line: str) -> Any:
    command: Any = typer.main.get_command(app)
    with pytest.raises(Noted) as noted:
        command.main(shlex.split(line), standalone_mode=False)
    return noted.value.args[0]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("line", "question"),
    [
        (
            f"search 'a b' {OF_SOME} --author ada --author bob --kind class --kind method -m code "
            "-n 3 --offset 4 --budget 5 --created-after 2026-01-02 --created-before 2026-03-04",
            SearchQuestion(
                "a b",
                Where(
                    *(("s",), False, ("c", "go"), ("a*", "b*"), ("ada", "bob")),
                    datetime(2026, 1, 2, tzinfo=UTC),
                    datetime(2026, 3, 4, tzinfo=UTC),
                ),
                SearchMode.CODE,
                (SymbolKind.CLASS, SymbolKind.METHOD),
                limit=3,
                offset=4,
                budget=5,
                wait=WAIT_SECONDS,
            ),
        ),
        ("search x --all", SearchQuestion("x", ALL, wait=WAIT_SECONDS)),
        (
            f"grep x y {OF_SOME} -i -F -w -v -o -C 1 -B 2 -A 3 -n 4",
            GrepQuestion(
                "x",
                Where(("y", "s"), languages=("c", "go"), paths=("a*", "b*")),
                ignore_case=True,
                fixed_strings=True,
                whole_words=True,
                inverted=True,
                only_matching=True,
                context=1,
                before=2,
                after=3,
                limit=4,
            ),
        ),
        ("grep x --all", GrepQuestion("x", ALL, limit=100)),
        ("grep -e x -e y -e z s", GrepQuestion("x", Where(("s",)), more_patterns=("y", "z"))),
        ("grep x --files -o -C 3 -A 1 -B 1", GrepQuestion("x", Where(), one_per_file=True)),
        ("grep x -c -o -C 3", GrepQuestion("x", Where(), limit=100_000)),
        ("grep x -c -n 7", GrepQuestion("x", Where(), limit=7)),
        (
            f"ls {OF_SOME} 'c*'",
            FilesQuestion(Where(("s",), False, ("c", "go"), ("a*", "b*", "c*"))),
        ),
        ("ls 1 'c*' d", FilesQuestion(Where(("1",), paths=("c*", "d")))),
        ("ls 1 .", FilesQuestion(Where(("1", ".")))),
        ("ls --all d", FilesQuestion(Where(everywhere=True, paths=("d",)))),
        ("ls 1 --left-out", LeftOutQuestion(Where(("1",)))),
        ("read 1 a.py -s 2 -s 3", ReadQuestion("a.py", Where(("1", "2", "3")))),
        ("read a.py:3-4 --all", ReadQuestion("a.py:3-4", ALL)),
        ("explain 1 a.py -s 2", ExplainQuestion("a.py", Where(("1", "2")))),
        ("explain a.py --all", ExplainQuestion("a.py", ALL)),
        ("outline 1 a.py -s 2", OutlineQuestion("a.py", Where(("1", "2")))),
        ("outline a.py --all", OutlineQuestion("a.py", ALL)),
        (
            f"symbols x y {OF_SOME} --kind class --kind enum -n 3 --callees",
            SymbolsQuestion(
                "x",
                Where(("y", "s"), languages=("c", "go"), paths=("a*", "b*")),
                ("class", "enum"),
                3,
                "callees",
            ),
        ),
        *(
            (f"symbols x --all --{uses}", SymbolsQuestion("x", ALL, (), 50, uses))
            for uses in ("callers", "callees", "implementations", "imports")
        ),
        ("symbols x", SymbolsQuestion("x", Where(), (), 50)),
        (
            "related 1 a.py:3 -l c --path 'a*' -n 4 --all",
            RelatedQuestion("a.py:3", Where(("1",), False, ("c",), ("a*",)), True, limit=4),
        ),
        ("related a.py:3 -s 2", RelatedQuestion("a.py:3", Where(("2",)), False, limit=10)),
        (f"map {OF_SOME} --budget 300", MapQuestion(SOME, 300)),
        ("map x --all", MapQuestion(Where(("x",), everywhere=True), 1_500)),
        (
            f"describe usage x.y {OF_SOME} --budget 300",
            DescribeQuestion(DescriptionKind.USAGE, "x.y", SOME, 300),
        ),
        (
            "describe Interface 7",
            DescribeQuestion(DescriptionKind.INTERFACE, "", Where(("7",))),
        ),
        (
            "describe commit 7 HEAD~1",
            DescribeQuestion(DescriptionKind.COMMIT, "HEAD~1", Where(("7",))),
        ),
        (
            "describe overview .",
            DescribeQuestion(DescriptionKind.OVERVIEW, "", Where((".",))),
        ),
        (
            "describe schema /no/such/place",
            DescribeQuestion(DescriptionKind.SCHEMA, "/no/such/place"),
        ),
        ("status", StatusQuestion()),
        ("status x y", StatusQuestion("x")),
        ("queue list", QueueQuestion(everything=False, limit=50)),
        ("queue list --all -n 3", QueueQuestion(everything=True, limit=3)),
        ("queue show 7", RunQuestion(7)),
    ],
)
def test_the_question_of_each_command(line: str, question: object) -> None:
    assert asked(line) == question


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("symbols x --callers --imports", "--callers and --imports exclude each other"),
        ("describe usage a b c", "takes a source and a subject; put words in quotes"),
        ("ls --left-out --files", "lists indexed files alone"),
        ("ls --left-out -l c", "applies to indexed files alone"),
        ("grep -l c", "-l is --language, and --files shows file names"),
        ("grep", "is missing: a regular expression in RE2 syntax"),
        ("read a b c", "takes a source and a path, or only a path, not 3 of them"),
    ],
)
def test_invalid_questions(line: str, sentence: str) -> None:
    command: Any = typer.main.get_command(app)
    with pytest.raises(typer.BadParameter) as refused:
        command.main(shlex.split(line), standalone_mode=False)
    assert sentence in str(refused.value.message)


def test_the_help_names_every_kind_of_definition() -> None:
    assert KINDS.replace(" or ", ", ").split(", ") == list(SymbolKind)


def handed(
    line: str, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments that a command passes to the printing function, without the session."""

    def note(*arguments: Any, **options: Any) -> Any:
        raise Noted(arguments, options)

    monkeypatch.setattr(module, name, note)
    command: Any = typer.main.get_command(app)
    with pytest.raises(Noted) as noted:
        command.main(shlex.split(line), standalone_mode=False)
    arguments, options = noted.value.args
    return arguments[1:], options


@pytest.mark.usefixtures("folder")
def test_output_options_of_results(monkeypatch: pytest.MonkeyPatch) -> None:
    (_options, shown), options = handed(
        "search x --lines 3 -C 2 --files --explain", monkeypatch, searching, "search_and_show"
    )
    assert (shown, options) == (Shown(3, 2, only_files=True), {"explain": True})
    (_options, shown), options = handed(
        "search x --json", monkeypatch, searching, "search_and_show"
    )
    assert (shown, options) == (Shown(as_json=True), {"explain": False})
    line = "related a:3 --lines 3 --files --jsonl"
    (_question, shown), _options = handed(line, monkeypatch, files, "related_and_show")
    assert shown == Shown(3, only_files=True, as_json_lines=True)
    line = "ls --files --json"
    assert handed(line, monkeypatch, files, "list_and_show")[1] == {
        "only_paths": True,
        "as_json": True,
    }
    for flags, mode in (("-c --files", GrepMode.COUNT), ("--files", GrepMode.FILES)):
        arguments, options = handed(f"grep x {flags}", monkeypatch, grepping, "grep_and_show")
        assert (arguments[1], options) == (mode, {"as_json": False})


@pytest.mark.usefixtures("folder")
def test_the_request_of_an_index_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def given(line: str) -> tuple[IndexRequest, dict[str, Any]]:
        (request,), options = handed(line, monkeypatch, indexing, "index_and_show")
        return request, options

    assert given("index a b") == (IndexRequest(["a", "b"]), {"wait": None, "as_json": False})
    line = "index a --include x --include y --exclude z --credentials env:T --sync-every 10m"
    assert given(f"{line} --submodules --yes --no-wait --json") == (
        IndexRequest(
            *(["a"], ("x", "y"), ("z",), "env:T"),
            sync_every=600,
            submodules=True,
            even_if_broad=True,
        ),
        {"wait": False, "as_json": True},
    )
    request, _options = given("index a --include '' --no-submodules --sync-every default")
    assert (request.include, request.exclude, request.submodules) == ((), None, False)
    assert request.sync_every == "default"


@pytest.mark.usefixtures("folder")
def test_arguments_of_other_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    for line, module, name, expected in (
        ("status", status, "show_indexes", (((),), {"as_json": False, "with_left_out": False})),
        (
            "status a --left-out --json",
            *(status, "show_indexes", ((["a"],), {"as_json": True, "with_left_out": True})),
        ),
        ("status a --watch", status, "watch_indexes", ((["a"],), {"as_json": False})),
        ("delete a b", status, "delete_indexes", ((["a", "b"],), {})),
        ("doctor", doctor, "check_and_show", ((), {"repair": False, "as_json": False})),
        (
            "doctor --repair --json",
            doctor,
            "check_and_show",
            ((), {"repair": True, "as_json": True}),
        ),
        ("queue retry 7 --json", queue, "retry_run", ((7,), {"as_json": True})),
        ("queue cancel 7", queue, "cancel_run", ((7,), {"as_json": False})),
        ("queue pause --json", queue, "pause_queue", ((), {"as_json": True})),
        ("queue resume", queue, "resume_queue", ((), {"as_json": False})),
    ):
        assert handed(line, monkeypatch, module, name) == expected, line


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("serve", ("127.0.0.1", 8321, None, None)),
        ("serve --host ::1 --port 0 --workers 3", ("::1", 0, 3, None)),
        ("serve --no-tcp --no-worker --idle-minutes 2.5", (None, 8321, 0, 2.5)),
    ],
)
def test_how_to_serve(line: str, told: tuple[Any, ...]) -> None:
    found: list[Any] = []

    def serve(_settings: object, **options: Any) -> None:
        found.append(tuple(options[name] for name in ("host", "port", "workers", "idle_minutes")))

    command: Any = typer.main.get_command(app)
    command.main(
        shlex.split(line), standalone_mode=False, obj=CommandContext(serve=cast(Serve, serve))
    )
    assert found == [told]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("line", "answer", "status"),
    [
        ("outline a.py", OutlineView(1, "/s", "a", None, "c", 1, (), ()), 1),
        ("map", MapView(1, (), 0, ()), 1),
        ("map", MapView(1, (), 0, (), ("wrong",)), 2),
        ("describe overview", DescriptionsView("overview", "", 1, (), ()), 1),
        ("describe overview", DescriptionsView("overview", "", 1, (), (), ("wrong",)), 2),
        ("ls", FilesView((), (), None), 1),
        ("ls", FilesView((), (), None, ("wrong",)), 2),
        ("grep x", GrepView("x", (), 0, True, (), (), None), 1),
        ("grep x", GrepView("x", (), 0, True, ("wrong",), (), None), 2),
        ("symbols x", SymbolsView("x", (), (), True, (), None), 1),
        ("symbols x", SymbolsView("x", (), (), True, (), None, (), ("wrong",)), 2),
        ("related a:3", RelatedView("a:3", (), ()), 1),
        ("search x", SearchView("x", (), (), None), 1),
        ("search x", SearchView("x", (), (), None, ("wrong",)), 2),
        ("ls --left-out", LeftOutsView((), (), ()), 1),
    ],
)
def test_how_a_command_ends_that_finds_nothing(
    line: str, answer: object, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in `grep`, with another status if a source could not be searched."""
    monkeypatch.setattr(Session, "ask", lambda *_: answer)
    command: Any = typer.main.get_command(app)
    assert command.main(shlex.split(line), standalone_mode=False) == status


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"indexes": [], "queue": None, "sizes": None}, IndexesView(())),
        ({"indexes": "of another program"}, "its own"),
        (None, "its own"),
    ],
)
def test_questions_that_a_server_answers_differently(
    answer: object, found: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = SimpleNamespace(ask=lambda _question: answer, close=lambda: None)
    monkeypatch.setattr(Session, "_find_server", lambda _session: server)
    monkeypatch.setattr(Session, "_answer", lambda *_: "its own")
    with Session(Settings(data_dir=tmp_path)) as session:
        assert session.ask(StatusQuestion(), IndexesView) == found
