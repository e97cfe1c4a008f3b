"""Runs tests in forks of processes that have imported what takes long to import.

`python -m benchmarks.mutating.fork_server`, started in a source tree, reads a request per line from
standard input and answers each with a line, both in JSON. There are two such processes. One has
imported the modules of other projects only; its forks import those of the tree as they are then. Of
this one another is forked, which has collected all tests: its forks replace the code of functions,
which takes no time, but cannot be done to code that runs on import.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FunctionType
from typing import IO, Any, NamedTuple

import pytest
from benchmarks.mutating.patching import functions, patch

FOR_FORKS = ("kodit", "tests", "benchmarks")
"""How the names of modules begin that only forks import."""
ARGUMENTS = (
    *(
        "-q",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:anyio",
    ),  # which takes a third of a second
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # of plugins that pytest did not import
)
NO_TESTS = 5


class Replaced(NamedTuple):
    """The file of a module, and its text before and after."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Request:
    """Arguments of pytest, and the tests of them to run, in order of their files: all if none are
    named. A name may be a file's, or lack its parameters. The run ends after `most_failures`, and
    is killed after so many seconds. `replaced` is the module that differs from what has been
    collected, if that is enough to know.
    """

    arguments: Sequence[str]
    chosen: Sequence[str]
    seconds: float
    most_failures: int = 1
    replaced: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The exit status of pytest, or None of a run that was killed; the tests that failed; and, if
    none did, the last of what was printed.
    """

    code: int | None
    failed: Sequence[str]
    output: str


class Chosen:
    """A plugin that keeps only some tests, and sorts them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._place = {name: place for place, name in reversed(list(enumerate(names)))}
        self._place_of_file: dict[str, int] = {}
        for place, name in enumerate(names):
            self._place_of_file.setdefault(name.partition("::")[0], place)

    def of(self, items: Sequence[pytest.Item]) -> list[pytest.Item]:
        kept = {item: place for item in items if (place := self._place_of(item)) is not None}
        return sorted(kept, key=lambda item: kept[item])

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        kept = self.of(items)
        config.hook.pytest_deselected(items=list(set(items).difference(kept)))
        items[:] = kept

    def _place_of(self, item: pytest.Item) -> tuple[int, int] | None:
        file = item.nodeid.partition("::")[0]
        names = (item.nodeid, item.nodeid.partition("[")[0], file)
        place = next((self._place[name] for name in names if name in self._place), None)
        return None if place is None else (self._place_of_file[file], place)


