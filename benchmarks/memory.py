"""The peak memory of indexing: the proportional set size of all its processes.

    python -m benchmarks.memory FOLDER

Linux only: shared memory is counted once, as in `/proc/PID/smaps_rollup`.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.measuring import kodit, kodit_environment, report

LEAST, AIM = 700.0, 400.0
SECONDS_BETWEEN_LOOKS = 0.05


def main() -> None:
    """Index the folder and sample the memory of its processes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    peak, parts = 0.0, dict[str, float]()
    with tempfile.TemporaryDirectory(prefix="kodit-benchmark-") as scratch:
        process = subprocess.Popen(
            kodit("index", folder),
            env=kodit_environment(Path(scratch) / "data"),
            stdout=subprocess.DEVNULL,
        )
        while process.poll() is None:
            now = {name: megabytes(pid) for name, pid in family(process.pid).items()}
            if sum(now.values()) > peak:
                peak, parts = sum(now.values()), now
            time.sleep(SECONDS_BETWEEN_LOOKS)
        if process.returncode != 0:
            raise SystemExit(f"kodit index ended with {process.returncode}")
    for name, size in parts.items():
        print(f"{name:<48} {size:8.1f}")
    report("peak proportional set size (MB)", peak, LEAST, AIM)


def family(pid: int) -> dict[str, int]:
    """A process and its descendants, by a label."""
    found, waiting = {"parent": pid}, [pid]
    while waiting:
        parent = waiting.pop()
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
            children = [
                int(child) for task in tasks for child in (task / "children").read_text().split()
            ]
        except OSError:
            continue
        for child in children:
            found[f"process {child}"] = child
        waiting += children
    return found


def megabytes(pid: int) -> float:
    """The proportional set size; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    main()
