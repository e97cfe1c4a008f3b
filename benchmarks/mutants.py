"""Breaks the program on purpose, in copies of its source, and checks which tests notice.

    python -m benchmarks.mutants --measure [--quick] [TEST…]    which tests run which lines: once
    python -m benchmarks.mutants [PATH…] --number 100 --seed 1
    python -m benchmarks.mutants --survivors              those of the last run again
    python -m benchmarks.mutants --edits FILE             mistakes made by hand
    python -m benchmarks.mutants --written [NAME…] [--processes]

A mutant is the program with one small mistake: a comparison, a constant, an argument, a removed
statement. The seed chooses mutants from the whole package, or from the modules below the given
PATHs (`domain`, `infrastructure/slicing`), without regard to the tests. Each is first tested with
the tests that run its line, starting with fast and specific ones; a survivor is tested with all
tests that run it, unless `--near` is given, and with `--whole` with the whole suite. The map of
which test runs which line is recorded by `--measure` and kept in `.benchmarks`; given tests are
measured again and merged into it. `--quick` leaves out costly tests, those on a server, and what
child processes run: the costly tests of the nearest files are then run against survivors.

Tests run in forks of processes that have imported and collected them, where functions are replaced.

Mutants without an observable change are listed in `benchmarks/mutating/equivalent.toml`, each with
its reason. `--written` runs hand-written mutants of the queue, each of which breaks one of its
invariants. Exits with status 1 if a mutant survives.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory

from benchmarks.mutating import coverage_map, written
from benchmarks.mutating.copies import Copy, Finding, Verdict
from benchmarks.mutating.coverage_map import CoverageMap
from benchmarks.mutating.edits import edits_of
from benchmarks.mutating.fork_server import Replaced
from benchmarks.mutating.mutation import Mutation
from benchmarks.mutating.places import is_program, mutations_of

ROOT = Path(__file__).parents[1]
MAP = ROOT / ".benchmarks" / "coverage_map.json"
SURVIVORS = ROOT / ".benchmarks" / "survivors.json"
EQUIVALENT = Path(__file__).with_name("mutating") / "equivalent.toml"
COSTLY = ROOT / "tests" / "costly.txt"
ROUNDS = ((5.0, 4), (60.0, 30), (inf, inf))
"""How many seconds the first, the next and the last tests of a mutant take, and of how many files
they are.
"""
COSTLY_FILES = 8
"""Of how many files the costly tests are run, where these were not measured."""
START_SECONDS = 60.0
WHOLE_SUITE_SECONDS = 900.0
SLOWER = 4.0
"""How many times longer than measured the tests of a mutant may take on a busy machine. Those that
take even longer are run again without it.
"""
NOT_FOUND = (Verdict.SURVIVED, Verdict.UNDECIDED)
NEVER_CHANGED = ("infrastructure/sqlalchemy/migrations/versions/",)
"""Released migrations are never changed."""


def main() -> int:
    """Run mutants; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="PATH|TEST|NAME")
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    further = parser.add_mutually_exclusive_group()
    further.add_argument("--near", action="store_true", help="run no further tests on survivors")
    further.add_argument("--whole", action="store_true", help="run the whole suite on survivors")
    parser.add_argument("--list", action="store_true", help="only print the mutants")
    parser.add_argument("--survivors", action="store_true")
    parser.add_argument("--edits", type=Path, metavar="FILE")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--quick", action="store_true", help="measure only tests in one process")
    parser.add_argument("--at-once", type=int, default=2, help="how many mutants")
    parser.add_argument("--written", action="store_true")
    parser.add_argument("--processes", action="store_true")
    options = parser.parse_args()
    if options.written:
        return written.run(ROOT, options.names, with_processes=options.processes)
    if options.measure:
        measured = coverage_map.measure(ROOT, options.names, quick=options.quick)
        if options.names and MAP.exists():
            measured = CoverageMap.read(MAP).merge(measured)
        measured.write(MAP)
        return 0
    package = ROOT / "src" / "kodit"
    sources = {name: text.encode() for name, text in coverage_map.sources_of(package).items()}
    if options.edits:
        chosen = edits_of(options.edits, sources)
    elif options.survivors:
        chosen = survivors_of_last_run(sources)
    else:
        chosen = sample(sources, options.names, options.number, options.seed)
    aside = equivalent()
    mutants = [one for one in chosen if key(one, sources) not in aside]
    print(f"{len(mutants)} mutants; {len(chosen) - len(mutants)} excluded as equivalent")
    if options.list:
        for mutation in mutants:
            print(mutation.diff(sources[mutation.module]))
        return 0
    reach = Reach(near=options.near, whole=options.whole, at_once=options.at_once)
    findings = examine(mutants, sources, reach)
    return report(findings, sources)


