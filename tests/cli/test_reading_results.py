"""Results for people: colours, places, and as much as fits the screen."""

from __future__ import annotations

import json
import os
import pty
import sys
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.command import KoditCommand, Outcome, succeeded
from tests.support.sources import python_function, write_file

from kodit.application.views.search import ResultView
from kodit.faces.cli.terminal import screen
from kodit.faces.cli.terminal.pager import paged
from kodit.faces.cli.terminal.paint import matches_of, painted, words_of
from kodit.faces.cli.terminal.places import Places
from kodit.faces.cli.terminal.results import (
    LINES,
    Layout,
    _fitting,
    around_best,
    best_window,
    lines_that_fit,
)
from kodit.faces.cli.terminal.screen import Color

QUARTZ = ("search", "quartz", "--path", "deep/")


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No colour or pager options, before and after a test."""
    for name in ("NO_COLOR", "FORCE_COLOR", "PAGER", "KODIT_PAGER", "LESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    screen.configure()
    yield
    screen.configure()


# As much as the screen shows


@pytest.mark.parametrize(
    ("lengths", "rows", "shown"),
    [
        ([9, 9, 9], 60, [LINES, LINES, LINES]),
        ([9, 9, 9], 11, [LINES, 1, 1]),
        ([9, 9, 9], 13, [LINES, 3, 1]),
        ([9, 9, 9], 7, [4, 0, 0]),
        ([2, 9, 9], 8, [2, 2, 1]),
        ([9, 9, 9], 2, [0, 0, 0]),
        ([0, 1], 9, [0, 1]),
        ([], 9, []),
    ],
)
def test_the_best_result_has_most_of_the_screen(
    lengths: list[int], rows: int, shown: list[int]
) -> None:
    """Each other result then gets one line, and then more."""
    assert lines_that_fit(lengths, rows) == shown


def test_the_lines_that_answer() -> None:
    """The first window with the most words."""
    text = ["def f():", "  quartz()", "", "  opal()", "  quartz(opal)", ""]
    find = words_of("quartz opal")
    assert best_window(text, 1, find) == range(4, 5)
    assert best_window(text, 3, find) == range(1, 4)
    assert best_window(text, 9, find) == range(6)
    assert best_window(text, 2, words_of("beryl")) == range(2)
    assert best_window(["Quartz quartz", "quartz opal"], 1, find) == range(1, 2)
    places = Places(None)
    result = ResultView(*(1, "/s", "a.py", None, 7, 12, "python", None, None, "", 0.5, "", False))
    for context, around in ((0, (11, text[4:5])), (1, (10, text[3:6])), (9, (7, text))):
        assert around_best(result, text, Layout(places, context=context, find=find)) == around


def test_a_path_that_takes_several_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves fewer of them to the text."""
    monkeypatch.setattr(screen, "size", lambda: (20, 9))
    assert _fitting(["x" * 20], [["y"] * 9], 0) == [5]
    assert _fitting(["x" * 50], [["y"] * 9], 0) == [3]
    assert _fitting(["x" * 20], [["y"] * 9], 1) == [4]


# Places


@pytest.mark.parametrize(
    ("folder", "shown"),
    [
        ("/code/app", "src/a.py"),
        ("/code/app/src", "a.py"),
        ("/code/app/docs", "../src/a.py"),
        ("/code", "app/src/a.py"),
        ("/", "code/app/src/a.py"),
        ("/code/app2", "/code/app/src/a.py"),
        ("/elsewhere", "/code/app/src/a.py"),
        (None, "src/a.py"),
    ],
)
def test_a_place_relative_to_the_current_folder(folder: str | None, shown: str) -> None:
    """If the source holds the current folder or lies in it; the absolute path elsewhere."""
    assert Places(folder).of("/code/app", "src/a.py") == shown
    assert Places(folder).of("https://example.org/r", "src/a.py") == "src/a.py"


