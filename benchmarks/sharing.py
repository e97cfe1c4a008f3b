"""Many worktrees of one repository that differ in few files, in one installation.

    python -m benchmarks.sharing WORKPLACE [--worktrees 100] [--changed 10] [--files 5000]
                                 [--repository DIR] [--history COMMITS] [--searched 3]
                                 [--rounds 5]

A repository is generated below WORKPLACE, or copied from DIR, and has as many git worktrees, in
each of which, the first excepted, other files have an added function. They are indexed one after
another by `kodit index`. With `--history`, the generated repository has that many commits, most of
which change files that others change too, and each worktree is at one of them, by chance, instead
of having changes of its own. Prints the size of the data directory against its size with the first
one alone, the processor time of adding the second, the median one and the last, and that of
searches in some of the worktrees against an installation that has only the one: in this process, in
turns.
Worktrees and installations that are complete are kept, so that the next call is quick.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import kodit, kodit_environment, report, run

from kodit import Kodit

BRANCH = "history"
FIRST_COMMIT = 1_700_000_000
FOLDERS = 50
FUNCTIONS = 4
QUERIES_OF_NAMES = 20
WORDS = (
    "anchor basket candle dragon ember falcon garden harbor island jungle kernel ladder magnet "
    "needle orchid pepper quiver ribbon saddle temple umbrella velvet walnut yonder zephyr copper "
    "meadow lantern glacier thunder whisper compass bramble cobalt ferret granite hollow iris"
).split()
QUESTIONS = (
    "where is a request refused",
    "open a connection with a timeout",
    "parse the configuration",
    "cached result of a query",
    "how are errors reported to users",
    "format a date",
    "read a file in pieces",
    "anchor the basket of candles",
    "walk over the garden and the harbor",
    "a whisper in the thunder",
)
LEAST_DISK, AIM_DISK = 1.5, 1.2
LEAST_TIME, AIM_TIME = 1.5, 1.1
LEAST_SEARCH, AIM_SEARCH = 1.3, 1.1
MODES = ("hybrid", "keyword", "code", "text")
Answer = list[tuple[str, int, int]]


def main() -> None:
    """Create what is missing, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workplace", type=Path)
    parser.add_argument("--worktrees", type=int, default=100)
    parser.add_argument("--changed", type=int, default=10)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--repository", type=Path)
    parser.add_argument("--history", type=int, default=0, help="commits, of which each has one")
    parser.add_argument("--searched", type=int, default=3, help="how many worktrees are searched")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    kept = f"{arguments.repository.name if arguments.repository else arguments.files}"
    commits = arguments.history
    kept += f"-of-{commits}" if commits else f"-{arguments.changed}"
    place = Place(arguments.workplace.resolve() / kept, arguments.changed, commits)
    place.make_repository(arguments.files, arguments.repository)
    for number in range(arguments.worktrees):
        place.make_worktree(number)
    place.report_costs(arguments.worktrees)
    chosen = random.Random(0).sample(range(arguments.worktrees), arguments.searched)  # noqa: S311 - repeatable
    place.compare_searches(chosen, arguments.worktrees, arguments.rounds)