def sample(
    sources: dict[str, bytes], paths: Sequence[str], number: int, seed: int
) -> list[Mutation]:
    """A random sample of mutations: first a statement, then a kind of mistake, then one of that
    kind.
    """
    by_statement: dict[tuple[str, int], list[Mutation]] = defaultdict(list)
    for module, source in sources.items():
        if not module.startswith(NEVER_CHANGED) and (not paths or module.startswith(tuple(paths))):
            for mutation in mutations_of(module, source):
                by_statement[module, mutation.statement.first].append(mutation)
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    places = list(by_statement)
    chance.shuffle(places)
    chosen: list[Mutation] = []
    for place in places:
        by_kind: dict[str, list[Mutation]] = defaultdict(list)
        for mutation in by_statement[place]:
            by_kind[mutation.operator].append(mutation)
        candidate = chance.choice(by_kind[chance.choice(sorted(by_kind))])
        if len(chosen) < number and is_program(candidate, sources[candidate.module]):
            chosen.append(candidate)
    return chosen


def key(mutation: Mutation, sources: dict[str, bytes]) -> tuple[str, str, str]:
    """Identifies a mutant even if its line has moved."""
    return mutation.module, *mutation.changed_lines(sources[mutation.module])


def equivalent() -> set[tuple[str, str, str]]:
    """The mutants without an observable change."""
    entries = tomllib.loads(EQUIVALENT.read_text("utf-8"))["mutant"]
    assert all(entry["reason"] for entry in entries)
    return {(entry["module"], entry["old"].strip(), entry["new"].strip()) for entry in entries}


def survivors_of_last_run(sources: dict[str, bytes]) -> list[Mutation]:
    wanted = {tuple(one) for one in json.loads(SURVIVORS.read_text("utf-8"))}
    found: dict[tuple[str, str, str], Mutation] = {}
    for module in sorted({one[0] for one in wanted} & sources.keys()):
        for mutation in mutations_of(module, sources[module]):
            name = key(mutation, sources)
            if name in wanted:
                found.setdefault(name, mutation)
    for name in wanted - found.keys():
        print("no longer there:", *name, sep="\n  ")
    return list(found.values())


def examine(
    mutants: Iterable[Mutation], sources: dict[str, bytes], reach: Reach
) -> Iterator[tuple[Mutation, Finding]]:
    """The verdict on each mutant, as it is found. If it is based on tests that also fail without a
    mutant, a second one without these follows.
    """
    texts = {module: source.decode() for module, source in sources.items()}
    covering = CoverageMap.read(MAP).updated_to(texts)
    unknown = covering.unknown_files(ROOT)
    costly = [name for name in COSTLY.read_text("utf-8").split() if name not in covering.seconds]
    with copies(reach.at_once) as free, ThreadPoolExecutor(reach.at_once) as threads:
        examiner = Examiner(covering, unknown, costly, free, reach)
        left = list(mutants)
        while left:
            at_work = {
                threads.submit(examiner.examine, one, sources[one.module]): one for one in left
            }
            found: dict[Mutation, Finding] = {}
            for done in as_completed(at_work):
                found[at_work[done]] = done.result()
                yield at_work[done], done.result()
            unsound = examiner.leave_out_unsound(found.values())
            left = [one for one, finding in found.items() if unsound.intersection(finding.failed)]


@contextmanager
def copies(count: int) -> Iterator[SimpleQueue[Copy]]:
    """A queue of copies of the project to run mutants in."""
    free: SimpleQueue[Copy] = SimpleQueue()
    with TemporaryDirectory(prefix="kodit-mutants-") as folder:
        for number in range(count):
            free.put(Copy(ROOT, Path(folder, str(number))))
        try:
            yield free
        finally:
            while not free.empty():
                free.get().close()


@dataclass(frozen=True, slots=True)
class Reach:
    """Which tests a mutant is tested with: all that run its line, or only the nearest of them, and
    then, if wanted, the whole suite; and how many mutants are tested at once.
    """

    near: bool
    whole: bool
    at_once: int


