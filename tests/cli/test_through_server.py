"""One-shot commands beside a server of the data directory: the answers do not differ."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import NamedTuple

import pytest
from tests.cli.conftest import HOSTILE
from tests.cli.test_imports import ALWAYS_UNUSED, SERVING, imported
from tests.support.command import PATIENCE_SECONDS, KoditCommand, Outcome, succeeded
from tests.support.server import RunningServer
from tests.support.sources import (
    commit_all,
    python_function,
    wait_until_old,
    write_file,
    write_tree,
)

from kodit.composition import Application
from kodit.faces.cli import resident
from kodit.infrastructure.resident.connecting import connect

COMMANDS = [
    "search quartz",
    "search quartz --all",
    "search quartz --json",
    "search quartz -n 1 --explain",
    "search quartz -n 1 --json --explain",
    "search quartz -s 1 -s 2 -l python -p deep/ --kind function --lines 1",
    "search quartz --created-after 2020-01-01 --created-before 2999-01-01 --author nobody",
    "search quartz --mode keyword --explain",
    "search quartz --path deep/ --budget 1",
    "search quartz --path deep/ --offset 9",
    "search quartz --path nothing/**",
    "search quartz --path deep/ --kind enum",
    "search quartz --mode sideways",
    "search quartz -s 99",
    "search quartz -s nowhere/at/all",
    "search quartz -s .",
    "search quartz -s deep",
    "search quartz -s ''",
    "search quartz --limit 0",
    "grep quartz",
    "grep quartz --all --json",
    "grep QUARTZ -i -C 1 -n 2",
    "grep nothing-is-like-this",
    "grep '(' 1",
    "grep '(' 1 -F",
    "grep quartz 2 --path nothing/",
    "ls",
    "ls --all",
    "ls 1",
    "ls 1 deep/* --json",
    "ls . --language cobol",
    "read 1 deep/quartz.py",
    "read 1 deep/quartz.py:1-2 --json",
    "read 1 deep/quartz.py:9-1",
    "read 1 nothing.py",
    "read . nothing.py",
    "symbols quartz",
    "symbols quartz --all --json",
    "symbols nothing_is_called_this",
    "symbols quartz --kind sideways",
    "related 1 deep/quartz.py:1",
    "related 1 deep/quartz.py:1 --all --json -n 3",
    "related 1 deep/quartz.py:9999",
    "related nowhere deep/quartz.py:1",
    "ls deep/quartz.py",
    "ls -s 1 -s 2 deep/* lines.py",
    "ls --all *.py",
    "grep quartz -s 1 -s 2 -n 3",
    "symbols quartz -s 1",
    "read deep/quartz.py:1",
    "read ./deep/quartz.py:1 --all",
    "read shared.py",
    "read shared.py --all",
    "read shared.py -s 2 --json",
    "read 1 2 3",
    "related deep/quartz.py:1 -n 1",
    "status",
    "status --json",
    "status 2",
    "status .",
    "status nowhere",
    "queue list",
    "queue list --all -n 1",
    "queue list --all --json",
    "queue show 1",
    "queue show 2 --json",
    "queue show 99",
]
READING = ["search quartz", "read 1 deep/quartz.py", "status"]
UNUSED = {"asyncio", "sqlalchemy", "numpy", "tantivy", "rich", "logging", "http", "email"}
HOSTILE_COMMANDS = [["read", "1", HOSTILE], ["grep", "\udcff"], ["search", "\x1b[2J\udcff"]]


class Seen(NamedTuple):
    """The results of the same commands without and with a server, and the imports of some of them;
    and of `ls 1` run by a program of another version while the server was busy, while it was idle,
    and after it had left its socket."""

    alone: dict[str, Outcome]
    served: dict[str, Outcome]
    imports: dict[str, set[str]]
    with_other_settings: Outcome
    by_other_version: Outcome
    when_idle: Outcome
    with_dead_socket: Outcome
    own_work: int
    server_pid: int
    server_code: int


def written(line: str) -> list[str]:
    """The words of a shell line."""
    return [word.strip("'") for word in line.split()]


ALL_COMMANDS = [*map(written, COMMANDS), *HOSTILE_COMMANDS]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """The current folder is in index 1, a folder; index 2 is a repository."""
    place = tmp_path_factory.mktemp("served")
    for name in ("folder", "repository"):
        write_tree(place / name, files=3)
        write_file(place / name / "shared.py", "shared = 1\n")
    write_file(place / "folder" / "deep" / "quartz.py", python_function("quartz", "a b c".split()))
    write_file(place / "folder" / HOSTILE, python_function("evil", "quartz b c".split()))
    commit_all(place / "repository")
    kodit = KoditCommand(place / "data")
    kodit.succeed("index", place / "folder", (place / "repository").as_uri())
    # Then no file is as young as the scan, so that a server has no reason to ask for another one.
    wait_until_old(place / "folder")
    succeeded(kodit.run_here("index", place / "folder"))
    own_work: list[Application] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place / "folder")
        alone = {" ".join(words): kodit.run_here(*words) for words in ALL_COMMANDS}
        with RunningServer(kodit, "--no-tcp", "--no-worker", "--idle-minutes", "60") as server:
            with pytest.MonkeyPatch.context() as only_served:
                only_served.setattr(Application, "open", _refuse_to_open)
                served = {" ".join(words): kodit.run_here(*words) for words in ALL_COMMANDS}
            imports = {line: imported(kodit, *written(line)) for line in READING}
            patch.setattr(Application, "open", _opening(own_work))
            others = KoditCommand(kodit.data_dir, KODIT_MAX_FAILURES="7").run_here("ls", "1")
            patch.setattr(resident, "VERSION", "9.9")
            client = connect(kodit.data_dir)
            assert client is not None
            with client:
                by_other_version = kodit.run_here("ls", "1")
            assert server.process.poll() is None
            when_idle = kodit.run_here("ls", "1")
            code = server.process.wait(PATIENCE_SECONDS)
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(str(kodit.data_dir / "server.sock"))
            with_dead_socket = kodit.run_here("ls", "1")
            return Seen(
                alone,
                served,
                imports,
                others,
                by_other_version,
                when_idle,
                with_dead_socket,
                len(own_work),
                server.process.pid,
                code,
            )


def _refuse_to_open(_self: Application) -> None:
    raise AssertionError("the command has done itself what the server is there for")


def _opening(opened: list[Application]) -> Callable[[Application], None]:
    """Records the opening of applications."""
    really_open = Application.open

    def open_and_note(application: Application) -> None:
        opened.append(application)
        really_open(application)

    return open_and_note


def timeless(outcome: Outcome) -> Outcome:
    """Without ages and the size of the database's files."""
    out = re.sub(r"\d+ (s|min) ago", "0 s ago", outcome.out)
    out = re.sub(r'"(database|keyword|freeable)": \d+', r'"\1": 0', out)
    return outcome._replace(out=re.sub(r"^On disk: .*$", "", out, flags=re.MULTILINE))


