"""Exit statuses, the use of the two streams, and help."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.sources import write_file, write_tree

import kodit as package
from kodit import Kodit, UserError
from kodit.settings import Settings

COMMANDS = [[], ["index"], ["search"], ["queue"], ["queue", "retry"]]

MISTAKES = {
    "no such command": (["frobnicate"], "unknown command 'frobnicate'; the commands are "),
    "no such option": (["status", "--frobnicate"], "`kodit status` has no option --frobnicate"),
    "a source that looks like an option": (["index", "--", "--upload-pack=x"], "like an option"),
    "a transport": (["index", "ext::sh -c true"], "uses a git transport that is not allowed"),
    "a data directory without a name": (
        ["--data-dir", "", "status"],
        "the name of the data directory is empty",
    ),
    "no such mode": (["search", "x", "--mode", "magic"], "unknown mode 'magic'; choose one of"),
    "empty query": (["search", "  "], "the query is empty"),
    "no date": (
        ["search", "x", "--created-after", "yesterday"],
        "--created-after takes a date such as 2026-01-31, not 'yesterday'",
    ),
    "no option of the front": (
        ["--color", "never", "stdio", "--folder", "/a"],
        "stdio takes --data-dir and --folder, not /a",
    ),
    "no number": (["search", "x", "--limit", "many"], "--limit"),
    "no such index": (["status", "77"], "there is no index 77; `kodit status` lists the indexes"),
    "not indexed": (["delete", "/"], "/ is not indexed; `kodit index /` adds it"),
    "no such run": (["queue", "show", "77"], "there is no run 77; `kodit queue list` shows"),
    "nothing to retry": (["queue", "retry", "1"], "run 1 has succeeded; there is nothing to retry"),
    "nothing to cancel": (["queue", "cancel", "1"], "run 1 has already ended: succeeded"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_of_the_user(name: str, indexed: KoditCommand) -> None:
    """Exit status 2, a sentence that names it on standard error, nothing on standard output."""
    arguments, sentence = MISTAKES[name]

    outcome = indexed.run(*arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in " ".join("\n".join(outcome.said).split())


def test_an_invalid_setting(tmp_path: Path) -> None:
    """The variable is named."""
    outcome = KoditCommand(tmp_path, KODIT_WORKER_SLOTS="several").run("status")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.said == ["kodit: KODIT_WORKER_SLOTS must be a number, not 'several'"]


def test_a_data_directory_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused in every place, and not taken for the current folder. An empty variable counts
    as unset."""
    monkeypatch.chdir(tmp_path)
    for refused in (lambda: Kodit(""), lambda: Settings.load({"KODIT_DATA_DIR": " "})):
        with pytest.raises(UserError, match="the name of the data directory is empty"):
            refused()
    assert Settings.load({"KODIT_DATA_DIR": ""}).data_dir.name == ".kodit"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--data-dir", "{}", "search", "quartz"],
        ["search", "quartz", "--data-dir", "{}"],
        ["search", "--data-dir={}", "--", "quartz"],
        ["queue", "list", "--all", "--data-dir", "{}"],
    ],
    ids=" ".join,
)
def test_the_data_directory_before_and_behind_a_command(
    arguments: list[str], indexed: KoditCommand, tmp_path: Path
) -> None:
    """The option overrules the variable in either position."""
    elsewhere = KoditCommand(tmp_path / "other")

    outcome = elsewhere.run_here(*(argument.format(indexed.data_dir) for argument in arguments))

    assert outcome.code == 0
    assert "quartz.py" in outcome.out or "run 1 succeeded" in outcome.out
    assert not elsewhere.data_dir.exists()


def test_invalid_data_directories(indexed: KoditCommand) -> None:
    """The option needs a value, and after `--` it is ordinary text."""
    outcome = indexed.run_here("search", "quartz", "--data-dir")
    assert (outcome.code, outcome.out) == (2, "")
    assert "kodit: --data-dir needs a value" in outcome.err

    assert indexed.run_here("grep", "--", "--data-dir").code == 1


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(command: list[str], tmp_path: Path) -> None:
    """Every command explains itself, and touches nothing."""
    kodit = KoditCommand(tmp_path / "data")

    outcome = kodit.succeed(*command, "--help")

    assert outcome.err == ""
    usage = outcome.out.strip().partition("\n")[0]
    assert f"kodit {' '.join([*command, '['])}" in usage.replace("{", "[")
    assert not kodit.data_dir.exists()


