"""Tables written as classes, in the mapper's own words but without the mapper.

Kodit makes its own objects from rows, and importing and setting up the mapper takes a quarter of
the time that a search by the command line does.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

_ANNOTATION = re.compile(r"Mapped\[(?P<type>\w+)(?P<optional> \| None)?\]")
_TYPES = {"int": BigInteger, "str": Text, "bytes": LargeBinary, "bool": Boolean}


class _Definition(NamedTuple):
    arguments: tuple[Any, ...]
    options: dict[str, Any]


def mapped_column(*arguments: Any, **options: Any) -> Any:
    """What `Column` takes after the name; a type is needed only where the annotation's will not
    do."""
    return _Definition(arguments, options)


class _TableClass(type):
    """Makes the table of a class as soon as the class is there."""

    __table__: Table
    __tablename__: str
    __table_args__: tuple[Any, ...] = ()
    metadata = MetaData()

    def __init__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> None:
        super().__init__(name, bases, body)
        if not bases:
            return
        columns = [
            _make_column(column, match, body.get(column, _Definition((), {})))
            for column, annotation in body["__annotations__"].items()
            if (match := _ANNOTATION.fullmatch(annotation)) is not None
        ]
        parts: list[Any] = []
        options: dict[str, Any] = {}
        for part in cls.__table_args__:
            if isinstance(part, dict):
                options.update(part)
            else:
                parts.append(part)
        cls.__table__ = Table(cls.__tablename__, cls.metadata, *columns, *parts, **options)
        for column in columns:
            setattr(cls, column.name, column)

    def __clause_element__(cls) -> Table:
        """Lets SQLAlchemy take the class where it takes a table."""
        return cls.__table__


class Base(metaclass=_TableClass):
    """Every table of Kodit: a subclass has its columns as attributes, to be used in statements.

    A column is annotated as `Mapped` with the Python type of its values, `| None` where there may
    be none. To a type checker that is the mapper's `Mapped`; nobody else reads it.
    """


def _make_column(name: str, annotation: re.Match[str], definition: _Definition) -> Column[Any]:
    options = {"nullable": annotation["optional"] is not None} | definition.options
    if options.get("primary_key"):
        del options["nullable"]
    arguments = definition.arguments
    if not any(_gives_type(argument) for argument in arguments):
        arguments = (_TYPES[annotation["type"]], *arguments)
    return Column(name, *arguments, **options)


def _gives_type(argument: Any) -> bool:
    """A reference has the type of what it refers to."""
    return isinstance(argument, TypeEngine | ForeignKey) or (
        isinstance(argument, type) and issubclass(argument, TypeEngine)
    )
