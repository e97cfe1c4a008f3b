"""What may happen to several nodes over one PostgreSQL server, besides the death of processes."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from benchmarks.namespaces import ADDRESS, SUBNET, node_name, set_link, within
from tests.support.postgresql_databases import (
    end_connections,
    prepare_server,
    restart_server,
    server_url,
)

Disasters = Mapping[str, tuple[int, Callable[[], None]]]
"""By name, with the frequency in a hundred deaths."""
LONGEST_CUT_SECONDS = 6.0
LONGEST_DELAY_SECONDS = 0.2
DISK_MEGABYTES = 400
PROXY_PORT = 5432


def _cut() -> None:
    end_connections("random() < 0.7")


OF_SERVER: Disasters = {
    "connections cut": (20, _cut),
    "server restarted, fast": (6, partial(restart_server, "fast")),
    "server restarted, immediate": (6, partial(restart_server, "immediate")),
}


class Network:
    """Nodes in namespaces, one of which reaches the server only through a proxy that delays, and
    the server in this one, on a small disk."""

    def __init__(self, folder: Path, nodes: int, seed: int) -> None:
        self._nodes = nodes
        self._random = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self._delay = folder / "delay"
        self._disk = folder / "disk"
        self._repairs: dict[str, threading.Timer] = {}
        self._opened = ExitStack()

    def __enter__(self) -> Network:
        self._disk.mkdir()
        self._disk.chmod(0o755)
        size = f"size={DISK_MEGABYTES}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", self._disk], check=True)
        self._opened.callback(lambda: subprocess.run(["umount", "--lazy", self._disk], check=True))
        tempfile.tempdir = str(self._disk)  # that of the server's folder
        prepare_server(_listen)
        server_url()
        tempfile.tempdir = None
        proxy = subprocess.Popen(
            [
                *within(node_name(self._nodes - 1)),
                *(sys.executable, "-m", "benchmarks.delaying"),
                *(str(PROXY_PORT), ADDRESS, "5432", str(self._delay)),
            ],
            stdout=subprocess.PIPE,
        )
        self._opened.callback(proxy.kill)
        assert proxy.stdout is not None
        proxy.stdout.readline()
        return self

    def __exit__(self, *_error: object) -> None:
        self.heal()
        self._opened.close()

    def heal(self) -> None:
        """Wait until everything that was cut is whole again."""
        for timer in list(self._repairs.values()):
            timer.join()

    def place(self, node: int, url: str) -> tuple[Sequence[str], Mapping[str, str]]:
        """What precedes a command on a node, and its variables, for a database of the server."""
        name = url.partition("?")[0].rpartition("/")[2]
        host = "127.0.0.1" if node == self._nodes - 1 else ADDRESS
        address = f"postgresql://kodit@{host}/{name}?connect_timeout=5"
        return within(node_name(node)), {
            "KODIT_DATABASE_URL": address,
            "KODIT_HOST": node_name(node),
        }

    @property
    def disasters(self) -> Disasters:
        return {
            **OF_SERVER,
            "link cut": (20, self._cut_link),
            "link slow": (10, self._slow_down),
            "link silent": (5, partial(self._slow_down, silent=True)),
            "disk full": (5, self._fill_disk),
        }

    def _cut_link(self) -> None:
        name = node_name(self._random.randrange(self._nodes))
        if name not in self._repairs:
            set_link(name, is_up=False)
            self._later(name, LONGEST_CUT_SECONDS, partial(set_link, name, is_up=True))

    def _slow_down(self, *, silent: bool = False) -> None:
        if "delay" not in self._repairs:
            delay = self._random.uniform(0, LONGEST_DELAY_SECONDS)
            self._delay.write_text("-1" if silent else f"{delay}")
            self._later("delay", LONGEST_CUT_SECONDS, partial(self._delay.write_text, "0"))

    def _fill_disk(self) -> None:
        """For two seconds; the server ends itself if it cannot write its log."""
        ballast = self._disk / "ballast"
        with suppress(OSError), ballast.open("wb") as file:
            while True:
                file.write(bytes(1 << 20))
        time.sleep(2)
        ballast.unlink()
        restart_server("immediate")

    def _later(self, what: str, seconds: float, repair: Callable[[], object]) -> None:
        def heal() -> None:
            repair()
            del self._repairs[what]

        timer = threading.Timer(self._random.uniform(0.5, seconds), heal)
        self._repairs[what] = timer
        timer.start()


def _listen(data: Path) -> str:
    with (data / "pg_hba.conf").open("a") as access:
        access.write(f"host all all {SUBNET}.0/24 trust\n")
    return f"-c listen_addresses={ADDRESS} -c wal_keep_size=0 -c max_wal_size=64MB"


@contextmanager
def network(folder: Path, nodes: int, seed: int) -> Iterator[Network]:
    """One over namespaces that exist already."""
    with Network(folder, nodes, seed) as made:
        yield made
