"""How many tokens an assistant reads until it has the answer: recall by number of tokens.

    python -m benchmarks.tokens --benchmark DIR --repos DIR [--repo NAME …] [--peer CACHE]
        [--functions]

`--benchmark` is a folder with `repos.json`, `annotations/` and `functions.py`; `--repos` has the
checked-out repositories, `NAME/<benchmark_root>/…`. Every annotated query is given to

* the tool `search` with its default budget; the text of its answer counts;
* ripgrep with the longest three words of the query; the files it finds are read whole, in path
  order;
* with `--peer`, semble 0.7; the text of its own MCP tool with ten results counts. Its own model is
  only available from its server, so it runs with the table and tokenizer that Kodit uses.

Tokens are characters / 4 of the whole text, for all alike. A query is answered as soon as one of
its targets is found: a target without lines by any line of its file, one with lines by one of them.
`named` counts a place that the text names, `shown` only lines that it contains.

`--functions` searches for functions by the first sentence of their documentation, which is removed
from the indexed files, and reports the share of functions of which every line was shown.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from benchmarks.indexing import make_peer

from kodit.application.services.source_service import IndexRequest
from kodit.composition import Application
from kodit.domain.caller import Caller
from kodit.faces.mcp.definitions import BY_NAME
from kodit.faces.mcp.dispatch import Dispatcher
from kodit.settings import Settings

TOKENS = (125, 250, 500, 1_000, 2_000)
AIMS = {125: 0.92, 250: 0.97, 500: 0.98}
CHARACTERS_PER_TOKEN = 4
MOST_WORDS = 3
NEVER = 1 << 60

_HEAD = re.compile(r"(?:\[\d+\] )?(?P<path>\S.*?):(?P<start>\d+)-(?P<end>\d+)(?: [a-z]+ \S.*)?")


class Target(NamedTuple):
    """The place to find; both lines are None for a whole file."""

    path: str
    start: int | None
    end: int | None


class Read(NamedTuple):
    """After `at` characters, a reader knows lines `start` to `end` of a file. They are `shown`, or
    only named.
    """

    at: int
    path: str
    start: int
    end: int
    is_shown: bool


class Question(NamedTuple):
    text: str
    targets: tuple[Target, ...]


Ask = Callable[[Sequence[str]], list[list[Read]]]
"""What a system shows for each of some queries."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--benchmark", type=Path, required=True)
    parser.add_argument("--repos", type=Path, required=True)
    parser.add_argument("--repo", action="append", help="only these repositories")
    parser.add_argument("--peer", type=Path, help="the folder of the peer's environment")
    parser.add_argument("--functions", action="store_true")
    parser.add_argument("--data-dir", type=Path, help="keep the indexes in this folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kodit-tokens-") as scratch:
        data_dir = arguments.data_dir or Path(scratch) / "data"
        if arguments.functions:
            _functions(arguments, data_dir, Path(scratch))
        else:
            _curves(arguments, data_dir)


def _curves(arguments: argparse.Namespace, data_dir: Path) -> None:
    systems: dict[str, Callable[[Path], Ask]] = {
        "kodit": lambda folder: lambda texts: ask_kodit(data_dir, folder, texts),
        "rg and files": lambda folder: lambda texts: [ask_ripgrep(folder, text) for text in texts],
    }
    if arguments.peer:
        python, model = make_peer(arguments.peer)
        systems["semble"] = lambda folder: lambda texts: ask_peer(python, model, folder, texts)
    met: dict[tuple[str, str], list[list[int]]] = {}
    for name, folder, questions in _repositories(arguments):
        texts = [one.text for one in questions]
        for system, make in systems.items():
            reads = make(folder)(texts)
            for kind in ("named", "shown"):
                places = [
                    min((_met(one, target, kind) for target in question.targets), default=NEVER)
                    for question, one in zip(questions, reads, strict=True)
                ]
                met.setdefault((system, kind), []).append(places)
        print(f"{name}: {len(questions)} questions", flush=True)
    print(f"\n{'tokens read':<24}" + "".join(f"{tokens:>8}" for tokens in TOKENS))
    for (system, kind), repositories in met.items():
        print(
            f"{f'{system}, {kind}':<24}"
            + "".join(f"{_share(repositories, n):8.3f}" for n in TOKENS)
        )
    for tokens, aim in AIMS.items():
        reached = _share(met["kodit", "named"], tokens)
        print(f"at {tokens}: {reached:.3f}, aim {aim}: {'met' if reached >= aim else 'MISSED'}")


