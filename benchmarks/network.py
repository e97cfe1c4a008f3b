"""Three machines that index and search over one database, while their network fails.

    python -m benchmarks.network [--rounds 20] [--seed 1] [--only "server restarted"]

(It needs root and iproute2.)

Each machine is a network namespace with a `kodit serve`, the first one also with a `kodit worker`;
the PostgreSQL server is in one of its own, on a small disk. Ten searchers search, some on each
machine, while repositories change; in each round something is cut, slowed down, restarted, filled
or killed. Afterwards all must be whole: every run has succeeded, `kodit doctor` finds nothing on
any machine, and all give the same answers as an index made afresh on SQLite. Prints how the
searches went. Exits with status 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

from benchmarks.disasters import Network, network
from benchmarks.namespaces import is_inside, run_inside
from tests.support.stores import DATABASES, using_store

from kodit import Kodit

NODES = 3
SEARCHERS = 10
REPOSITORIES = 4
QUERIES = ("read a line", "widget 3", "total of numbers", "widget_7_2")
PATIENCE_SECONDS = 300.0


class LocalConnection(HTTPConnection):
    """To the socket of a server, which does not need the network."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=120)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Machine:
    """A node and its processes, which are started again when they have ended."""

    def __init__(self, number: int, made: Network, folder: Path, url: str) -> None:
        self.number = number
        self.data_dir = folder / f"node{number}"
        self._before, variables = made.place(number, url)
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("KODIT_")
        } | {
            **variables,
            "KODIT_DATA_DIR": str(self.data_dir),
            "KODIT_LEASE_SECONDS": "10",
            "KODIT_HEARTBEAT_SECONDS": "2",
            "KODIT_MAX_FAILURES": "1000",
        }
        self._log = folder / f"node{number}.log"
        self._commands = [["serve", "--workers", "1", "--port", "0"]]
        if number == 0:
            self._commands.append(["worker"])
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        for command in self._commands:
            process = self._processes.get(command[0])
            if process is None or process.poll() is not None:
                with self._log.open("ab") as log:
                    self._processes[command[0]] = subprocess.Popen(
                        self._line(command),
                        env=self._environment,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )

    def _line(self, command: Sequence[str]) -> list[str]:
        return [*self._before, sys.executable, "-m", "kodit", *command]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._line(command), env=self._environment, capture_output=True, text=True, check=False
        )

    def kill(self) -> None:
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def ask(self, path: str, method: str = "GET", body: object = None) -> tuple[int, object]:
        """The status and the JSON of an answer; raises OSError."""
        connection = LocalConnection(self.data_dir / "server.sock")
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            connection.close()


class Searches:
    """What searchers have seen."""

    def __init__(self, machines: Sequence[Machine]) -> None:
        self.seen: Counter[str] = Counter()
        self.longest = 0.0
        self.most_behind = 0
        self._machines = machines
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._search, args=(number,)) for number in range(SEARCHERS)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _search(self, number: int) -> None:
        machine = self._machines[number % NODES]
        while not self._stop.wait(0.2):
            began = time.monotonic()
            try:
                status, answer = machine.ask(f"/api/v1/search?query={quote(QUERIES[number % 4])}")
            except OSError:
                self.seen["the server of the machine was dead"] += 1
                continue
            self.longest = max(self.longest, time.monotonic() - began)
            assert isinstance(answer, dict)
            if status == 200:
                behind = max((one.get("behind", 0) for one in answer["standing"]), default=0)
                self.most_behind = max(self.most_behind, behind)
                self.seen["answered, behind" if behind else "answered"] += 1
            else:
                self.seen[f"{status} {answer.get('code')}"] += 1


class Repositories:
    """Git repositories that change."""

    def __init__(self, folder: Path, chosen: random.Random) -> None:
        self._random = chosen
        self.folders = [folder / f"repository{number}" for number in range(REPOSITORIES)]
        for path in self.folders:
            path.mkdir()
            _git(path, "init", "--quiet")
            for number in range(40):
                self._write(path, number)
            self._commit(path)

    @property
    def urls(self) -> list[str]:
        return [f"file://{path}" for path in self.folders]

    def change(self) -> str:
        """Commit a change to one of them; returns its URL."""
        path = self._random.choice(self.folders)
        for _ in range(self._random.randrange(1, 6)):
            self._write(path, self._random.randrange(50))
        self._commit(path)
        return f"file://{path}"

    def _write(self, path: Path, number: int) -> None:
        names = [f"widget_{number}_{self._random.randrange(9)}" for _ in range(3)]
        functions = [
            f'def {name}(numbers):\n    """The total of numbers: read a line."""\n'
            f"    return sum(numbers) + {self._random.randrange(99)}\n"
            for name in names
        ]
        (path / f"module{number}.py").write_text("\n\n".join(functions))

    def _commit(self, path: Path) -> None:
        _git(path, "add", "--all")
        _git(
            path,
            *("-c", "user.name=k", "-c", "user.email=k@example.org"),
            "commit",
            "-qm",
            "x",
            "--allow-empty",
        )