def test_a_place_among_several_sources() -> None:
    """A path that can be opened is printed as it is; otherwise the source is named."""
    places = Places("/code", several=True)
    assert places.of("/code/app", "a.py") == "app/a.py"
    assert places.of("/other", "a\n.py") == r"/other/a\n.py"
    assert places.of("/my code", "docs/", 7) == "/my code/docs/"
    assert places.of("https://example.org/r", "a.py", 7) == "[7] a.py"
    assert Places(None, several=True).of("/other", "a.py") == "/other a.py"


# Colours


@pytest.mark.parametrize(
    ("color", "environment", "on_terminal", "off_terminal"),
    [
        (Color.AUTO, {}, True, False),
        (Color.AUTO, {"NO_COLOR": "1"}, False, False),
        (Color.AUTO, {"NO_COLOR": ""}, True, False),
        (Color.AUTO, {"FORCE_COLOR": "1"}, True, True),
        (Color.AUTO, {"FORCE_COLOR": "0"}, False, False),
        (Color.AUTO, {"FORCE_COLOR": "False"}, False, False),
        (Color.AUTO, {"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        (Color.AUTO, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        (Color.AUTO, {"TERM": "dumb"}, False, False),
        (Color.ALWAYS, {"NO_COLOR": "1"}, True, True),
        (Color.NEVER, {"FORCE_COLOR": "1"}, False, False),
    ],
)
def test_when_output_is_coloured(
    color: Color,
    environment: dict[str, str],
    on_terminal: bool,
    off_terminal: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command line comes first, then the environment, then the kind of output."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    screen.configure(color)
    assert screen.has_color(True) is on_terminal
    assert screen.has_color(False) is off_terminal


def test_code_in_the_colours_of_its_language() -> None:
    """With matches in any form highlighted, and cut to the width."""
    lines = ["def claim_next(self):", "    return 'claimed'  # CLAIMS"]
    screen.configure(Color.ALWAYS)
    find = words_of("how is it claimed")

    assert painted(lines, [0, 1], language="python", find=find) == [
        "\x1b[35mdef\x1b[m \x1b[1;31mclaim\x1b[m\x1b[1m_next\x1b[m(self):",
        "    \x1b[35mreturn\x1b[m \x1b[33m'\x1b[m\x1b[1;31mclaimed\x1b[m\x1b[33m'\x1b[m  "
        "\x1b[2m# \x1b[m\x1b[1;31mCLAIMS\x1b[m",
    ]
    assert painted(lines, [1], path="a.py", width=12) == [
        "    \x1b[35mreturn\x1b[m \x1b[33m…\x1b[m"
    ]
    assert painted(lines, [0], language="nothing") == [lines[0]]
    screen.configure(Color.NEVER)
    assert painted(lines, [1], language="python", find=find, width=12) == ["    return …"]
    assert painted(lines, [1], find=find, width=12, around=True) == ["…n 'claimed…"]
    at_the_end = matches_of("S$", fixed=False, ignore_case=False)
    assert painted(lines, [1], find=at_the_end, width=12, around=True) == ["…'  # CLAIMS"]


def test_matches_of_grep_are_highlighted() -> None:
    """By grep's own expressions."""
    assert list(matches_of("A+", fixed=False, ignore_case=True)("baab a")) == [(1, 3), (5, 6)]
    assert list(matches_of("a+", fixed=True, ignore_case=False)("aa a+")) == [(3, 5)]
    assert list(matches_of("ü", fixed=True, ignore_case=False)("größe ü")) == [(6, 7)]


@pytest.mark.parametrize("command", ["search", "grep", "symbols"])
def test_colours_change_no_word(command: str, indexed: KoditCommand) -> None:
    """And they appear only where they are wanted."""
    said = [command, "quartz"]
    bare = succeeded(indexed.run_here(*said)).out
    colored = succeeded(indexed.run_here(*said, "--color", "always")).out

    assert "\x1b" not in bare
    assert "\x1b[" in colored
    assert screen._STYLE.sub("", colored) == bare


# What is printed


def lines_of(outcome: Outcome) -> list[str]:
    return succeeded(outcome).out.splitlines()


def test_only_the_files(indexed: KoditCommand) -> None:
    """Each file once, whatever the number of its results."""
    results = indexed.ask("search", "return value", "-s", "1", "-n", "50")["results"]
    files = list(dict.fromkeys(result["file"] for result in results))
    assert len(files) < len(results)

    shown = lines_of(indexed.run_here("search", "return value", "-s", "1", "-n", "50", "--files"))

    assert shown == [path.replace("\x1b", r"\x1b").replace("\n", r"\n") for path in files]


@pytest.mark.parametrize("command", [QUARTZ, ("related", "1", "deep/quartz.py:1")], ids=" ".join)
def test_a_result_a_line(command: tuple[str, ...], indexed: KoditCommand) -> None:
    """The same objects as in one document."""
    shown = lines_of(indexed.run_here(*command, "--jsonl"))
    assert [json.loads(line) for line in shown] == indexed.ask(*command)["results"]


def test_the_file_of_each_result(indexed: KoditCommand) -> None:
    """The absolute path, for a file of a folder."""
    folder, git = (index["source"] for index in indexed.ask("status")["indexes"])
    for command, name in (
        ("search", "results"),
        ("grep", "matches"),
        ("symbols", "definitions"),
        ("symbols", "references"),
    ):
        found = indexed.ask(command, "quartz", "-s", "1")[name]
        assert {one["file"] for one in found} == {f"{folder}/{one['path']}" for one in found}
    listed = indexed.ask("ls")["files"]
    assert {one["source"] for one in listed if one["file"] is None} == {git}
    assert all(one["file"] in (None, f"{folder}/{one['path']}") for one in listed)
    assert indexed.ask("read", "1", "deep/quartz.py")["file"] == f"{folder}/deep/quartz.py"


def test_context_comes_from_the_file(kodit: KoditCommand, tmp_path: Path) -> None:
    """Also beyond the snippet; a file that is no longer text shows the lines of its snippet."""
    text = f"# before\n\n\n{python_function('quartz', 'a b c'.split())}\n\n\n# after\n"
    write_file(tmp_path / "folder" / "a.py", text)
    kodit.succeed("index", tmp_path / "folder")
    ((_start, *rest),) = [
        lines_of(kodit.run_here("search", "quartz", "-k", "function", "--context", "99"))
    ]
    written = text.splitlines()
    shown = [line[4:] for line in rest if line]
    width = len(str(len(written) + 1))
    assert shown == [f"{number:>{width}}  {line}" for number, line in enumerate(written, 1)]

    (tmp_path / "folder" / "a.py").write_bytes(b"\0" * 9)

    shown = lines_of(kodit.run_here("search", "quartz", "-k", "function", "--context", "0"))
    assert len(shown) == 3
    assert "def quartz" in shown[1]


# On a terminal


class Terminal:
    """A terminal of 24 rows and 80 columns."""

    def __init__(self) -> None:
        self._ours, its = pty.openpty()
        self.stream = os.fdopen(its, "w", encoding="utf-8")

    def sent(self) -> str:
        """What it was sent since it was last asked."""
        # What is written arrives in pieces: this is the last one.
        self.stream.write("\0")
        self.stream.flush()
        received = b""
        while not received.endswith(b"\0"):
            received += os.read(self._ours, 65536)
        return received[:-1].decode().replace("\r\n", "\n")

    def show(self, pager: str, lines: int) -> None:
        """Have a command print so many lines on it that has this setting."""

        @paged
        def show(_session: Any, /) -> None:
            sys.stdout.write(numbers(lines))

        with redirect_stdout(self.stream):
            show(session_with(pager))

    def close(self) -> None:
        self.stream.close()
        os.close(self._ours)


def session_with(pager: str) -> Any:
    """A session with this setting."""
    return SimpleNamespace(settings=SimpleNamespace(pager=pager))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    with closing(Terminal()) as terminal:
        yield terminal


def numbers(lines: int) -> str:
    return "".join(f"{number}\n" for number in range(lines))


def test_long_output_is_paged(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the setting, by PAGER, or not at all."""
    place = tmp_path / "paged"
    terminal.show(f"cat > {place}", 24)
    assert (place.read_text(), terminal.sent()) == (numbers(24), "")
    monkeypatch.setenv("PAGER", f"sed s/^/x/ > {place}")
    terminal.show("", 24)
    assert (place.read_text()[:4], terminal.sent()) == ("x0\nx", "")
    place.unlink()
    monkeypatch.setenv("PAGER", "cat")
    terminal.show("", 24)
    assert terminal.sent() == numbers(24)


def test_what_is_not_paged(
    terminal: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Output that fits the screen, output the user wants unpaged, and output for a missing
    pager."""
    pager = f"cat > {tmp_path / 'paged'}"
    terminal.show(pager, 23)
    assert terminal.sent() == numbers(23)
    screen.configure(pager=False)
    terminal.show(pager, 99)
    assert terminal.sent() == numbers(99)
    screen.configure()
    monkeypatch.setenv("TERM", "dumb")
    terminal.show(pager, 99)
    assert terminal.sent() == numbers(99)
    monkeypatch.setenv("TERM", "xterm")
    terminal.show("no-such-pager-anywhere", 99)
    assert terminal.sent() == numbers(99)
    assert "no-such-pager-anywhere" in capfd.readouterr().err
    assert not (tmp_path / "paged").exists()


def test_messages_after_output_come_after_it(terminal: Terminal) -> None:
    """And earlier messages come before it."""

    @paged
    def show(_session: Any, /) -> None:
        sys.stderr.write("before\n")
        sys.stdout.write("output\n")
        sys.stderr.write("after\n")

    with redirect_stdout(terminal.stream), redirect_stderr(terminal.stream):
        show(session_with(""))
    assert terminal.sent() == "before\noutput\nafter\n"


def test_a_pager_that_is_left_early(terminal: Terminal) -> None:
    """It is not an error."""
    terminal.show("head -n 1 > /dev/null", 300_000)
    assert terminal.sent() == ""


def test_an_answer_fits_the_screen(
    kodit: KoditCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a real terminal of 24 rows and 80 columns: ten results, the best one with its text, and no
    broken line."""
    for number in range(12):
        words = [f"quartz{number}", *"abcdefghijkl"]
        write_file(
            tmp_path / "folder" / f"{'long' * 9}{number}.py",
            python_function(f"quartz_{'name_' * 9}{number}", words),
        )
    kodit.succeed("index", tmp_path / "folder")

    monkeypatch.chdir(tmp_path / "folder")
    drawn = seen_on_a_terminal(kodit, "search", "quartz", "--color", "never")

    lines = drawn.splitlines()
    heads = [line for line in lines if line[2:4] == ". "]
    assert len(heads) == 10
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    assert lines.index(heads[1]) - lines.index(heads[0]) == LINES + 1


def seen_on_a_terminal(kodit: KoditCommand, *arguments: str) -> str:
    """The output of the command on a terminal of its own, without messages."""
    environment = {**kodit.environment, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    ours, its = pty.openpty()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "kodit", *arguments],
        environment | {"PAGER": "false"},
        file_actions=[(os.POSIX_SPAWN_DUP2, its, 1)],
    )
    os.close(its)
    with os.fdopen(ours, "rb", buffering=0) as stream:
        drawn = b"".join(iter(lambda: _read(stream), b""))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return drawn.decode().replace("\r\n", "\n")


def _read(stream: Any) -> bytes:
    try:
        return bytes(stream.read(65536) or b"")
    except OSError:  # how Linux says that nobody has the terminal any more
        return b""
