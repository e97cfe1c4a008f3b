"""The memory of this process. On Linux."""

from __future__ import annotations

from pathlib import Path


def mapped_bytes(path: Path) -> int:
    """The resident bytes of all maps of a file, or of the files in a folder."""
    total, is_it = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            is_it = line.endswith(f" {path}") or f" {path}/" in line
        elif is_it and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total