class Examiner:
    """Runs tests against mutants."""

    def __init__(
        self,
        covering: CoverageMap,
        unknown: list[str],
        costly: list[str],
        free: SimpleQueue[Copy],
        reach: Reach,
    ) -> None:
        self._covering = covering
        self._unknown = frozenset(unknown)
        self._costly = costly
        self._free = free
        self._reach = reach
        self._lock = threading.Lock()
        self._unsound: set[str] = set()

    def examine(self, mutation: Mutation, source: bytes) -> Finding:
        """Run the near tests first, then the others."""
        with self._lock:
            tests = self._covering.tests_of(mutation)
        copy = self._free.get()
        try:
            finding = Finding(Verdict.SURVIVED, [])
            mutated = mutation.apply(source)
            copy.write(mutation.module, mutated)
            replaced = Replaced(
                str(copy.package / mutation.module), source.decode(), mutated.decode()
            )
            for chosen, took, in_collected in self._rounds(tests):
                seconds = START_SECONDS + SLOWER * took
                finding = copy.run_chosen(
                    chosen, seconds, replaced=replaced if in_collected else None
                )
                if finding.verdict is Verdict.TIMED_OUT:
                    copy.write(mutation.module, source)
                    same = replaced._replace(new=replaced.old) if in_collected else None
                    without = copy.run_chosen(chosen, seconds / 2, len(chosen), replaced=same)
                    if without.verdict is Verdict.TIMED_OUT:
                        finding = Finding(Verdict.UNDECIDED, [])
                if finding.verdict is not Verdict.SURVIVED:
                    break
            if finding.verdict is Verdict.SURVIVED and self._reach.whole:
                finding = copy.run(["tests", "--ignore=tests/murder"], WHOLE_SUITE_SECONDS)
            copy.write(mutation.module, source)
        finally:
            self._free.put(copy)
        return finding

    def _rounds(self, tests: list[str]) -> Iterator[tuple[list[str], float, bool]]:
        """Tests, or files of tests that have changed since they were measured, and how long they
        took then, and whether the functions of a process that has collected them may be replaced:
        first the best of a few files, last the costly ones of the nearest files.
        """
        took = self._covering.seconds
        left: dict[str, float] = {}
        for test in tests:
            file = _file(test)
            chosen = file if file in self._unknown else test
            if chosen not in self._unsound:
                left.setdefault(chosen, took[test])
        files = list(dict.fromkeys(map(_file, left)))
        if not self._reach.near:
            left |= dict.fromkeys((one for one in self._unknown if self._is_new(one)), 20.0)
        for seconds, most_files in ROUNDS[: 2 if self._reach.near else None]:
            first = _first(left, seconds, most_files)
            left = {test: took for test, took in left.items() if test not in first}
            if first:
                yield list(first), sum(first.values()), True
        nearest = set(files[:COSTLY_FILES])
        if costly := [test for test in self._costly if _file(test) in nearest - self._unknown]:
            yield costly, 2.0 * len(costly), False

    def _is_new(self, name: str) -> bool:
        return name not in self._covering.test_files

    def leave_out_unsound(self, findings: Iterable[Finding]) -> set[str]:
        """Of the tests that noticed a mutant, those that fail without any change: they are not run
        again.
        """
        noticed = {finding.failed[0] for finding in findings if finding.failed}
        tests = sorted(test for test in noticed if test.startswith("tests/"))
        if not tests:
            return set()
        copy = self._free.get()
        try:
            found = copy.run_chosen(tests, WHOLE_SUITE_SECONDS, len(tests)).failed
        finally:
            self._free.put(copy)
        unsound = set(found) & noticed
        for test in unsound - self._unsound:
            print(f"also fails without a mutant: {test}", flush=True)
        self._unsound |= unsound
        return unsound


def _first(tests: dict[str, float], seconds: float, most_files: float) -> dict[str, float]:
    """Of tests and their durations, the first that take so many seconds, of so many files."""
    first: dict[str, float] = {}
    files: set[str] = set()
    spent = 0.0
    for test, its_seconds in tests.items():
        file = _file(test)
        if not first or (
            spent + its_seconds <= seconds and (file in files or len(files) < most_files)
        ):
            first[test] = its_seconds
            files.add(file)
            spent += its_seconds
    return first


def _file(test: str) -> str:
    return test.partition("::")[0]


def report(findings: Iterator[tuple[Mutation, Finding]], sources: dict[str, bytes]) -> int:
    """Print the verdict on each mutant, and the number killed in each folder."""
    told: dict[Mutation, Finding] = {}
    for mutation, finding in findings:
        told[mutation] = finding
        by = f" by {finding.failed[0]}" if finding.failed else ""
        line = f"{mutation.module}:{mutation.statement.first}"
        print(f"{finding.verdict}: {line} ({mutation.operator}){by}", flush=True)
        if finding.verdict in NOT_FOUND:
            print(mutation.diff(sources[mutation.module]), flush=True)
    counts: dict[str, Counter[Verdict]] = defaultdict(Counter)
    for mutation, finding in told.items():
        counts[mutation.module.rpartition("/")[0]][finding.verdict] += 1
    survivors = [
        key(mutation, sources) for mutation, finding in told.items() if finding.verdict in NOT_FOUND
    ]
    SURVIVORS.write_text(json.dumps(survivors), "utf-8")
    total: Counter[Verdict] = Counter()
    for folder, verdicts in sorted(counts.items()):
        total += verdicts
        print(f"{folder or '.':40}", *(f"{verdicts[one]:4} {one}" for one in Verdict))
    print(f"{'altogether':40}", *(f"{total[one]:4} {one}" for one in Verdict))
    noticed = total.total() - sum(total[one] for one in NOT_FOUND)
    print(f"{noticed} of {total.total()} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