class Place:
    """A repository, its worktrees, an installation that shares, and others with one worktree."""

    def __init__(self, workplace: Path, changed: int, commits: int) -> None:
        self._workplace = workplace
        self._repository = workplace / "repository"
        self._changed = changed
        self._commits = commits

    def make_repository(self, files: int, original: Path | None) -> None:
        """Modules of some functions each, or a copy."""
        done = self._workplace / "repository.complete"
        if done.exists():
            return
        shutil.rmtree(self._repository, ignore_errors=True)
        if original is not None:
            shutil.copytree(
                original, self._repository, symlinks=True, ignore=shutil.ignore_patterns(".git")
            )
        else:
            for number in range(files):
                path = self._repository / f"package_{number % FOLDERS}" / f"module_{number}.py"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(_module(number), "utf-8")
        self._git("init", "--quiet")
        self._git("add", "--all", "--force")
        author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        self._git(*author, "commit", "--quiet", "--message", "all")
        if self._commits:
            subprocess.run(
                ["git", "-C", self._repository, "fast-import", "--quiet", "--force"],
                input=_history(files, self._commits).encode(),
                check=True,
            )
        done.touch()

    def make_worktree(self, number: int) -> None:
        """In each but the first, other files have one more function; or each is at a commit."""
        tree = self._tree(number)
        done = tree.with_suffix(".complete")
        if done.exists():
            return
        add = ("worktree", "add", "--quiet", "--force", "--detach", str(tree))
        if self._commits:
            back = random.Random(number).randrange(self._commits)  # noqa: S311 - repeatable
            self._git(*add, f"{BRANCH}~{back}")
            done.touch()
            return
        self._git(*add)
        modules = sorted(tree.rglob("*.py"))
        changed = self._changed if number else 0
        for path in random.Random(number).sample(modules, changed):  # noqa: S311 - repeatable
            with path.open("a", encoding="utf-8") as file:
                file.write(f"\n\n{_function(f'changed_{path.stem}_{number}', number)}")
        done.touch()

    def report_costs(self, worktrees: int) -> None:
        """Index the worktrees one after another."""
        shared = self._workplace / "shared"
        costs = self._costs_so_far()
        for number in range(len(costs), worktrees):
            cost = run(kodit("index", self._tree(number)), kodit_environment(shared)).cpu
            costs.append((cost, _size(shared)))
            self._costs_file.write_text(json.dumps(costs), "utf-8")
        seconds = [cost for cost, _size_then in costs[:worktrees]]
        sizes = [size for _cost, size in costs[:worktrees]]
        later = seconds[1:]
        each = f"{self._changed} files changed in each"
        if self._commits:
            each = f"each at one of {self._commits} commits"
        print(
            f"{worktrees} worktrees, {each}: the first "
            f"{seconds[0]:.1f} s, the second {later[0]:.2f} s, the median one "
            f"{statistics.median(later):.2f} s, the last {later[-1]:.2f} s of processor time"
        )
        print(
            f"one {sizes[0] / 1e6:.1f} MB, two {sizes[1] / 1e6:.1f} MB, "
            f"all {sizes[-1] / 1e6:.1f} MB"
        )
        if not self._commits:
            report("the second against the first (time)", later[0] / seconds[0], 0.08, 0.04)
            report("the second against the first (size)", sizes[1] / sizes[0] - 1, 0.04, 0.02)
        least, aim = (2.0, 1.5) if self._commits else (LEAST_DISK, AIM_DISK)
        report("all against the first (size)", sizes[-1] / sizes[0], least, aim)
        last = statistics.median(later[-3:]) / statistics.median(later[:3])
        report("the last three against the first three (time)", last, LEAST_TIME, AIM_TIME)

    def compare_searches(self, numbers: Sequence[int], worktrees: int, rounds: int) -> None:
        """Of one worktree, in the installation with all and in one of its own."""
        print(f"{'':<10}{'alone ms':>10}{'shared ms':>10}{'times':>8}{'first':>8}{'ten':>8}")
        shared = self._workplace / "shared"
        times: dict[str, tuple[list[float], list[float]]] = {mode: ([], []) for mode in MODES}
        firsts: dict[str, list[bool]] = {mode: [] for mode in MODES}
        tens: dict[str, list[bool]] = {mode: [] for mode in MODES}
        for number in numbers:
            tree = self._tree(number)
            alone = self._workplace / f"alone-{number}"
            run(kodit("index", tree), kodit_environment(alone))
            queries = (*QUESTIONS, *_names(alone, tree))
            with Kodit(alone) as one, Kodit(shared) as many:
                # Those that are compared are the first of this process, and are not measured.
                for query in queries:
                    for mode in MODES:
                        expected, found = (_ask(some, query, tree, mode) for some in (one, many))
                        firsts[mode].append(expected[:1] == found[:1])
                        tens[mode].append(expected == found)
                for turn in range(rounds):
                    for query in queries:
                        for mode in MODES:
                            pair = list(zip((one, many), times[mode], strict=True))
                            for some, spent in pair if turn % 2 else reversed(pair):
                                began = time.process_time()
                                _ask(some, query, tree, mode)
                                spent.append(time.process_time() - began)
        for mode in MODES:
            own, other = (1000 * statistics.median(spent) for spent in times[mode])
            print(
                f"{mode:<10}{own:>10.2f}{other:>10.2f}{other / own:>8.2f}"
                f"{statistics.mean(firsts[mode]):>8.1%}{statistics.mean(tens[mode]):>8.1%}"
            )
        own, other = (statistics.median(spent) for spent in times["hybrid"])
        what = f"a search in one of {worktrees} against one alone"
        report(what, other / own, LEAST_SEARCH, AIM_SEARCH)

    @property
    def _costs_file(self) -> Path:
        return self._workplace / "costs.json"

    def _costs_so_far(self) -> list[tuple[float, int]]:
        """Processor time and size after each worktree that the installation has."""
        if not self._costs_file.exists():
            shutil.rmtree(self._workplace / "shared", ignore_errors=True)
            return []
        return [tuple(one) for one in json.loads(self._costs_file.read_text("utf-8"))]

    def _tree(self, number: int) -> Path:
        return self._workplace / f"tree-{number}"

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", self._repository, *arguments], check=True)


