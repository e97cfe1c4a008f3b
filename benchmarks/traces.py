"""Whether a pasted stack trace finds the functions in it, the innermost first.

    python -m benchmarks.traces REPOSITORY… [--traces 12] [--drift 60] [--data DIR] [--show]

A trace has three functions of a repository, of different files and chosen by a generator that the
repository's name seeds, in the form of their language, with frames of libraries around them. It is
searched for twice: with lines within the functions, and with lines that are off by half of
`--drift` up to that many, as in another version. Prints how often the first result is a part of the
innermost function, and how often the first three are parts of all three. All repositories are
indexed below `--data`, which is kept.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kodit import Kodit
from kodit.domain.entities import StoredSnippet

FEWEST_LINES = 7
FRAMES = 3
KINDS = ("function", "method")


class Function(NamedTuple):
    """A function of a file with its lines, 1-based and inclusive."""

    path: str
    first: int
    last: int
    name: str
    scope: str
    language: str

    @property
    def qualified(self) -> str:
        return f"{self.scope}.{self.name}" if self.scope else self.name


class Frame(NamedTuple):
    """A function and the line at which a trace says it was."""

    function: Function
    line: int

    @property
    def place(self) -> str:
        return f"{self.function.path}:{self.line}"


def python(frames: Sequence[Frame]) -> Iterator[str]:
    yield "Traceback (most recent call last):"
    yield '  File "/usr/lib/python3.11/threading.py", line 982, in run'
    yield "    self._target(*self._args, **self._kwargs)"
    for of, line in reversed(frames):
        yield f'  File "/srv/app/lib/{of.path}", line {line}, in {of.name}'
    yield "RuntimeError: unexpected state"


def javascript(frames: Sequence[Frame]) -> Iterator[str]:
    yield "TypeError: cannot read properties of undefined"
    for one in frames:
        yield f"    at {one.function.qualified} (/srv/app/node_modules/lib/{one.place}:13)"
    yield "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"


def go(frames: Sequence[Frame]) -> Iterator[str]:
    yield "panic: unexpected state\n\ngoroutine 1 [running]:"
    for one in frames:
        of = one.function
        receiver = f"(*{of.scope})." if of.scope else ""
        yield f"example.com/lib.{receiver}{of.name}(0xc0000b4000, 0x1)\n\t/go/lib/{one.place} +0x1d"
    yield "main.main()\n\t/srv/app/start.go:12 +0x1b"


def rust(frames: Sequence[Frame]) -> Iterator[str]:
    yield f"thread 'main' panicked at {frames[0].place}:9:\nunexpected state\nstack backtrace:"
    yield "   0: rust_begin_unwind\n             at /rustc/07dc/library/std/src/panicking.rs:645:5"
    for number, one in enumerate(frames, 1):
        name = one.function.qualified.replace(".", "::")
        yield f"   {number}: lib::{name}\n             at ./{one.place}:9"


def java(frames: Sequence[Frame]) -> Iterator[str]:
    yield 'Exception in thread "main" java.lang.IllegalStateException: unexpected state'
    for of, line in frames:
        yield f"\tat com.example.{of.qualified}({Path(of.path).name}:{line})"
    yield "\tat java.base/java.lang.Thread.run(Thread.java:833)"


def ruby(frames: Sequence[Frame]) -> Iterator[str]:
    first, *others = frames
    yield f"/gems/lib/{first.place}:in `{first.function.name}': unexpected state (RuntimeError)"
    for one in others:
        yield f"\tfrom /gems/lib/{one.place}:in `{one.function.name}'"
    yield "\tfrom app.rb:3:in `<main>'"


def php(frames: Sequence[Frame]) -> Iterator[str]:
    yield f"PHP Fatal error:  Uncaught RuntimeException: no in /srv/vendor/lib/{frames[0].place}"
    yield "Stack trace:"
    for number, one in enumerate(frames[1:]):
        called = frames[number].function
        name = f"{called.scope}->{called.name}" if called.scope else called.name
        yield f"#{number} /srv/vendor/lib/{one.function.path}({one.line}): {name}()"
    yield f"#{len(frames) - 1} {{main}}"


def csharp(frames: Sequence[Frame]) -> Iterator[str]:
    yield "Unhandled exception. System.InvalidOperationException: unexpected state"
    for of, line in frames:
        yield f"   at {of.qualified}(String value) in /src/{of.path}:line {line}"
    yield "   at System.Threading.ThreadPoolWorkQueue.Dispatch()"


def elixir(frames: Sequence[Frame]) -> Iterator[str]:
    yield "** (RuntimeError) unexpected state"
    for one in frames:
        yield f"    (lib 3.1.0) {one.place}: {one.function.qualified}/2"
    yield "    (elixir 1.15.0) lib/enum.ex:987: Enum.each/2"


def debugger(frames: Sequence[Frame]) -> Iterator[str]:
    yield "Program received signal SIGSEGV, Segmentation fault."
    for number, one in enumerate(frames):
        yield f"#{number}  0x00005555 in {one.function.name} (value=0x0) at {one.place}"


FORMS: dict[str, Callable[[Sequence[Frame]], Iterator[str]]] = {
    **dict.fromkeys(("c", "cpp", "swift"), debugger),
    **dict.fromkeys(("java", "kotlin", "scala"), java),
    **dict.fromkeys(("javascript", "typescript", "tsx"), javascript),
    **{form.__name__: form for form in (csharp, elixir, go, php, python, ruby, rust)},
}


def functions_of(kodit: Kodit, repository: Path) -> list[Function]:
    """Those of files that are no tests, in the order of their places."""
    found = []
    for file in kodit.list_files(str(repository)):
        if file.language in FORMS and "test" not in file.path.lower():
            outline = kodit.outline(str(repository), file.path)
            for one in outline.definitions:
                of = one.snippet
                if of.kind in KINDS and of.symbol and of.end_line - of.start_line >= FEWEST_LINES:
                    scope = of.scope.rpartition(".")[2]
                    lines = (of.start_line, of.end_line)
                    found.append(Function(file.path, *lines, of.symbol, scope, outline.language))
    return sorted(found)


def traces_of(functions: Sequence[Function], seed: str, most: int) -> Iterator[list[Function]]:
    """The functions of each trace, innermost first: of one language, and of different files."""
    generator = random.Random(seed)  # noqa: S311 - reproducible
    for first in generator.sample(functions, len(functions)):
        others = {one.path: one for one in functions if one.language == first.language}
        others.pop(first.path)
        if most and len(others) >= FRAMES - 1:
            paths = generator.sample(sorted(others), FRAMES - 1)
            most -= 1
            yield [first, *(others[path] for path in paths)]


def measure(kodit: Kodit, repository: Path, options: argparse.Namespace, drift: int) -> list[int]:
    """How many traces there are, of how many the innermost function is first, and of how many all
    functions are."""
    counts = [0, 0, 0]
    generator = random.Random(repository.name)  # noqa: S311 - reproducible
    functions = functions_of(kodit, repository)
    for chosen in traces_of(functions, repository.name, options.traces):
        frames = []
        for of in chosen:
            away = generator.choice((-1, 1)) * generator.randint(drift // 2, drift)
            frames.append(Frame(of, max(generator.randint(of.first + 1, of.last) + away, 1)))
        query = "\n".join(FORMS[chosen[0].language](frames))
        results = [one.snippet for one in kodit.search(query, str(repository), limit=FRAMES)]
        found = [
            [one.path == of.path and of.name in (one.symbol, *names_in(one)) for one in results]
            for of in chosen
        ]
        counts[0] += 1
        counts[1] += found[0][:1] == [True]
        counts[2] += all(map(any, found))
        if options.show and found[0][:1] != [True]:
            print(query, [(one.path, one.symbol) for one in results], sep="\n")
    return counts


def names_in(snippet: StoredSnippet) -> list[str]:
    """What else a snippet defines, and what it is a part of."""
    others = [other.symbol.name for other in snippet.also_defines]
    return [*others, snippet.scope.rpartition(".")[2]]


def main() -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repositories", type=Path, nargs="+")
    parser.add_argument("--traces", type=int, default=12)
    parser.add_argument("--drift", type=int, default=60)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "kodit-traces"))
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    with Kodit(options.data) as kodit:
        for repository in options.repositories:
            kodit.index(str(repository))
        for drift in (0, options.drift):
            each = [measure(kodit, one, options, drift) for one in options.repositories]
            traces, first, every = map(sum, zip(*each, strict=True))
            print(f"lines off by {drift}: {traces} traces, first {first}, all {every}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
