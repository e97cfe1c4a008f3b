"""Indexing an unchanged source again: a folder and a git repository with many files.

    python -m benchmarks.sync WORKPLACE [--files 80000] [--runs 3]

The files are created below WORKPLACE, small, in two hundred folders, and are indexed once; both are
kept, so that the next call is quick. Prints the cost of the whole command `kodit index`, including
the interpreter's start, and of SYNC alone: the difference to an index of a single file.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from benchmarks.measuring import kodit, kodit_environment, median_cpu, report, run

FOLDERS = 200
LEAST_GIT, AIM_GIT = 0.5, 0.1
LEAST_FOLDER, AIM_FOLDER = 1.5, 0.7


def main() -> None:
    """Create what is missing, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workplace", type=Path)
    parser.add_argument("--files", type=int, default=80_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    workplace = arguments.workplace.resolve() / str(arguments.files)
    single = workplace.with_name("1")
    for place, files in ((workplace, arguments.files), (single, 1)):
        make_sources(place, files)
    for kind, least, aim in (
        ("git URL", LEAST_GIT, AIM_GIT),
        ("folder", LEAST_FOLDER, AIM_FOLDER),
    ):
        whole = measure(workplace, kind, arguments.runs)
        fixed = measure(single, kind, arguments.runs)
        print(f"{kind}, whole command: {whole:.3f} s; on a single file {fixed:.3f} s")
        report(f"no-op SYNC of {arguments.files} files, {kind} (s)", whole - fixed, least, aim)


def make_sources(place: Path, files: int) -> None:
    """A folder, and a repository of the same files."""
    folder = place / "folder"
    if (place / "complete").exists():
        return
    for number in range(files):
        path = folder / f"package_{number % FOLDERS}" / f"module_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"def value_{number}():\n    return {number}\n")
    repository = place / "repository"
    subprocess.run(["cp", "-r", folder, repository], check=True)
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for command in (
        ("init", "--quiet"),
        ("add", "."),
        (*author, "commit", "--quiet", "--message", "all"),
    ):
        subprocess.run(["git", "-C", repository, *command], check=True)
    for kind in ("git URL", "folder"):
        run(*_index(place, kind))
    (place / "complete").touch()


def measure(place: Path, kind: str, runs: int) -> float:
    """Processor time of `kodit index` when nothing has changed."""
    # The first scan after a change hashes files younger than the clock's resolution.
    run(*_index(place, kind))
    return median_cpu(lambda: run(*_index(place, kind)), runs)


def _index(place: Path, kind: str) -> tuple[list[str], dict[str, str]]:
    if kind == "folder":
        return kodit("index", place / "folder"), kodit_environment(place / "folder-data")
    url = (place / "repository").as_uri()
    return kodit("index", url), kodit_environment(place / "git-data")


if __name__ == "__main__":
    main()
