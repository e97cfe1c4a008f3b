"""Several nodes over one PostgreSQL server of this machine, in one run each.

    python -m benchmarks.nodes search [--snippets 200000] [--cache DIR]
    python -m benchmarks.nodes wake-up
    python -m benchmarks.nodes workers [--indexes 40] [--files 50] [--share 0.2]
    python -m benchmarks.nodes indexing --folder DIR

`search` makes a corpus as `benchmarks.search` does, moves it to the server, lets a new node fill
its engines from nothing, and then asks both it and SQLite the same queries in turn. `wake-up`
measures how long it takes from a notification in one process to its arrival in another. `workers`
lets 1, 2 and 4 workers without engines, each limited to a share of a core by a cgroup (version 1,
which needs root), index the same folders beside a search node, and compares their throughput.
`indexing` compares the CPU of Kodit's processes when a folder is indexed on SQLite, and over the
server by 1 and by 4 workers of one machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.processes import cpu_seconds
from benchmarks.search import QUERIES, grow
from tests.support.postgresql import find_postgresql, running_postgresql

from kodit import Kodit
from kodit.application.services.source_service import IndexRequest
from kodit.composition import Application
from kodit.domain.value_objects import SearchRequest
from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.shared_wake_ups import SharedWakeUps
from kodit.settings import DATABASE_URL, Settings

ROUNDS_OF_QUERIES = 5
NOTIFICATIONS = 100
PERIOD_MICROSECONDS = 100_000
_CGROUPS = Path("/sys/fs/cgroup/cpu")
_LISTEN = """
import sys, time
from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.wake_up import NotifyChannel
channel = NotifyChannel(
    DatabaseAddress("the address", sys.argv[1]),
    lambda: print(time.monotonic(), flush=True),
)
sys.stdin.read()
"""


@contextmanager
def server() -> Iterator[str]:
    """The address of a server whose commits wait for the disk."""
    programs = find_postgresql()
    if programs is None:
        sys.exit("PostgreSQL is not installed")
    with running_postgresql(programs, is_durable=True) as url:
        yield f"postgresql://{url.username}@/{url.database}?host={url.query['host']}"


def measure_search(snippets: int, cache: Path) -> None:
    base, corpus = cache / "base", cache / f"{snippets}"
    if not (base / "kodit.db").exists():
        with Kodit(base) as kodit:
            kodit.index(Path(os.__file__).parent, exclude=("test/", "tests/", "idlelib/"))
    if not (corpus / "done").exists():
        shutil.rmtree(corpus, ignore_errors=True)
        shutil.copytree(base, corpus)
        grow(corpus, snippets)
        (corpus / "done").touch()
    moved, new = cache / "moved", cache / "new node"
    for folder in (moved, new):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(corpus, moved)
    with server() as url:
        command = [sys.executable, "-m", "kodit", "--data-dir", str(moved), "move", "--to", url]
        subprocess.run(command, check=True)
        node = Application(Settings(data_dir=new, database_url=url))
        node.open()
        began, cpu = time.monotonic(), _cpu()
        asyncio.run(_follow(node))
        node.search.search(SearchRequest(QUERIES[0]))
        node.pool.close()
        print(f"new node: {time.monotonic() - began:.1f} s, {_cpu() - cpu:.1f} s of CPU")
        alone = Application(Settings.load({}, data_dir=corpus))
        alone.open()
        times = [
            (_time(alone, query), _time(node, query))
            for _ in range(ROUNDS_OF_QUERIES)
            for query in QUERIES
        ][len(QUERIES) :]
        for name, which in (("SQLite", 0), ("node", 1)):
            wall = statistics.median(both[which][0] for both in times)
            spent = statistics.median(both[which][1] for both in times)
            print(f"hybrid p50 on {name}: {wall * 1e3:.1f} ms, {spent * 1e3:.1f} ms of CPU")
        ratio = statistics.median(theirs[0] / mine[0] for mine, theirs in times)
        print(f"the node takes {ratio:.2f} times as long")
        node.close()
        alone.close()


async def _follow(node: Application) -> None:
    for chore in node.following:
        while await chore.do_piece():
            pass


def _time(application: Application, query: str) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    application.search.search(SearchRequest(query))
    return time.perf_counter() - wall, time.process_time() - cpu


def _cpu() -> float:
    """Seconds of this process and of its children that have ended."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, who))