def _ask(one: Kodit, query: str, tree: Path, mode: str) -> Answer:
    return [
        (result.snippet.path, result.snippet.start_line, result.snippet.end_line)
        for result in one.search(query, tree, mode=mode)
    ]


def _names(data_dir: Path, tree: Path) -> list[str]:
    """Some names that the worktree defines, those of its own changes among them."""
    with Kodit(data_dir) as kodit_alone:
        files = [file.path for file in kodit_alone.list_files(tree, paths=["*.py"])]
        names: list[str] = []
        for path in random.Random(1).sample(files, min(len(files), QUERIES_OF_NAMES)):  # noqa: S311
            outline = kodit_alone.outline(tree, path)
            names += [one.snippet.symbol for one in outline.definitions[:1] if one.snippet.symbol]
        changed = kodit_alone.search("changed", tree, mode="keyword", limit=2)
    return names + [one.snippet.symbol for one in changed if one.snippet.symbol]


def _size(folder: Path) -> int:
    """What its files take on the disk, in bytes."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def _history(files: int, commits: int) -> str:
    """For `git fast-import`: commits after the first one, each of which changes a few modules; a
    few of these are changed most often."""
    chance = random.Random(0)  # noqa: S311 - repeatable
    parts: list[str] = []
    for commit in range(commits):
        message = f"change {commit}"
        parts += [
            f"commit refs/heads/{BRANCH}",
            f"committer Ada <ada@example.org> {FIRST_COMMIT + commit} +0000",
            f"data {len(message)}",
            message,
        ]
        if not commit:
            parts.append("from HEAD")
        for _turn in range(chance.randint(1, 5)):
            number = int(files * chance.random() ** 4)
            text = f"{_module(number)}\n\n{_function(f'changed_{number}_{commit}', commit)}"
            path = f"package_{number % FOLDERS}/module_{number}.py"
            parts += [f"M 100644 inline {path}", f"data {len(text)}", text]
    return "\n".join((*parts, "done", ""))


def _module(number: int) -> str:
    return "\n\n".join(
        _function(f"{WORDS[(number + turn) % len(WORDS)]}_{number}_{turn}", number * 10 + turn)
        for turn in range(FUNCTIONS)
    )


def _function(name: str, seed: int) -> str:
    first, second, third, *others = random.Random(seed).sample(WORDS, 8)  # noqa: S311 - repeatable
    return (
        f"def {name}({first}, {second}=None):\n"
        f'    """Carry the {first} past the {second} until the {third} is full."""\n'
        f"    {third} = []\n"
        f"    for position, item in enumerate({first}):\n"
        f"        if {second} is not None and position in {second}:\n"
        f"            continue\n"
        f'        {third}.append((position, item, "{" ".join(others)}"))\n'
        f"    if not {third}:\n"
        f'        raise ValueError("there is no {third} for the {first}")\n'
        f"    return sorted({third}, key=lambda entry: (entry[1], entry[0]))\n"
    )


if __name__ == "__main__":
    main()
