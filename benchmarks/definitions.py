"""Which definitions of real code Kodit finds, compared with Universal Ctags.

    python -m benchmarks.definitions FOLDER... [--language ruby] [--missing 20]

Needs `ctags` (Universal Ctags 5.9 or later). For each language that both support: how many of the
definitions of Ctags have the same name here, on the same line or within the lines of the
definition, by the kinds of Ctags, worst first; and the first of the missing ones. Ctags has false
positives, so check a missing definition before believing it. Names of files and of other files'
modules (packages, imports, headers) are ignored.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from kodit.infrastructure.slicing.slicer import slice_file

LANGUAGES = {
    "C": "c",
    "C#": "csharp",
    "C++": "cpp",
    "Elixir": "elixir",
    "Go": "go",
    "Haskell": "haskell",
    "Java": "java",
    "JavaScript": "javascript",
    "Kotlin": "kotlin",
    "Lua": "lua",
    "PHP": "php",
    "Python": "python",
    "Ruby": "ruby",
    "Rust": "rust",
    "SQL": "sql",
    "Sh": "bash",
    "TypeScript": "typescript",
}
"""Languages that both support, by Ctags's name."""

NOT_HERE = frozenset(
    {
        *("Python.module", "Python.namespace", "Python.unknown", "Java.package", "Go.package"),
        *("Go.packageName", "Kotlin.package", "PHP.namespace", "PHP.alias", "C#.namespace"),
        *(
            "Elixir.implementation",
            "C.header",
            "C++.header",
            "C++.namespace",
            "Ruby.library",
            "Rust.implementation",
        ),
        *(
            "Haskell.module",
            "Sh.script",
            "Sh.heredoc",
            "SQL.label",
            "SQL.field",
            "SQL.variable",
            "SQL.cursor",
        ),
    }
)
"""Kinds defined elsewhere, by many files, or inside a function."""

LOCAL = frozenset(
    {
        *("C++.variable", "JavaScript.constant", "JavaScript.variable", "PHP.variable"),
        *("TypeScript.constant", "TypeScript.variable"),
    }
)
"""Kinds that Ctags also lists inside functions: here only those at the beginning of a line
count.
"""
LUA_FUNCTION = re.compile(r"\bfunction\b\s*[\w.:]|[\w\]]\s*=\s*function\b")
"""A function of Lua with a name: Ctags also lists what is assigned the result of a call with a
function among its arguments."""

MACRO_CALL = re.compile(r"[A-Z][A-Z0-9_]+\(.+\)$")
MACRO_OF_ONE = re.compile(r"\s*[A-Z][A-Z0-9_]+\(\s*(\w+)\s*\)")
"""A function of C defined by a macro with its name: Ctags takes the macro for the name."""

NAMELESS = ("__anon", "<lambda>")
"""Ctags's placeholders for anonymous definitions."""

FIELDS = 5
NEAR_LINES = 2
"""The two may differ by this many lines, because one gives the line of the name, the other that of
the definition.
"""


class Tag(NamedTuple):
    """One definition of Ctags."""

    language: str
    kind: str
    name: str
    path: str
    line: int