def _share(repositories: list[list[int]], tokens: int) -> float:
    """The share of all queries that are answered by then."""
    places = [place for repository in repositories for place in repository]
    return fmean(place <= tokens * CHARACTERS_PER_TOKEN for place in places)


def _met(reads: Sequence[Read], target: Target, kind: str) -> int:
    """The number of characters after which a target is known."""
    for read in reads:
        if (kind == "named" or read.is_shown) and same_file(read.path, target.path):
            if target.start is None or target.end is None:
                return read.at
            if read.start <= target.end and read.end >= target.start:
                return read.at
    return NEVER


def same_file(found: str, wanted: str) -> bool:
    """Compares paths of which either may be relative to a folder above the other's."""
    return found == wanted or found.endswith(f"/{wanted}") or wanted.endswith(f"/{found}")


def _repositories(arguments: argparse.Namespace) -> Iterator[tuple[str, Path, list[Question]]]:
    for entry in json.loads((arguments.benchmark / "repos.json").read_text()):
        name = entry["name"]
        folder = arguments.repos / name / (entry["benchmark_root"] or ".")
        if (arguments.repo and name not in arguments.repo) or not folder.is_dir():
            continue
        tasks = json.loads((arguments.benchmark / "annotations" / f"{name}.json").read_text())
        yield name, folder.resolve(), [Question(task["query"], _targets(task)) for task in tasks]


def _targets(task: dict[str, Any]) -> tuple[Target, ...]:
    return tuple(
        Target(one, None, None)
        if isinstance(one, str)
        else Target(one["path"], one.get("start_line"), one.get("end_line"))
        for one in (*task.get("relevant", ()), *task.get("secondary", ()))
    )


# Kodit


def ask_kodit(data_dir: Path, folder: Path, texts: Sequence[str]) -> list[list[Read]]:
    """The output of the tool `search`, with its default budget."""
    answers = asyncio.run(_ask_tool(data_dir, folder, texts))
    return [list(read_answer(answer, folder)) for answer in answers]