class Failures:
    """A plugin that notes what fails."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.names.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.names.append(report.nodeid)


class Collected:
    """A plugin that, instead of running the collected tests, runs in forks those of requests."""

    def __init__(self, requests: IO[str], answers: IO[str], failures: Failures) -> None:
        self._requests = requests
        self._answers = answers
        self._failures = failures
        self._frozen: list[FunctionType] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.collect()
        self._frozen = functions()
        gc.freeze()  # else the first collection in each fork takes a second, and copies all memory
        for line in self._requests:
            request = Request(**json.loads(line))
            tell(self._answers, in_fork(lambda: self._run(session.items, request), request.seconds))  # noqa: B023 - ends before the next
        return True

    def _run(self, collected: Sequence[pytest.Item], request: Request) -> tuple[int, list[str]]:
        assert request.replaced is not None
        file, old, new = request.replaced
        if not patch(file, old, new, self._frozen):
            return -1, []
        items = Chosen(request.chosen).of(collected)
        self._failures.names.clear()
        for place, item in enumerate(items):
            following = items[place + 1] if place + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if len(self._failures.names) >= request.most_failures:
                break
        code = 1 if self._failures.names else 0
        return code if items else NO_TESTS, self._failures.names


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    _import(_modules_of_others())
    collected = _collect(sys.argv[1:])
    for line in sys.stdin:
        request = Request(**json.loads(line))
        answer = None
        if request.replaced is not None:
            collected[0].write(line)
            collected[0].flush()
            answer = Answer(**json.loads(collected[1].readline()))
        if answer is None or answer.code == -1:
            answer = in_fork(lambda: _run_pytest(request), request.seconds)  # noqa: B023 - ends before the next
        tell(answers, answer)


def tell(answers: IO[str], answer: Answer) -> None:
    answers.write(json.dumps(asdict(answer)) + "\n")
    answers.flush()


def in_fork(run: Callable[[], tuple[int, list[str]]], seconds: float) -> Answer:
    """Run something in a fork, for so many seconds: then it is killed with all that it started."""
    with (
        os.fdopen(os.memfd_create("printed"), "w+b") as printed,
        os.fdopen(os.memfd_create("result"), "w+b") as result,
    ):
        if not (pid := os.fork()):
            _become(run, printed, result)
        handle = os.pidfd_open(pid)
        is_in_time, _, _ = select.select([handle], [], [], seconds)
        os.close(handle)
        for one in [*descendants(pid), *([] if is_in_time else [pid])]:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        os.waitpid(pid, 0)
        printed.seek(0)
        result.seek(0)
        found: Any = json.loads(result.read() or b"[1, []]")
        tail = printed.read()[-300:].decode(errors="replace").strip()
        return Answer(found[0] if is_in_time else None, found[1], "" if found[1] else tail)


def _become(
    run: Callable[[], tuple[int, list[str]]], printed: IO[bytes], result: IO[bytes]
) -> None:
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
        result.write(json.dumps(run()).encode())
        result.flush()
    except BaseException:  # noqa: BLE001 - the end of the fork
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(0)


def _run_pytest(request: Request) -> tuple[int, list[str]]:
    failures = Failures()
    plugins = [failures, *([Chosen(request.chosen)] if request.chosen else [])]
    most = f"--maxfail={request.most_failures}"
    code = pytest.main([*ARGUMENTS, most, *request.arguments], plugins)
    return int(code), failures.names


def _collect(arguments: Sequence[str]) -> tuple[IO[str], IO[str]]:
    """Start the process that has collected all tests; returns how to ask it and to read its
    answers.
    """
    asked, asking = os.pipe()
    reading, writing = os.pipe()
    if not os.fork():
        os.close(asking)
        os.close(reading)
        failures = Failures()
        with os.fdopen(asked) as requests, os.fdopen(writing, "w") as answers:
            plugins = [failures, Collected(requests, answers, failures)]
            pytest.main([*ARGUMENTS, "-s", *arguments], plugins)
        os._exit(0)
    os.close(asked)
    os.close(writing)
    return os.fdopen(asking, "w"), os.fdopen(reading)


def _modules_of_others() -> list[str]:
    """The modules of other projects that the program and the parts of the tests import, in their
    order.
    """
    reading, writing = os.pipe()
    if not (pid := os.fork()):
        for package in ("src/kodit", "tests/support"):
            for path in sorted(Path(package).rglob("*.py")):
                name = str(path.with_suffix("")).removeprefix("src/").replace("/", ".")
                if not name.endswith(("__main__", "migrations.env")):
                    importlib.import_module(name)
        with os.fdopen(writing, "w") as file:
            json.dump([name for name in sys.modules if not name.startswith(FOR_FORKS)], file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        names: list[str] = json.load(file)
    os.waitpid(pid, 0)
    return names


def _import(names: Sequence[str]) -> None:
    for name in names:
        with suppress(ImportError):  # a name that its package has made up
            importlib.import_module(name)
    assert "kodit" not in sys.modules


def descendants(pid: int) -> Iterator[int]:
    """The descendants of a process, newest first; on Linux."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(status.read_text("ascii", "replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(status.parent.name))
    for child in children.get(pid, []):
        yield from descendants(child)
        yield child


if __name__ == "__main__":
    main()