def test_the_program_alone_shows_its_help(tmp_path: Path) -> None:
    """And that it was told nothing to do."""
    kodit = KoditCommand(tmp_path / "data")

    shown = kodit.run_here("--help")

    assert shown.code == 0
    assert kodit.run_here() == shown._replace(code=2)


@pytest.mark.parametrize("columns", [30, 40, 49, 50, 51, 52])
@pytest.mark.parametrize("command", ["", "search", "grep", "queue", "queue list", "symbols"])
def test_help_on_a_narrow_terminal(command: str, columns: int, tmp_path: Path) -> None:
    """No line is longer than the terminal is wide."""
    kodit = KoditCommand(tmp_path / "data", COLUMNS=str(columns))

    usage, _, shown = kodit.run_here(*command.split(), "--help").out.partition("\n\n")

    assert usage.startswith("Usage: ")  # and how this program was started
    assert [line for line in shown.splitlines() if len(line) > columns] == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("help", "--help"),
        ("help search", "search --help"),
        ("--color never help ls", "ls --help"),
        ("help queue list", "queue list --help"),
        ("queue help list", "queue list --help"),
    ],
)
def test_help_as_a_command(typed: str, meant: str, tmp_path: Path) -> None:
    """As in git and other programs."""
    kodit = KoditCommand(tmp_path / "data")

    assert kodit.run_here(*typed.split()) == kodit.run_here(*meant.split())
    assert kodit.run_here("search", "help").code != 0  # which is a query


@pytest.mark.parametrize("typed", ["queue", "queue --all", "queue --json", "keys", "keys --json"])
def test_a_group_without_a_command_lists(typed: str, indexed: KoditCommand) -> None:
    """`list` is the usual purpose of such a group."""
    group, *options = typed.split()

    alone = indexed.run_here(group, *options)

    assert alone.code == 0
    listed = indexed.run_here(group, "list", *options)
    assert _without_ages(alone.out) == _without_ages(listed.out)
    assert alone.err == listed.err


def test_the_installed_command() -> None:
    """`kodit` itself, as pip has installed it."""
    script = Path(sys.executable).with_name("kodit")

    for way in ("version", "--version"):
        done = subprocess.run([script, way], capture_output=True, check=True, text=True)
        assert done.stdout == f"{package.__version__}\n"


INTERRUPTED_WHILE_LOADING = """
import sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "kodit.faces.cli.app":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
sys.argv = ["kodit", "status"]
from kodit.cli import main
main()
"""


def test_an_interruption_before_the_command_is_loaded() -> None:
    """No traceback is shown."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_LOADING],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "kodit: interrupted\n")


def test_a_data_directory_inside_the_folder_that_is_indexed(tmp_path: Path) -> None:
    """Kodit's own files in it do not count as changes of the folder."""
    write_tree(tmp_path / "code", files=1)
    kodit = KoditCommand(tmp_path / "code" / "data", KODIT_WORK_LOG=str(tmp_path / "work"))
    for _ in range(2):
        kodit.succeed("index", tmp_path / "code")

    (index,) = kodit.ask("status")["indexes"]
    assert index["files"] == 1
    assert [task["state"] for task in index["run"]["tasks"]] == ["succeeded", *["skipped"] * 4]


def test_text_for_people(indexed: KoditCommand) -> None:
    """Places and names, with terminal control characters escaped."""
    found = indexed.succeed("search", "quartz").out
    assert "deep/quartz.py:1-" in found
    assert r"evil\x1b[2J\nname.py:1-" in found
    assert "\x1b" not in found

    status = indexed.succeed("status")
    assert status.out.startswith("[1] "), "of a queue that rests nothing is said"
    assert "6 files, " in status.out
    assert "4 files, " in status.out
    assert status.err == ""

    runs = indexed.succeed("queue", "list", "--all").out
    assert "run 1 succeeded" in runs


