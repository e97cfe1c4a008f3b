"""Output on a terminal: pages, the order of messages, and as much as fits the screen."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.command import KoditCommand
from tests.support.sources import python_function, write_file

from kodit.faces.cli.terminal import screen
from kodit.faces.cli.terminal.pager import paged
from kodit.faces.cli.terminal.results import LINES


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No colour or pager options, before and after a test."""
    for name in ("NO_COLOR", "FORCE_COLOR", "PAGER", "KODIT_PAGER", "LESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    screen.configure()
    yield
    screen.configure()


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
