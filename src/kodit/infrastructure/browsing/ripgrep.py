"""ripgrep, where it is installed, says which files of a folder are worth reading."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from kodit.domain.browsing import Expression
from kodit.infrastructure.browsing.widening import widen

BYTES_PER_COMMAND = 200_000
"""Of paths in one command line; systems take at least a quarter of a million."""
TIME_LIMIT_SECONDS = 5.0
"""After this the files are read without ripgrep's advice."""
_OPTIONS = (
    "--no-config --no-messages --no-mmap --text --threads=1 --files-with-matches --null"
    " --color=never --regexp"
).split()


def find_ripgrep() -> str | None:
    """The program, if it is on PATH as an absolute path."""
    found = shutil.which("rg")
    return found if found is not None and Path(found).is_absolute() else None


def worth_reading(
    ripgrep: str, folder: str, paths: Sequence[str], expression: Expression
) -> frozenset[str]:
    """At least those of `paths`, relative to `folder`, in which a line matches.

    ripgrep would follow a symbolic link that took a file's place, so what it says is only ever
    a hint: nothing is shown that was not read by other means.
    """
    everything = frozenset(paths)
    pattern = widen(expression)
    if pattern is None:
        return everything
    found: set[str] = set()
    for some in _in_commands(paths):
        try:
            done = subprocess.run(
                [ripgrep, *_OPTIONS, pattern, "--", *(f"./{path}" for path in some)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=TIME_LIMIT_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return everything
        # 1 is "no match"; 2 may be one file that vanished, or a pattern too large for it.
        if done.returncode not in (0, 1):
            return everything
        names = done.stdout.decode("utf-8", "surrogateescape").split("\0")
        found.update(name.removeprefix("./") for name in names)
    return everything & found


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