def test_what_a_task_did_is_counted_in_words(kodit: KoditCommand, tmp_path: Path) -> None:
    """With singular and plural."""
    write_tree(tmp_path / "source", files=1)
    kodit.run_here("index", tmp_path / "source")

    done = kodit.run_here("queue", "show", "1").out

    assert "1 file parsed, " in done
    assert " keywords indexed" in done


def test_a_terminal_without_unicode(indexed: KoditCommand) -> None:
    """Characters that it cannot show are escaped."""
    narrow = KoditCommand(indexed.data_dir, PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert "run 1 succeeded" in narrow.succeed("queue", "show", "1").out


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("search --all quartz --json", 0),
        ("grep --all quartz", 0),
        ("grep --all nothing_like_it", 1),
        ("read --all deep/quartz.py", 0),
        ("status", 0),
    ],
)
def test_a_closed_pipe_is_not_an_error(command: str, code: int, indexed: KoditCommand) -> None:
    """The command ends without a message."""
    process = indexed.start(*command.split())
    assert process.stdout is not None
    process.stdout.close()
    with process:
        assert process.stderr is not None
        said = process.stderr.read()

    assert process.returncode == code
    assert said == ("Nothing found in 10 files.\n" if code else "")


def test_a_closed_pipe_of_both_streams(indexed: KoditCommand) -> None:
    """As in `2>&1 | head`, where messages follow the output: only the output counts."""
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(
        [sys.executable, "-m", "kodit", "grep", "quartz", "-n", "1"],
        env=indexed.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=writing,
        text=True,
    )
    os.close(writing)
    printed, _ = process.communicate()

    assert process.returncode == 0
    assert len(printed.splitlines()) == 1


def test_a_pipe_closed_during_output(kodit: KoditCommand, tmp_path: Path) -> None:
    """More is printed than fits into a pipe."""
    write_file(tmp_path / "folder" / "long.txt", "quartz\n" * 30_000)
    kodit.succeed("index", tmp_path / "folder")
    process = kodit.start("grep", "quartz", "-n", "30000", "--all")
    assert process.stdout is not None
    assert process.stdout.readline().endswith("long.txt:1:quartz\n")
    process.stdout.close()
    with process:
        assert process.stderr is not None
        said = process.stderr.read()

    assert process.returncode == 0
    assert said == ""


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
def test_closed_standard_streams(
    closed: tuple[int, ...], kodit: KoditCommand, tmp_path: Path
) -> None:
    """The work is done without output, and no file gets the number of a closed stream."""
    write_tree(tmp_path / "source", files=4)

    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    outcome = kodit.run("index", tmp_path / "source", preexec_fn=close)

    assert outcome.code == 0, outcome
    assert all(line.startswith("[1] ") for line in outcome.said)
    assert kodit.run("search", "quartz", preexec_fn=close).code == 1
    assert kodit.status()["run"]["state"] == "succeeded"
    assert kodit.succeed("doctor").err == "No problems were found.\n"


def test_an_empty_data_directory(kodit: KoditCommand) -> None:
    """Empty answers are not failures, and give advice."""
    assert kodit.succeed("status").err.startswith("Nothing is indexed yet; `kodit index SOURCE`")
    searched = kodit.run("search", "quartz")
    assert (searched.code, searched.out) == (1, "")
    assert kodit.succeed("queue", "list").err == "The queue is empty, and no run has failed.\n"


def test_queue_then_work_then_delete(kodit: KoditCommand, tmp_path: Path) -> None:
    """The life of an index: queued, cancelled, retried, indexed, deleted."""
    folder = tmp_path / "source"
    write_tree(folder, files=2)
    assert "Queued" in kodit.succeed("index", folder, "--no-wait").err
    assert "run 1 cancelled" in kodit.succeed("queue", "cancel", "1").err
    assert "run 1 queued" in kodit.succeed("queue", "retry", "1").err

    kodit.succeed("index", folder)

    run = kodit.status()["run"]
    assert (run["id"], run["state"]) == (1, "succeeded"), "the request joins what is queued"
    outcome = kodit.succeed("delete", folder)
    assert outcome.out == ""
    assert outcome.said == [f"Deleted index 1 of {folder}."]
    assert kodit.run("delete", folder).code == 2


def _without_ages(text: str) -> str:
    """What is said, whenever it is said."""
    return re.sub(r"\d+ s ago", "just now", text)
