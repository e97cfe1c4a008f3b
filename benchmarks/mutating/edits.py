"""Mistakes made by hand, in any module: a file in TOML lists them like `equivalent.toml`.

Each `[[mutant]]` has a `module`, the text `old`, which is there once, and the text `new`.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from benchmarks.mutating.mutation import Lines, Mutation


def edits_of(path: Path, sources: dict[str, bytes]) -> list[Mutation]:
    """The mutations that a file describes; raises ValueError if a text is not there once."""
    entries = tomllib.loads(path.read_text("utf-8"))["mutant"]
    return [_edit(sources, entry["module"], entry["old"], entry["new"]) for entry in entries]


def _edit(sources: dict[str, bytes], module: str, old: str, new: str) -> Mutation:
    source = sources[module]
    if (times := source.count(old.encode())) != 1:
        raise ValueError(f"{module} has {times} times: {old!r}")
    start = source.index(old.encode())
    end = start + len(old.encode())
    statement = Lines(1 + source[:start].count(b"\n"), 1 + source[:end].count(b"\n"))
    function = _function_around(ast.parse(source), statement)
    return Mutation(module, "by hand", start, end, new, statement, function)


def _function_around(tree: ast.Module, statement: Lines) -> Lines | None:
    """The body of the innermost function with these lines."""
    bodies = [
        Lines(node.body[0].lineno, node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return max((one for one in bodies if statement.first in one), default=None)
