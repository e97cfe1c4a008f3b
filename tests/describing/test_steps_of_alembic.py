"""Migrations of Alembic and models of SQLAlchemy and SQLModel, operation by operation."""

from __future__ import annotations

import pytest
from tests.describing.test_schemas import tables

MIGRATION = """\
from alembic import op
import sqlalchemy as sa

revision = "aa"


def upgrade():
    op.create_table(
        "carts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, server_default="x"),
        sa.Column("n", sa.Integer, nullable=False),
    )
    {operation}


def downgrade():
    op.drop_table("carts")
"""
ID, NAME, N = "id Integer primary key", "name Text default x", "n Integer not null"
CARTS = [ID, NAME, N]
BATCH = 'with op.batch_alter_table("carts") as batch:\n        '
PAIR = "unique (name, n) i"


def after(operation: str) -> dict[str, list[str]]:
    return tables({"versions/aa.py": MIGRATION.replace("{operation}", operation)})


@pytest.mark.parametrize(
    ("operation", "carts"),
    [
        ("pass", CARTS),
        ("op.unknown('carts')", CARTS),
        ("op.add_column('carts', sa.Column('z', sa.Text))", [*CARTS, "z Text"]),
        ("op.drop_column('carts', 'name')", [ID, N]),
        ("op.drop_column('carts')", CARTS),
        (f"{BATCH}batch.add_column(sa.Column('z', sa.Text))", [*CARTS, "z Text"]),
        (f"{BATCH}batch.drop_column('name')", [ID, N]),
        (f"{BATCH}other.drop_column('name')", CARTS),
        ("with other('carts') as batch:\n        batch.drop_column('name')", CARTS),
        ("if x:\n        op.drop_column('carts', 'name')", [ID, N]),
        ("try:\n        op.drop_column('carts', 'name')\n    finally:\n        pass", [ID, N]),
        ("for x in y:\n        op.drop_column('carts', 'name')", [ID, N]),
        ("x = op.drop_column('carts', 'name')", [ID, N]),
        ("op.alter_column('carts', 'name', new_column_name='m')", [ID, "m Text default x", N]),
        (
            "op.alter_column('carts', 'name', type_=sa.String(9))",
            [ID, "name String(9) default x", N],
        ),
        ("op.alter_column('carts', 'n', nullable=True)", [ID, NAME, "n Integer"]),
        (
            "op.alter_column('carts', 'name', nullable=False)",
            [ID, "name Text not null default x", N],
        ),
        (
            "op.alter_column('carts', 'n', server_default='1')",
            [ID, NAME, "n Integer not null default 1"],
        ),
        (
            "op.alter_column('carts', 'name', server_default=sa.text('y'))",
            [ID, "name Text default y", N],
        ),
        ("op.alter_column('carts', 'name', server_default=None)", [ID, "name Text", N]),
        ("op.alter_column('carts', 'name', server_default=False)", [ID, "name Text", N]),
        ("op.alter_column('carts', 'name')", CARTS),
        ("op.alter_column('carts')", CARTS),
        (f"{BATCH}batch.alter_column('n', nullable=True)", [ID, NAME, "n Integer"]),
        ("op.create_index('i', 'carts', ['n'])", [*CARTS, "index (n) i"]),
        ("op.create_index('i', 'carts', ['name', 'n'], unique=True)", [*CARTS, PAIR]),
        ("op.create_index('i')", CARTS),
        ("op.create_index('i', 'carts')", CARTS),
        ("op.create_unique_constraint('i', 'carts', ['name', 'n'])", [*CARTS, PAIR]),
        (f"{BATCH}batch.create_unique_constraint('i', ['name', 'n'])", [*CARTS, PAIR]),
        (f"{BATCH}batch.create_index('i', ['n'])", [*CARTS, "index (n) i"]),
        ("op.create_index('i', 'carts', ['n'])\n    op.drop_index('i')", CARTS),
        ("op.create_index('i', 'carts', ['n'])\n    op.drop_index('i', table_name='carts')", CARTS),
        (
            "op.create_index('i', 'carts', ['n'])\n    op.drop_index('i', table_name='other')",
            [*CARTS, "index (n) i"],
        ),
        (
            "op.create_index('i', 'carts', ['n'])\n    op.create_index('j', 'carts', ['n'])\n"
            "    op.drop_index('i')",
            [*CARTS, "index (n) j"],
        ),
        ("op.drop_index()", CARTS),
        (
            "op.create_foreign_key('f', 'carts', 'others', ['n'], ['a'])",
            [ID, NAME, "n Integer not null → others.a"],
        ),
        (
            f"{BATCH}batch.create_foreign_key('f', 'others', ['name', 'n'], ['a', 'b'])",
            [ID, "name Text default x → others.a", "n Integer not null → others.b"],
        ),
        ("op.create_foreign_key('f', 'carts', 'others', ['n'])", CARTS),
        ("op.create_foreign_key('f')", CARTS),
        ("op.execute('ALTER TABLE carts DROP COLUMN name')", [ID, N]),
    ],
)
def test_an_operation_of_alembic(operation: str, carts: list[str]) -> None:
    assert after(operation) == {"carts": carts}


