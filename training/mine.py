"""Mine the pairs of all sources: `python -m training.mine --mirrors DIR --pairs DIR`.

`--mirrors` has a git repository of each project in `sources.json`, `OWNER+NAME/repo` or
`OWNER+NAME.git`; `--pairs` receives one JSON Lines file per project.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from training.held_out import HeldOut
from training.mining import mine, unique
from training.sources import Source, read_sources

PAIRS_PER_PROJECT = 12_000


def git_dir(mirrors: Path, source: Source) -> Path:
    """The path of a project's mirror."""
    places = (mirrors / source.folder / "repo", mirrors / f"{source.folder}.git")
    for path in places:
        if path.is_dir():
            return path
    raise SystemExit(f"no mirror of {source.project}: neither {places[0]} nor {places[1]} is there")


def mine_one(source: Source, mirrors: Path, pairs: Path) -> tuple[str, int]:
    """Write the pairs of one project, unless they exist."""
    out = pairs / f"{source.folder}.jsonl"
    if not out.exists():
        found = unique(mine(git_dir(mirrors, source), source, HeldOut.load()), PAIRS_PER_PROJECT)
        part = out.with_suffix(".part")
        part.write_text("".join(json.dumps(pair) + "\n" for pair in found))
        part.rename(out)
        return source.project, len(found)
    return source.project, sum(1 for _ in out.open())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mirrors", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    options.pairs.mkdir(parents=True, exist_ok=True)
    listed = sorted(
        read_sources(), key=lambda source: hashlib.sha256(source.project.encode()).digest()
    )
    with ProcessPoolExecutor(options.processes) as pool:
        total = 0
        mining = partial(mine_one, mirrors=options.mirrors, pairs=options.pairs)
        for project, count in pool.map(mining, listed):
            total += count
            print(f"{project:<45} {count:>6}", flush=True)
    print(f"{total} pairs of {len(listed)} projects")


if __name__ == "__main__":
    main()