def tags_of(folder: Path) -> Iterator[Tag]:
    """The definitions that Ctags finds in a folder."""
    command = ["ctags", "-R", "-f", "-", "--excmd=number", "--fields=Kl", "--extras=-{anonymous}"]
    command += [f"--languages={','.join(LANGUAGES)}", "--exclude=.git", "--links=no", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        fields = line.split("\t")
        if len(fields) < FIELDS:
            continue  # a name that contains a line end
        name, path, number, kind, language = fields[:FIELDS]
        language = language.removeprefix("language:")
        if f"{language}.{kind}" not in NOT_HERE and not name.startswith(NAMELESS):
            if kind in ("accessor", "function") and not name.startswith("operator"):
                name = name.removesuffix("=")
            yield Tag(language, kind, plain(name), path, int(number.removesuffix(';"')))


def in_heredocs(lines: Sequence[str]) -> set[int]:
    """The lines within heredocs, such as documentation: Ctags takes examples there for code."""
    inside = accumulate(line.count('"""') % 2 for line in lines)
    return {number for number, marks in enumerate(inside, 1) if marks % 2}


def plain(name: str) -> str:
    """A name without what the two tools write differently: white space, arity, qualifiers."""
    name = re.sub(r"\s+", "", name).strip("\"'`")
    name = re.sub(r"/\d+$", "", name)
    return name if name.startswith("operator") else re.split(r"[.:#](?=[^.:#=])", name)[-1]


def named_here(path: Path, relative: str) -> tuple[str, dict[str, list[tuple[int, int]]]]:
    """The language of a file, and the line ranges of its definitions by name."""
    sliced = slice_file(relative, path.read_bytes(), 60.0)
    lines: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for snippet in sliced.snippets:
        if snippet.symbol is not None:
            places = [(one.start_line, one.end_line) for one in snippet.extents]
            name = snippet.symbol.name
            lines[plain(name)] += places
            if MACRO_CALL.match(name):  # Ctags takes only the macro for the name of a test
                lines[name.partition("(")[0]] += places
        for placed in snippet.also_defines:
            lines[plain(placed.symbol.name)].append((placed.start_line, placed.end_line))
    return sliced.language, lines


class Comparison:
    """Found and missing definitions, by language and kind of Ctags."""

    def __init__(self) -> None:
        self.all: Counter[tuple[str, str]] = Counter()
        self.missing: dict[tuple[str, str], list[str]] = defaultdict(list)

    def add(self, folder: Path, wanted: str) -> None:
        by_file: dict[str, list[Tag]] = defaultdict(list)
        for tag in tags_of(folder):
            if wanted in ("", LANGUAGES[tag.language]):
                by_file[tag.path].append(tag)
        for path, tags in sorted(by_file.items()):
            language, places = named_here(folder / path, path)
            lines = (folder / path).read_text("utf-8", "replace").split("\n")
            prose = in_heredocs(lines) if language == "elixir" else set()
            for tag in tags:
                if {language, LANGUAGES[tag.language]} - {"c", "cpp", "tsx", "typescript"} and (
                    language != LANGUAGES[tag.language]
                ):
                    continue
                if f"{tag.language}.{tag.kind}" in LOCAL and lines[tag.line - 1][:1].isspace():
                    continue
                if tag.language == "Elixir" and tag.line in prose:
                    continue
                if tag.language == "Lua" and not LUA_FUNCTION.search(lines[tag.line - 1]):
                    continue
                self.all[tag.language, tag.kind] += 1
                names = [tag.name]
                if tag.kind == "function" and (one := MACRO_OF_ONE.match(lines[tag.line - 1])):
                    names.append(one[1])
                if not any(
                    first - NEAR_LINES <= tag.line <= last + NEAR_LINES
                    for name in names
                    for first, last in places.get(name, ())
                ):
                    where = f"{folder.name}/{path}:{tag.line}"
                    self.missing[tag.language, tag.kind].append(f"{tag.name:32} {where}")

    def report(self, most: int) -> None:
        """Print it, worst language first."""
        found: dict[str, tuple[int, int]] = {}
        for language in {language for language, _ in self.all}:
            every = sum(n for (one, _), n in self.all.items() if one == language)
            missing = sum(len(some) for (one, _), some in self.missing.items() if one == language)
            found[language] = (every - missing, every)
        for language, (here, every) in sorted(found.items(), key=lambda row: row[1][0] / row[1][1]):
            print(f"\n{language}: {here} of {every}, {here / every:.1%}")
            kinds = [kind for one, kind in self.all if one == language]
            for kind in sorted(kinds, key=lambda one: -len(self.missing[language, one])):
                some = self.missing[language, kind]
                print(f"  {kind:16} {self.all[language, kind] - len(some):6}", end=" ")
                print(f"of {self.all[language, kind]:6}")
                for row in some[:: max(1, len(some) // most)][:most] if most else ():
                    print(f"      {row}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--language", default="", help="by Kodit's name, such as ruby")
    parser.add_argument("--missing", type=int, default=0, metavar="N", help="show N of each kind")
    arguments = parser.parse_args()
    comparison = Comparison()
    for folder in arguments.folders:
        comparison.add(folder.resolve(), arguments.language)
    comparison.report(arguments.missing)


if __name__ == "__main__":
    main()
