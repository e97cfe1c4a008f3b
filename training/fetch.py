"""Fetch the sources at their revisions: `python -m training.fetch --mirrors DIR`.

Creates a bare git repository of each project, `OWNER+NAME.git`, with only that revision.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from training.sources import Source, read_sources


def fetch(source: Source, mirrors: Path) -> None:
    """Fetch one project, unless its revision is there already."""
    folder = mirrors / f"{source.folder}.git"
    git = ["git", f"--git-dir={folder}"]
    known = [*git, "cat-file", "-e", f"{source.revision}^{{commit}}"]
    if folder.is_dir() and subprocess.run(known, check=False, capture_output=True).returncode == 0:
        return
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder)], check=True)
    address = f"https://github.com/{source.project}.git"
    subprocess.run([*git, "fetch", "--quiet", "--depth=1", address, source.revision], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mirrors", type=Path, required=True)
    options = parser.parse_args()
    for source in read_sources():
        fetch(source, options.mirrors)
        print(source.project, flush=True)


if __name__ == "__main__":
    main()
