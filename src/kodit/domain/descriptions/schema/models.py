"""The tables of classes that are models, with what they inherit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kodit.domain.descriptions.schema import django
from kodit.domain.descriptions.schema.reading import app_of
from kodit.domain.descriptions.schema.tables import Column, ModelClass, SchemaFragment, Table

MOST_BASES = 20
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class _Model:
    """A class and the file that has it."""

    path: str
    model: ModelClass


class Models:
    """The classes of all files, and the tables of those that are models."""

    def __init__(self, fragments: Mapping[str, SchemaFragment]) -> None:
        self._models = [
            _Model(path, model)
            for path in sorted(fragments)
            for model in fragments[path].models
            if model.framework != "django_app"
        ]
        self._by_name: dict[str, list[_Model]] = {}
        for one in self._models:
            self._by_name.setdefault(one.model.name, []).append(one)
        self._labels = {
            path.rpartition("/")[0]: model.label
            for path, fragment in fragments.items()
            for model in fragment.models
            if model.framework == "django_app"
        }

    def tables(self) -> Iterator[Table]:
        """The table of each model, and those of many-to-many fields; columns of a model without a
        table of its own go to the table of its base."""
        found: dict[str, Table] = {}
        for one in self._models:
            if self._is_django(one, MOST_BASES):
                if not (one.model.is_abstract or one.model.is_proxy):
                    for table in self._of_django(one):
                        found[key_of(table.name)] = table
            elif one.model.framework == "sqlalchemy" and not one.model.is_abstract:
                self._add_sqlalchemy(one, found)
        yield from found.values()

    def _base(self, one: _Model, name: str) -> _Model | None:
        """The class that a base names: in the same file, or else the nearest one."""
        others = [base for base in self._by_name.get(name.rpartition(".")[2], ()) if base != one]
        if not others:
            return None
        return min(others, key=lambda base: (-_shared(base.path, one.path), base.path))

    def _bases(self, one: _Model) -> Iterator[_Model]:
        for name in one.model.bases:
            base = self._base(one, name)
            if base is not None:
                yield base

    def _is_django(self, one: _Model, left: int) -> bool:
        if "models.Model" in one.model.bases:
            return True
        if one.model.framework != "django" or not left:
            return False
        return (
            "Model" in one.model.bases
            or any(base.rpartition(".")[2] in _KNOWN_ABSTRACT for base in one.model.bases)
            or any(self._is_django(base, left - 1) for base in self._bases(one))
        )

    def _inherited(self, one: _Model, left: int = MOST_BASES) -> list[Column]:
        """Own columns after those of bases without a table."""
        columns: dict[str, Column] = {}
        for base in self._bases(one) if left else ():
            has_table = self._has_table(base)
            if not has_table:
                columns.update((column.name, column) for column in self._inherited(base, left - 1))
        columns.update((column.name, column) for column in one.model.columns)
        return list(columns.values())

    def _has_table(self, one: _Model) -> bool:
        if one.model.is_abstract:
            return False
        if one.model.framework == "django":
            return self._is_django(one, MOST_BASES)
        return bool(self._table_of(one))

    def _label(self, one: _Model) -> str:
        folder = one.path.rpartition("/")[0].removesuffix("/models")
        return one.model.label or self._labels.get(folder) or app_of(one.path)

    def _django_table(self, one: _Model) -> str:
        return one.model.table or django.table_of(self._label(one), one.model.name)

    def _of_django(self, one: _Model) -> Iterator[Table]:
        name = self._django_table(one)
        columns = [self._resolved(one, column) for column in self._inherited(one)]
        parent = next(
            (
                base
                for base in self._bases(one)
                if self._is_django(base, MOST_BASES) and not base.model.is_abstract
            ),
            None,
        )
        if not any(column.is_primary for column in columns):
            columns.insert(0, django.PRIMARY if parent is None else self._pointer(parent))
        model = one.model
        yield Table(name, tuple(columns), model.indexes, one.path, model.line, "model", model.name)
        for field, target, table in self._links(one):
            if table != "-":
                other = self._target_table(one, target)
                joined = django.joined_columns(model.name, name, target, other)
                yield Table(
                    table or f"{name}_{field}",
                    joined,
                    path=one.path,
                    line=model.line,
                    origin="model",
                    model=f"{model.name}.{field}",
                )

    def _links(self, one: _Model, left: int = MOST_BASES) -> Iterator[tuple[str, ...]]:
        """The many-to-many fields of a model and of its abstract bases."""
        yield from one.model.links
        for base in self._bases(one) if left else ():
            if base.model.is_abstract:
                yield from self._links(base, left - 1)

    def _pointer(self, parent: _Model) -> Column:
        table = self._django_table(parent)
        name = f"{parent.model.name.lower()}_ptr_id"
        return Column(
            name,
            "OneToOneField",
            is_nullable=False,
            is_primary=True,
            is_unique=True,
            references=f"{table}.id",
        )

    def _resolved(self, one: _Model, column: Column) -> Column:
        if not column.references:
            return column
        table = self._target_table(one, column.references)
        return replace(column, references=f"{table}.id")

    def _target_table(self, one: _Model, target: str) -> str:
        if target == "self":
            return self._django_table(one)
        label, _, name = target.rpartition(".")
        for other in self._by_name.get(name, ()):
            is_meant = not label or self._label(other).lower() == label.lower()
            if is_meant and self._is_django(other, MOST_BASES):
                return self._django_table(other)
        return django.table_in(target, self._label(one))

    def _table_of(self, one: _Model) -> str:
        model = one.model
        if model.table:
            return model.table
        if model.names_itself:
            return ""
        if model.is_table:
            return model.name.lower()
        if "db.Model" in model.bases:
            return _CAMEL.sub("_", model.name).lower()
        pending, seen = list(self._bases(one)), 0
        while pending and seen < MOST_BASES:
            base = pending.pop()
            seen += 1
            if base.model.names_itself and not base.model.table:
                return model.name.lower()
            pending += self._bases(base)
        return ""

    def _add_sqlalchemy(self, one: _Model, found: dict[str, Table]) -> None:
        name = self._table_of(one)
        if name:
            model = one.model
            found[key_of(name)] = Table(
                name,
                tuple(self._inherited(one)),
                model.indexes,
                one.path,
                model.line,
                "model",
                model.name,
            )
            return
        for base in self._bases(one):  # its columns are in the table of its base
            table = found.get(key_of(self._table_of(base))) if self._table_of(base) else None
            if table is not None:
                own = {column.name: column for column in table.columns}
                own.update((column.name, column) for column in one.model.columns)
                found[key_of(table.name)] = replace(table, columns=tuple(own.values()))


_KNOWN_ABSTRACT = frozenset(
    {"AbstractUser", "AbstractBaseUser", "TimeStampedModel", "MPTTModel", "TranslatableModel"}
    | {"PolymorphicModel", "Page", "Orderable", "AbstractBaseSession", "SafeDeleteModel"}
)
"""Bases of libraries that are models of Django."""


def _shared(one: str, other: str) -> int:
    """How many folders two paths share, more if they are the same file."""
    if one == other:
        return 1_000
    shared = 0
    for mine, others in zip(one.split("/")[:-1], other.split("/")[:-1], strict=False):
        if mine != others:
            break
        shared += 1
    return shared


def key_of(name: str) -> str:
    """Names are equal whatever their case and schema."""
    return name.rpartition(".")[2].lower()
