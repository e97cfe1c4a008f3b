"""A copy of the project in which a module is modified and tests are run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

_LEFT_OUT = (".git", ".venv", ".*_cache", "__pycache__", ".benchmarks", ".hypothesis")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/.*?)(?: - .*)?$", re.MULTILINE)
_NOT_FOUND = re.compile(r"^ERROR: (?:not found|file or directory not found): (.*)$", re.MULTILINE)
_USAGE_ERROR, _NO_TESTS = 4, 5


class Verdict(StrEnum):
    """The result of testing a mutant."""

    CAUGHT = "caught"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"


class Finding(NamedTuple):
    """A verdict, and the tests that failed."""

    verdict: Verdict
    failed: list[str]


class Copy:
    """One copy of the project. Not thread-safe."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.tree = folder / "tree"
        self._work = folder / "work"
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
        arguments = list(arguments)
        while True:
            code, output = self._pytest(arguments, seconds, most_failures)
            gone = set(_NOT_FOUND.findall(output))
            left = [one for one in arguments if not any(name.endswith(f"/{one}") for name in gone)]
            if code != _USAGE_ERROR or len(left) == len(arguments):
                break
            arguments = left
        if code is None:
            return Finding(Verdict.TIMED_OUT, [])
        if code in (0, _NO_TESTS):
            return Finding(Verdict.SURVIVED, [])
        return Finding(Verdict.CAUGHT, _FAILED.findall(output) or [output.strip()[-300:]])

    def _pytest(
        self, arguments: Sequence[str], seconds: float, most_failures: int
    ) -> tuple[int | None, str]:
        home = self._work / "home"
        home.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-q", "--tb=no"),
                *("-p", "no:cacheprovider", "-p", "no:anyio"),  # which takes a third of a second
                *(f"--maxfail={most_failures}", f"--basetemp={self._work / 'tests'}"),
                *arguments,
            ],
            cwd=self.tree,
            env=os.environ
            | {
                "PYTHONPATH": str(self.tree / "src"),
                "HOME": str(home),
                "KODIT_TEST_SHRINK": "0",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            for pid in [*_descendants(process.pid), process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
            return None, ""
        finally:
            shutil.rmtree(self._work, ignore_errors=True)
        return process.returncode, output


def _descendants(pid: int) -> Iterator[int]:
    """The descendants of a process, newest first; on Linux."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(status.read_text("ascii", "replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(status.parent.name))
    for child in children.get(pid, []):
        yield from _descendants(child)
        yield child
