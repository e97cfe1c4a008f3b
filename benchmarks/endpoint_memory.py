"""The memory of `kodit index` with models behind an endpoint, as more and more snippets are sent.

    python -m benchmarks.endpoint_memory --snippets 100000 --work DIR [--chat]

Writes files of twenty functions each, serves their vectors (with `--chat`, also descriptions), and
samples the anonymous memory of the indexing process and of its children. Mapped files, which are
the database and the packs of vectors, are shown beside it: the system takes their memory back when
it needs it. Memory is flat if it ends within a tenth of its highest value while the first tenth of
the answers came. `DIR` should be on a fast disk; Linux only.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measuring import kodit, kodit_environment
from benchmarks.processes import descendants

FUNCTIONS_PER_FILE = 20
DIMENSIONS = 64
SECONDS_BETWEEN_LOOKS = 1.0
FLAT = 1.1


class Look(NamedTuple):
    """How many answers are stored, and the memory in MB: anonymous, and of mapped files."""

    seconds: float
    answers: int
    process: float
    children: float
    files: float


def write_files(folder: Path, snippets: int) -> None:
    for number in range(snippets // FUNCTIONS_PER_FILE):
        path = folder / f"part{number % 50}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "\n\n".join(
                f"def work_{number}_{one}(value):\n"
                f'    """Work {number} {one} on the lantern."""\n'
                f"    total = value * {number} + {one}\n"
                f"    for step in range(total):\n        total += step * {one}\n"
                "    return total\n"
                for one in range(FUNCTIONS_PER_FILE)
            )
        )


def vector_of(text: str) -> list[int]:
    return [byte - 128 for byte in blake2b(text.encode(), digest_size=DIMENSIONS).digest()]


@contextmanager
def served() -> Iterator[str]:
    """The address of an API that answers at once, for the length of a block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet for an answer
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            """Say nothing."""

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "input" in asked:
                vectors = [vector_of(text) for text in asked["input"]]
                answer: dict[str, Any] = {
                    "data": [
                        {"index": place, "embedding": vector}
                        for place, vector in enumerate(vectors)
                    ]
                }
            else:
                number = vector_of(asked["messages"][-1]["content"])[:4]
                answer = {"choices": [{"message": {"content": f"Works on lantern {number}."}}]}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def memory_of(process: int) -> tuple[float, float]:
    """Anonymous memory and that of mapped files, in MB; nothing of a process that has ended."""
    found = {}
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]:
            name, _, value = line.partition(":")
            found[name] = int(value.split()[0]) / 1000
    anonymous = found.get("Anonymous", 0.0)
    return anonymous, found.get("Rss", 0.0) - anonymous


def answers_in(database: Path) -> int:
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as one,
    ):
        counted = "SELECT (SELECT count(*) FROM embeddings) + (SELECT count(*) FROM enrichments)"
        return int(one.execute(counted).fetchone()[0])
    return 0


def looks_at(process: subprocess.Popen[bytes], database: Path) -> Iterator[Look]:
    began = time.monotonic()
    while process.poll() is None:
        with suppress(OSError):
            own, files = memory_of(process.pid)
            children = sum(memory_of(child)[0] for child in descendants(process.pid))
            seconds = time.monotonic() - began
            yield Look(seconds, answers_in(database), own, children, files)
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_BETWEEN_LOOKS)


def verdict(what: str, early: float, last: float) -> None:
    said = "flat" if last <= early * FLAT else "GROWS"
    print(f"{what:<12} {early:7.1f} MB after a tenth, {last:7.1f} MB at the end: {said}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--snippets", type=int, default=100_000)
    parser.add_argument("--work", type=Path, help="a folder for the files and the data")
    parser.add_argument("--chat", action="store_true", help="have the snippets described too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as scratch, served() as address:
        source, data = Path(scratch) / "source", Path(scratch) / "data"
        write_files(source, options.snippets)
        environment = kodit_environment(data) | {
            "KODIT_EMBEDDING_BASE_URL": address,
            "KODIT_EMBEDDING_MODEL": "model",
        }
        if options.chat:
            environment |= {
                "KODIT_ENRICHMENT_BASE_URL": address,
                "KODIT_ENRICHMENT_MODEL": "model",
            }
        process = subprocess.Popen(
            kodit("index", source), env=environment, stdout=subprocess.DEVNULL
        )
        looks = list[Look]()
        for look in looks_at(process, data / "kodit.db"):
            looks.append(look)
            if len(looks) % 5 == 1:
                print(
                    f"{look.seconds:5.0f} s {look.answers:8d} answers: process {look.process:6.1f} "
                    f"MB, children {look.children:6.1f} MB, mapped files {look.files:6.1f} MB",
                    flush=True,
                )
        if process.returncode != 0:
            raise SystemExit(f"kodit index ended with {process.returncode}")
    total = looks[-1].answers
    sending = [look for look in looks if look.answers]
    early = [look for look in sending if look.answers <= total / 10] or sending[:1]
    last = [look for look in sending if look.answers > total * 0.9] or sending[-1:]
    verdict("process", max(one.process for one in early), max(one.process for one in last))
    verdict("children", max(one.children for one in early), max(one.children for one in last))


if __name__ == "__main__":
    main()
