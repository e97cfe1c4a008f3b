"""Reads the models of SQLAlchemy and SQLModel, and the migrations of Alembic."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
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
from kodit.domain.descriptions.schema.sql import steps_of
from kodit.domain.descriptions.schema.tables import (
    Change,
    Column,
    ModelClass,
    Step,
    TableIndex,
)

_COLUMNS = frozenset({"Column", "mapped_column"})
_NO_TYPE = frozenset({"ForeignKey", "Sequence", "Identity", "Computed", "CheckConstraint"})
_FIELD = "Field"
_LIBRARY = re.compile(r"\b(?:sa|db|sqlalchemy|types|sqltypes|postgresql|mysql|orm)\.")
_OPTIONAL = re.compile(r"^(?:typing\.)?Optional\[(.*)\]$")
_NONE = re.compile(r"\s*\|\s*None\b|\bNone\s*\|\s*")


def model_of(node: ast.ClassDef) -> ModelClass | None:
    """What a class says if it is a model or a part of one; None if it has no column and no
    table."""
    bases = tuple(filter(None, (name_of(_without_subscript(base)) for base in node.bases)))
    is_table = any(one.arg == "table" and truth_of(one.value) is True for one in node.keywords)
    is_sqlmodel = is_table or any(base.rpartition(".")[2] == "SQLModel" for base in bases)
    model = ModelClass(node.name, "sqlalchemy", node.lineno, bases, is_table=is_table)
    columns: list[Column] = []
    for statement in node.body:
        name, value, annotation = assigned(statement)
        if name == "__tablename__":
            model = replace(model, table=text_of(value))
        elif name == "__abstract__":
            model = replace(model, is_abstract=truth_of(value) is True)
        elif name == "__table_args__":
            model = replace(model, indexes=tuple(_indexes(items_of(value))))
        elif isinstance(statement, ast.FunctionDef) and statement.name == "__tablename__":
            model = replace(model, names_itself="__name__" in source_of_body(statement))
        elif name and called(value) in _COLUMNS and isinstance(value, ast.Call):
            columns.append(column_of(name, value, annotation))
        elif name and annotation is not None and _is_mapped(annotation) and value is None:
            columns.append(_typed(Column(name), _inside(annotation)))
        elif name and annotation is not None and is_sqlmodel and not name.startswith("_"):
            columns += filter(None, [_of_sqlmodel(name, value, annotation)])
    if not (columns or model.table or is_table or model.names_itself):
        return None
    return replace(model, columns=tuple(columns))


def source_of_body(node: ast.FunctionDef) -> str:
    """The statements of a function as text."""
    try:
        return "\n".join(map(ast.unparse, node.body))
    except (RecursionError, ValueError):
        return ""


def _without_subscript(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Subscript) else node


def _is_mapped(annotation: ast.expr) -> bool:
    return isinstance(annotation, ast.Subscript) and last_name(annotation.value) == "Mapped"


def _inside(annotation: ast.expr | None) -> str:
    """The type in `Mapped[…]`."""
    if isinstance(annotation, ast.Subscript) and last_name(annotation.value) == "Mapped":
        return source_of(annotation.slice).strip("'\"")
    return ""


def _typed(column: Column, annotation: str) -> Column:
    """The column with what an annotation adds: its type, and whether it may be null."""
    if not annotation:
        return column
    optional = _OPTIONAL.match(annotation)
    plain = optional[1] if optional else _NONE.sub("", annotation)
    is_nullable = optional is not None or plain != annotation
    return replace(
        column,
        type=column.type or plain,
        is_nullable=(is_nullable and not column.is_primary)
        if column.is_nullable is None
        else column.is_nullable,
    )


def column_of(name: str, call: ast.Call, annotation: ast.expr | None = None) -> Column:
    """The column of `Column(…)` or `mapped_column(…)`; without an annotation it may be null unless
    it says otherwise, as in SQLAlchemy."""
    arguments = list(call.args)
    if arguments and text_of(arguments[0]) and isinstance(arguments[0], ast.Constant):
        name = text_of(arguments.pop(0))
    kind = next((one for one in arguments if called(one) not in _NO_TYPE), keyword(call, "type_"))
    is_primary = truth_of(keyword(call, "primary_key")) is True
    default = keyword(call, "server_default") or keyword(call, "default")
    column = Column(
        name,
        _LIBRARY.sub("", source_of(kind)),
        is_nullable=truth_of(keyword(call, "nullable")),
        is_primary=is_primary,
        is_unique=truth_of(keyword(call, "unique")) is True,
        default=text_of(default) or _LIBRARY.sub("", source_of(default)),
        references=_reference(arguments),
    )
    column = _typed(column, _inside(annotation))
    if column.is_nullable is None:
        column = replace(column, is_nullable=not is_primary)
    return column


def _reference(arguments: Sequence[ast.expr]) -> str:
    for one in arguments:
        if isinstance(one, ast.Call) and called(one) == "ForeignKey" and one.args:
            return text_of(one.args[0]) or source_of(one.args[0])
    return ""


def _of_sqlmodel(name: str, value: ast.expr | None, annotation: ast.expr) -> Column | None:
    """A field of SQLModel; None for a relationship."""
    text = source_of(annotation).strip("'\"")
    if called(value) == "Relationship" or text.startswith(("ClassVar", "List[", "list[")):
        return None
    column = Column(name)
    if isinstance(value, ast.Call) and called(value) == _FIELD:
        if isinstance(own := keyword(value, "sa_column"), ast.Call):
            return column_of(name, own)
        is_primary = truth_of(keyword(value, "primary_key")) is True
        column = Column(
            name,
            is_nullable=False if is_primary else truth_of(keyword(value, "nullable")),
            is_primary=is_primary,
            is_unique=truth_of(keyword(value, "unique")) is True,
            default=source_of(keyword(value, "default"))
            if keyword(value, "default") is not None
            else "",
            references=text_of(keyword(value, "foreign_key")),
        )
    elif value is not None:
        column = replace(column, default=source_of(value))
    if column.default == "None":
        column = replace(column, default="")
    return _typed(column, text)


def _indexes(arguments: Sequence[ast.expr]) -> Iterator[TableIndex]:
    for one in arguments:
        if not isinstance(one, ast.Call):
            continue
        names = tuple(filter(None, map(text_of, one.args)))
        if called(one) == "UniqueConstraint" and names:
            yield TableIndex(text_of(keyword(one, "name")), names, is_unique=True)
        elif called(one) == "Index" and len(names) > 1:
            yield TableIndex(names[0], names[1:], truth_of(keyword(one, "unique")) is True)


def table_of(node: ast.expr | None) -> Step | None:
    """`Table("name", metadata, Column(…), …)` as the creation of a table."""
    if not isinstance(node, ast.Call) or called(node) != "Table" or not node.args:
        return None
    name = text_of(node.args[0])
    columns = _columns(node.args)
    if not name or not columns:
        return None
    return Step(Change.CREATE, name, node.lineno, columns, tuple(_indexes(node.args)))


def _columns(arguments: Sequence[ast.expr]) -> tuple[Column, ...]:
    columns = {
        column.name: column
        for one in arguments
        if isinstance(one, ast.Call) and called(one) == "Column" and one.args
        for column in (column_of("", one),)
        if column.name
    }
    for one in arguments:  # constraints of the whole table
        if not isinstance(one, ast.Call):
            continue
        if called(one) == "PrimaryKeyConstraint":
            for name in filter(None, map(text_of, one.args)):
                if name in columns:
                    columns[name] = replace(columns[name], is_primary=True, is_nullable=False)
        elif called(one) == "ForeignKeyConstraint" and len(one.args) > 1:
            pairs = zip(texts_of(one.args[0]), texts_of(one.args[1]), strict=False)
            for name, target in pairs:
                if name in columns:
                    columns[name] = replace(columns[name], references=target)
        elif called(one) == "UniqueConstraint":
            names = tuple(filter(None, map(text_of, one.args)))
            if len(names) == 1 and names[0] in columns:
                columns[names[0]] = replace(columns[names[0]], is_unique=True)
    return tuple(columns.values())


def revision_of(tree: ast.Module) -> tuple[str, tuple[str, ...]]:
    """The revision of a migration of Alembic, and those that it follows; empty for other files."""
    values = {name: value for name, value, _ in map(assigned, tree.body) if name}
    before = values.get("down_revision")
    return text_of(values.get("revision")), (text_of(before),) if text_of(before) else texts_of(
        before
    )


def upgrade_steps(tree: ast.Module) -> Iterator[Step]:
    """The steps of the function `upgrade`, with the statements of SQL that it executes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade":
            yield from _steps(node.body, {})


