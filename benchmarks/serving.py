"""Latency of a server: alone, while a large folder is indexed, and with many clients at once.

    python -m benchmarks.serving SEARCHED LARGE [--workers 2] [--clients 100] [--seconds 60]

SEARCHED is indexed first; hybrid searches then go over REST to `kodit serve` in a separate process,
one after the other. The same is repeated while LARGE is indexed, with a request of `/healthz` every
10 ms. Then `--clients` clients search without a pause, and once more while LARGE is indexed again.
For each phase the longest gap of the server's event loop is printed, measured within it. Idle and
busy figures are comparable only within one run, because the client uses some of the same cores; any
unsuccessful answer ends the program.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.loop_gaps import gaps_between, measured, report_gaps
from benchmarks.measuring import kodit, kodit_environment, run

QUERIES = (
    "parse command line arguments",
    "retry with back-off",
    "open a socket and read from it",
    "escape text for html",
    "where are sessions refreshed",
    "json decode error",
    "walk a folder",
    "compile a regular expression",
)
WARM_UP_REQUESTS = 20
IDLE_REQUESTS = 200
PERCENTILES = (50, 99, 100)
LONGEST_GAP_MS = 50.0
HEALTH_CONNECTION_SECONDS = 5.0


class Client:
    """One connection with sequential requests."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, port: int) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def get(self, path: str) -> float:
        """The time to a successful answer, in seconds."""
        began = time.perf_counter()
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("ascii"))
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"content-length: (\d+)", head)
        body = await self._reader.readexactly(int(length[1]) if length else 0)
        seconds = time.perf_counter() - began
        if head.split()[1] != "200":
            raise SystemExit(f"{path}: {head.splitlines()[0]}, {body[:500]!r}")
        return seconds

    def close(self) -> None:
        self._writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("searched", type=Path)
    parser.add_argument("large", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        run(kodit("index", arguments.searched), kodit_environment(data_dir))
        asyncio.run(_measure(arguments, data_dir))


async def _measure(arguments: argparse.Namespace, data_dir: Path) -> None:
    gaps = data_dir.with_name("gaps")
    async with _serving(data_dir, arguments.workers, gaps) as port:
        client = await Client.to(port)
        await _searches(client, WARM_UP_REQUESTS)
        with _phase("idle", gaps):
            idle = await _searches(client, IDLE_REQUESTS)
            _report("search, idle", idle)
            _report("/healthz, idle", await _health_while(port, asyncio.sleep(2)))

        index = kodit("index", "--no-wait", arguments.large)
        await asyncio.to_thread(run, index, kodit_environment(data_dir))
        busy: list[float] = []
        with _phase("indexing", gaps):
            searching = _search_until_indexed(port, busy)
            _report("/healthz, indexing", await _health_while(port, searching))
        _report("search, indexing", busy)
        print(
            f"search p50, indexing / idle: {statistics.median(busy) / statistics.median(idle):.2f}"
        )

        await _measure_many(port, arguments, gaps, "")
        await asyncio.to_thread(run, kodit("delete", arguments.large), kodit_environment(data_dir))
        await asyncio.to_thread(run, index, kodit_environment(data_dir))
        await _measure_many(port, arguments, gaps, ", indexing")
        client.close()


async def _measure_many(port: int, arguments: argparse.Namespace, gaps: Path, when: str) -> None:
    many: list[float] = []
    with _phase(f"{arguments.clients} clients{when}", gaps):
        health = await _health_while(port, _many(port, arguments, many))
    _report(f"search, {arguments.clients} clients{when}", many)
    _report(f"/healthz, {arguments.clients} clients{when}", health)
    print(f"searches per second: {len(many) / arguments.seconds:.0f}")
    if when and not await _is_indexing(port):
        print("indexing the large folder ended too early: the second figures are too good")


@contextmanager
def _phase(name: str, gaps: Path) -> Iterator[None]:
    """Report the longest gap of the server's event loop during the block."""
    began = time.monotonic()
    yield
    report_gaps(f"event loop, {name}", gaps_between(gaps, began, time.monotonic()), LONGEST_GAP_MS)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")


@asynccontextmanager
async def _serving(data_dir: Path, workers: int, gaps: Path) -> AsyncIterator[int]:
    command = measured(gaps, "serve", "--port", "0", "--workers", str(workers))
    process = await asyncio.create_subprocess_exec(
        *command, env=kodit_environment(data_dir), stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    log: list[str] = []
    try:
        while (port := re.search(r"tcp=[\d.]+:(\d+)", "".join(log))) is None:
            line = await process.stderr.readline()
            if not line:
                raise SystemExit("".join(log))
            log.append(line.decode())
        draining = asyncio.create_task(process.stderr.read())
        yield int(port[1])
        process.terminate()
        await draining
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _searches(client: Client, count: int) -> list[float]:
    return [await client.get(_path(number)) for number in range(count)]


def _path(number: int) -> str:
    query = quote(QUERIES[number % len(QUERIES)])
    return f"/api/v1/search?query={query}&sources=1&wait=0"


async def _search_until_indexed(port: int, seconds: list[float]) -> None:
    client = await Client.to(port)
    number = 0
    while await _is_indexing(port):
        for _ in range(10):
            seconds.append(await client.get(_path(number)))
            number += 1
    client.close()


async def _is_indexing(port: int) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /api/v1/runs?states=queued&states=running HTTP/1.0\r\nHost: localhost\r\n\r\n"
    )
    answer = await reader.read()
    writer.close()
    return b'"runs":[]' not in answer


async def _many(port: int, arguments: argparse.Namespace, seconds: list[float]) -> None:
    end = time.perf_counter() + arguments.seconds

    async def search(number: int) -> None:
        client = await Client.to(port)
        while time.perf_counter() < end:
            seconds.append(await client.get(_path(number)))
            number += 1
        client.close()

    await asyncio.gather(*(search(number) for number in range(arguments.clients)))


async def _health_while(port: int, work: Coroutine[Any, Any, None]) -> list[float]:
    """Times of `/healthz`, requested every 10 ms while `work` runs. A connection that is idle
    otherwise is closed after a while, so it is reopened first.
    """
    doing = asyncio.create_task(work)
    seconds = []
    while not doing.done():
        client = await Client.to(port)
        opened_at = time.perf_counter()
        while not doing.done() and time.perf_counter() - opened_at < HEALTH_CONNECTION_SECONDS:
            seconds.append(await client.get("/healthz"))
            await asyncio.sleep(0.01)
        client.close()
    await doing
    return seconds


def _report(what: str, seconds: Sequence[float]) -> None:
    """Percentiles in milliseconds."""
    ordered = sorted(seconds)
    figures = "  ".join(
        f"p{percent} {ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000:7.1f} ms"
        for percent in PERCENTILES
    )
    print(f"{what:<28} {figures}   ({len(ordered)} requests)")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
