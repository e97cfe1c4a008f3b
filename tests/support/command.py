"""The `kodit` command line as a process of its own."""

from __future__ import annotations

import gc
import io
import json
import logging
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.support.built_commands import BUILDER, built_command
from tests.support.child_server import do_pools_fork
from tests.support.command_server import CommandServer
from tests.support.stores import environment_for

from kodit.cli import main

PATIENCE_SECONDS = 120.0
"""When a process that should have ended counts as hung: far longer than a busy machine needs."""


SEARCH_LIKE = ("search", "grep", "symbols", "ls", "related")
"""Commands that exit with 1 if nothing was found."""


_ASIDE = re.compile(r"time=|\[\d+\] (indexing |(SYNC|EXTRACT|BM25_INDEX|CODE_EMBEDDINGS|ENRICH) )")


class Outcome(NamedTuple):
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """The lines of its standard error, without those of its log and progress; never a
        traceback.
        """
        assert "Traceback" not in self.err, self.err
        return [line for line in self.err.splitlines() if not _ASIDE.match(line)]

    def json(self) -> Any:
        """Its standard output, which must be one JSON document."""
        return json.loads(self.out)


class KoditCommand:
    """`kodit` over one data directory, with a record of the work of parsers and models."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.work_log = data_dir.with_name(f"{data_dir.name}.work.log")
        self.user_folder = data_dir.with_name(f"{data_dir.name}.user") / "kodit"
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("KODIT_")
        } | {
            "KODIT_DATA_DIR": str(data_dir),
            "KODIT_WORK_LOG": str(self.work_log),
            "XDG_CONFIG_HOME": str(self.user_folder.parent),
            "COLUMNS": "200",
            **environment_for(data_dir),
            **environment,
        }

    def start(self, *arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
        """Start the command in a session and process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "kodit", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            start_new_session=True,
            **options,
        )

    def run(self, *arguments: str | Path, **options: Any) -> Outcome:
        """Run the command to its end, in a process and session of its own."""
        if sys.platform == "linux" and not options.keys() - {"cwd"}:
            folder = str(options.get("cwd") or Path.cwd())
            started = command_server().start(
                list(map(str, arguments)),
                self.environment,
                folder,
                forks_children=do_pools_fork() and "cwd" not in options,
            )
            return finish_fork(*started)
        return finish(self.start(*arguments, **options))

    def run_here(self, *arguments: str | Path) -> Outcome:
        """Run the command within this process, which saves the imports: for its output and effects,
        when its start and end as a process do not matter.
        """
        out, err, code = io.StringIO(), io.StringIO(), 0
        root, level = logging.getLogger(), logging.getLogger("kodit").level
        handlers, threshold = root.handlers[:], gc.get_threshold()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in os.environ.keys() - self.environment.keys():
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["kodit", *map(str, arguments)])
            patch.setattr(BUILDER, built_command)
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
            finally:
                root.handlers[:] = handlers
                logging.getLogger("kodit").setLevel(level)
                gc.set_threshold(*threshold)
        return Outcome(code, out.getvalue(), err.getvalue())

    def succeed(self, *arguments: str | Path) -> Outcome:
        """Run a command that must not fail."""
        return succeeded(self.run(*arguments))

    def ask(self, *arguments: str | Path) -> Any:
        """The JSON answer of a command that must not fail, run within this process."""
        outcome = self.run_here(*arguments, "--json")
        has_found_nothing = outcome.code == 1 and arguments[0] in SEARCH_LIKE
        return (outcome if has_found_nothing else succeeded(outcome)).json()

    def status(self) -> dict[str, Any]:
        """The only index of `status --json`."""
        (index,) = self.ask("status")["indexes"]
        return dict(index)

    def work(self) -> Counter[str]:
        """The work of parsers, embedder and enricher since the log was last cleared."""
        counts: Counter[str] = Counter()
        if self.work_log.exists():
            for line in self.work_log.read_text("ascii").splitlines():
                name, count = line.split()
                counts[name] += int(count)
        return +counts

    def clear_work(self) -> None:
        """Start counting again."""
        self.work_log.unlink(missing_ok=True)


def succeeded(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome
    return outcome


def finish(process: subprocess.Popen[str]) -> Outcome:
    """Wait for a process; one that hangs is killed with its descendants."""
    with process:
        try:
            out, err = process.communicate(timeout=PATIENCE_SECONDS)
        except BaseException:
            kill_group(process)
            raise
    return Outcome(process.returncode, out, err)


@cache
def command_server() -> CommandServer:
    """The command server of this test process."""
    return CommandServer()


def finish_fork(process_id: int, ends: list[int]) -> Outcome:
    """Like `finish`, for a process of the command server."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    parts: dict[int, list[bytes]] = {end: [] for end in ends}
    with selectors.DefaultSelector() as selector:
        for end in ends:
            selector.register(end, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(deadline - time.monotonic())
            if not ready:
                os.killpg(process_id, signal.SIGKILL)
                raise TimeoutError(f"a command has run for {PATIENCE_SECONDS} seconds")
            for key, _ in ready:
                part = os.read(key.fd, 1 << 16)
                parts[key.fd].append(part)
                if not part:
                    selector.unregister(key.fd)
                    os.close(key.fd)
    out, err, status = (b"".join(parts[end]).decode() for end in ends)
    return Outcome(os.waitstatus_to_exitcode(int(status)), out, err)


def kill_group(process: subprocess.Popen[str]) -> None:
    """`kill -9` of a process and everything in its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def as_in_a_terminal() -> None:
    """For a process that is to be sent Ctrl-C: a shell's background processes ignore it, and so
    would their children.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def without_controls(drawn: str) -> str:
    """Terminal output without its control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)


def processes_of_session(session: int) -> list[str]:
    """The command lines of living processes in a session, on Linux."""
    alive = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                alive.append((folder / "cmdline").read_text("utf-8", "replace"))
        except OSError:
            continue
    return alive


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll until a condition holds; raises AssertionError if it does not in time. Slow conditions
    are polled less often, because the process under test needs the machine too.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come to pass"
        time.sleep(max(0.01, time.monotonic() - began))
        began = time.monotonic()