async def _ask_tool(data_dir: Path, folder: Path, texts: Sequence[str]) -> list[str]:
    async def no_progress(
        progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Ignore progress."""

    caller = Caller(folder=str(folder))
    with Application(Settings(data_dir=data_dir)) as application:
        known = {status.source for status in await application.indexes.status()}
        if str(folder) not in known:
            await application.source_indexing.index(IndexRequest([str(folder)]))
        dispatcher = Dispatcher(application)
        answers = [
            await dispatcher.answer(caller, BY_NAME["search"], {"query": text}, no_progress)
            for text in texts
        ]
        await dispatcher.finish()
    return [answer.text for answer in answers]


def read_answer(text: str, folder: Path) -> Iterator[Read]:
    """The places that an answer names, and the lines that it shows of them."""
    at = 0
    place: tuple[str, int, int] | None = None
    code: list[str] = []
    following = 0
    for line in text.split("\n"):
        at += len(line) + 1
        head = _HEAD.fullmatch(line)
        if head is not None and (folder / head["path"]).is_file():
            place = head["path"], int(head["start"]), int(head["end"])
            source = (folder / head["path"]).read_text("utf-8", "replace").split("\n")
            code = source[place[1] - 1 : place[2]]
            following = 0
            yield Read(at, *place, is_shown=False)
            continue
        if place is None or not line.strip():
            continue
        for number in range(following, len(code)):
            if _is_line(line, code[number]):
                following = number + 1
                shown = place[1] + number
                yield Read(at, place[0], shown, shown, is_shown=True)
                break


def _is_line(shown: str, line: str) -> bool:
    """Whether a line of an answer is this line of the file; a declaration may continue after it."""
    line = line.rstrip().replace("\r", "")
    return shown == line or (line.strip() != "" and shown.startswith(line) and line[-1:] in "([,{")


# ripgrep and whole files


def ask_ripgrep(folder: Path, text: str) -> list[Read]:
    """The files with one of the longest words, read whole."""
    words = sorted(set(re.findall(r"\w+", text)), key=lambda word: (-len(word), word))[:MOST_WORDS]
    patterns = [part for word in words for part in ("-e", word)]
    done = subprocess.run(
        ["rg", "--files-with-matches", "--ignore-case", "--sort", "path", *patterns, "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    reads: list[Read] = []
    at = 0
    for name in done.stdout.splitlines():
        path = name.removeprefix("./")
        for number, line in enumerate((folder / path).read_text("utf-8", "replace").split("\n"), 1):
            at += len(line) + 1
            reads.append(Read(at, path, number, number, is_shown=True))
    return reads


# The peer

_SEARCH = """
import json, sys
from semble.index import SembleIndex
from semble.types import ContentType
from semble.utils import format_results
content = (ContentType.CODE, ContentType.DOCS, ContentType.CONFIG)
index = SembleIndex.from_path(sys.argv[1], content=content, model_path=sys.argv[2])
answers = []
for query in json.load(sys.stdin):
    results = index.search(query, top_k=10, max_snippet_lines=10)
    answers.append(json.dumps(format_results(query, results, 10, index.sources)))
json.dump(answers, sys.stdout)
"""


def ask_peer(python: Path, model: Path, folder: Path, texts: Sequence[str]) -> list[list[Read]]:
    """The output of its tool: JSON, with ten lines of each result."""
    with tempfile.TemporaryDirectory(prefix="kodit-peer-") as cache:
        done = subprocess.run(
            [python, "-c", _SEARCH, folder, model],
            input=json.dumps(list(texts)),
            capture_output=True,
            text=True,
            check=True,
            env=os.environ
            | {"HF_HUB_OFFLINE": "1", "SEMBLE_CACHE_LOCATION": cache, "XDG_CACHE_HOME": cache},
        )
    return [list(_read_peer(answer)) for answer in json.loads(done.stdout)]


def _read_peer(answer: str) -> Iterator[Read]:
    at = answer.index('"results": [') + len('"results": [')
    for result in json.loads(answer)["results"]:
        start, end = result["start_line"], result["end_line"]
        place = len(
            json.dumps({name: result[name] for name in ("file_path", "start_line", "end_line")})
        )
        yield Read(at + place, result["file_path"], start, end, is_shown=False)
        at += len(json.dumps(result)) + 2
        lines = len(result["content"].splitlines())
        yield Read(at, result["file_path"], start, start + lines - 1, is_shown=True)


# Whole functions


def _functions(arguments: argparse.Namespace, data_dir: Path, scratch: Path) -> None:
    spec = importlib.util.spec_from_file_location("functions", arguments.benchmark / "functions.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    roots = {
        entry["name"]: entry["benchmark_root"] or "."
        for entry in json.loads((arguments.benchmark / "repos.json").read_text())
    }
    complete: list[list[int]] = []
    work = arguments.data_dir / "functions" if arguments.data_dir else scratch / "functions"
    for name, (language, suffixes) in module.DEV.items():
        source = arguments.repos / name / roots[name]
        if (arguments.repo and name not in arguments.repo) or not source.is_dir():
            continue
        folder = (work / name).resolve()
        queries = module.prepare(source, folder, language, tuple(suffixes))
        reads = ask_kodit(data_dir, folder, [query["query"] for query in queries])
        complete.append(
            [_all_shown(one, query, folder) for query, one in zip(queries, reads, strict=True)]
        )
        print(f"{name}: {len(queries)} functions", flush=True)
    print(f"\n{'tokens read':<24}" + "".join(f"{tokens:>8}" for tokens in TOKENS))
    print(f"{'every line shown':<24}" + "".join(f"{_share(complete, n):8.3f}" for n in TOKENS))


def _all_shown(reads: Sequence[Read], query: dict[str, Any], folder: Path) -> int:
    """The number of characters after which every line of a function was shown, except blank
    ones.
    """
    lines = (folder / query["path"]).read_text("utf-8", "replace").split("\n")
    left = {n for n in range(query["start"], query["end"] + 1) if lines[n - 1].strip()}
    for read in reads:
        if read.is_shown and read.path == query["path"]:
            left -= set(range(read.start, read.end + 1))
            if not left:
                return read.at
    return NEVER


if __name__ == "__main__":
    main()
