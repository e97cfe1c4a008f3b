"""Which files define tables, and which of them counts."""

from __future__ import annotations

import pytest
from tests.describing.test_schemas import tables

from kodit.domain.descriptions.schema.candidates import may_say_something
from kodit.domain.descriptions.schema.reading import LONGEST_FILE, app_of, fragment_of
from kodit.domain.descriptions.schema.tables import NOTHING


@pytest.mark.parametrize(
    ("path", "language", "expected"),
    [
        ("db/schema.sql", "sql", True),
        ("db/query", "sql", True),
        ("db/schema.sql", "", True),
        ("db/1_a.down.sql", "sql", False),
        ("db/down.sql", "sql", False),
        ("db/1-undo.sql", "sql", False),
        ("db/rollback_2.sql", "sql", False),
        ("db/U12__a.sql", "sql", False),
        ("down/1_a.sql", "sql", True),
        ("db/download.sql", "sql", True),
        ("db/Users.sql", "sql", True),
        ("shop/models.py", "python", True),
        ("models/order.py", "python", True),
        ("shop/supermodels.py", "python", False),
        ("shop/models.pyi", "python", False),
        ("prisma/schema.prisma", "", True),
        ("db/schema.rb", "ruby", True),
        ("db/cable_schema.rb", "ruby", True),
        ("app/db/migrate/1_a.rb", "ruby", True),
        ("db/migrate/more/1_a.rb", "ruby", False),
        ("lib/schema.rb", "ruby", False),
        ("db/schema.rb", "python", False),
        ("db/schema.go", "go", False),
    ],
)
def test_files_that_may_define_tables(path: str, language: str, expected: bool) -> None:
    assert may_say_something(path, language) is expected


@pytest.mark.parametrize(
    ("path", "language", "expected"),
    [
        ("db/schema.rb", "ruby", True),
        ("db/cable_schema.rb", "ruby", True),
        ("db/migrate/1_a.rb", "ruby", False),
        ("prisma/schema.prisma", "", True),
        ("schema.sql", "sql", True),
        ("db/STRUCTURE.sql", "sql", True),
        ("db/dump-2.sql", "sql", True),
        ("tables.sql", "sql", True),
        ("ddl_1.sql", "sql", True),
        ("init/00.sql", "sql", False),
        ("db/init.sql", "sql", True),
        ("db/V1__schema.sql", "sql", False),
        ("schema/1.sql", "sql", False),
    ],
)
def test_files_that_hold_the_whole_schema(path: str, language: str, expected: bool) -> None:
    assert fragment_of(path, language, "").is_dump is expected


def test_a_longer_file_is_not_read() -> None:
    text = "create table a (b int);"
    assert fragment_of("a.sql", "sql", text.ljust(LONGEST_FILE)).steps
    assert fragment_of("a.sql", "sql", text.ljust(LONGEST_FILE + 1)) == NOTHING


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("shop/models.py", "shop"),
        ("src/shop/models/order.py", "shop"),
        ("src/shop/db/migrations/0001_a.py", "shop"),
        ("models/order.py", "models"),
        ("models.py", ""),
    ],
)
def test_the_app_of_a_file(path: str, label: str) -> None:
    assert app_of(path) == label


def _rails(column: str) -> str:
    return f"create_table :a, id: false do |t|\n  t.string :{column}\nend\n"


def _sql(column: str) -> str:
    return f"create table a ({column} int);"


def _model(column: str) -> str:
    return f"class A(db.Model):\n    __tablename__ = 'a'\n    {column} = db.Column(db.Int)\n"


@pytest.mark.parametrize(
    ("texts", "column"),
    [
        ({"db/schema.rb": _rails("x"), "db/migrate/1.rb": _rails("y")}, "x string"),
        ({"db/structure.sql": _sql("x"), "db/z/1.sql": _sql("y")}, "x int"),
        ({"db/schema2.sql": _sql("x"), "db/schema10.sql": _sql("y")}, "y int"),
        ({"z/1.sql": _sql("x"), "a/2.sql": _sql("y")}, "x int"),
        ({"a/schema.sql": _sql("x"), "a/db.py": _model("y")}, "y Int"),
    ],
)
def test_what_counts_if_several_files_define_a_table(texts: dict[str, str], column: str) -> None:
    """A model before a dump of the whole schema, that before migrations, and of the same kind the
    last one."""
    assert tables(texts) == {"a": [column]}
    assert tables(dict(reversed(texts.items()))) == {"a": [column]}