def _steps(body: Sequence[ast.stmt], tables: dict[str, str]) -> Iterator[Step]:
    """`tables` are those that a batch is about, by the name of its variable."""
    for node in body:
        if isinstance(node, ast.With):
            batches = dict(tables)
            for item in node.items:
                call, variable = item.context_expr, item.optional_vars
                if (
                    isinstance(call, ast.Call)
                    and called(call) == "batch_alter_table"
                    and call.args
                    and isinstance(variable, ast.Name)
                ):
                    batches[variable.id] = text_of(call.args[0])
            yield from _steps(node.body, batches)
        elif isinstance(node, ast.If | ast.Try | ast.For):
            yield from _steps(node.body, tables)
        elif isinstance(node, ast.Expr | ast.Assign) and isinstance(node.value, ast.Call):
            yield from _operation(node.value, tables)


def _operation(call: ast.Call, tables: dict[str, str]) -> Iterator[Step]:  # noqa: PLR0912 - one for each
    owner, _, kind = name_of(call.func).rpartition(".")
    arguments = list(call.args)
    line = call.lineno
    if owner in tables:
        table = tables[owner]
    elif kind in {"create_index", "create_unique_constraint"}:
        table = text_of(arguments[1]) if len(arguments) > 1 else ""
    elif kind == "drop_index":
        table = text_of(keyword(call, "table_name"))
    else:
        table = text_of(arguments.pop(0)) if arguments else text_of(keyword(call, "table_name"))
    if kind == "create_table":
        yield Step(Change.CREATE, table, line, _columns(arguments), tuple(_indexes(arguments)))
    elif kind == "drop_table":
        yield Step(Change.DROP, table, line)
    elif kind == "rename_table" and arguments:
        yield Step(Change.RENAME, table, line, new_name=text_of(arguments[0]))
    elif kind == "add_column":
        yield Step(Change.ADD, table, line, _columns(arguments))
    elif kind == "drop_column" and arguments:
        yield Step(Change.REMOVE, table, line, name=text_of(arguments[0]))
    elif kind == "alter_column" and arguments:
        yield from _altered(call, table, text_of(arguments[0]), line)
    elif kind in {"create_index", "create_unique_constraint"}:
        name = text_of(arguments[0]) if arguments else ""
        columns = next((texts_of(one) for one in arguments[1:] if texts_of(one)), ())
        is_unique = kind != "create_index" or truth_of(keyword(call, "unique")) is True
        if columns:
            yield Step(Change.INDEX, table, line, indexes=(TableIndex(name, columns, is_unique),))
    elif kind == "drop_index" and arguments:
        yield Step(Change.DROP_INDEX, table, line, name=text_of(arguments[0]))
    elif kind == "create_foreign_key":
        yield from _foreign_key(call, owner in tables, tables.get(owner, ""), line)
    elif kind == "execute":
        yield from steps_of(table, line)


