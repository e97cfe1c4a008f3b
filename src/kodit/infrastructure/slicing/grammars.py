"""Parsing with tree-sitter, within a budget."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import NamedTuple

from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

from kodit.infrastructure.slicing.budget import Budget, GaveUpError
from kodit.infrastructure.slicing.deep_stack import with_deep_stack
from kodit.infrastructure.slicing.languages import LANGUAGES

Match = tuple[int, dict[str, list[Node]]]
"""The number of a query's pattern, and the captured nodes by capture name."""

_MATCHES_IN_PROGRESS = 65_536
"""Unfinished matches that a query may hold; any more are dropped to bound memory."""

_DEEPEST_DEFINITION = 512
"""Depth in the tree below which definitions are not searched for. tree-sitter counts depths with 16
bits: on a tree of 240,000 levels a query took a minute.
"""

_ANONYMOUS_TOKENS = 20_000
"""Anonymous tokens in one error node that a query can step over in a fifth of a second."""

_STEPS_PER_CHECK = 1_024
"""Nodes visited between two checks of the budget."""

_SHALLOW_BYTES = 32_768
"""Sources up to this size are parsed on the current stack. To free an unfinished parse, tree-sitter
recurses once for each token, at some 100 bytes of stack.
"""

_MEMORY = memoryview((ctypes.c_char * (sys.maxsize // 2)).from_address(0)).cast("B")
"""This process's memory from its first address; only the bytes of a source are read."""

_BYTES = [memoryview(bytes([value])) for value in range(256)]


class Matches(NamedTuple):
    """The matches of a query in a file."""

    definitions: list[Match]
    mentions: list[Match]


@dataclass(frozen=True, slots=True)
class Grammar:
    """A language's grammar with the query for a file's definitions and mentions: the first
    `definitions` patterns are those of definitions, the others those of mentions.
    """

    language: Language
    query: Query
    definitions: int

    def parse(self, source: bytes, budget: Budget) -> Tree:
        """The syntax tree of UTF-8 `source`. Raises GaveUpError."""
        if len(source) <= _SHALLOW_BYTES:
            return self._parse(source, budget)
        return with_deep_stack(lambda: self._parse(source, budget))

    def _parse(self, source: bytes, budget: Budget) -> Tree:
        """Parses in this thread.

        tree-sitter holds the interpreter's lock while it parses, so only its own progress callback
        can stop it, which the binding offers only together with a read callback. Version 0.26.1
        never releases the buffers that a read callback returns, so it gets views that do not own
        the source: the leak is one of 190 bytes for most files. After the beginning, it asks
        several times for the last byte.
        """
        start = ctypes.cast(ctypes.c_char_p(source), ctypes.c_void_p).value or 0
        size = len(source)

        def read(offset: int, _point: object) -> memoryview | None:
            if offset >= size:
                return None
            if offset == size - 1:
                return _BYTES[source[offset]]
            return _MEMORY[start + offset : start + size]

        try:
            return Parser(self.language).parse(read, progress_callback=budget.is_spent)
        except ValueError:  # the binding's only sign that a parse was stopped
            raise GaveUpError(budget.reason or "parser failed") from None

    def matches(self, tree: Tree, budget: Budget) -> Matches:
        """The matches of the query in `tree`. Raises GaveUpError.

        A query cannot be stopped (its progress callback ends the process in version 0.26.1), so
        trees on which it would take too long are refused first.
        """
        _check_errors(tree, budget)
        cursor = QueryCursor(self.query, match_limit=_MATCHES_IN_PROGRESS)
        cursor.set_max_start_depth(_DEEPEST_DEFINITION)
        found = cursor.matches(tree.root_node)
        budget.check()
        count = self.definitions
        return Matches(
            [match for match in found if match[0] < count],
            [match for match in found if match[0] >= count],
        )


def _check_errors(tree: Tree, budget: Budget) -> None:
    """Raises GaveUpError when a query would have to step over too many anonymous tokens.

    The children of an error node are one flat list, and for each of them a query searches for the
    next named one: the time is quadratic in the number of anonymous tokens.
    """
    loose = 0
    steps = 0
    nodes = [tree.root_node]
    while nodes:
        node = nodes.pop()
        loose += (node.child_count - node.named_child_count) ** 2
        if loose > _ANONYMOUS_TOKENS**2:
            raise GaveUpError("too many syntax errors")
        steps += node.child_count
        if steps > _STEPS_PER_CHECK:
            steps = 0
            budget.check()
        nodes += [child for child in node.children if child.has_error and child.child_count]


def _capsule(pointer: object) -> object:
    """The language pointer of a grammar module in the form the binding expects: some modules still
    return a bare address.
    """
    if not isinstance(pointer, int):
        return pointer
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    capsule: object = new(pointer, b"tree_sitter.Language", None)
    return capsule


@cache
def load_grammar(name: str) -> Grammar:
    """The grammar of a language in the table, imported on first use."""
    row = LANGUAGES[name]
    language = Language(_capsule(getattr(import_module(row.module), row.function)()))
    folder = files(__package__).joinpath("queries")
    definitions = folder.joinpath(row.query_file).read_text("utf-8")
    names = dict.fromkeys((row.query_file, f"{row.name}.scm"))
    mentions = [folder.joinpath("mentions", name) for name in names]
    both = [definitions, *(one.read_text("utf-8") for one in mentions if one.is_file())]
    query = Query(language, "\n".join(both))
    # Compiling the definitions a second time, only to count them, would take half as long again.
    end = len(definitions.encode())
    starts = [query.start_byte_for_pattern(number) for number in range(query.pattern_count)]
    return Grammar(language, query, sum(start < end for start in starts))
