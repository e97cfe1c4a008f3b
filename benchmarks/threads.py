"""Many threads on one `Kodit` while two workers index: does every read match a single thread's?

    python -m benchmarks.threads [--threads 64] [--calls 2000]

Half of the indexes are left alone, and every search, grep, listing, read and status of these is
compared with the earlier result of a single thread. The other half is indexed, deleted and
cancelled: there, only errors not caused by the callers count. Memory is the resident set of this
process after each half of the calls. Exits with status 1 if an answer differs or an error was not
caused by a caller.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from kodit import IndexingError, Kodit, NotFoundError, SourceError, UserError
from kodit.domain.value_objects import RunState

QUIET, BUSY, FILES = 3, 3, 12
WORDS = (
    "anchor basket candle dragon ember falcon garden harbor island jungle kettle lantern meadow "
    "needle orchard pepper quartz ribbon saddle thunder umbrella velvet walnut yonder zephyr"
).split()
CAUSED_BY_CALLERS = (IndexingError, NotFoundError, SourceError, UserError)
"""Expected errors when one thread uses an index that another one deletes or cancels."""


@dataclass(slots=True)
class Outcome:
    """The results of the calls. `resident` are the bytes after each half of them."""

    calls: Counter[str] = field(default_factory=Counter)
    differing: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)


def main() -> int:
    """Run once and print the outcome; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--calls", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kodit-threads-") as place:
        outcome = play(Path(place), threads=options.threads, calls=options.calls, workers=2)
    print(", ".join(f"{count} {name}" for name, count in sorted(outcome.calls.items())))
    for line in (*outcome.differing[:10], *outcome.errors[:10]):
        print(line)
    first, second = outcome.resident
    print(f"{len(outcome.differing)} answers differ, {len(outcome.errors)} errors of our own")
    print(
        f"resident memory: {first / 1e6:.0f} MB, then {second / 1e6:.0f} MB: {second / first:.2f}"
    )
    return 1 if outcome.differing or outcome.errors else 0


def play(place: Path, *, threads: int, calls: int, workers: int) -> Outcome:
    """Index, start the workers, and make the calls in two halves."""
    quiet = [_write(place / f"quiet{number}", number) for number in range(QUIET)]
    busy = [_write(place / f"busy{number}", 100 + number) for number in range(BUSY)]
    outcome = Outcome()
    with Kodit(place / "data") as kodit, ExitStack() as running:
        kodit.index(*quiet, *busy)
        reads = _reads(kodit, quiet)
        expected = {name: repr(read()) for name, read in reads.items()}
        for _worker in range(workers):
            command = [sys.executable, "-m", "kodit", "--data-dir", str(place / "data"), "worker"]
            worker = running.enter_context(
                subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            running.callback(worker.terminate)
        lock = threading.Lock()
        changes = _changes(kodit, busy)

        def call(number: int) -> None:
            choice = random.Random(number)  # noqa: S311 - repeatable
            is_read = choice.random() < 0.8
            name = choice.choice(sorted(reads if is_read else changes))
            try:
                answer = repr(reads[name]()) if is_read else changes[name](choice)
            except Exception as error:  # noqa: BLE001 - reported below
                if is_read or not isinstance(error, CAUSED_BY_CALLERS):
                    with lock:
                        outcome.errors.append(f"{name}: {type(error).__name__}: {error}")
                return
            with lock:
                outcome.calls[name.partition(" ")[0]] += 1
                if is_read and answer != expected[name]:
                    outcome.differing.append(name)

        for half in (range(calls // 2), range(calls // 2, calls)):
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(call, half))
            outcome.resident.append(_resident())
    return outcome


def _write(folder: Path, seed: int) -> Path:
    """A source with a few functions per file, made of words that all sources share."""
    choice = random.Random(seed)  # noqa: S311 - not for secrets
    for number in range(FILES):
        path = folder / f"part{number % 3}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        functions = [
            f"def {choice.choice(WORDS)}_{number}_{turn}(value):\n"
            + "".join(f"    {choice.choice(WORDS)} = {choice.choice(WORDS)}\n" for _ in range(12))
            for turn in range(6)
        ]
        path.write_text("\n\n".join(functions))
    return folder


def _reads(kodit: Kodit, sources: Sequence[Path]) -> dict[str, Callable[[], object]]:
    """Calls whose answers stay the same as long as their sources are not changed."""
    reads: dict[str, Callable[[], object]] = {}
    for source in sources:
        [status] = [one for one in kodit.status() if one.source == str(source)]
        for query in ("anchor basket", "where does the ember go", "quartz_3_2"):
            reads[f"search {source.name} {query}"] = lambda query=query, index=status.id: [  # type: ignore[misc]
                (found.snippet.path, found.snippet.start_line, found.snippet.text, found.score)
                for found in kodit.search(query, index_ids=[index])
            ]
        reads[f"grep {source.name}"] = lambda source=source: kodit.grep(r"def \w+_7", source)  # type: ignore[misc]
        reads[f"list {source.name}"] = lambda source=source: kodit.list_files(source)  # type: ignore[misc]
        reads[f"read {source.name}"] = lambda source=source: kodit.read(  # type: ignore[misc]
            source, "part1/module1.py:3-20"
        )
        reads[f"symbols {source.name}"] = lambda source=source: [  # type: ignore[misc]
            (one.snippet.path, one.line) for one in kodit.symbols("anchor_1_2", source).definitions
        ]
        reads[f"status {source.name}"] = lambda source=source: [  # type: ignore[misc]
            (one.files, one.snippets, one.updated_at)
            for one in kodit.status()
            if one.source == str(source)
        ]
    return reads


def _changes(kodit: Kodit, sources: Sequence[Path]) -> dict[str, Callable[[random.Random], object]]:
    """Calls that change the other half of the indexes."""

    def index(choice: random.Random) -> None:
        source = choice.choice(sources)
        path = source / "part0" / "module0.py"
        path.write_text(f"def changed_{choice.randrange(10**6)}():\n    pass\n")
        kodit.index(source)

    def delete(choice: random.Random) -> None:
        kodit.delete(choice.choice(sources))

    def cancel(choice: random.Random) -> None:
        for run in kodit.runs([RunState.QUEUED, RunState.RUNNING], limit=1):
            kodit.cancel(run.id)

    return {"index": index, "delete": delete, "cancel": cancel}


def _resident() -> int:
    """Resident memory of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    sys.exit(main())
