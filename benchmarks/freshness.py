"""How soon a saved file appears in a server's answers, and how many runs a burst of writes costs.

    python -m benchmarks.freshness WORKPLACE [--files 5000] [--saves 20]

A repository of `--files` files is created below WORKPLACE and served. Then files are saved one
after the other, each as soon as the previous one was found; 5,000 files are written at once, into a
left-out folder and into an indexed one; and a branch is checked out that changes 2,000 files.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.increment import FOLDERS, _module, _path
from benchmarks.measuring import kodit, kodit_environment, report, run

from kodit import Kodit

STORM = 5000
CHECKOUT = 2000
IDLE_SECONDS = 10.0
LOOK_SECONDS = 0.02


def main() -> None:
    """Create what is missing, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workplace", type=Path)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--saves", type=int, default=20)
    arguments = parser.parse_args()
    place = arguments.workplace.resolve() / str(arguments.files)
    make_repository(place, arguments.files)
    run(kodit("index", place / "source"), kodit_environment(place / "data"))
    with Kodit(place / "data") as answers, serving(place) as server:
        wait_until_idle(answers)
        save_files(place, answers, arguments.saves)
        print(f"writes to a left-out folder: {storm(place, answers, 'build')} runs")
        report("runs for a storm", storm(place, answers, "made"), 1, 1)
        report("runs for a checkout", check_out(place, answers), 1, 1)
        wait_until_idle(answers)
        began = cpu_seconds(server)
        time.sleep(IDLE_SECONDS)
        idle = 100 * (cpu_seconds(server) - began) / IDLE_SECONDS
        report("an idle server with its worker, percent of a core", idle, 1.0, 1.0)


def make_repository(place: Path, files: int) -> None:
    """A work tree with two branches that differ in some files."""
    if (place / "complete").exists():
        return
    source = place / "source"
    for number in range(files):
        path = _path(place, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_module(number, 0))
    (source / ".gitignore").write_text("build/\n")
    git(source, "init", "--quiet", "--initial-branch=main")
    git(source, "add", ".")
    git(source, "commit", "--quiet", "--message=one")
    git(source, "checkout", "--quiet", "-b", "other")
    for number in range(min(CHECKOUT, files)):
        _path(place, number).write_text(_module(number, 1))
    git(source, "commit", "--quiet", "--all", "--message=two")
    git(source, "checkout", "--quiet", "main")
    (place / "complete").touch()


def git(source: Path, *arguments: str) -> None:
    """Run git in the work tree."""
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=source, check=True)


@contextmanager
def serving(place: Path) -> Iterator[int]:
    """Yields the process id of a server with its worker."""
    environment = kodit_environment(place / "data") | {
        "KODIT_LOG_LEVEL": os.environ.get("KODIT_LOG_LEVEL", "warning")
    }
    server = subprocess.Popen(kodit("serve", "--no-tcp"), env=environment)
    try:
        while not (place / "data" / "server.sock").exists():
            time.sleep(LOOK_SECONDS)
        yield server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def save_files(place: Path, answers: Kodit, saves: int) -> None:
    """Save one file after the other."""
    seconds = []
    for turn in range(saves):
        name = f"freshly_saved_{os.getpid()}_{turn}"
        path = _path(place, 7 * turn)
        text = path.read_text()
        path.write_text(f"{text}\n\ndef {name}(value):\n    return value\n")
        began = time.perf_counter()
        while not is_found(answers, name):
            time.sleep(LOOK_SECONDS)
        seconds.append(time.perf_counter() - began)
        time.sleep(0.5)  # nobody saves without a pause
    git(place / "source", "checkout", "--quiet", ".")
    wait_until_idle(answers)
    print(f"a saved file is found after (p50) {statistics.median(seconds):26.3f} s")
    report("a saved file is found after (p95), s", statistics.quantiles(seconds, n=20)[-1], 2, 1)


def is_found(answers: Kodit, name: str) -> bool:
    """Whether a function is in the answers."""
    results = answers.search(name, mode="keyword", limit=5)
    return any(f"def {name}(" in result.snippet.text for result in results)


def storm(place: Path, answers: Kodit, folder: str) -> int:
    """Write many files; returns the number of requested runs."""
    before = last_run(answers)
    for number in range(STORM):
        path = place / "source" / folder / f"part_{number % FOLDERS}" / f"made_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"def made_{number}():\n    return {number}\n")
    wait_until_idle(answers, after=before if folder == "made" else None)
    runs = last_run(answers) - before
    subprocess.run(["rm", "-rf", place / "source" / folder], check=True)
    wait_until_idle(answers)
    return runs


def check_out(place: Path, answers: Kodit) -> int:
    """Check out another branch; returns the number of requested runs."""
    before = last_run(answers)
    git(place / "source", "checkout", "--quiet", "other")
    wait_until_idle(answers, after=before)
    runs = last_run(answers) - before
    git(place / "source", "checkout", "--quiet", "main")
    wait_until_idle(answers)
    return runs


def last_run(answers: Kodit) -> int:
    """The newest run's id: runs are numbered in order of request."""
    [index] = answers.status()
    return 0 if index.run is None else index.run.id


def wait_until_idle(answers: Kodit, after: int | None = None) -> None:
    """Wait until nothing has been queued or running for a while, and there is a run newer than
    `after`.
    """
    while after is not None and last_run(answers) == after:
        time.sleep(LOOK_SECONDS)
    quiet_since = time.monotonic()
    last = None
    while time.monotonic() - quiet_since < 3.0:
        [index] = answers.status()
        if index.run is not None and (index.run.id != last or not index.run.state.is_terminal):
            last, quiet_since = index.run.id, time.monotonic()
        time.sleep(10 * LOOK_SECONDS)


def cpu_seconds(process: int) -> float:
    """Processor time of a process and its children so far, on Linux."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for one in [process, *children(process)]:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def children(process: int) -> Iterator[int]:
    """All descendants of a process."""
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            yield child
            yield from children(child)


if __name__ == "__main__":
    main()
