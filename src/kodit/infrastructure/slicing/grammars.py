"""Parsing with tree-sitter, within a time limit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from time import thread_time

from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

from kodit.infrastructure.slicing.languages import LANGUAGES

Match = tuple[int, dict[str, list[Node]]]
"""The number of the pattern of a query, and the nodes it captured by the name of the capture."""

_MATCHES_IN_PROGRESS = 65_536
"""Unfinished matches that a query may hold; more are dropped rather than held in memory."""


class OutOfTimeError(Exception):
    """The time for one file is over."""


class Deadline:
    """The end of the processor time that this thread may spend on one file.

    Processor time, so that a busy machine does not change what a file is cut into.
    """

    __slots__ = ("_end",)

    def __init__(self, seconds: float) -> None:
        self._end = thread_time() + seconds

    def is_over(self) -> bool:
        return thread_time() > self._end

    def check(self) -> None:
        """Raises OutOfTimeError when the time is over."""
        if self.is_over():
            raise OutOfTimeError


@dataclass(frozen=True, slots=True)
class Grammar:
    """A language's grammar with the query that finds what a file defines."""

    language: Language
    query: Query

    def parse(self, source: bytes, deadline: Deadline) -> Tree:
        """The syntax tree of UTF-8 `source`. Raises OutOfTimeError.

        tree-sitter holds the interpreter's lock while it parses, so nothing outside can stop it;
        its own progress callback, which the binding offers only together with a read callback,
        can.
        """
        try:
            return Parser(self.language).parse(
                lambda offset, _: source[offset:],
                progress_callback=lambda _offset, _error: deadline.is_over(),
            )
        except ValueError:  # all that the binding says of a parse that was stopped
            raise OutOfTimeError from None

    def matches(self, tree: Tree) -> list[Match]:
        """What the query finds in `tree`, in order of the source.

        Without a progress callback: that of tree-sitter 0.26.1 ends the process. A query takes
        a part of the time that the parse took.
        """
        cursor = QueryCursor(self.query, match_limit=_MATCHES_IN_PROGRESS)
        return cursor.matches(tree.root_node)


@cache
def load_grammar(name: str) -> Grammar:
    """The grammar of a language of the table, imported when first met."""
    row = LANGUAGES[name]
    language = Language(getattr(import_module(row.module), row.function)())
    source = files(__package__).joinpath("queries", row.query_file).read_text("utf-8")
    return Grammar(language, Query(language, source))
