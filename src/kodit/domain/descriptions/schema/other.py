"""Reads schemas of Prisma, and the schema and migrations of Rails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from kodit.domain.descriptions.schema.tables import Change, Column, Step, TableIndex

_MODEL = re.compile(r"^model\s+(\w+)\s*\{(.*?)^\}", re.DOTALL | re.MULTILINE)
_TYPE_NAMES = re.compile(r"^(?:model|type|view)\s+(\w+)", re.MULTILINE)
_FIELD = re.compile(r"^\s*(\w+)\s+(\w+(?:\([^)]*\))?)(\[\])?(\?)?(.*)$")
_MAPPED = re.compile(r"@@?map\(\s*(?:name:\s*)?\"([^\"]+)\"")
_LISTED = re.compile(r"\[([^\]]*)\]")
_DEFAULT = re.compile(r"@default\(((?:[^()]|\([^()]*\))*)\)")
_RELATION = re.compile(r"fields:\s*\[([^\]]*)\]\s*,\s*references:\s*\[([^\]]*)\]")


def prisma_steps(text: str) -> Iterator[Step]:
    """The tables of the models of a Prisma schema."""
    text = re.sub(r"//[^\n]*", "", text)
    models = set(_TYPE_NAMES.findall(text))
    named = {
        match[1]: mapped[1]
        if (mapped := re.search(r"@@map[^\n]*", match[2])) and (mapped := _MAPPED.search(mapped[0]))
        else match[1]
        for match in _MODEL.finditer(text)
    }
    for match in _MODEL.finditer(text):
        columns: dict[str, Column] = {}
        indexes: list[TableIndex] = []
        references: dict[str, str] = {}
        for line in match[2].split("\n"):
            if line.strip().startswith("@@"):
                _constrain(line, columns, indexes)
                continue
            field = _FIELD.match(line)
            if field is None:
                continue
            name, kind, many, optional, rest = field.groups()
            if kind in models:
                if relation := _RELATION.search(rest):
                    pairs = zip(_names(relation[1]), _names(relation[2]), strict=False)
                    table = named.get(kind, kind)
                    references.update((one, f"{table}.{other}") for one, other in pairs)
                continue
            default = _DEFAULT.search(rest)
            mapped = _MAPPED.search(rest)
            columns[name] = Column(
                mapped[1] if mapped else name,
                kind + (many or ""),
                is_nullable=bool(optional),
                is_primary=bool(re.search(r"@id\b", rest)),
                is_unique=bool(re.search(r"(?<!@)@unique\b", rest)),
                default=default[1] if default else "",
            )
        for name, target in references.items():
            if name in columns:
                columns[name] = replace(columns[name], references=target)
        start = text.count("\n", 0, match.start()) + 1
        yield Step(Change.CREATE, named[match[1]], start, tuple(columns.values()), tuple(indexes))


def _names(text: str) -> list[str]:
    return [re.sub(r"\(.*", "", part).strip() for part in text.split(",") if part.strip()]


def _constrain(line: str, columns: dict[str, Column], indexes: list[TableIndex]) -> None:
    listed = _LISTED.search(line)
    if listed is None:
        return
    names = tuple(_names(listed[1]))
    if "@@id" in line:
        for name in names:
            if name in columns:
                columns[name] = replace(columns[name], is_primary=True)
    elif "@@unique" in line or "@@index" in line:
        own = tuple(columns[name].name if name in columns else name for name in names)
        indexes.append(TableIndex("", own, "@@unique" in line))


_CREATE = re.compile(r"^\s*create_table\s*\(?\s*[:\"'](\w+)[\"']?(.*?)\bdo\s*\|(\w+)\|")
_TABLE_CALL = re.compile(
    r"^\s*(add_column|remove_column|rename_column|change_column|change_column_null|drop_table"
    r"|rename_table|add_reference|remove_reference|add_index|add_foreign_key)\b\s*\(?\s*(.*?)\)?$"
)
_ARGUMENT = re.compile(
    r"(?:(\w+):\s*|:(\w+)\s*=>\s*)?(\"[^\"]*\"|'[^']*'|:\w+|->\s*\{[^}]*\}|\{[^}]*\}|\[[^\]]*\]"
    r"|[\w.:]+)"
)
_DOWN = re.compile(r"^\s*def\s+(?:self\.)?down\b")
_REFERENCES = frozenset({"references", "belongs_to"})


def rails_steps(text: str) -> Iterator[Step]:
    """The tables that a schema of Rails, or what a migration does to them; without `down`."""
    variable, table, line_of_table = "", "", 0
    columns: list[Column] = []
    indexes: list[TableIndex] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if _DOWN.match(line):
            return
        if created := _CREATE.match(line):
            table, variable, line_of_table = created[1], created[3], number
            columns = [] if re.search(r"id:\s*false|:id\s*=>\s*false", created[2]) else [_PRIMARY]
            indexes = []
        elif variable and re.match(r"^\s*end\b", line):
            yield Step(Change.CREATE, table, line_of_table, tuple(columns), tuple(indexes))
            variable = ""
        elif variable and (call := re.match(rf"^\s*{variable}\.(\w+)\s*\(?(.*?)\)?\s*$", line)):
            _add(call[1], call[2], columns, indexes)
        elif call := _TABLE_CALL.match(line):
            yield from _called(call[1], call[2], number)


_PRIMARY = Column("id", "bigint", is_nullable=False, is_primary=True)


def _arguments(text: str) -> tuple[list[str], dict[str, str]]:
    plain: list[str] = []
    named: dict[str, str] = {}
    for new, old, value in _ARGUMENT.findall(text):
        bare = value.strip("\"'").removeprefix(":")
        if new or old:
            named[new or old] = bare
        else:
            plain.append(bare)
    return plain, named


def _made(name: str, kind: str, named: dict[str, str]) -> Column:
    size = named.get("limit") or named.get("precision", "")
    if size and named.get("scale"):
        size = f"{size}, {named['scale']}"
    default = named.get("default", "")
    return Column(
        name,
        f"{kind}({size})" if size else kind,
        is_nullable=named.get("null") != "false",
        default="" if default == "nil" else default,
    )


def _add(kind: str, text: str, columns: list[Column], indexes: list[TableIndex]) -> None:
    plain, named = _arguments(text)
    if kind == "timestamps":
        columns += [
            Column("created_at", "datetime", is_nullable=False),
            Column("updated_at", "datetime", is_nullable=False),
        ]
    elif kind == "index":
        listed = _LISTED.search(text)
        names = tuple(re.findall(r"\w+", listed[1])) if listed else tuple(plain[:1])
        indexes.append(TableIndex(named.get("name", ""), names, named.get("unique") == "true"))
    elif kind in _REFERENCES:
        for name in plain:
            columns.append(_reference(name, named))
    elif kind == "column" and len(plain) > 1:
        columns.append(_made(plain[0], plain[1], named))
    elif kind not in {"check_constraint", "foreign_key", "primary_key"}:
        columns += [_made(name, kind, named) for name in plain]


def _reference(name: str, named: dict[str, str]) -> Column:
    column = _made(f"{name}_id", named.get("type", "bigint"), named)
    if "foreign_key" in named and named["foreign_key"] != "false":
        target = re.search(r"to_table:\s*:?(\w+)", named["foreign_key"])
        if target:  # otherwise it is the plural of the name, by rules for English
            column = replace(column, references=f"{target[1]}.id")
    return column


def _called(kind: str, text: str, line: int) -> Iterator[Step]:  # noqa: PLR0912 - one for each
    plain, named = _arguments(text)
    if not plain:
        return
    table, rest = plain[0], plain[1:]
    if kind == "drop_table":
        yield Step(Change.DROP, table, line)
    elif kind == "rename_table" and rest:
        yield Step(Change.RENAME, table, line, new_name=rest[0])
    elif kind == "add_column" and len(rest) > 1:
        yield Step(Change.ADD, table, line, (_made(rest[0], rest[1], named),))
    elif kind == "change_column" and len(rest) > 1:
        yield Step(Change.ALTER, table, line, (_made(rest[0], rest[1], named),))
    elif kind == "change_column_null" and len(rest) > 1:
        column = Column(rest[0], is_nullable=rest[1] == "true")
        yield Step(Change.ALTER, table, line, (column,))
    elif kind == "remove_column" and rest:
        yield Step(Change.REMOVE, table, line, name=rest[0])
    elif kind == "rename_column" and len(rest) > 1:
        yield Step(Change.RENAME_COLUMN, table, line, name=rest[0], new_name=rest[1])
    elif kind == "add_reference" and rest:
        yield Step(Change.ADD, table, line, (_reference(rest[0], named),))
    elif kind == "remove_reference" and rest:
        yield Step(Change.REMOVE, table, line, name=f"{rest[0]}_id")
    elif kind == "add_foreign_key" and rest:
        name = named.get("column", f"{rest[0].removesuffix('s')}_id")
        yield Step(Change.ALTER, table, line, (Column(name, references=f"{rest[0]}.id"),))
    elif kind == "add_index":
        listed = re.findall(r"[\w]+", rest[0]) if rest else []
        if listed:
            index = TableIndex(named.get("name", ""), tuple(listed), named.get("unique") == "true")
            yield Step(Change.INDEX, table, line, indexes=(index,))