@pytest.mark.parametrize("command", [" ".join(words) for words in ALL_COMMANDS], ids=ascii)
def test_an_answer(command: str, seen: Seen) -> None:
    """Standard output, standard error and exit code are the same."""
    assert timeless(seen.served[command]) == timeless(seen.alone[command])


def test_the_commands_do_differ(seen: Seen) -> None:
    """They include results, empty answers and mistakes."""
    outcomes = seen.alone.values()

    assert sum(outcome.code == 0 and outcome.out != "" for outcome in outcomes) > 20
    assert sum(outcome.code == 1 and outcome.out == "" for outcome in outcomes) > 5
    assert sum(outcome.code == 2 and outcome.err != "" for outcome in outcomes) > 10


def test_which_index_is_meant(seen: Seen) -> None:
    """Without a source, the index that holds the current folder, which is reported; with --all,
    every index, where a path may name several files."""
    here = seen.alone["read shared.py"]
    everywhere = seen.alone["read shared.py --all"]

    assert here.out == "shared = 1\n"
    assert [line.endswith("; --all searches every index.") for line in here.said] == [True]
    assert (everywhere.code, everywhere.out) == (2, "")
    assert "several indexes have a file 'shared.py'; name one of them: " in everywhere.err
    assert seen.alone["read ./deep/quartz.py:1 --all"].err == ""
    assert seen.alone["ls deep/quartz.py"].out.split()[-1] == "deep/quartz.py"
    assert seen.alone["read 1 2 3"].code == 2


def test_a_program_with_other_settings(seen: Seen) -> None:
    """Its answers could differ, so the command does the work itself, silently."""
    assert seen.with_other_settings == seen.alone["ls 1"]


def test_which_process_does_the_work(seen: Seen) -> None:
    """The command itself, if no server of the same program answers: all four times."""
    assert seen.own_work == 4


def test_a_busy_server_of_another_version(seen: Seen) -> None:
    """It is reported and stays; the command does the work itself."""
    assert seen.by_other_version.out == seen.alone["ls 1"].out
    [sentence] = seen.by_other_version.said
    assert sentence.endswith("is not used: 1 client is connected")
    assert f"(process {seen.server_pid}) is version" in sentence


def test_an_idle_server_of_another_version(seen: Seen) -> None:
    """It ends, and the command does the work itself."""
    assert seen.when_idle == seen.alone["ls 1"]
    assert seen.server_code == 0


def test_a_socket_that_nobody_listens_at(seen: Seen) -> None:
    assert seen.with_dead_socket == seen.alone["ls 1"]


@pytest.mark.parametrize("command", READING)
def test_modules_that_a_command_does_not_import(command: str, seen: Seen) -> None:
    """The services that find answers, and the client of a remote server."""
    assert "kodit" in seen.imports[command]
    assert seen.imports[command] & (UNUSED | SERVING | ALWAYS_UNUSED) == set()
