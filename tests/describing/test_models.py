"""Which classes are models, and what they inherit."""

from __future__ import annotations

import pytest
from tests.describing.test_schemas import tables

ID = "id auto primary key"
A, B = "a TextField not null", "b TextField not null"


def django(*classes: str) -> str:
    return "\n\n".join(["from django.db import models\n", *classes])


def model(name: str, bases: str, field: str = "a", meta: str = "") -> str:
    options = f"\n    class Meta:\n        {meta}\n" if meta else ""
    return f"class {name}({bases}):\n    {field} = models.TextField()\n{options}"


@pytest.mark.parametrize(
    ("bases", "is_model"),
    [
        *((base, True) for base in ("models.Model", "Model", "Mixed, models.Model")),
        *((base, True) for base in ("AbstractUser", "auth.AbstractBaseUser", "TimeStampedModel")),
        *((base, True) for base in ("MPTTModel", "TranslatableModel", "PolymorphicModel", "Page")),
        *((base, True) for base in ("Orderable", "AbstractBaseSession", "SafeDeleteModel")),
        *((base, False) for base in ("Form", "forms.ModelForm", "Paged", "")),
    ],
)
def test_bases_of_models(bases: str, is_model: bool) -> None:
    found = tables({"shop/models.py": django(model("C", bases))})
    assert found == ({"shop_c": [ID, A]} if is_model else {})


def test_columns_of_a_base_without_a_table_are_inherited() -> None:
    """Own ones replace them; those of a base with a table stay there."""
    abstract = model("Base", "models.Model", meta="abstract = True")
    assert tables({"shop/models.py": django(abstract, model("C", "Base", "b"))}) == {
        "shop_c": [ID, A, B]
    }
    assert tables({"shop/models.py": django(abstract, model("C", "Base", "a"))}) == {
        "shop_c": [ID, A]
    }
    middle = model("Middle", "Base", "m", meta="abstract = True")
    assert tables({"shop/models.py": django(abstract, middle, model("C", "Middle", "b"))}) == {
        "shop_c": [ID, A, "m TextField not null", B]
    }
    concrete = model("Base", "models.Model")
    assert tables({"shop/models.py": django(concrete, model("C", "Base", "b"))}) == {
        "shop_base": [ID, A],
        "shop_c": ["base_ptr_id OneToOneField primary key → shop_base.id", B],
    }
    mixed = django(model("Mixin", "object"), model("C", "Mixin, models.Model", "b"))
    assert tables({"shop/models.py": mixed}) == {"shop_c": [ID, A, B]}


def test_the_nearest_class_of_a_name_is_the_base() -> None:
    """In the same file, or else in the folder that most of the path has in common."""
    near = django(model("Base", "models.Model", "near", meta="abstract = True"))
    far = django(model("Base", "models.Model", "far", meta="abstract = True"))
    own = django(model("C", "Base"))
    found = tables({"x/a/models.py": far, "x/b/base/models.py": near, "x/b/shop/models.py": own})
    assert found == {"shop_c": [ID, "near TextField not null", A]}
    here = f"{near}\n\n{model('C', 'Base')}"
    found = tables({"shop/models.py": here, "shop/a/models.py": far})
    assert found == {"shop_c": [ID, "near TextField not null", A]}


def test_bases_that_name_each_other() -> None:
    found = tables({"shop/models.py": django(model("A", "B"), model("B", "A", "b"))})
    assert found == {}
    abstract = "abstract = True"
    several = django(
        model("A", "B", meta=abstract),
        model("B", "A", "b", meta=abstract),
        model("C", "A, models.Model", "c"),
    )
    [columns] = tables({"shop/models.py": several}).values()
    assert {one.split(" ")[0] for one in columns} == {"id", "a", "b", "c"}


@pytest.mark.parametrize(
    ("target", "table"),
    [
        ("'self'", "shop_c"),
        ("'Tag'", "labels"),
        ("'shop.Tag'", "labels"),
        ("'SHOP.Tag'", "labels"),
        ("'other.Tag'", "other_tag"),
        ("'Unknown'", "shop_unknown"),
        ("Tag", "labels"),
    ],
)
def test_the_table_that_a_reference_leads_to(target: str, table: str) -> None:
    text = django(
        model("Tag", "models.Model", meta="db_table = 'labels'"),
        f"class C(models.Model):\n    t = models.ForeignKey({target}, models.CASCADE)\n",
    )
    assert tables({"shop/models.py": text})["shop_c"] == [
        ID,
        f"t_id ForeignKey not null → {table}.id",
    ]


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ("class CamelHTTP(db.Model):\n    a = db.Column(db.Int)\n", {"camel_http": ["a Int"]}),
        (
            "class A(db.Model):\n    a = db.Column(db.Int)\n\n\n"
            "class B(A):\n    b = db.Column(db.Int)\n",
            {"a": ["a Int", "b Int"]},
        ),
        (
            "class A(Base):\n    __abstract__ = True\n    a = Column(Int)\n\n\n"
            "class B(A):\n    __tablename__ = 'b'\n    b = Column(Int)\n",
            {"b": ["a Int", "b Int"]},
        ),
        (
            "class A(Base):\n    __tablename__ = 'a'\n    a = Column(Int)\n\n\n"
            "class B(A):\n    __tablename__ = 'b'\n    b = Column(Int)\n",
            {"a": ["a Int"], "b": ["b Int"]},
        ),
        ("class A(Base):\n    a = Column(Int)\n", {}),
        ("class A(SQLModel, table=True):\n    a: int\n", {"a": ["a int not null"]}),
        ("class A(SQLModel, table=False):\n    a: int\n", {}),
        (
            "class A(SQLModel):\n    a: int\n\n\nclass B(A, table=True):\n    b: int\n",
            {"b": ["a int not null", "b int not null"]},
        ),
    ],
)
def test_tables_of_sqlalchemy_and_what_they_inherit(
    classes: str, expected: dict[str, list[str]]
) -> None:
    assert tables({"db.py": f"from sqlalchemy import Column\n\n\n{classes}"}) == expected
