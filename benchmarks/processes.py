"""The resources of a server's processes: memory, threads, descriptors, connections. On Linux."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holding:
    """The resources of one process; memory in bytes. `private` is the memory that would be free
    without it, and `connections` are its sockets.
    """

    resident: int = 0
    proportional: int = 0
    private: int = 0
    threads: int = 0
    descriptors: int = 0
    connections: int = 0

    def __add__(self, other: Holding) -> Holding:
        return Holding(
            *(getattr(self, one.name) + getattr(other, one.name) for one in fields(self))
        )


def held_by(process: int) -> Holding:
    """The current resources of a process. Raises OSError if there is none."""
    place = Path(f"/proc/{process}")
    memory = _numbers((place / "smaps_rollup").read_text())
    links = []
    for descriptor in os.listdir(place / "fd"):  # noqa: PTH208 - only names are needed
        try:
            links.append(os.readlink(place / "fd" / descriptor))  # noqa: PTH115 - may be no path
        except OSError:  # closed since
            continue
    return Holding(
        resident=memory["Rss"] * 1024,
        proportional=memory["Pss"] * 1024,
        private=(memory["Private_Clean"] + memory["Private_Dirty"]) * 1024,
        threads=_numbers((place / "status").read_text())["Threads"],
        descriptors=len(links),
        connections=sum(link.startswith("socket:") for link in links),
    )


def held_by_server(server: int) -> dict[str, Holding]:
    """The resources of the server itself, its workers, and their child processes."""
    held = {"server": held_by(server), "workers": Holding(), "their children": Holding()}
    for worker in child_processes(server):
        held["workers"] += held_by(worker)
        for child in descendants(worker):
            held["their children"] += held_by(child)
    return held


def cpu_seconds(process: int) -> float:
    """Processor time of a process and its children so far, including those that have ended."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for one in [process, *descendants(process)]:
        values = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        # utime, stime, cutime and cstime of proc_pid_stat(5).
        total += sum(map(int, values[11:15])) / ticks
    return total


def descendants(process: int) -> Iterator[int]:
    """All descendants of a process."""
    for child in child_processes(process):
        yield child
        yield from descendants(child)


def child_processes(process: int) -> list[int]:
    """The direct children of a process."""
    return [
        int(child)
        for task in Path(f"/proc/{process}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def _numbers(text: str) -> Mapping[str, int]:
    """The first number of each line that begins with a name and a colon."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if value.split() and value.split()[0].isdecimal():
            found[name] = int(value.split()[0])
    return found