def _git(path: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", path, *arguments], check=True, stdout=subprocess.DEVNULL)


def _request(machines: Sequence[Machine], url: str) -> None:
    """Ask any machine that answers to index a source."""
    for machine in (*machines, *machines):
        with suppress(OSError):
            status, _answer = machine.ask("/api/v1/indexes", "POST", {"source": url})
            if status == 202:
                return
    print(f"nobody accepts {url} at the moment", flush=True)


def _wait(what: str, is_so: object) -> bool:
    assert callable(is_so)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            print(f"not in time: {what}")
            return False
        time.sleep(0.5)
    return True


def _answers(machine: Machine) -> list[object]:
    found: list[object] = []
    for query in QUERIES:
        status, answer = machine.ask(f"/api/v1/search?query={quote(query)}&limit=20")
        assert status == 200, answer
        assert isinstance(answer, dict)
        found.append(
            [
                (one["source"], one["path"], one["start_line"], round(one["score"], 6))
                for one in answer["results"]
            ]
        )
    return found


def _afresh(repositories: Repositories, folder: Path) -> list[object]:
    with using_store("sqlite"), Kodit(folder / "fresh") as api:
        for url in repositories.urls:
            api.index(url)
        return [
            [
                (one.snippet.source, one.snippet.path, one.snippet.start_line, round(one.score, 6))
                for one in api.search(query, limit=20)
            ]
            for query in QUERIES
        ]


def main() -> int:
    """Run the rounds; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="the beginning of what may happen")
    options = parser.parse_args()
    if not is_inside():
        return run_inside(NODES, "benchmarks.network", sys.argv[1:])
    chosen = random.Random(options.seed)  # noqa: S311 - to be repeated, not to be secret
    with tempfile.TemporaryDirectory(prefix="kodit-network-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with network(folder, NODES, options.seed) as made, using_store("postgresql"):
            url = DATABASES.url_of(folder / "data")
            machines = [Machine(number, made, folder, url) for number in range(NODES)]
            try:
                return _carry_out(made, machines, folder, chosen, options)
            finally:
                for machine in machines:
                    machine.kill()


def _carry_out(
    made: Network,
    machines: Sequence[Machine],
    folder: Path,
    chosen: random.Random,
    options: argparse.Namespace,
) -> int:
    repositories = Repositories(folder, chosen)
    for machine in machines:
        machine.start()
    _wait("sockets", lambda: all((one.data_dir / "server.sock").exists() for one in machines))
    for url in repositories.urls:
        _request(machines, url)
    searches = Searches(machines)
    happened: Counter[str] = Counter()

    def kill_one() -> None:
        chosen.choice(machines).kill()

    every = {**made.disasters, "machine killed": (20, kill_one)}
    disasters = {name: one for name, one in every.items() if name.startswith(options.only)}
    for _ in range(options.rounds):
        name = chosen.choices(list(disasters), [often for often, _ in disasters.values()])[0]
        happened[name] += 1
        disasters[name][1]()
        for _ in range(4):
            _request(machines, repositories.change())
            time.sleep(0.5)
        for machine in machines:
            machine.start()
    made.heal()
    for machine in machines:
        machine.start()
    for url in repositories.urls:
        _request(machines, url)

    def is_quiet() -> bool:
        try:
            views = [machine.ask("/api/v1/indexes") for machine in machines]
        except OSError:
            return False
        return all(
            status == 200
            and isinstance(view, dict)
            and len(view["indexes"]) == REPOSITORIES
            and all(one["state"] == "complete" for one in view["standing"])
            and not any(one.get("behind") for one in view["standing"])
            for status, view in views
        )

    is_good = _wait("all runs", is_quiet)
    searches.end()
    print(f"happened: {dict(happened)}")
    print(f"searches: {dict(searches.seen)}; the longest took {searches.longest:.1f} s; ", end="")
    print(f"at most {searches.most_behind} changes behind")
    time.sleep(3)
    wanted = _afresh(repositories, folder)
    for machine in machines:
        if _answers(machine) != wanted:
            is_good = False
            print(f"machine {machine.number} gives other answers than a fresh index")
        outcome = machine.run("doctor")
        if outcome.returncode:
            is_good = False
            print(f"doctor on machine {machine.number}: {outcome.stdout}{outcome.stderr}")
    print("all whole" if is_good else "NOT WHOLE")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
