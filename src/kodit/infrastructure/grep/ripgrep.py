"""Using ripgrep, if it is installed, to select the files of a folder worth reading."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from kodit.domain.grep import Expression
from kodit.infrastructure.grep.widening import widen
from kodit.infrastructure.processes.environment import steady_environment

BYTES_PER_COMMAND = 200_000
"""Bytes of paths in one command line; systems allow at least a quarter of a million."""
TIME_LIMIT_SECONDS = 5.0
"""After this the files are read without preselection."""
_OPTIONS = (
    "--no-config --no-messages --no-mmap --threads=1 --files-with-matches --null"
    " --text --encoding=none --color=never --regexp"
).split()
_NOT_AS_WRITTEN = r"|\x00|\x1b\$|\xff\xfe|\xfe\xff"
"""What texts hold whose bytes are not those of their characters: UTF-16 and UTF-32, with a mark and
without, and ISO 2022. They are all read."""


def find_ripgrep() -> str | None:
    """The path of ripgrep, if an absolute folder on PATH has it."""
    found = shutil.which("rg")
    return found if found is not None and Path(found).is_absolute() else None


def worth_reading(
    ripgrep: str, folder: str, paths: Sequence[str], expression: Expression
) -> frozenset[str]:
    """Those of `paths`, relative to `folder`, that have a matching line, and possibly others.

    ripgrep would follow a symbolic link that replaced a file, so its output is only a hint: every
    result is read again in the safe way.
    """
    everything = frozenset(paths)
    pattern = widen(expression)
    if pattern is None:
        return everything
    found: set[str] = set()
    for some in _in_commands(paths):
        asked = [f"./{path}" for path in some]
        names = _run(ripgrep, folder, f"(?-u)(?:{pattern}){_NOT_AS_WRITTEN}", asked)
        if names is None:
            return everything
        found.update(name.removeprefix("./") for name in names)
    return everything & found


def _run(ripgrep: str, folder: str, pattern: str, paths: Sequence[str]) -> list[str] | None:
    """The paths in which ripgrep finds the pattern; None if its result is unreliable."""
    try:
        done = subprocess.run(
            [ripgrep, *_OPTIONS, pattern, "--", *paths],
            cwd=folder,
            env=steady_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=TIME_LIMIT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # 1 means no match; 2 that a file has vanished, or the pattern is too large.
    understood = done.returncode in (0, 1) or (
        done.returncode == 2
        and paths != [os.devnull]
        and _run(ripgrep, folder, pattern, [os.devnull]) is not None
    )
    names = done.stdout.decode("utf-8", "surrogateescape")
    return [name for name in names.split("\0") if name] if understood else None


def _in_commands(paths: Sequence[str]) -> Iterator[list[str]]:
    some: list[str] = []
    length = 0
    for path in paths:
        size = len(path.encode("utf-8", "surrogateescape")) + 3
        if some and length + size > BYTES_PER_COMMAND:
            yield some
            some, length = [], 0
        some.append(path)
        length += size
    if some:
        yield some
