"""Pages output that is longer than the screen, as git does."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import wraps
from types import FrameType
from typing import Concatenate, ParamSpec, TypeVar

from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal import screen

OF_LESS = "FRX"
"""Unless LESS is set: exit at once if all fits, show colours, leave the text on the screen."""
_NO_PAGER = ("", "cat")
_NOT_FOUND = 127
"""The exit code of a shell that does not find the command."""

P = ParamSpec("P")
T = TypeVar("T")


def paged(
    show: Callable[Concatenate[Session, P], T],
) -> Callable[Concatenate[Session, P], T]:
    """Send the complete output of a command through the pager; never if standard output is not a
    terminal."""

    @wraps(show)
    def shown(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if not screen.may_page():
            return show(session, *args, **kwargs)
        collected = _Collected(sys.stdout.encoding)
        afterwards = _Afterwards(collected)
        try:
            with redirect_stdout(collected), redirect_stderr(afterwards):
                return show(session, *args, **kwargs)
        finally:
            _deliver(collected.getvalue(), session.settings.pager)
            sys.stderr.write(afterwards.getvalue())
            sys.stderr.flush()

    return shown


class _Collected(io.StringIO):
    """Replaces the terminal while output is collected."""

    def __init__(self, encoding: str | None) -> None:
        super().__init__()
        self._encoding = encoding or "utf-8"

    @property
    def encoding(self) -> str:  # type: ignore[override] # of a base class that has none
        return self._encoding

    def isatty(self) -> bool:
        return True


class _Afterwards(_Collected):
    """Replaces standard error: messages after the first output are held back until it is complete,
    and earlier ones are written at once."""

    def __init__(self, output: io.StringIO) -> None:
        super().__init__(sys.stderr.encoding)
        self._output = output
        self._stream = sys.stderr

    def write(self, text: str) -> int:
        if self._output.tell():
            return super().write(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


def _deliver(text: str, setting: str) -> None:
    command = None if _fits(text) else _command(setting)
    if command is None or not _page(text, command):
        sys.stdout.write(text)
        sys.stdout.flush()


def _fits(text: str) -> bool:
    """Whether the screen shows all of it above the next prompt."""
    columns, rows = screen.size()
    return sum(screen.rows_of(line, columns) for line in text.splitlines()) < rows


def _command(setting: str) -> str | None:
    """The pager as a shell command: that of KODIT_PAGER, of PAGER, or else `less`."""
    named = setting or os.environ.get("PAGER")
    if named is None:
        return "less" if shutil.which("less") else None
    return None if named.strip() in _NO_PAGER else named


def _page(text: str, command: str) -> bool:
    """Show a text in the pager; returns whether the pager exists."""
    environment = {"LESS": OF_LESS, "LV": "-c", **os.environ}
    # The user's own command, which may have options and pipes, is for the shell to interpret.
    with _interrupts_go_to_pager():
        pager = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environment)  # noqa: S602
        with suppress(BrokenPipeError):  # closed before it has read all
            pager.communicate(text.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))
        return pager.wait() != _NOT_FOUND


@contextmanager
def _interrupts_go_to_pager() -> Iterator[None]:
    """Ctrl-C ends a search in the pager, and not the command that waits for it."""
    # Not SIG_IGN: a program started meanwhile inherits that, but no handler.
    before = signal.signal(signal.SIGINT, _do_nothing)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """Handle a signal by going on."""
