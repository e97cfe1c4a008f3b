"""Tables with names of their own, models behind conditions, and files with too much to read."""

from __future__ import annotations

import ast

import pytest
from tests.describing.test_schemas import tables

from kodit.domain.descriptions.schema import sql
from kodit.domain.descriptions.schema.python_syntax import last_name, name_of
from kodit.domain.descriptions.schema.sql import steps_of

DJANGO = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Cart", [("id", models.AutoField(primary_key=True))]),
        {operations}
    ]
"""
ID = "id AutoField primary key"


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        (["AlterModelTable('cart', 'carts')"], {"carts": [ID]}),
        (["AlterModelTable(name='cart', table='carts')"], {"carts": [ID]}),
        (["AlterModelTable('cart', None)"], {"shop_cart": [ID]}),
        (
            ["AlterModelTable('cart', 'carts')", "AddField('cart', 'n', models.TextField())"],
            {"carts": [ID, "n TextField not null"]},
        ),
        (["AlterModelTable('cart', 'carts')", "RenameModel('Cart', 'Bag')"], {"carts": [ID]}),
        (
            [
                "AlterModelTable('cart', 'carts')",
                "RenameModel('Cart', 'Bag')",
                "AddField('bag', 'n', models.TextField())",
            ],
            {"carts": [ID, "n TextField not null"]},
        ),
        (["AlterModelTable('cart', 'carts')", "DeleteModel('Cart')"], {}),
    ],
)
def test_a_model_with_a_table_of_another_name(
    operations: list[str], expected: dict[str, list[str]]
) -> None:
    """Its later operations change that table, whatever the model is called by then."""
    listed = "\n        ".join(f"migrations.{one}," for one in operations)
    text = DJANGO.replace("{operations}", listed)
    assert tables({"shop/migrations/0001_a.py": text}) == expected


@pytest.mark.parametrize(
    ("before", "indent"),
    [
        ("if ready:\n", "    "),
        ("if not ready:\n    pass\nelse:\n", "    "),
        ("try:\n    import x\nexcept ImportError:\n    pass\nelse:\n", "    "),
        ("with ready():\n    if ready:\n", "        "),
    ],
)
def test_models_behind_conditions(before: str, indent: str) -> None:
    model = f"{indent}class C(models.Model):\n{indent}    a = models.TextField()\n"
    text = f"from django.db import models\n\n{before}{model}"
    assert tables({"shop/models.py": text}) == {
        "shop_c": ["id auto primary key", "a TextField not null"]
    }


def test_a_table_that_is_not_assigned() -> None:
    """It belongs to its metadata all the same."""
    text = "import sqlalchemy as sa\n\nsa.Table('carts', metadata, sa.Column('n', sa.Integer))\n"
    assert tables({"models.py": text}) == {"carts": ["n Integer"]}


def test_constraints_of_one_column_of_a_table_of_sqlalchemy() -> None:
    """They are shown with it; those of several are not its own."""
    columns = "sa.Column('a', sa.Integer), sa.Column('b', sa.Integer)"
    for constraint, first in (
        ("sa.UniqueConstraint('a')", "a Integer unique"),
        ("sa.UniqueConstraint('a', 'b')", "a Integer"),
        ("sa.UniqueConstraint('c')", "a Integer"),
    ):
        text = f"import sqlalchemy as sa\n\nt = sa.Table('t', metadata, {columns}, {constraint})\n"
        assert tables({"models.py": text})["t"][0] == first


@pytest.mark.parametrize(
    ("primary", "target"),
    [("a int primary key", "one.a"), ("a int", "one.id"), ("id int, a int primary key", "one.id")],
)
def test_a_reference_to_the_primary_key_names_it(primary: str, target: str) -> None:
    """Django calls it `id` whatever it is; without a single one, nothing better is known."""
    made = f"create table one ({primary});\ncreate table two (b int references one (id));\n"
    assert tables({"1.sql": made})["two"] == [f"b int → {target}"]


def test_what_a_function_of_sql_contains_makes_no_table() -> None:
    """Between dollars, with or without a tag."""
    for tag in ("$$", "$body$"):
        body = f"{tag} begin create table inner_one (a int); end; {tag}"
        text = f"create function f() as {body};\ncreate table outer_one (a int);\n"
        assert tables({"1.sql": text}) == {"outer_one": ["a int"]}


def test_very_long_files_of_sql_are_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"create table t{number} (a int);\n" for number in range(5))
    assert [one.table for one in steps_of(text)] == ["t0", "t1", "t2", "t3", "t4"]
    monkeypatch.setattr(sql, "LONGEST_FILE", len(text))
    monkeypatch.setattr(sql, "MOST_STATEMENTS", 2)
    assert [one.table for one in steps_of(text)] == ["t0", "t1"]
    monkeypatch.setattr(sql, "LONGEST_FILE", len(text) - 1)
    assert list(steps_of(text)) == []


def test_only_a_class_of_the_right_name_and_base_is_a_migration() -> None:
    """Django runs no other."""
    text = DJANGO.replace("{operations}", "")
    path = "shop/migrations/0001_a.py"
    assert tables({path: text}) == {"shop_cart": [ID]}
    assert tables({path: text.replace("class Migration(", "class Other(")}) == {}
    assert tables({path: text.replace("(migrations.Migration)", "(migrations.Other)")}) == {}


@pytest.mark.parametrize(
    ("text", "name", "last"),
    [("a", "a", "a"), ("a.b.c", "a.b.c", "c"), ("f().b", "", ""), ("f()", "", ""), ("1", "", "")],
)
def test_only_a_chain_of_names_has_a_name(text: str, name: str, last: str) -> None:
    expression = ast.parse(text, mode="eval").body
    assert name_of(expression) == name
    assert name_of(None) == ""
    if name:
        assert last_name(expression) == last
