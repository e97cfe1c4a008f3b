"""Reads the statements of SQL that make and change tables, in any usual dialect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from kodit.domain.descriptions.schema.sql_tokens import (
    Reader,
    Tokens,
    statements,
    text_of,
    unquoted,
)
from kodit.domain.descriptions.schema.tables import Change, Column, Step, TableIndex

LONGEST_FILE = 2_000_000
MOST_STATEMENTS = 20_000
_DOWN = re.compile(
    r"^--\s*(?:migrate:down|\+goose\s+down|\+migrate\s+down|@undo|//@undo|rollback\b|down\b)",
    re.IGNORECASE | re.MULTILINE,
)
_UP = re.compile(r"^--\s*(?:migrate:up|\+goose\s+up|\+migrate\s+up)", re.IGNORECASE | re.MULTILINE)
_CONSTRAINTS = frozenset(
    {"primary", "unique", "constraint", "foreign", "check", "key", "index", "exclude", "like"}
    | {"period", "fulltext", "spatial"}
)
_END_OF_TYPE = frozenset(
    {"not", "null", "default", "primary", "unique", "references", "check", "constraint", "collate"}
    | {"generated", "auto_increment", "autoincrement", "comment", "on", "identity", "encode", "key"}
    | {"as", "first", "after", "using", "virtual", "stored", "invisible", "sortkey", "distkey"}
)


def steps_of(text: str, line: int = 1) -> Iterator[Step]:
    """The changes that the statements of a text make, its first line being `line`; statements of
    other kinds, and those that cannot be read, make none. What undoes a migration is left out."""
    if len(text) > LONGEST_FILE:
        return
    if (down := _DOWN.search(text)) is not None:
        up = _UP.search(text, down.end())
        end = len(text) if up is None else up.start()
        skipped = text.count("\n", down.start(), end)
        text = text[: down.start()] + "\n" * skipped + text[end:]
    for number, tokens in enumerate(statements(text, line)):
        if number >= MOST_STATEMENTS:
            return
        yield from _steps(tokens)


def _steps(tokens: Tokens) -> Iterator[Step]:
    reader = Reader(tokens)
    line = reader.line
    verb = reader.next().lower()
    if verb == "create":
        yield from _created(reader, line)
    elif verb == "alter" and reader.take("table"):
        yield from _altered(reader, line)
    elif verb == "drop":
        yield from _dropped(reader, line)
    elif verb == "rename" and reader.take("table"):
        table = reader.name()
        if reader.take("to"):
            yield Step(Change.RENAME, table, line, new_name=reader.name())


def _created(reader: Reader, line: int) -> Iterator[Step]:
    is_unique = False
    while (word := reader.peek()) not in {"table", "index", "view", ""}:
        if word in {"temp", "temporary", "function", "procedure", "trigger", "type"}:
            return  # temporary tables are no part of the schema
        is_unique = is_unique or word == "unique"
        reader.at += 1
    kind = reader.next().lower()
    if kind == "index":
        reader.take("concurrently")
        reader.take("if", "not", "exists")
        name = "" if reader.peek() == "on" else reader.name()
        if reader.take("on"):
            reader.take("only")
            table = reader.name()
            if reader.take("using"):
                reader.next()
            named = tuple(text_of(part) for part in reader.bracketed())
            index = TableIndex(name, named, is_unique)
            yield Step(Change.INDEX, table, line, indexes=(index,))
        return
    is_optional = reader.take("if", "not", "exists")
    table = reader.name()
    if kind == "view":
        yield Step(Change.CREATE_VIEW, table, line)
        return
    if reader.take("partition", "of") or reader.take("like"):
        return
    columns, indexes = _body(reader.bracketed())
    if not columns and "as" not in {token.lower() for token, _ in reader.tokens}:
        return
    change = Change.CREATE_IF_MISSING if is_optional else Change.CREATE
    yield Step(change, table, line, columns, indexes)


def _body(parts: Sequence[Tokens]) -> tuple[tuple[Column, ...], tuple[TableIndex, ...]]:
    columns: dict[str, Column] = {}
    indexes: list[TableIndex] = []
    for part in parts:
        if part[0][0].lower() in _CONSTRAINTS and _is_constraint(part):
            _constrain(part, columns, indexes)
        else:
            column = _column(part)
            columns[column.name] = column
    return tuple(columns.values()), tuple(indexes)


def _is_constraint(part: Tokens) -> bool:
    """Whether it is no column that is called like a keyword, as in `key TEXT`."""
    following = [token.lower() for token, _ in part[1:3]]
    if part[0][0].lower() in {"key", "index", "like", "period", "check"}:
        return "(" in following or part[0][0].lower() == "like"
    return True


def _constrain(  # noqa: PLR0912 - one for each kind of constraint
    part: Tokens, columns: dict[str, Column], indexes: list[TableIndex]
) -> None:
    """Add what a constraint of a table says to its columns and indexes."""
    reader = Reader(part)
    name = ""
    if reader.take("constraint"):
        name = reader.name()
    kind = reader.next().lower()
    if kind == "primary":
        reader.take("key")
    elif kind in {"unique", "fulltext", "spatial"}:
        _ = reader.take("key") or reader.take("index")
    elif kind == "foreign":
        reader.take("key")
    elif kind not in {"key", "index"}:
        return
    while reader.peek() not in {"(", ""}:
        name = reader.name()
    own = tuple(text_of(one[:1]) for one in reader.bracketed())
    if kind == "primary":
        for column in own:
            if column in columns:
                columns[column] = replace(columns[column], is_primary=True, is_nullable=False)
    elif kind == "foreign" and reader.take("references"):
        table = reader.name()
        targets = [text_of(one) for one in reader.bracketed()]
        for place, column in enumerate(own):
            if column in columns:
                target = targets[place] if place < len(targets) else ""
                references = f"{table}.{target}" if target else table
                columns[column] = replace(columns[column], references=references)
    elif kind == "unique" and len(own) == 1 and own[0] in columns:
        columns[own[0]] = replace(columns[own[0]], is_unique=True)
    elif own:
        indexes.append(TableIndex(name, own, kind == "unique"))


def _column(part: Tokens) -> Column:
    reader = Reader(part)
    name = unquoted(reader.next())
    kind: list[tuple[str, int]] = []
    depth = 0
    while reader.at < len(part):
        word = reader.peek()
        if not depth and word in _END_OF_TYPE and (kind or word != "key"):
            break
        depth += (word == "(") - (word == ")")
        kind.append(part[reader.at])
        reader.at += 1
    column = Column(name, text_of(kind))
    while reader.at < len(part):
        if reader.take("not", "null"):
            column = replace(column, is_nullable=False)
        elif reader.take("null"):
            column = replace(column, is_nullable=True)
        elif reader.take("primary", "key"):
            column = replace(column, is_primary=True, is_nullable=False)
        elif reader.take("unique"):
            column = replace(column, is_unique=True)
        elif reader.take("references"):
            table = reader.name()
            targets = [text_of(one) for one in reader.bracketed()]
            column = replace(column, references=f"{table}.{targets[0]}" if targets else table)
        elif reader.take("default"):
            column = replace(column, default=_default(reader))
        else:
            reader.at += 1
    return column


def _default(reader: Reader) -> str:
    """The value after `DEFAULT`: a literal, a name, or an expression with its brackets."""
    found: Tokens = []
    depth = 0
    while reader.at < len(reader.tokens):
        word = reader.peek()
        if not depth and found and (word in _END_OF_TYPE or word == ","):
            break
        depth += (word == "(") - (word == ")")
        found.append(reader.tokens[reader.at])
        reader.at += 1
    return text_of(found)[:60]


def _altered(reader: Reader, line: int) -> Iterator[Step]:
    reader.take("if", "exists")
    reader.take("only")
    table = reader.name()
    for part in _divided(reader.rest()):
        yield from _action(Reader(part), table, line)
        if len(part) > 2 and [part[0][0].lower(), part[1][0].lower()] == ["rename", "to"]:
            table = unquoted(part[-1][0])


def _divided(tokens: Tokens) -> Iterator[Tokens]:
    part: Tokens = []
    depth = 0
    for token in tokens:
        depth += (token[0] == "(") - (token[0] == ")")
        if token[0] == "," and not depth:
            yield part
            part = []
        else:
            part.append(token)
    if part:
        yield part


def _action(reader: Reader, table: str, line: int) -> Iterator[Step]:  # noqa: PLR0912 - one for each
    verb = reader.next().lower()
    if verb == "add":
        is_column = reader.take("column")
        reader.take("if", "not", "exists")
        parts = reader.bracketed() or [reader.rest()]
        for part in filter(None, parts):
            if not is_column and part[0][0].lower() in _CONSTRAINTS and _is_constraint(part):
                yield from _added_constraint(part, table, line)
            else:
                yield Step(Change.ADD, table, line, (_column(part),))
    elif verb == "drop":
        is_column = reader.take("column")
        reader.take("if", "exists")
        if is_column or reader.peek() not in {
            *("constraint", "primary", "foreign", "index", "key", "check", "partition"),
        }:
            yield Step(Change.REMOVE, table, line, name=reader.name())
        elif reader.next().lower() in {"constraint", "index", "key"}:
            reader.take("if", "exists")
            yield Step(Change.DROP_INDEX, table, line, name=reader.name())
    elif verb == "rename":
        if reader.take("to") or reader.take("as"):
            yield Step(Change.RENAME, table, line, new_name=reader.name())
        elif not (reader.take("constraint") or reader.take("index")):
            reader.take("column")
            old = reader.name()
            if reader.take("to"):
                yield Step(Change.RENAME_COLUMN, table, line, name=old, new_name=reader.name())
    elif verb in {"modify", "change"}:
        reader.take("column")
        old = reader.name() if verb == "change" else ""
        column = _column(reader.rest())
        if old and old != column.name:
            yield Step(Change.RENAME_COLUMN, table, line, name=old, new_name=column.name)
        yield Step(Change.ALTER, table, line, (column,))
    elif verb == "alter":
        reader.take("column")
        yield from _altered_column(reader, table, line)


def _added_constraint(part: Tokens, table: str, line: int) -> Iterator[Step]:
    """A constraint added to a table that is made elsewhere."""
    text = [token.lower() for token, _ in part]
    opening = text.index("(") if "(" in text else len(text)
    named = [unquoted(token) for token, _ in part[opening + 1 : _closing(text, opening)]]
    columns = {name: Column(name) for name in named if name != ","}
    indexes: list[TableIndex] = []
    _constrain(part, columns, indexes)
    if changed := tuple(one for one in columns.values() if one != Column(one.name)):
        yield Step(Change.ALTER, table, line, changed)
    if indexes:
        yield Step(Change.INDEX, table, line, indexes=tuple(indexes))


def _closing(text: Sequence[str], opening: int) -> int:
    return next((place for place in range(opening, len(text)) if text[place] == ")"), len(text))


def _altered_column(reader: Reader, table: str, line: int) -> Iterator[Step]:
    name = reader.name()
    if reader.take("type") or reader.take("set", "data", "type"):
        column = _column([(name, line), *reader.rest()])
        yield Step(Change.ALTER, table, line, (Column(name, column.type),))
    elif reader.take("set", "not", "null"):
        yield Step(Change.ALTER, table, line, (Column(name, is_nullable=False),))
    elif reader.take("drop", "not", "null"):
        yield Step(Change.ALTER, table, line, (Column(name, is_nullable=True),))
    elif reader.take("set", "default"):
        yield Step(Change.ALTER, table, line, (Column(name, default=_default(reader)),))
    elif reader.take("drop", "default"):
        yield Step(Change.ALTER, table, line, (Column(name),), clears=("default",))
    elif reader.peek() and reader.peek() not in {"set", "drop", "add", "reset", "restart"}:
        yield Step(Change.ALTER, table, line, (_column([(name, line), *reader.rest()]),))


def _dropped(reader: Reader, line: int) -> Iterator[Step]:
    kind = reader.next().lower()
    reader.take("concurrently")
    reader.take("if", "exists")
    if kind in {"table", "view"}:
        while name := reader.name():
            yield Step(Change.DROP, name, line)
            if not reader.take(","):
                return
    elif kind == "index":
        name = reader.name()
        table = reader.name() if reader.take("on") else ""
        yield Step(Change.DROP_INDEX, table, line, name=name)
