"""The tables as they are in the end: models with what they inherit, and migrations in order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from kodit.domain.descriptions.schema.models import Models, key_of
from kodit.domain.descriptions.schema.tables import (
    Change,
    Column,
    SchemaFragment,
    Step,
    Table,
)

MOST_BASES = 20
_DIGITS = re.compile(r"(\d+)")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ROOTS = frozenset({"models.Model", "db.Model"})


def merged(fragments: Mapping[str, SchemaFragment]) -> list[Table]:
    """All tables, by name; `fragments` are by path. A model is what counts for its table; then a
    dump of the whole schema, then migrations."""
    tables: dict[str, Table] = {}
    own_names: dict[str, str] = {}
    for stream in _streams(fragments):
        for table in _replayed(stream, own_names):
            tables[key_of(table.name)] = table
    for table in Models(fragments).tables():
        tables[key_of(table.name)] = table
    return [_with_targets(tables[key], tables, own_names) for key in sorted(tables)]


def _with_targets(table: Table, tables: Mapping[str, Table], own_names: Mapping[str, str]) -> Table:
    """References lead to tables by their own names, and to the primary key where Django does not
    spell it out; indexes have the names of columns, not of fields."""

    def resolved(column: Column) -> Column:
        target, _, name = column.references.rpartition(".")
        if key_of(target) in own_names and key_of(target) not in tables:
            target = own_names[key_of(target)]
            column = replace(column, references=f"{target}.{name}")
        other = tables.get(key_of(target)) if name == "id" else None
        if other is None or not other.columns or any(one.name == name for one in other.columns):
            return column
        primary = [one.name for one in other.columns if one.is_primary]
        if len(primary) != 1:
            return column
        return replace(column, references=f"{target}.{primary[0]}")

    names = {one.name for one in table.columns}

    def column_named(name: str) -> str:
        return f"{name}_id" if name not in names and f"{name}_id" in names else name

    return replace(
        table,
        columns=tuple(map(resolved, table.columns)),
        indexes=tuple(
            replace(one, columns=tuple(map(column_named, one.columns))) for one in table.indexes
        ),
    )


def _streams(
    fragments: Mapping[str, SchemaFragment],
) -> Iterator[list[tuple[str, SchemaFragment]]]:
    """The files of each folder of migrations in the order in which they apply; dumps last."""
    folders: dict[str, list[tuple[str, SchemaFragment]]] = {}
    dumps = []
    for path, fragment in fragments.items():
        if not fragment.steps:
            continue
        if fragment.is_dump:
            dumps.append((path, fragment))
        else:
            folders.setdefault(path.rpartition("/")[0], []).append((path, fragment))
    for folder in sorted(folders):
        yield _ordered(folders[folder])
    for path, fragment in sorted(dumps, key=lambda one: _natural(one[0])):
        yield [(path, fragment)]


def _natural(path: str) -> tuple[tuple[int, int, str], ...]:
    """`V2` before `V10`."""
    return tuple(
        (0, int(part[:18]), "") if part.isascii() and part.isdigit() else (1, 0, part)
        for part in _DIGITS.split(path)
        if part
    )


def _ordered(files: Sequence[tuple[str, SchemaFragment]]) -> list[tuple[str, SchemaFragment]]:
    """Migrations after those that they name, the others by their names."""
    by_name = sorted(files, key=lambda one: _natural(one[0]))
    of_revision = {one.revision: (path, one) for path, one in by_name if one.revision}
    done: dict[str, tuple[str, SchemaFragment]] = {}
    for path, fragment in by_name:
        pending = [(path, fragment)]
        entered: set[str] = set()
        while pending:
            path_of, one = pending[-1]
            before = [
                of_revision[name]
                for name in one.follows
                if name in of_revision and of_revision[name][0] not in done
            ]
            if before and path_of not in entered:
                entered.add(path_of)
                pending += before
            else:
                done.setdefault(path_of, pending.pop())
    return list(done.values())


def _replayed(
    stream: Iterable[tuple[str, SchemaFragment]], own_names: dict[str, str]
) -> Iterator[Table]:
    """The tables after all steps. `own_names` are those that models have given to tables, by the
    names that steps use."""
    tables: dict[str, Table] = {}
    for path, fragment in stream:
        origin = "sql" if fragment.is_dump or path.endswith(".sql") else "migration"
        if path.endswith(".py") and not fragment.revision:
            origin = "model"  # `Table(…)`
        for step in fragment.steps:
            _apply(_named(step, own_names), tables, path, origin)
    yield from tables.values()


def _named(step: Step, own_names: dict[str, str]) -> Step:
    """The step with the table's own name."""
    key = key_of(step.table)
    table = own_names.get(key, step.table)
    if step.change is Change.NAME_TABLE:
        own_names[key] = step.new_name
        return replace(step, change=Change.RENAME, table=table)
    if step.change is Change.RENAME and key in own_names:  # of the model alone
        own_names[key_of(step.new_name)] = own_names.pop(key)
        return replace(step, table=table, new_name=table)
    return replace(step, table=table)


