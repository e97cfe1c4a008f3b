"""What one file says about the tables of a database."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `type` is as the source has it; `references` is `table.column`, or a model's name
    before models are resolved. `is_nullable` None means that the source does not say."""

    name: str
    type: str = ""
    is_nullable: bool | None = None
    is_primary: bool = False
    is_unique: bool = False
    default: str = ""
    references: str = ""


@dataclass(frozen=True, slots=True)
class TableIndex:
    """An index or a unique constraint of a table; the name may be empty."""

    name: str
    columns: tuple[str, ...]
    is_unique: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view as it is in the end. `origin` says what defines it: `model`, `migration`, or
    `sql`; `model` is the name of its class, if it has one."""

    name: str
    columns: tuple[Column, ...] = ()
    indexes: tuple[TableIndex, ...] = ()
    path: str = ""
    line: int = 0
    origin: str = ""
    model: str = ""
    is_view: bool = False


class Change(Enum):
    """What a step of a migration does."""

    CREATE = auto()
    CREATE_IF_MISSING = auto()
    CREATE_VIEW = auto()
    DROP = auto()
    RENAME = auto()
    NAME_TABLE = auto()
    """Give a model's table a name of its own; later steps still call it as the framework would."""
    ADD = auto()
    """Add the columns, or replace those of the same names."""
    REMOVE = auto()
    ALTER = auto()
    """Replace what is set in the columns; an empty type keeps the type."""
    RENAME_COLUMN = auto()
    INDEX = auto()
    UNIQUE_TOGETHER = auto()
    """Replace the unique constraints without a name."""
    DROP_INDEX = auto()


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a table, in the order of the file. `name` is an old name or that of a column or
    index, `new_name` the one that replaces it; `clears` are attributes of an altered column that
    are set back, such as `default`."""

    change: Change
    table: str
    line: int = 0
    columns: tuple[Column, ...] = ()
    indexes: tuple[TableIndex, ...] = ()
    name: str = ""
    new_name: str = ""
    clears: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelClass:
    """A class that may be a model, before its bases are known. `framework` is `django`,
    `sqlalchemy` or `django_app`, which only gives the label of its folder's tables. `table` is
    empty if the framework derives it; `links` are many-to-many fields: name, target, and the table
    if it is given, or `-` if another model is that table."""

    name: str
    framework: str
    line: int
    bases: tuple[str, ...] = ()
    table: str = ""
    label: str = ""
    is_abstract: bool = False
    is_proxy: bool = False
    is_table: bool = False
    names_itself: bool = False
    """A base that derives table names from the names of its classes."""
    columns: tuple[Column, ...] = ()
    indexes: tuple[TableIndex, ...] = ()
    links: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class SchemaFragment:
    """What one file says. `revision` and `follows` order migrations that name each other; `is_dump`
    says that the file has the whole schema, so that earlier steps do not count."""

    models: tuple[ModelClass, ...] = ()
    steps: tuple[Step, ...] = ()
    revision: str = ""
    follows: tuple[str, ...] = ()
    is_dump: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.models or self.steps)


NOTHING = SchemaFragment()
