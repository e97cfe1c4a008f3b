"""Tables, from models with what they inherit and from migrations as they are in the end."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.support.catalogue import CodeInMemory

from kodit.application.services.descriptions.schema import SchemaDescriber
from kodit.domain.descriptions.description import Description
from kodit.domain.errors import NotFoundError


def described(texts: Mapping[str, str], subject: str = "") -> Description:
    code = CodeInMemory(texts)
    [indexed] = code.indexed
    return SchemaDescriber().describe_now(code.as_catalogue(), indexed, subject, 10_000)


def tables(texts: Mapping[str, str], subject: str = "") -> dict[str, list[str]]:
    return {
        part.title.partition("  ")[0]: [one.text for one in part.items]
        for part in described(texts, subject).parts
    }


DJANGO = {
    "shop/models/base.py": """\
from django.db import models


class Stamped(models.Model):
    created = models.DateTimeField(auto_now_add=True)
    marks = models.ManyToManyField("shop.Tag")

    class Meta:
        abstract = True
""",
    "shop/models/order.py": """\
from django.conf import settings
from django.db import models

from .base import Stamped


class Order(Stamped):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    number = models.CharField(max_length=20, unique=True)
    total = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    tags = models.ManyToManyField("Tag", through="Label")
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)

    class Meta:
        unique_together = ("user", "number")


class Gift(Order):
    note = models.TextField()


class Shown(Order):
    class Meta:
        proxy = True


class Later(Stamped):
    pass


class Tag(models.Model):
    slug = models.SlugField(primary_key=True)

    class Meta:
        db_table = "labels"
""",
    "shop/views.py": "from django.db import transaction\n\n\nclass View:\n    name = CharField()\n",
    "tests/models.py": "from django.db import models\n\n\nclass T(models.Model):\n    pass\n",
}


def test_models_of_django() -> None:
    stamped = "created DateTimeField not null"
    assert tables(DJANGO) == {
        "labels": ["slug SlugField primary key"],
        "shop_gift": [
            "order_ptr_id OneToOneField primary key → shop_order.id",
            "note TextField not null",
        ],
        "shop_later": ["id auto primary key", stamped],
        "shop_later_marks": [
            "id auto primary key",
            "later_id ForeignKey not null → shop_later.id",
            "tag_id ForeignKey not null → labels.slug",
        ],
        "shop_order": [
            "id auto primary key",
            stamped,
            "user_id ForeignKey not null → auth_user.id",
            "number CharField(20) not null unique",
            "total DecimalField(10, 2) not null default 0",
            "parent_id ForeignKey → shop_order.id",
            "unique (user_id, number)",
        ],
        "shop_order_marks": [
            "id auto primary key",
            "order_id ForeignKey not null → shop_order.id",
            "tag_id ForeignKey not null → labels.slug",
        ],
    }


def test_models_that_inherit_from_each_other() -> None:
    """Which no program can run, but a file can say."""
    text = "from django.db.models import *\n"
    for name, base in (("One", "Two, Model"), ("Two", "One, Model")):
        text += f"class {name}({base}):\n    {name.lower()} = TextField()\n"
        text += "    class Meta:\n        abstract = True\n"
    text += "class Third(One):\n    third = TextField()\n"
    assert tables({"shop/models.py": text}) == {
        "shop_third": [
            "id auto primary key",
            *(f"{name} TextField not null" for name in ("two", "one", "third")),
        ]
    }


MIGRATIONS = {
    "shop/migrations/0010_second.py": """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0009_last")]
    operations = [
        migrations.AlterUniqueTogether("cart", {("id", "a")}),
        migrations.RenameField("cart", "a", "c"),
        migrations.RemoveField("Cart", "owner"),
        migrations.AddField("cart", "paid", models.BooleanField(default=False)),
        migrations.AlterField(model_name="cart", name="c", field=models.CharField(
            max_length=30, null=True)),
        migrations.DeleteModel("Gone"),
        migrations.RenameModel("Item", "Line"),
        migrations.RunSQL("DROP TABLE everything"),
    ]
""",
    "shop/migrations/0009_last.py": """\
from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            name="Cart",
            fields=[
                ("id", models.AutoField(primary_key=True)),
                ("a", models.CharField(max_length=3)),
                ("owner", models.ForeignKey("auth.User", on_delete=models.CASCADE)),
            ],
            options={"db_table": "carts", "unique_together": {("a", "owner")}},
        ),
        migrations.CreateModel(name="Gone", fields=[("id", models.AutoField(primary_key=True))]),
        migrations.CreateModel(
            name="Item",
            fields=[("cart", models.ForeignKey("Cart", on_delete=models.CASCADE))],
        ),
    ]
""",
}


def test_migrations_of_django_in_the_end() -> None:
    """A table that a model names is found by later steps and references; a unique pair goes with
    its column."""
    assert tables(MIGRATIONS) == {
        "carts": [
            "id AutoField primary key",
            "c CharField(30)",
            "paid BooleanField not null default False",
            "unique (id, c)",
        ],
        "shop_line": ["cart_id ForeignKey not null → carts.id"],
    }


def test_a_model_counts_more_than_its_migrations() -> None:
    model = (
        "from django.db import models\n\n\nclass Cart(models.Model):\n"
        "    d = models.TextField()\n\n    class Meta:\n        db_table = 'carts'\n"
    )
    found = described(MIGRATIONS | {"shop/models.py": model}, "carts")
    [part] = found.parts
    assert part.title == "carts  (table, model Cart)"
    assert [one.text for one in part.items] == ["id auto primary key", "d TextField not null"]
    assert (part.path, part.line) == ("shop/models.py", 4)


@pytest.mark.parametrize("subject", ["shop_order", "Order", "order", "SHOP_ORDER"])
def test_one_table(subject: str) -> None:
    assert tables(DJANGO, subject).keys() == {"shop_order"}


def test_tables_of_a_folder() -> None:
    assert tables(DJANGO | MIGRATIONS, "shop/migrations").keys() == {"carts", "shop_line"}


def test_an_unknown_table() -> None:
    with pytest.raises(
        NotFoundError, match=r"no table or model 'shop_ordre'. Did you mean 'shop_o"
    ):
        described(DJANGO, "shop_ordre")


@pytest.mark.parametrize(
    "text", ["from django.db import models\nclass (", "import sqlalchemy\n" + "(" * 5_000, ""]
)
def test_files_that_cannot_be_read_say_nothing(text: str) -> None:
    assert described({"shop/models.py": text}).is_empty


@pytest.mark.parametrize(
    "code",
    [
        "from django.apps import AppConfig\n\n\nclass Shop(AppConfig):\n    label = 'store'\n",
        "from django import apps\n\n\nclass Shop(apps.AppConfig):\n    label = 'store'\n",
    ],
)
def test_the_label_of_an_app_begins_the_names_of_its_tables(code: str) -> None:
    model = "from django.db import models\n\n\nclass Order(models.Model):\n    pass\n"
    assert list(tables({"shop/apps.py": code, "shop/models.py": model})) == ["store_order"]
