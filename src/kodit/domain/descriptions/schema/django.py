"""Reads the models and migrations of Django."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from kodit.domain.descriptions.schema.python_syntax import (
    assigned,
    called,
    items_of,
    keyword,
    last_name,
    name_of,
    source_of,
    text_of,
    texts_of,
    truth_of,
)
from kodit.domain.descriptions.schema.tables import (
    Change,
    Column,
    ModelClass,
    Step,
    TableIndex,
)

_RELATIONS = frozenset({"ForeignKey", "OneToOneField", "ParentalKey", "TreeForeignKey"})
_MANY = frozenset({"ManyToManyField", "ParentalManyToManyField", "SortedManyToManyField"})
_AUTOMATIC = "auto"
PRIMARY = Column("id", _AUTOMATIC, is_nullable=False, is_primary=True)


def model_of(node: ast.ClassDef) -> ModelClass | None:
    """What a class says if it may be a model: one without fields is a model if its base is one.
    None for a class that has neither fields nor bases."""
    bases = tuple(filter(None, (name_of(base) for base in node.bases)))
    if any(base.rpartition(".")[2] == "AppConfig" for base in bases):
        return _app(node, bases)
    columns: list[Column] = []
    links: list[tuple[str, ...]] = []
    options: ast.ClassDef | None = None
    for statement in node.body:
        if isinstance(statement, ast.ClassDef) and statement.name == "Meta":
            options = statement
        name, value, _ = assigned(statement)
        if name and isinstance(value, ast.Call) and is_field(value):
            if called(value) in _MANY:
                links.append(_link(name, value))
            else:
                columns.append(column_of(name, value))
    if not (columns or links or bases):
        return None
    model = ModelClass(
        node.name, "django", node.lineno, bases, columns=tuple(columns), links=tuple(links)
    )
    return model if options is None else _with_options(model, options)


def _app(node: ast.ClassDef, bases: tuple[str, ...]) -> ModelClass | None:
    values = {name: text_of(value) for name, value, _ in map(assigned, node.body) if name}
    label = values.get("label", "")
    return ModelClass(node.name, "django_app", node.lineno, bases, label=label) if label else None


def is_field(call: ast.Call) -> bool:
    """Whether a call makes a field of a model."""
    name = called(call)
    return name.endswith("Field") or name in _RELATIONS or name in _MANY


def column_of(name: str, call: ast.Call) -> Column:
    """The column of a field; `references` names a model."""
    kind = called(call)
    is_primary = truth_of(keyword(call, "primary_key")) is True
    column = Column(
        text_of(keyword(call, "db_column")) or (f"{name}_id" if kind in _RELATIONS else name),
        _type_of(kind, call),
        is_nullable=truth_of(keyword(call, "null")) is True and not is_primary,
        is_primary=is_primary,
        is_unique=truth_of(keyword(call, "unique")) is True or kind == "OneToOneField",
        default=_default(call),
    )
    if kind in _RELATIONS:
        target = call.args[0] if call.args else keyword(call, "to")
        return replace(column, references=text_of(target) or name_of(target) or source_of(target))
    return column


def _default(call: ast.Call) -> str:
    value = keyword(call, "db_default") or keyword(call, "default")
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        return ""
    return source_of(value)


def _type_of(kind: str, call: ast.Call) -> str:
    """The class of the field, with the sizes that it is given."""
    if kind in _RELATIONS:
        return kind
    sizes = [
        source_of(value)
        for name in ("max_length", "max_digits", "decimal_places", "base_field", "srid")
        if (value := keyword(call, name)) is not None
    ]
    return f"{kind}({', '.join(sizes)})" if sizes else kind


def _link(name: str, call: ast.Call) -> tuple[str, ...]:
    """A many-to-many field: its name, its target, and its table, `-` if that is a model."""
    target = call.args[0] if call.args else keyword(call, "to")
    table = "-" if keyword(call, "through") is not None else text_of(keyword(call, "db_table"))
    return name, text_of(target) or name_of(target), table


def _with_options(model: ModelClass, options: ast.ClassDef) -> ModelClass:
    values = {name: value for name, value, _ in map(assigned, options.body) if name}
    return replace(
        model,
        table=text_of(values.get("db_table")),
        label=text_of(values.get("app_label")),
        is_abstract=truth_of(values.get("abstract")) is True,
        is_proxy=truth_of(values.get("proxy")) is True,
        indexes=tuple(_indexes(values)),
    )


def _indexes(values: dict[str, ast.expr | None]) -> Iterator[TableIndex]:
    together = values.get("unique_together")
    rows = [texts_of(one) for one in items_of(together)]
    for row in [texts_of(together)] if not any(rows) else rows:
        if row:
            yield TableIndex("", row, is_unique=True)
    for one in (*items_of(values.get("indexes")), *items_of(values.get("constraints"))):
        if (index := index_of(one)) is not None:
            yield index


def index_of(node: ast.expr) -> TableIndex | None:
    """`Index(fields=…)` or `UniqueConstraint(fields=…)`; None for other constraints."""
    if not isinstance(node, ast.Call) or called(node) == "CheckConstraint":
        return None
    columns = texts_of(keyword(node, "fields"))
    if not columns:
        return None
    name = text_of(keyword(node, "name"))
    return TableIndex(name, columns, called(node) == "UniqueConstraint")


def migration_steps(node: ast.ClassDef, app: str) -> Iterator[Step]:
    """The steps of a migration, with the tables that Django would name."""
    for statement in node.body:
        name, value, _ = assigned(statement)
        if name == "operations":
            for one in items_of(value):
                yield from _operation(one, app)


def follows_of(node: ast.ClassDef, app: str) -> tuple[str, ...]:
    """The names of the migrations of the same app that come before."""
    for statement in node.body:
        name, value, _ = assigned(statement)
        if name == "dependencies":
            pairs = [texts_of(one) for one in items_of(value)]
            return tuple(pair[1] for pair in pairs if len(pair) == 2 and pair[0] == app)
    return ()


def table_of(app: str, model: str) -> str:
    """The table that Django derives from the label of an app and the name of a model."""
    return f"{app}_{model.lower()}"


def _operation(node: ast.expr, app: str) -> Iterator[Step]:  # noqa: PLR0912 - one for each
    if not isinstance(node, ast.Call):
        return
    kind, line = called(node), node.lineno
    given = dict(enumerate(node.args)) | {one.arg: one.value for one in node.keywords if one.arg}

    def value(place: int, name: str) -> ast.expr | None:
        return given.get(place) or given.get(name)

    first = text_of(value(0, "name" if kind in _BY_NAME else "model_name"))
    table = table_of(app, first)
    if kind == "SeparateDatabaseAndState":
        for one in items_of(value(1, "state_operations")):
            yield from _operation(one, app)
    elif kind == "CreateModel":
        yield from _created(node, app, table, first)
    elif kind == "DeleteModel":
        yield Step(Change.DROP, table, line)
    elif kind == "RenameModel":
        old, new = text_of(value(0, "old_name")), text_of(value(1, "new_name"))
        yield Step(Change.RENAME, table_of(app, old), line, new_name=table_of(app, new))
    elif kind == "AlterModelTable" and (new := text_of(value(1, "table"))):
        yield Step(Change.NAME_TABLE, table, line, new_name=new)
    elif kind in {"AddField", "AlterField"}:
        name, field = text_of(value(1, "name")), value(2, "field")
        if isinstance(field, ast.Call) and called(field) in _MANY:
            if kind == "AddField":
                yield from _joined(_link(name, field), app, table, first, line)
        elif isinstance(field, ast.Call):
            yield Step(Change.ADD, table, line, (_resolved(column_of(name, field), app),))
    elif kind == "RemoveField":
        yield Step(Change.REMOVE, table, line, name=text_of(value(1, "name")))
    elif kind == "RenameField":
        old, new = text_of(value(1, "old_name")), text_of(value(2, "new_name"))
        yield Step(Change.RENAME_COLUMN, table, line, name=old, new_name=new)
    elif kind == "AlterUniqueTogether":
        rows = [texts_of(one) for one in _set_items(value(1, "unique_together"))]
        indexes = tuple(TableIndex("", row, is_unique=True) for row in rows if row)
        yield Step(Change.UNIQUE_TOGETHER, table, line, indexes=indexes)
    elif kind in {"AddIndex", "AddConstraint"}:
        index = value(1, "index" if kind == "AddIndex" else "constraint")
        if index is not None and (made := index_of(index)) is not None:
            yield Step(Change.INDEX, table, line, indexes=(made,))
    elif kind in {"RemoveIndex", "RemoveConstraint"}:
        yield Step(Change.DROP_INDEX, table, line, name=text_of(value(1, "name")))


_BY_NAME = frozenset(
    {"CreateModel", "DeleteModel", "AlterModelTable", "AlterUniqueTogether", "AlterModelOptions"}
)


def _set_items(node: ast.expr | None) -> list[ast.expr]:
    if isinstance(node, ast.Set):
        return list(node.elts)
    if isinstance(node, ast.Call) and called(node) == "set" and node.args:
        return items_of(node.args[0])
    return items_of(node)


def _created(node: ast.Call, app: str, table: str, model: str) -> Iterator[Step]:
    fields = node.args[1] if len(node.args) > 1 else keyword(node, "fields")
    columns: list[Column] = []
    joined: list[tuple[str, ...]] = []
    for pair in items_of(fields):
        parts = items_of(pair)
        if len(parts) != 2 or not isinstance(parts[1], ast.Call):
            continue
        name, field = text_of(parts[0]), parts[1]
        if called(field) in _MANY:
            joined.append(_link(name, field))
        elif name and is_field(field):
            columns.append(_resolved(column_of(name, field), app))
    options = keyword(node, "options")
    named = ""
    indexes: list[TableIndex] = []
    if isinstance(options, ast.Dict):
        values = {
            text_of(key): value for key, value in zip(options.keys, options.values, strict=True)
        }
        if any(truth_of(values.get(name)) for name in ("abstract", "proxy")):
            return
        named = text_of(values.get("db_table"))
        rows = [texts_of(one) for one in _set_items(values.get("unique_together"))]
        indexes = [TableIndex("", row, is_unique=True) for row in rows if row]
    yield Step(Change.CREATE, table, node.lineno, tuple(columns), tuple(indexes))
    if named:
        yield Step(Change.NAME_TABLE, table, node.lineno, new_name=named)
    for link in joined:
        yield from _joined(link, app, table, model, node.lineno, named)


def _resolved(column: Column, app: str) -> Column:
    """The column with the table that its reference leads to, as Django names it."""
    if not column.references:
        return column
    return replace(column, references=f"{table_in(column.references, app)}.id")


def table_in(reference: str, app: str) -> str:
    """The table of a model named `app.Model` or `Model`."""
    label, _, model = reference.rpartition(".")
    if label == "settings":
        return "auth_user" if model == "AUTH_USER_MODEL" else reference
    return table_of(label.rpartition(".")[2] or app, model)


def _joined(  # noqa: PLR0917 - the parts of a model
    link: tuple[str, ...], app: str, table: str, model: str, line: int, named: str = ""
) -> Iterator[Step]:
    """The table of a many-to-many field; `named` is the table of its model if Django does not name
    it."""
    name, target, given = link
    if given != "-":
        columns = joined_columns(model.lower(), table, target, table_in(target, app))
        yield Step(Change.CREATE, given or f"{named or table}_{name}", line, columns)


def joined_columns(model: str, table: str, target: str, other: str) -> tuple[Column, ...]:
    """The columns of the table of a many-to-many field between two models."""
    one = model.lower()
    two = target.rpartition(".")[2].lower()
    if target.lower() == "self" or one == two:
        one, two, other = f"from_{model.lower()}", f"to_{model.lower()}", table
    return (
        PRIMARY,
        Column(f"{one}_id", "ForeignKey", is_nullable=False, references=f"{table}.id"),
        Column(f"{two}_id", "ForeignKey", is_nullable=False, references=f"{other}.id"),
    )


def is_migration(node: ast.ClassDef) -> bool:
    """Whether a class is a migration."""
    return node.name == "Migration" and any(last_name(base) == "Migration" for base in node.bases)
