"""Migrations and models of Django, SQLAlchemy and Alembic, operation by operation."""

from __future__ import annotations

import pytest
from tests.describing.test_schemas import tables

DJANGO = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Cart", [
            ("id", models.AutoField(primary_key=True)),
            ("name", models.CharField(max_length=9)),
            ("n", models.IntegerField(null=True)),
        ]),
        {operation},
    ]
"""
ID, NAME, N = "id AutoField primary key", "name CharField(9) not null", "n IntegerField"
CART = [ID, NAME, N]
BOTH = "unique (name, n)"


@pytest.mark.parametrize(
    ("operation", "cart"),
    [
        ("nothing", CART),
        ("migrations.RunSQL('x')", CART),
        ("migrations.AddField('cart', 'z', models.TextField())", [*CART, "z TextField not null"]),
        (
            "migrations.AddField(model_name='cart', name='z', field=models.TextField(null=True))",
            [*CART, "z TextField"],
        ),
        ("migrations.AddField('cart', 'z')", CART),
        ("migrations.AddField('other', 'z', models.TextField())", CART),
        (
            "migrations.AlterField('cart', 'n', models.TextField())",
            [ID, NAME, "n TextField not null"],
        ),
        ("migrations.AlterField('cart', 'n', models.ManyToManyField('b.Tag'))", CART),
        ("migrations.RemoveField('cart', 'name')", [ID, N]),
        ("migrations.RenameField('cart', 'n', 'm')", [ID, NAME, "m IntegerField"]),
        (
            "migrations.RenameField(model_name='cart', old_name='n', new_name='m')",
            [ID, NAME, "m IntegerField"],
        ),
        ("migrations.AlterUniqueTogether('cart', {('name', 'n')})", [*CART, BOTH]),
        ("migrations.AlterUniqueTogether('cart', set([('name', 'n')]))", [*CART, BOTH]),
        (
            "migrations.AlterUniqueTogether(name='cart', unique_together=[('name', 'n')])",
            [*CART, BOTH],
        ),
        ("migrations.AlterUniqueTogether('cart', set())", CART),
        (
            "migrations.AddIndex('cart', models.Index(fields=['n'], name='i'))",
            [*CART, "index (n) i"],
        ),
        ("migrations.AddIndex('cart', models.Index(F('n'), name='i'))", CART),
        (
            "migrations.AddConstraint("
            "'cart', constraint=models.UniqueConstraint(fields=['n'], name='i'))",
            [*CART, "unique (n) i"],
        ),
        ("migrations.AddConstraint('cart', models.CheckConstraint(fields=['n'], name='i'))", CART),
        ("migrations.AlterModelOptions('cart', {})", CART),
        (
            "migrations.AddIndex('cart', models.Index(fields=['n'], name='i')),"
            "migrations.RemoveIndex('cart', 'i')",
            CART,
        ),
        (
            "migrations.AddConstraint('cart', models.UniqueConstraint(fields=['n'], name='i')),"
            "migrations.RemoveConstraint('cart', name='i')",
            CART,
        ),
        (
            "migrations.SeparateDatabaseAndState(state_operations=["
            "migrations.RemoveField('cart', 'name')])",
            [ID, N],
        ),
        ("migrations.SeparateDatabaseAndState([migrations.RemoveField('cart', 'name')], [])", CART),
        ("migrations.CreateModel('P', [('n', x.TextField())], options={'proxy': True})", CART),
        ("migrations.CreateModel('P', [('n', x.TextField())], options={'abstract': True})", CART),
    ],
)
def test_an_operation_of_django(operation: str, cart: list[str]) -> None:
    text = DJANGO.replace("{operation}", operation)
    assert tables({"shop/migrations/0001_a.py": text}) == {"shop_cart": cart}


def joined(one: str, two: str, target: str) -> list[str]:
    return [
        "id auto primary key",
        f"{one}_id ForeignKey not null → shop_cart.id",
        f"{two}_id ForeignKey not null → {target}.id",
    ]


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("migrations.DeleteModel('Cart')", None),
        (
            "migrations.AddField('cart', 'z', models.ManyToManyField('tags.Tag'))",
            {"shop_cart_z": joined("cart", "tag", "tags_tag")},
        ),
        (
            "migrations.AddField('cart', 'z', models.ManyToManyField(to='Tag', db_table='links'))",
            {"links": joined("cart", "tag", "shop_tag")},
        ),
        (
            "migrations.AddField('cart', 'z', models.ManyToManyField('self'))",
            {"shop_cart_z": joined("from_cart", "to_cart", "shop_cart")},
        ),
        ("migrations.AddField('cart', 'z', models.ManyToManyField('T', through='L'))", {}),
        (
            "migrations.CreateModel('Tag', [('a', models.TextField()), ('b', x), (c, d, e),"
            " ('f', models.Manager())], options={'unique_together': {('a',)}})",
            {"shop_tag": ["a TextField not null", "unique (a)"]},
        ),
        (
            "migrations.CreateModel(name='Tag', fields=[('s', models.ManyToManyField('Cart'))],"
            " options={'db_table': 'tags'})",
            {
                "tags": [],
                "tags_s": [
                    "id auto primary key",
                    "tag_id ForeignKey not null → tags.id",
                    "cart_id ForeignKey not null → shop_cart.id",
                ],
            },
        ),
    ],
)
def test_tables_that_an_operation_makes(operation: str, more: dict[str, list[str]] | None) -> None:
    text = DJANGO.replace("{operation}", operation)
    expected = {} if more is None else {"shop_cart": CART} | more
    assert tables({"shop/migrations/0001_a.py": text}) == expected


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("models.TextField()", "a TextField not null"),
        ("models.TextField(null=True, default=None)", "a TextField"),
        ("models.TextField(default='x', unique=True)", "a TextField not null unique default 'x'"),
        ("models.TextField(db_default=Now(), default='x')", "a TextField not null default Now()"),
        ("models.TextField(db_column='b')", "b TextField not null"),
        ("models.TextField(primary_key=True, null=True)", "a TextField primary key"),
        (
            "ArrayField(base_field=models.IntegerField())",
            "a ArrayField(models.IntegerField()) not null",
        ),
        ("models.PointField(srid=4326)", "a PointField(4326) not null"),
        ("models.ForeignKey('B', models.CASCADE)", "a_id ForeignKey not null → shop_b.id"),
        ("models.ForeignKey(to='x.B', db_column='b', null=True)", "b ForeignKey → x_b.id"),
        ("models.OneToOneField('x.y.B')", "a_id OneToOneField not null unique → y_b.id"),
        ("TreeForeignKey(settings.AUTH_USER_MODEL)", "a_id TreeForeignKey not null → auth_user.id"),
        ("ParentalKey(settings.OTHER)", "a_id ParentalKey not null → settings.OTHER.id"),
        ("GenericForeignKey('x')", None),
        ("TaggableManager()", None),
        ("models.Manager()", None),
        ("field('x')", None),
        ("3", None),
    ],
)
def test_a_field_of_django(field: str, column: str | None) -> None:
    """The same in a model and in a migration."""
    model = f"from django.db import models\n\n\nclass C(models.Model):\n    a = {field}\n"
    found = tables({"shop/models.py": model})["shop_c"]
    expected = [] if column is None else [column]
    if column is None or "primary key" not in column:
        assert found == ["id auto primary key", *expected]
    else:
        assert found == expected
    made = DJANGO.replace("{operation}", f"migrations.CreateModel('C', [('a', {field})])")
    assert tables({"shop/migrations/0001_a.py": made})["shop_c"] == expected


@pytest.mark.parametrize(
    ("options", "name", "indexes"),
    [
        ("db_table = 'things'", "things", []),
        ("app_label = 'store'", "store_c", []),
        ("managed = False", "shop_c", []),
        ("unique_together = [('a', 'id')]", "shop_c", ["unique (a, id)"]),
        ("unique_together = ('a', 'id')", "shop_c", ["unique (a, id)"]),
        ("indexes = [models.Index(fields=['a'], name='i')]", "shop_c", ["index (a) i"]),
        (
            "constraints = [models.UniqueConstraint(fields=['a'], name='i')]",
            "shop_c",
            ["unique (a) i"],
        ),
        ("constraints = [models.CheckConstraint(fields=['a'], name='i'), x]", "shop_c", []),
        ("abstract = True", None, []),
    ],
)
def test_options_of_a_model_of_django(options: str, name: str | None, indexes: list[str]) -> None:
    model = (
        "from django.db import models\n\n\nclass C(models.Model):\n    a = models.TextField()\n"
        f"\n    class Meta:\n        {options}\n"
    )
    columns = ["id auto primary key", "a TextField not null"]
    assert tables({"shop/models.py": model}) == ({name: [*columns, *indexes]} if name else {})


def migration(operation: str, *follows: str, app: str = "shop") -> str:
    pairs = ", ".join(f"('{app}', '{one}')" for one in follows)
    return (
        "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
        f"    initial = [('shop', 'z')]\n    dependencies = [('x', 'y', 'z'), {pairs}]\n"
        f"    operations = [migrations.{operation}]\n"
    )


def test_migrations_follow_those_that_they_name() -> None:
    """Of the same app; the others come in the order of their names."""
    steps = {
        "shop/migrations/c_first.py": migration("CreateModel('C', [('a', models.TextField())])"),
        "shop/migrations/b_second.py": migration("RenameField('c', 'a', 'b')", "c_first"),
        "shop/migrations/a_third.py": migration("RenameField('c', 'b', 'z')", "b_second"),
    }
    assert tables(steps) == {"shop_c": ["z TextField not null"]}
    steps["shop/migrations/b_second.py"] = migration(
        "RenameField('c', 'a', 'b')", "c_first", app="other"
    )
    assert tables(steps) == {"shop_c": ["a TextField not null"]}


def test_migrations_that_name_each_other_apply_once() -> None:
    steps = {
        "shop/migrations/a.py": migration("CreateModel('C', [('a', models.TextField())])", "b"),
        "shop/migrations/b.py": migration("AddField('c', 'b', models.TextField())", "a"),
    }
    assert tables(steps) == {"shop_c": ["a TextField not null", "b TextField not null"]}
