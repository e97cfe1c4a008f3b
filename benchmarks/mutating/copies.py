"""A copy of the project in which a module is modified and tests are run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from benchmarks.mutating.fork_server import NO_TESTS, Answer, Replaced, Request

_LEFT_OUT = (".git", ".venv", ".*_cache", ".benchmarks", ".hypothesis")


class Verdict(StrEnum):
    """The result of testing a mutant.

    A mutant that times out is found too: its tests end in time without it. If they do not end
    without it either, nothing is known.
    """

    CAUGHT = "caught"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    UNDECIDED = "undecided"


class Finding(NamedTuple):
    """A verdict, and the tests that failed."""

    verdict: Verdict
    failed: list[str]


class Copy:
    """One copy of the project. Not thread-safe."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.tree = folder / "tree"
        self._work = folder / "work"
        self._home = folder / "home"
        self._server: subprocess.Popen[str] | None = None
        self._moment = 1_000_000_000
        shutil.copytree(root, self.tree, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)

    @property
    def package(self) -> Path:
        return self.tree / "src" / "kodit"

    def write(self, module: str, source: bytes) -> None:
        """Replace the text of a module. Its modification time is unique, so that no compiled module
        is reused.
        """
        self._moment += 2
        path = self.package / module
        path.write_bytes(source)
        os.utime(path, (self._moment, self._moment))

    def run(self, arguments: Sequence[str], seconds: float, most_failures: int = 1) -> Finding:
        """Run pytest until `most_failures` tests have failed, at most for some seconds."""
        return self._ask(Request(self._with_folder(arguments), (), seconds, most_failures))

    def run_chosen(
        self,
        tests: Sequence[str],
        seconds: float,
        most_failures: int = 1,
        replaced: Replaced | None = None,
    ) -> Finding:
        """Run these tests, or files of tests, of those that still exist; `replaced` is the module
        that has been changed, if its functions may be replaced in a process that has collected the
        tests.
        """
        files = dict.fromkeys(test.partition("::")[0] for test in tests)
        there = [file for file in files if (self.tree / file).exists()]
        arguments = self._with_folder(there)
        return self._ask(Request(arguments, tests, seconds, most_failures, replaced))

    def close(self) -> None:
        """End the processes that fork, if tests have been run."""
        if self._server is not None:
            self._server.communicate()

    def _with_folder(self, arguments: Sequence[str]) -> list[str]:
        return [f"--basetemp={self._work}", *arguments]

    def _ask(self, request: Request) -> Finding:
        if self._server is None:
            self._server = self._start()
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(asdict(request)) + "\n")
        self._server.stdin.flush()
        answer = Answer(**json.loads(self._server.stdout.readline()))
        shutil.rmtree(self._work, ignore_errors=True)
        if answer.code is None:
            return Finding(Verdict.TIMED_OUT, [])
        if answer.code in (0, NO_TESTS):
            return Finding(Verdict.SURVIVED, [])
        return Finding(Verdict.CAUGHT, [*answer.failed] or [answer.output])

    def _start(self) -> subprocess.Popen[str]:
        self._home.mkdir()
        environment = os.environ | {
            "PYTHONPATH": str(self.tree / "src"),
            "HOME": str(self._home),
            "KODIT_TEST_ALL": "1",
            "KODIT_TEST_SHRINK": "0",
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.mutating.fork_server"),
                *self._with_folder(["tests", "--ignore=tests/murder"]),
            ],
            cwd=self.tree,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
