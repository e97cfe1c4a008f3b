"""Quality of answers: NDCG@10 of hybrid search over annotated repositories.

    python benchmarks/retrieval.py --benchmark DIR --repos DIR [--repo NAME …] [--save FILE]
        [--compare FILE] [--update]

`--benchmark` is a folder with `evaluate.py`, `repos.json` and `annotations/`; `--repos` has the
checked-out repositories, `NAME/<benchmark_root>/…`. Each is indexed by the public `Kodit` class in
a temporary data directory and searched for every annotated query. Prints NDCG@10 per repository,
category and language, then each repository against the golden scores in `golden/retrieval.json`;
`--update` rewrites those, so that a change of ranking is reviewed as a diff. `--save` keeps the
rankings; `--compare` pairs this run with a saved one, query by query.

The file is also the adapter for `evaluate.py --adapter benchmarks/retrieval.py[:MODE]`, MODE being
one of hybrid, keyword, code and text: `build`, `search`, `info` and `close` below. The mode
`reciprocal` is a baseline for the ranking: the answers of the three engines, fused only by
reciprocal rank (Cormack, Clarke and Büttcher, 2009).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from kodit import Kodit
from kodit.domain.entities import StoredSnippet
from kodit.domain.value_objects import SearchMode

GOLDEN = Path(__file__).parent / "golden" / "retrieval.json"
LEAST, AIM = 0.85, 0.88
LEAST_LANGUAGE = 0.65
RECIPROCAL = "reciprocal"
RECIPROCAL_OFFSET = 60
"""The constant of the formula, as in its paper."""
RECIPROCAL_DEPTH = 100


class Handle(NamedTuple):
    """One indexed repository. (Not a dataclass, because the harness loads this file without
    entering it in `sys.modules`.)
    """

    data_dir: tempfile.TemporaryDirectory[str]
    kodit: Kodit
    mode: str


def build(repo_dir: str, arg: str | None = None) -> Handle:
    """Index a folder; `arg` is the mode to search in."""
    data_dir = tempfile.TemporaryDirectory(prefix="kodit-retrieval-")
    kodit = Kodit(data_dir.name)
    kodit.index(repo_dir)
    return Handle(data_dir, kodit, arg or SearchMode.HYBRID)


def search(handle: Handle, query: str, k: int) -> list[dict[str, Any]]:
    """The `k` best snippets in the form of `evaluate.py`."""
    if handle.mode == RECIPROCAL:
        found = by_reciprocal_rank(handle.kodit, query)[:k]
    else:
        results = handle.kodit.search(query, mode=handle.mode, limit=k)
        found = [result.snippet for result in results]
    return [
        {"path": one.path, "start_line": one.start_line, "end_line": one.end_line} for one in found
    ]


def by_reciprocal_rank(kodit: Kodit, query: str) -> list[StoredSnippet]:
    """The results of the three engines, each snippet scored by the sum of 1 / (60 + its rank)."""
    snippets: dict[int, StoredSnippet] = {}
    worth: dict[int, float] = defaultdict(float)
    for mode in (SearchMode.KEYWORD, SearchMode.CODE, SearchMode.TEXT):
        results = kodit.search(query, mode=mode, limit=RECIPROCAL_DEPTH)
        for rank, result in enumerate(results, 1):
            snippets[result.snippet.id] = result.snippet
            worth[result.snippet.id] += 1 / (RECIPROCAL_OFFSET + rank)
    return [snippets[number] for number in sorted(worth, key=lambda one: -worth[one])]


def info(handle: Handle) -> dict[str, int]:
    """The numbers of indexed files and snippets."""
    [status] = handle.kodit.status()
    return {"files": status.summary.files, "snippets": status.summary.snippets}


def close(handle: Handle) -> None:
    """Close the index and remove it."""
    handle.kodit.close()
    handle.data_dir.cleanup()


def evaluate(options: argparse.Namespace, saved: Path) -> dict[str, Any]:
    """Run the benchmark's own harness over this file; returns its saved output."""
    command = [sys.executable, str(options.benchmark / "evaluate.py")]
    command += ["--repos", str(options.repos), "--adapter", f"{__file__}:{options.mode}"]
    command += ["--runs", str(options.runs), "--save", str(saved)]
    for name in options.repo:
        command += ["--repo", name]
    subprocess.run(command, check=True)
    outcome: dict[str, Any] = json.loads(saved.read_text())
    return outcome


def scores(queries: Sequence[Mapping[str, Any]], key: str) -> dict[str, float]:
    """Mean NDCG@10 by a field of the queries."""
    by: dict[str, list[float]] = defaultdict(list)
    for query in queries:
        by[query[key]].append(query["ndcg10"])
    return {name: fmean(values) for name, values in sorted(by.items())}


def report(outcome: Mapping[str, Any]) -> None:
    """Print figures by language, and the total with its minimum and target."""
    by_repo = scores(outcome["queries"], "repo")
    by_language: dict[str, list[float]] = defaultdict(list)
    for name, score in by_repo.items():
        by_language[outcome["repos"][name]["language"]].append(score)
    languages = {language: fmean(found) for language, found in by_language.items()}
    print("by language: " + "  ".join(f"{name} {score:.3f}" for name, score in ranked(languages)))
    whole, worst = fmean(by_repo.values()), min(languages.values())
    print(f"NDCG@10 {whole:.4f}: {verdict(whole, LEAST, AIM)}")
    print(f"worst language {worst:.4f}: {verdict(worst, LEAST_LANGUAGE, LEAST_LANGUAGE)}")


def ranked(named: Mapping[str, float]) -> list[tuple[str, float]]:
    """Lowest first."""
    return sorted(named.items(), key=lambda pair: pair[1])


def verdict(figure: float, least: float, aim: float) -> str:
    """A figure with its minimum and target."""
    reached = "aim met" if figure >= aim else "met" if figure >= least else "MISSED"
    return f"at least {least:g}, aim {aim:g}: {reached}"


def against_golden(by_repo: Mapping[str, float], *, update: bool) -> None:
    """Print the changes since the golden scores were written, and rewrite them with `update`."""
    golden: dict[str, float] = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    for name, score in by_repo.items():
        before = golden.get(name)
        if before is None:
            print(f"  {name:<20} {score:.4f}  (no golden score)")
        elif round(score, 4) != before:
            print(f"  {name:<20} {before:.4f} -> {score:.4f}  {score - before:+.4f}")
    if update:
        kept = golden | {name: round(score, 4) for name, score in by_repo.items()}
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--benchmark", type=Path, required=True)
    parser.add_argument("--repos", type=Path, required=True)
    parser.add_argument("--repo", action="append", default=[], help="only this one; repeatable")
    modes = [*(mode.value for mode in SearchMode), RECIPROCAL]
    parser.add_argument("--mode", choices=modes, default="hybrid")
    parser.add_argument("--runs", type=int, default=1, help="searches per query, for the times")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--compare", type=Path, help="a saved run, to pair with this one")
    parser.add_argument("--update", action="store_true", help="rewrite the golden scores")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        saved = options.save or Path(folder) / "run.json"
        outcome = evaluate(options, saved)
        report(outcome)
        against_golden(scores(outcome["queries"], "repo"), update=options.update)
        if options.compare:
            harness = [sys.executable, str(options.benchmark / "evaluate.py")]
            harness += ["--compare", str(options.compare), str(saved)]
            subprocess.run(harness, check=True)


if __name__ == "__main__":
    main()
