"""Shared by the benchmarks: running a command and measuring its cost."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """Processor time of the command and all its children, and wall time, in seconds."""

    cpu: float
    wall: float


def kodit_environment(data_dir: Path) -> dict[str, str]:
    """This environment, but of Kodit's settings only the data directory. Python may cache compiled
    modules, as in an installed program.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KODIT_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"KODIT_DATA_DIR": str(data_dir)}


def kodit(*arguments: str | Path) -> list[str]:
    """The command line, run with this Python in the same way as its start script does."""
    program = "import sys; from kodit.cli import main; sys.argv[0] = 'kodit'; main()"
    return [sys.executable, "-P", "-c", program, *map(str, arguments)]


def run(command: Sequence[str], environment: Mapping[str, str], cwd: Path | None = None) -> Cost:
    """Run a command that must succeed. Children count if they have ended before it."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, cwd=cwd, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, wall)


def median_cpu(measure: Callable[[], Cost], runs: int) -> float:
    """The median of the processor time of some runs."""
    return statistics.median(measure().cpu for _ in range(runs))


def report(what: str, seconds: float, least: float, aim: float) -> None:
    """Print a figure with its minimum and its target."""
    verdict = "aim met" if seconds <= aim else "met" if seconds <= least else "MISSED"
    print(f"{what:<48} {seconds:8.3f}   at least {least:g}, aim {aim:g}: {verdict}")