def _altered(call: ast.Call, table: str, name: str, line: int) -> Iterator[Step]:
    if new := text_of(keyword(call, "new_column_name")):
        yield Step(Change.RENAME_COLUMN, table, line, name=name, new_name=new)
        name = new
    default = keyword(call, "server_default")
    is_cleared = isinstance(default, ast.Constant) and default.value in (None, False)
    column = Column(
        name,
        _LIBRARY.sub("", source_of(keyword(call, "type_"))),
        is_nullable=truth_of(keyword(call, "nullable")),
        default="" if is_cleared else text_of(default) or source_of(default),
    )
    if column != Column(name) or is_cleared:
        clears = ("default",) if is_cleared else ()
        yield Step(Change.ALTER, table, line, (column,), clears=clears)


def _foreign_key(call: ast.Call, is_batch: bool, table: str, line: int) -> Iterator[Step]:
    """`create_foreign_key(name, source, referent, local columns, remote columns)`; in a batch
    without the source."""
    arguments = call.args[1:]
    if not is_batch and arguments:
        table, arguments = text_of(arguments[0]), arguments[1:]
    if len(arguments) < 3:
        return
    referent = text_of(arguments[0])
    pairs = zip(texts_of(arguments[1]), texts_of(arguments[2]), strict=False)
    columns = tuple(Column(one, references=f"{referent}.{other}") for one, other in pairs)
    yield Step(Change.ALTER, table, line, columns)
