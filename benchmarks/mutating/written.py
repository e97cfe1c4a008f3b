"""The hand-written mutants of the queue: which test notices each.

`tests/queue` runs against them: the scenarios and, separately, the random events compared with the
model, over SQLite if the change is in its adapter, and otherwise in memory, which is faster. The
short process murder runs only with `--processes`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.mutating.copies import Copy, Verdict
from benchmarks.mutating.mutation import Mutant
from benchmarks.queue_mutants import MUTANTS

SHOWN = 3
"""The number of tests named per mutant: a run ends after this many failures."""
LONGEST_SECONDS = 1800.0
RUNS = {
    "scenarios": ["tests/queue", "--ignore=tests/queue/test_model.py"],
    "model": ["tests/queue/test_model.py"],
    "processes": ["tests/murder/test_murder.py"],
}
NEEDS = {"memory": "not sqlite", "sqlite": "not memory"}


def run(root: Path, names: Sequence[str], *, with_processes: bool) -> int:
    """Run the mutants whose name contains one of `names`; returns 1 if one survives that should
    not.
    """
    runs = [name for name in RUNS if name != "processes" or with_processes]
    with TemporaryDirectory(prefix="kodit-mutants-") as folder:
        copy = Copy(root, Path(folder))
        whole = [failures(copy, name, database) for name in runs for database in NEEDS]
        if failed := [test for tests in whole for test in tests]:
            print("the tests fail without any mutant:", *failed, sep="\n")
            return 1
        chosen = [one for one in MUTANTS if not names or any(name in one.name for name in names)]
        surprises = [one for one in chosen if not report(copy, one, runs)]
        return 1 if surprises else 0


def report(copy: Copy, mutant: Mutant, runs: list[str]) -> bool:
    """Run the tests against a mutant and print which noticed; returns whether that is as
    expected.
    """
    originals = {
        change.path: (copy.package / change.path).read_bytes() for change in mutant.changes
    }
    try:
        for change in mutant.changes:
            change.apply(copy.package)
            copy.write(change.path, (copy.package / change.path).read_bytes())
        noticed = {run: failures(copy, run, mutant.database) for run in runs}
    finally:
        for path, source in originals.items():
            copy.write(path, source)
    is_caught = any(noticed.values())
    is_right = is_caught == (mutant.survives is None)
    verdict = "caught" if is_caught else f"survives: {mutant.survives or 'UNEXPECTED'}"
    print(f"{'  ' if is_right else '! '}{mutant.name} (invariant {mutant.invariant}): {verdict}")
    for name, tests in noticed.items():
        for test in tests[:SHOWN]:
            print(f"      {name}: {test}")
    sys.stdout.flush()
    return is_right


def failures(copy: Copy, run: str, database: str) -> list[str]:
    """The tests of one run over one database that fail in a copy."""
    finding = copy.run([*RUNS[run], "-k", NEEDS[database]], LONGEST_SECONDS, SHOWN)
    return ["(too slow)"] if finding.verdict is Verdict.TIMED_OUT else finding.failed