def test_whole_tables_of_alembic() -> None:
    assert after("op.drop_table('carts')") == {}
    assert after("op.drop_table(table_name='carts')") == {}
    assert after("op.rename_table('carts', 'baskets')") == {"baskets": CARTS}
    assert after("op.rename_table('carts')") == {"carts": CARTS}


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        ("sa.PrimaryKeyConstraint('b', 'z')", ["a Integer", "b Text primary key"]),
        ("sa.ForeignKeyConstraint(['a', 'z'], ['o.x', 'o.y'])", ["a Integer → o.x", "b Text"]),
        ("sa.ForeignKeyConstraint(['a'])", ["a Integer", "b Text"]),
        ("sa.UniqueConstraint('a', 'b', name='i')", ["a Integer", "b Text", "unique (a, b) i"]),
        ("sa.UniqueConstraint()", ["a Integer", "b Text"]),
        ("sa.Index('i', 'a', 'b')", ["a Integer", "b Text", "index (a, b) i"]),
        ("sa.Index('i', 'a', unique=True)", ["a Integer", "b Text", "unique (a) i"]),
        ("sa.Index('i')", ["a Integer", "b Text"]),
        ("sa.CheckConstraint('a', 'b')", ["a Integer", "b Text"]),
        ("*more", ["a Integer", "b Text"]),
        ("sa.Column()", ["a Integer", "b Text"]),
    ],
)
def test_constraints_of_a_table(arguments: str, rows: list[str]) -> None:
    """The same in a migration and outside of one."""
    columns = f"sa.Column('a', sa.Integer), sa.Column('b', sa.Text), {arguments}"
    assert after(f"op.create_table('t', {columns})")["t"] == rows
    text = f"import sqlalchemy as sa\n\nt = sa.Table('t', metadata, {columns})\n"
    assert tables({"db.py": text}) == {"t": rows}


@pytest.mark.parametrize(
    "call", ["sa.Table()", "sa.Table('t', metadata)", "sa.Table(name, c)", "t"]
)
def test_calls_that_make_no_table(call: str) -> None:
    assert tables({"db.py": f"import sqlalchemy as sa\n\nt = {call}\n"}) == {}


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("b = Column(Text)", "b Text"),
        ("b = Column('c', Text)", "c Text"),
        ("b = sa.Column(sa.types.Text(), nullable=False)", "b Text() not null"),
        ("b = Column(type_=sa.Text)", "b Text"),
        ("b = Column(ForeignKey('o.x'))", "b → o.x"),
        ("b = Column(Text, sa.ForeignKey(Other.x), unique=True)", "b Text unique → Other.x"),
        ("b = Column(Text, default='x')", "b Text default x"),
        ("b = Column(Text, default='x', server_default='y')", "b Text default y"),
        ("b = Column(Text, default=sa.func.now())", "b Text default func.now()"),
        ("b: Mapped[int] = mapped_column()", "b int not null"),
        ("b: orm.Mapped[int | None] = mapped_column()", "b int"),
        ("b: Mapped[None | int] = mapped_column()", "b int"),
        ("b: Mapped[typing.Optional[int]] = mapped_column(sa.BigInteger)", "b BigInteger"),
        ("b: Mapped[int | None] = mapped_column(nullable=False)", "b int not null"),
        ("b: Mapped['int'] = mapped_column(unique=True)", "b int not null unique"),
        ("b: Mapped[int]", "b int not null"),
        ("b: Mapped[Other] = relationship()", None),
        ("b: int", None),
        ("b: int = 3", None),
        ("b = column('c')", None),
    ],
)
def test_a_column_of_sqlalchemy(line: str, column: str | None) -> None:
    text = (
        "import sqlalchemy as sa\n\n\nclass A(DeclarativeBase):\n    __tablename__ = 't'\n"
        f"    id: Mapped[int] = mapped_column(primary_key=True)\n    {line}\n"
    )
    expected = ["id int primary key", *([] if column is None else [column])]
    assert tables({"db.py": text}) == {"t": expected}


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("b: int", "b int not null"),
        ("b: Optional[int] = None", "b int"),
        ("b: int = 3", "b int not null default 3"),
        ("b: 'int | None' = Field(default=3, unique=True)", "b int unique default 3"),
        ("b: int = Field(primary_key=True)", "b int primary key"),
        ("b: int | None = Field(nullable=False)", "b int not null"),
        ("b: int = Field(foreign_key='o.x')", "b int not null → o.x"),
        ("b: int = Field(sa_column=Column(sa.Text, nullable=True))", "b Text"),
        ("b: Other = Relationship()", None),
        ("b: 'list[Other]' = Field()", None),
        ("b: List[Other]", None),
        ("b: ClassVar[int] = 3", None),
        ("_b: int", None),
        ("b = 3", None),
    ],
)
def test_a_field_of_sqlmodel(line: str, column: str | None) -> None:
    text = (
        "from sqlmodel import SQLModel\n\n\nclass A(SQLModel, table=True):\n"
        f"    id: int = Field(primary_key=True)\n    {line}\n"
    )
    expected = ["id int primary key", *([] if column is None else [column])]
    assert tables({"db.py": text}) == {"a": expected}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("__tablename__ = 't'", "t"),
        ("__abstract__ = True\n    __tablename__ = 't'", None),
        ("__abstract__ = False\n    __tablename__ = 't'", "t"),
        ("x = 3", None),
    ],
)
def test_a_model_of_sqlalchemy(line: str, name: str | None) -> None:
    text = (
        "import sqlalchemy as sa\n\n\nclass A(DeclarativeBase):\n"
        f"    {line}\n    id = sa.Column(sa.Integer)\n"
    )
    assert list(tables({"db.py": text})) == ([] if name is None else [name])
