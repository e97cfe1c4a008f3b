"""Breaks the program on purpose, in copies of its source, and checks which tests notice.

    python -m benchmarks.mutants --measure [TEST…]        which tests run which lines: once, 10 min
    python -m benchmarks.mutants [PATH…] --number 100 --seed 1
    python -m benchmarks.mutants --survivors              those of the last run again
    python -m benchmarks.mutants --written [NAME…] [--processes]

A mutant is the program with one small mistake: a comparison, a constant, an argument, a removed
statement. The seed chooses mutants from the whole package, or from the modules below the given
PATHs (`domain`, `infrastructure/slicing`), without regard to the tests. Each is first tested with
the tests that run its line, starting with fast and specific ones; a survivor is tested with all
tests that run it, unless `--near` is given, and with `--whole` with the whole suite. The map of
which test runs which line is recorded by `--measure` and kept in `.benchmarks`; given tests are
measured again and merged into it.

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
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory

from benchmarks.mutating import coverage_map, written
from benchmarks.mutating.copies import Copy, Finding, Verdict
from benchmarks.mutating.coverage_map import CoverageMap
from benchmarks.mutating.mutation import Mutation
from benchmarks.mutating.places import is_program, mutations_of

ROOT = Path(__file__).parents[1]
MAP = ROOT / ".benchmarks" / "coverage_map.json"
SURVIVORS = ROOT / ".benchmarks" / "survivors.json"
EQUIVALENT = Path(__file__).with_name("mutating") / "equivalent.toml"
AT_ONCE = 2
SECONDS_OF_FIRST_TESTS = 60.0
START_SECONDS = 90.0
WHOLE_SUITE_SECONDS = 900.0
SLOWER = 8.0
"""How many times longer than measured the tests of a mutant may take on a busy machine."""
NEVER_CHANGED = ("infrastructure/sqlalchemy/migrations/versions/",)
"""Released migrations are never changed."""


def main() -> int:
    """Run mutants; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="PATH|TEST|NAME")
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=SECONDS_OF_FIRST_TESTS)
    further = parser.add_mutually_exclusive_group()
    further.add_argument("--near", action="store_true", help="run no further tests on survivors")
    further.add_argument("--whole", action="store_true", help="run the whole suite on survivors")
    parser.add_argument("--list", action="store_true", help="only print the mutants")
    parser.add_argument("--survivors", action="store_true")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--written", action="store_true")
    parser.add_argument("--processes", action="store_true")
    options = parser.parse_args()
    if options.written:
        return written.run(ROOT, options.names, with_processes=options.processes)
    if options.measure:
        measured = coverage_map.measure(ROOT, options.names)
        (CoverageMap.read(MAP).merge(measured) if options.names else measured).write(MAP)
        return 0
    package = ROOT / "src" / "kodit"
    sources = {name: text.encode() for name, text in coverage_map.sources_of(package).items()}
    chosen = (
        survivors_of_last_run(sources)
        if options.survivors
        else sample(sources, options.names, options.number, options.seed)
    )
    aside = equivalent()
    mutants = [one for one in chosen if key(one, sources) not in aside]
    print(f"{len(mutants)} mutants; {len(chosen) - len(mutants)} excluded as equivalent")
    if options.list:
        for mutation in mutants:
            print(mutation.diff(sources[mutation.module]))
        return 0
    reach = Reach(options.seconds, near=options.near, whole=options.whole)
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
    with copies() as free, ThreadPoolExecutor(AT_ONCE) as threads:
        examiner = Examiner(covering, unknown, free, reach)
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
def copies() -> Iterator[SimpleQueue[Copy]]:
    """A queue of copies of the project to run mutants in."""
    free: SimpleQueue[Copy] = SimpleQueue()
    with TemporaryDirectory(prefix="kodit-mutants-") as folder:
        for number in range(AT_ONCE):
            free.put(Copy(ROOT, Path(folder, str(number))))
        yield free


@dataclass(frozen=True, slots=True)
class Reach:
    """Which tests a mutant is tested with: first those that take so many seconds, then all that run
    its line unless only the near ones are wanted, and finally, if wanted, the whole suite.
    """

    seconds: float
    near: bool
    whole: bool


class Examiner:
    """Runs tests against mutants."""

    def __init__(
        self,
        covering: CoverageMap,
        unknown: list[str],
        free: SimpleQueue[Copy],
        reach: Reach,
    ) -> None:
        self._covering = covering
        self._unknown = unknown
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
            for arguments, seconds in self._rounds(tests):
                copy.write(mutation.module, mutation.apply(source))
                left_out = [f"--deselect={test}" for test in self._unsound]
                finding = copy.run([*arguments, *left_out], START_SECONDS + SLOWER * seconds)
                copy.write(mutation.module, source)
                if finding.verdict is not Verdict.SURVIVED:
                    break
        finally:
            self._free.put(copy)
        return finding

    def _rounds(self, tests: list[str]) -> Iterator[tuple[list[str], float]]:
        """Arguments of pytest, and how long these tests took when they were measured."""
        took = self._covering.seconds
        known = [test for test in tests if test.partition("::")[0] not in self._unknown]
        files = {test.partition("::")[0] for test in tests}
        changed = [
            name
            for name in self._unknown
            if name in files or (self._is_new(name) and not self._reach.near)
        ]
        first: list[str] = []
        spent = 0.0
        for test in known:
            if not first or spent + took[test] <= self._reach.seconds:
                first.append(test)
                spent += took[test]
        if first:
            yield first, spent
        if changed:
            yield changed, 20.0 * len(changed)
        others = set(known) - set(first)
        if others and not self._reach.near:
            yield [test for test in known if test in others], sum(took[test] for test in others)
        if self._reach.whole:
            yield ["tests", "--ignore=tests/murder"], WHOLE_SUITE_SECONDS

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
            found = copy.run(tests, WHOLE_SUITE_SECONDS, len(tests)).failed
        finally:
            self._free.put(copy)
        unsound = set(found) & noticed
        for test in unsound - self._unsound:
            print(f"also fails without a mutant: {test}", flush=True)
        self._unsound |= unsound
        return unsound


def report(findings: Iterator[tuple[Mutation, Finding]], sources: dict[str, bytes]) -> int:
    """Print the verdict on each mutant, and the number killed in each folder."""
    told: dict[Mutation, Finding] = {}
    for mutation, finding in findings:
        told[mutation] = finding
        by = f" by {finding.failed[0]}" if finding.failed else ""
        line = f"{mutation.module}:{mutation.statement.first}"
        print(f"{finding.verdict}: {line} ({mutation.operator}){by}", flush=True)
        if finding.verdict is Verdict.SURVIVED:
            print(mutation.diff(sources[mutation.module]), flush=True)
    counts: dict[str, Counter[Verdict]] = defaultdict(Counter)
    for mutation, finding in told.items():
        counts[mutation.module.rpartition("/")[0]][finding.verdict] += 1
    survivors = [
        key(mutation, sources)
        for mutation, finding in told.items()
        if finding.verdict is Verdict.SURVIVED
    ]
    SURVIVORS.write_text(json.dumps(survivors), "utf-8")
    total: Counter[Verdict] = Counter()
    for folder, verdicts in sorted(counts.items()):
        total += verdicts
        print(f"{folder or '.':40}", *(f"{verdicts[one]:4} {one}" for one in Verdict))
    noticed = total[Verdict.CAUGHT] + total[Verdict.TIMED_OUT]
    print(f"{noticed} of {total.total()} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
