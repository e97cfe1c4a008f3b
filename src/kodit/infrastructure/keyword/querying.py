"""Building tantivy queries from scopes, and reading its explanations."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import tantivy

from kodit.domain.value_objects import Scope
from kodit.infrastructure.keyword.panics import is_panic
from kodit.infrastructure.keyword.positions import unreadable
from kodit.infrastructure.keyword.schema import FILE_ID, INDEX_ID, KIND, NAME, PHRASES


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Translates errors within the context. Files are read on demand: some damage shows when the
    index is opened, some when it is searched. Raises PermanentError for either.
    """
    try:
        yield
    except BaseException as error:
        if not (isinstance(error, (ValueError, LookupError, TypeError)) or is_panic(error)):
            raise
        raise unreadable(folder) from error


class Clause(NamedTuple):
    """A field that must, or must not, have one of some values; or else, `or_else` may hold."""

    occur: tantivy.Occur
    field: str
    values: Collection[int | str]
    or_else: Clause | None = None

    @property
    def is_possible(self) -> bool:
        """Whether a document can meet it."""
        return bool(self.values) or (self.or_else is not None and self.or_else.is_possible)


def within(scope: Scope) -> list[Clause]:
    """The conditions for a document to be in the scope."""
    listed = None
    if scope.listed_stores:
        listed = Clause(tantivy.Occur.Should, FILE_ID, scope.listed)
    clauses = [Clause(tantivy.Occur.Must, INDEX_ID, scope.whole_stores, listed)]
    if scope.file_ids is not None:
        clauses.append(Clause(tantivy.Occur.Must, FILE_ID, scope.file_ids))
    if scope.kinds:
        kinds = tuple(kind.value for kind in scope.kinds)
        clauses.append(Clause(tantivy.Occur.Must, KIND, kinds))
    if hidden := scope.hidden_from(None):
        clauses.append(Clause(tantivy.Occur.MustNot, FILE_ID, hidden))
    return clauses


def any_of(schema: tantivy.Schema, clause: Clause) -> tantivy.Query:
    """A query for documents that have one of the values; in `PHRASES`, all of them in a row."""
    if clause.or_else is not None:
        parts = [clause._replace(or_else=None), clause.or_else]
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, any_of(schema, one)) for one in parts if one.is_possible]
        )
    if clause.field == PHRASES:
        return tantivy.Query.phrase_query(schema, PHRASES, list(map(str, clause.values)))
    if len(clause.values) == 1:
        (value,) = clause.values
        return tantivy.Query.term_query(schema, clause.field, value, "basic")
    return tantivy.Query.term_set_query(schema, clause.field, list(clause.values))


def near_names(
    schema: tantivy.Schema, name: str, edits: int
) -> tuple[tantivy.Query, tantivy.Query]:
    """Queries for documents with a name that begins with this one, and with one at most `edits`
    away.
    """
    fuzzy = tantivy.Query.fuzzy_term_query
    return fuzzy(schema, NAME, name, distance=edits), fuzzy(
        schema, NAME, name, distance=0, prefix=True
    )


def explained(explanation: object, beginning: str) -> float:
    """The value of the first node of an explanation tree whose description begins with `beginning`.
    Raises LookupError if there is none.
    """
    if isinstance(explanation, dict):
        if str(explanation.get("description", "")).startswith(beginning):
            return float(explanation["value"])
        for part in explanation.get("details", ()):
            with suppress(LookupError):
                return explained(part, beginning)
    raise LookupError(beginning)