def measure_wake_up() -> None:
    with server() as url:
        listening = subprocess.Popen(
            [sys.executable, "-c", _LISTEN, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert listening.stdout is not None
        listening.stdout.readline()  # it listens
        wake_ups = SharedWakeUps(DatabaseAddress(DATABASE_URL, url))
        wake_ups.listen()
        times = []
        for _ in range(NOTIFICATIONS):
            time.sleep(0.02)
            began = time.monotonic()
            wake_ups.notify()
            times.append(float(listening.stdout.readline()) - began)
        wake_ups.close()
        listening.communicate()
    times.sort()
    print(f"wake-up p50 {statistics.median(times) * 1e3:.1f} ms, p95 {times[95] * 1e3:.1f} ms")


def measure_workers(indexes: int, files: int, share: float) -> None:
    first = 0.0
    for count in (1, 2, 4):
        with tempfile.TemporaryDirectory(prefix="kodit-workers-") as name, server() as url:
            folders = _folders(Path(name), "folder", indexes, files)
            seconds, spent, searching = _index_with(count, folders, Path(name), url, share)
        first = first or seconds
        print(
            f"{count} workers: {seconds:.1f} s, {first / seconds:.2f} times as fast; "
            f"CPU of the workers {', '.join(f'{one:.1f}' for one in spent)} s, "
            f"{sum(spent) / (count * share * seconds):.0%} of their share, "
            f"of the search node {searching:.1f} s",
            flush=True,
        )


def _folders(below: Path, name: str, indexes: int, files: int) -> list[Path]:
    """Folders of files that all differ."""
    found = []
    for index in range(indexes):
        folder = below / f"{name}{index}"
        folder.mkdir()
        for file in range(files):
            text = "\n\n".join(
                f'def {name}_{index}_{file}_{number}(value):\n    """Step {number}."""\n'
                f"    return value + {index * file + number}\n"
                for number in range(4)
            )
            (folder / f"module{file}.py").write_text(text)
        found.append(folder)
    return found


def _index_with(
    count: int, folders: Sequence[Path], below: Path, url: str, share: float
) -> tuple[float, list[float], float]:
    """Seconds until all folders are indexed by workers that have worked already, and the processor
    time of each worker and of the search node."""
    environment = _environment() | {DATABASE_URL: url, "KODIT_HOST": "here"}
    application = Application(
        Settings(data_dir=below / "asking", database_url=url, host="here", node_searches=False)
    )
    searching = subprocess.Popen(
        [sys.executable, "-m", "kodit", "serve", "--workers", "0", "--port", "0"],
        env=environment | {"KODIT_DATA_DIR": str(below / "searching")},
    )
    with application, asyncio.Runner() as runner, _limited(count) as (start, limit):
        queue, nodes = application.queue, application.store.nodes
        assert nodes is not None
        processes = [
            start(
                number,
                [sys.executable, "-m", "kodit", "worker", "--no-search"],
                environment | {"KODIT_DATA_DIR": str(below / f"worker{number}")},
            )
            for number in range(count)
        ]
        _wait(lambda: len(application.registry.living()) == count and bool(nodes.searching()))

        def index(some: Sequence[Path]) -> None:
            for folder in some:
                runner.run(application.sources.add(IndexRequest([str(folder)])))

        # Each worker starts its child processes.
        index(_folders(below, "warm", 8 * count, 8))
        _wait(lambda: not runner.run(queue.count_runs()))
        runner.run(queue.pause())
        index(folders)
        limit(share)
        measured = [process.pid for process in (*processes, searching)]
        before = [cpu_seconds(one) for one in measured]
        began = time.monotonic()
        runner.run(queue.resume())
        _wait(lambda: not runner.run(queue.count_runs()))
        seconds = time.monotonic() - began
        after = [cpu_seconds(one) for one in measured]
        for process in (*processes, searching):
            process.terminate()
        for process in (*processes, searching):
            process.wait()
    *workers, node = (end - start for start, end in zip(before, after, strict=True))
    return seconds, workers, node


def measure_indexing(folder: Path) -> None:
    alone = 0.0
    for count in (0, 1, 4):
        with tempfile.TemporaryDirectory(prefix="kodit-indexing-") as name:
            spent = _cpu_of_indexing(folder, Path(name), count)
        alone = alone or spent
        what = f"{count} workers over the server" if count else "SQLite"
        print(f"{what}: {spent:.1f} s of CPU, {spent / alone:.2f} times", flush=True)


def _cpu_of_indexing(folder: Path, data_dir: Path, workers: int) -> float:
    """Seconds of CPU of all of Kodit's processes; without workers, of a command on SQLite."""
    environment = _environment() | {"KODIT_DATA_DIR": str(data_dir)}
    kodit = [sys.executable, "-m", "kodit"]
    if not workers:
        began = _cpu()
        subprocess.run([*kodit, "index", str(folder)], env=environment, check=True)
        return _cpu() - began
    with server() as url:
        environment |= {DATABASE_URL: url, "KODIT_HOST": "here"}
        began = _cpu()
        processes = [subprocess.Popen([*kodit, "worker"], env=environment) for _ in range(workers)]
        settings = Settings(data_dir=data_dir, database_url=url, host="here")
        with Application(settings) as application, asyncio.Runner() as runner:
            _wait(lambda: len(application.registry.living()) == workers)
            runner.run(application.sources.add(IndexRequest([str(folder)])))
            _wait(lambda: not runner.run(application.queue.count_runs()))
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        return _cpu() - began


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KODIT_")}
    return kept | {"KODIT_LOG_LEVEL": "error"}


Start = Callable[[int, Sequence[str], dict[str, str]], "subprocess.Popen[bytes]"]


@contextmanager
def _limited(count: int) -> Iterator[tuple[Start, Callable[[float], None]]]:
    """Starts processes, each with its children in a cgroup; all of them are then limited to a share
    of a core."""
    groups = [_CGROUPS / f"kodit-worker{number}" for number in range(count)]
    for group in groups:
        group.mkdir(exist_ok=True)
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))

    def start(
        number: int, command: Sequence[str], environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        enter = f'echo $$ > {groups[number]}/cgroup.procs && exec "$@"'
        return subprocess.Popen(["sh", "-c", enter, "sh", *command], env=environment)

    def limit(share: float) -> None:
        for group in groups:
            (group / "cpu.cfs_quota_us").write_text(str(round(share * PERIOD_MICROSECONDS)))

    try:
        yield start, limit
    finally:
        for group in groups:
            with suppress(OSError):
                group.rmdir()


def _wait(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("search", "wake-up", "workers", "indexing"))
    parser.add_argument("--snippets", type=int, default=200_000)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--indexes", type=int, default=40)
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.what == "wake-up":
        measure_wake_up()
    elif options.what == "indexing":
        if options.folder is None:
            parser.error("`indexing` needs --folder")
        measure_indexing(options.folder)
    elif options.what == "workers":
        measure_workers(options.indexes, options.files, options.share)
    else:
        cache = options.cache or Path(tempfile.mkdtemp(prefix="kodit-nodes-"))
        try:
            measure_search(options.snippets, cache)
        finally:
            if options.cache is None:
                shutil.rmtree(cache)


if __name__ == "__main__":
    main()