def _apply(step: Step, tables: dict[str, Table], path: str, origin: str) -> None:
    key = key_of(step.table)
    if not key and step.change is not Change.DROP_INDEX:
        return
    if step.change in {Change.CREATE, Change.CREATE_IF_MISSING, Change.CREATE_VIEW}:
        if step.change is not Change.CREATE_IF_MISSING or key not in tables:
            tables[key] = Table(
                step.table,
                step.columns,
                step.indexes,
                path,
                step.line,
                origin,
                is_view=step.change is Change.CREATE_VIEW,
            )
        return
    if step.change is Change.DROP:
        tables.pop(key, None)
    elif step.change is Change.DROP_INDEX:
        for name, other in tables.items():
            kept = tuple(one for one in other.indexes if one.name != step.name or not one.name)
            if (not key or name == key) and len(kept) < len(other.indexes):
                tables[name] = replace(other, indexes=kept)
    elif (table := tables.get(key)) is not None:
        if step.change is Change.RENAME:
            del tables[key]
            renamed = tables[key_of(step.new_name)] = replace(table, name=step.new_name)
            _redirect(tables, key, renamed.name)
        else:
            tables[key] = _changed(table, step)


def _redirect(tables: dict[str, Table], old: str, new: str) -> None:
    """References follow a renamed table."""
    for name, table in tables.items():
        if any(key_of(one.references.rpartition(".")[0]) == old for one in table.columns):
            tables[name] = replace(
                table,
                columns=tuple(
                    replace(one, references=f"{new}.{one.references.rpartition('.')[2]}")
                    if key_of(one.references.rpartition(".")[0]) == old
                    else one
                    for one in table.columns
                ),
            )


def _changed(table: Table, step: Step) -> Table:
    columns = {one.name.lower(): one for one in table.columns}
    if step.change is Change.ADD:
        columns.update((one.name.lower(), one) for one in step.columns)
    elif step.change is Change.REMOVE:
        # A field of Django that refers to a model has another column.
        names = {step.name.lower(), f"{step.name.lower()}_id"}
        removed = step.name.lower() if step.name.lower() in columns else f"{step.name.lower()}_id"
        columns.pop(removed, None)
        indexes = tuple(
            one for one in table.indexes if names.isdisjoint(map(str.lower, one.columns))
        )
        return replace(table, columns=tuple(columns.values()), indexes=indexes)
    elif step.change is Change.ALTER:
        for one in step.columns:
            if (before := columns.get(one.name.lower())) is not None:
                columns[one.name.lower()] = _altered(before, one, step.clears)
    elif step.change is Change.RENAME_COLUMN:
        return _with_renamed_column(table, step)
    elif step.change is Change.UNIQUE_TOGETHER:
        others = tuple(one for one in table.indexes if one.name or not one.is_unique)
        return replace(table, indexes=(*others, *step.indexes))
    elif step.change is Change.INDEX:
        return replace(table, indexes=(*table.indexes, *step.indexes))
    return replace(table, columns=tuple(columns.values()))


def _with_renamed_column(table: Table, step: Step) -> Table:
    old, new = step.name, step.new_name
    names = {old.lower(): new, f"{old.lower()}_id": f"{new}_id"}

    def renamed(name: str) -> str:
        return names.get(name.lower(), name)

    return replace(
        table,
        columns=tuple(replace(one, name=renamed(one.name)) for one in table.columns),
        indexes=tuple(
            replace(one, columns=tuple(map(renamed, one.columns))) for one in table.indexes
        ),
    )


def _altered(before: Column, after: Column, clears: Sequence[str]) -> Column:
    return replace(
        before,
        type=after.type or before.type,
        is_nullable=before.is_nullable if after.is_nullable is None else after.is_nullable,
        is_primary=before.is_primary or after.is_primary,
        is_unique=before.is_unique or after.is_unique,
        default="" if "default" in clears else after.default or before.default,
        references=after.references or before.references,
    )
