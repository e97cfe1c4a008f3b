"""Worker processes that are killed, stopped and resumed at random times, and the consequences.

    python -m benchmarks.murder [--cycles 500] [--workers 4] [--seed 1] [--nodes 3] [--namespaces]

Real worker processes share one data directory; in each cycle one of them gets `kill -9` of its
process group or of itself alone, SIGSTOP for longer than its lease and SIGCONT, SIGSTOP and then
`kill -9`, `kill -9` of a child process, or SIGTERM. Their stages record every batch in a file
outside the database. With `--nodes`, the workers are on that many data directories over one
PostgreSQL server, all connections to which are cut now and then, and which is restarted, fast or
immediately. With `--namespaces`, which needs root, each node is a network namespace: links to the
server are also cut, slowed down and silent for some seconds, and the server's disk is full for two.
Afterwards every run must have ended, and no effect may be duplicated,
premature, missing, or from a worker that had lost its claim. Exits with status 1 otherwise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

from benchmarks.disasters import LONGEST_CUT_SECONDS, OF_SERVER, Disasters, Network, network
from benchmarks.namespaces import is_inside, run_inside
from tests.murder.massacre import Massacre
from tests.support.stores import DATABASES, using_store

REPORT_EVERY = 50

Place = Callable[[int], tuple[Sequence[str], Mapping[str, str]]]


def _here(_node: int) -> tuple[Sequence[str], Mapping[str, str]]:
    return (), {}


def _in_namespace(
    made: Network, data_dir: Path, node: int
) -> tuple[Sequence[str], Mapping[str, str]]:
    return made.place(node, DATABASES.url_of(data_dir))


def _nothing() -> None:
    """There is nothing to heal."""


def main() -> int:
    """Run the cycles; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nodes", type=int, default=0)
    parser.add_argument("--namespaces", action="store_true")
    options = parser.parse_args()
    if options.namespaces and not is_inside():
        return run_inside(options.nodes, "benchmarks.murder", sys.argv[1:])
    with (
        tempfile.TemporaryDirectory(prefix="kodit-murder-") as folder,
        ExitStack() as opened,
    ):
        disasters: Disasters = OF_SERVER if options.nodes else {}
        place: Place = _here
        heal: Callable[[], None] = _nothing
        slowest_link = timedelta(0)
        if options.namespaces:
            Path(folder).chmod(0o755)
            made = opened.enter_context(network(Path(folder), options.nodes, options.seed))
            disasters, heal = made.disasters, made.heal
            slowest_link = timedelta(seconds=LONGEST_CUT_SECONDS + 1)
            data = Path(folder) / "data"
            place = partial(_in_namespace, made, data)
        opened.enter_context(using_store("postgresql" if options.nodes else "sqlite"))
        massacre = opened.enter_context(
            Massacre(
                Path(folder),
                workers=options.workers,
                seed=options.seed,
                nodes=max(options.nodes, 1),
                disasters=disasters,
                place=place,
            )
        )
        return _carry_out(massacre, options.cycles, heal, slowest_link)


def _carry_out(
    massacre: Massacre, cycles: int, heal: Callable[[], None], slowest_link: timedelta
) -> int:
    """Run the cycles, and print the verdict; returns the exit status."""
    began = time.monotonic()
    massacre.request(6)
    for number in range(1, cycles + 1):
        massacre.cycle()
        if number % REPORT_EVERY == 0:
            print(f"{number} cycles, {time.monotonic() - began:.0f} s", flush=True)
    heal()
    massacre.wait_for_runs()
    massacre.dismiss()
    verdict = massacre.judge(slowest_link)
    survivors = massacre.survivors()
    for name, count in massacre.cycles.most_common():
        print(f"{count:6d}  {name}")
    print(f"{massacre.victims_at_work:6d}  of them held a task")
    print(f"runs: {dict(verdict.runs)}; requests: {len(massacre.accepted)}")
    print(f"claims: {dict(verdict.claims)}")
    print(f"batches stored: {verdict.batches_stored}, rolled back: {verdict.batches_rolled_back}")
    print(
        f"duplicate {len(verdict.duplicate)}, early {len(verdict.early)}, "
        f"missing {len(verdict.missing)}, zombie {len(verdict.zombie)}, "
        f"overlapping {len(verdict.overlapping)}, not ended {len(verdict.unended)}, "
        f"processes left {len(survivors)}"
    )
    print(*verdict.violations, *survivors, sep="\n")
    return 1 if verdict.violations or survivors or set(verdict.runs) != {"succeeded"} else 0


if __name__ == "__main__":
    sys.exit(main())
