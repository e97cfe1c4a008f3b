"""Which tests run which lines of the package, including child processes.

The map is measured once and kept; lines of modules that have changed since are matched by comparing
the texts, and changed tests are assumed to run the same lines as before.
"""

from __future__ import annotations

import ast
import difflib
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.mutating.hook.sitecustomize import CONFIGURATION
from benchmarks.mutating.mutation import Mutation
from benchmarks.mutating.plugin import QUICK, TESTS_FOLDER, WITHOUT_TEST

HOOK = Path(__file__).with_name("hook")
LEFT_OUT = ("--ignore=tests/murder", "-m", "not slow")
"""Tests that run everything for minutes: only a run of the whole suite includes them."""


@dataclass(slots=True)
class CoverageMap:
    """The tests, with the duration of each in seconds, and for each module its text and a bit mask
    of tests for each line, in the order of the tests.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    lines: dict[str, dict[int, int]] = field(default_factory=dict)
    test_files: dict[str, str] = field(default_factory=dict)
    """The digest of each test file when it was measured."""
    _extents: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> CoverageMap:
        stored: dict[str, Any] = json.loads(path.read_text("utf-8"))
        lines = {
            module: {int(line): int(tests, 16) for line, tests in by_line.items()}
            for module, by_line in stored["lines"].items()
        }
        return cls(stored["seconds"], stored["sources"], lines, stored["test_files"])

    def write(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        stored = {
            "seconds": self.seconds,
            "sources": self.sources,
            "test_files": self.test_files,
            "lines": {
                module: {line: f"{tests:x}" for line, tests in by_line.items()}
                for module, by_line in self.lines.items()
            },
        }
        path.write_text(json.dumps(stored), "utf-8")

    def updated_to(self, sources: dict[str, str]) -> CoverageMap:
        """The map for other texts of the modules: unchanged lines keep their tests, and replaced
        lines get those of the old ones.
        """
        lines = {
            module: by_line
            if self.sources.get(module) == text
            else _moved(by_line, self.sources.get(module, ""), text)
            for module, text in sources.items()
            for by_line in [self.lines.get(module, {})]
        }
        return CoverageMap(self.seconds, sources, lines, self.test_files)

    def merge(self, newer: CoverageMap) -> CoverageMap:
        """This map, with new measurements replacing those of the same tests."""
        known = self.updated_to(newer.sources)
        seconds = {**self.seconds, **newer.seconds}
        bit = {test: 1 << place for place, test in enumerate(seconds)}
        again = sum(bit[test] for test in newer.seconds)
        names = list(newer.seconds)
        lines = {
            module: {
                line: known.lines[module].get(line, 0) & ~again
                | sum(bit[test] for test in _named(names, found.get(line, 0)))
                for line in known.lines[module].keys() | found.keys()
            }
            for module in newer.sources
            for found in [newer.lines.get(module, {})]
        }
        test_files = {**self.test_files, **newer.test_files}
        return CoverageMap(seconds, newer.sources, lines, test_files)

    def tests_of(self, mutation: Mutation) -> list[str]:
        """The tests that run the place of a mutation, fast and specific ones first. For code that
        runs on import: the tests that run any function of the module, or of the modules that import
        it.
        """
        by_line = self.lines.get(mutation.module, {})
        found = 0
        if mutation.function is not None:
            # Code before the body runs when the module is first imported, by any test.
            is_in_body = mutation.statement.first in mutation.function
            for around in (mutation.statement, mutation.function)[not is_in_body :]:
                found = found or _of_lines(by_line, range(around.first, around.last + 1))
        inside = _lines_of_functions(self.sources.get(mutation.module, ""))
        found = found or _of_lines(by_line, inside)
        if not found:
            for module in self._importers(mutation.module):
                found |= _of_lines(self.lines[module], _lines_of_functions(self.sources[module]))
        folder = mutation.module.rpartition("/")[0]
        near, whole = self._extent(folder), self._extent("")
        places = {test: place for place, test in enumerate(self.seconds)}

        def cost(test: str) -> float:
            place = places[test]
            return self.seconds[test] * (1.02 - near[place] / (whole[place] or 1))

        return sorted(_named(list(self.seconds), found), key=cost)

    def unknown_files(self, root: Path) -> list[str]:
        """The test files that are new, or have changed since they were measured."""
        return [
            name
            for name, digest in digests_of_tests(root).items()
            if self.test_files.get(name) != digest
        ]

    def _importers(self, module: str) -> list[str]:
        name = "kodit." + module.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        package, _, last = name.rpartition(".")
        wanted = (f"from {name} import", f"import {name}", f"from {package} import {last}")
        return [
            other
            for other, text in self.sources.items()
            if other in self.lines and any(phrase in text for phrase in wanted)
        ]

    def _extent(self, folder: str) -> list[int]:
        """How many lines below a folder each test runs."""
        if folder not in self._extents:
            counts = [0] * len(self.seconds)
            for module, by_line in self.lines.items():
                if module.startswith(folder):
                    for tests in by_line.values():
                        for place in _places(tests):
                            counts[place] += 1
            self._extents[folder] = counts
        return self._extents[folder]


def measure(root: Path, tests: Sequence[str], *, quick: bool = False) -> CoverageMap:
    """Run tests of a source tree and record which lines each runs; `quick`: without costly tests,
    those on a server, and the lines that child processes run.
    """
    package = root / "src" / "kodit"
    with TemporaryDirectory(prefix="kodit-coverage-") as name:
        folder = Path(name)
        configuration = folder / "coveragerc"
        configuration.write_text(
            f"[run]\nsource = {package}\ndata_file = {folder}/data\nparallel = true\n"
            "sigterm = true\npatch = _exit\n"
            "disable_warnings = no-data-collected,module-not-imported,no-ctracer\n",
            "utf-8",
        )
        environment = os.environ | {
            CONFIGURATION: str(configuration),
            TESTS_FOLDER: str(folder),
            "PYTHONPATH": f"{root / 'src'}:{HOOK}",
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        plugin = ["-p", "benchmarks.mutating.plugin"]
        if quick:
            environment[QUICK] = "1"
            plugin += ["-n", "2", "--dist=loadfile"]
        subprocess.run(
            [*command, *plugin, *LEFT_OUT, *tests], cwd=root, env=environment, check=False
        )
        found = (root, folder.glob("data.*"), folder.glob("tests-*.json"))
        return collect(*found, is_whole=not tests)


def collect(
    root: Path, data_files: Iterable[Path], tests_files: Iterable[Path], *, is_whole: bool
) -> CoverageMap:
    """The map from the files of the measured processes; `is_whole` after a run of all tests."""
    import coverage  # noqa: PLC0415 - not needed to run mutants

    package = root / "src" / "kodit"
    tests: dict[str, Any] = {}
    for tests_file in sorted(tests_files):
        tests |= json.loads(tests_file.read_text("utf-8"))
    by_context: dict[str, set[str]] = defaultdict(set)
    for name, test in tests.items():
        by_context[name].add(name)
        for fixture in test["fixtures"]:
            by_context[fixture].add(name)
    by_context[WITHOUT_TEST] = set()
    lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in data_files:
        data = coverage.CoverageData(str(path))
        try:
            data.read()
        except coverage.exceptions.DataError:
            continue  # a test killed the process during the write
        for file in data.measured_files():
            by_line = lines[str(Path(file).relative_to(package))]
            for line, contexts in data.contexts_by_lineno(file).items():
                for context in contexts:
                    by_line[line] |= by_context.get(context, set())
        data.close()
    bit = {name: 1 << place for place, name in enumerate(tests)}
    return CoverageMap(
        {name: test["seconds"] for name, test in tests.items()},
        sources_of(package),
        {
            module: {line: sum(bit[test] for test in found) for line, found in by_line.items()}
            for module, by_line in lines.items()
        },
        {
            name: digest
            for name, digest in digests_of_tests(root).items()
            if is_whole or any(test.startswith(name) for test in tests)
        },
    )


def sources_of(package: Path) -> dict[str, str]:
    """The text of each module, by its path below the package."""
    return {
        str(path.relative_to(package)): path.read_text("utf-8")
        for path in sorted(package.rglob("*.py"))
    }


def digests_of_tests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.glob("tests/**/test_*.py"))
    }


def _moved(by_line: dict[int, int], old: str, new: str) -> dict[int, int]:
    moved: dict[int, int] = {}
    matcher = difflib.SequenceMatcher(a=old.splitlines(), b=new.splitlines(), autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        replaced = _of_lines(by_line, range(a + 1, b + 1))
        for line in range(c, d):
            moved[line + 1] = by_line.get(a + line - c + 1, 0) if kind == "equal" else replaced
    return moved


def _of_lines(by_line: dict[int, int], lines: Iterable[int]) -> int:
    found = 0
    for line in lines:
        found |= by_line.get(line, 0)
    return found


def _lines_of_functions(source: str) -> list[int]:
    return [
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for line in range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
    ]


def _places(tests: int) -> Iterator[int]:
    """The positions of the set bits of a number."""
    for place, bit in enumerate(reversed(f"{tests:b}")):
        if bit == "1":
            yield place


def _named(names: list[str], tests: int) -> Iterator[str]:
    return (names[place] for place in _places(tests))
