"""The texts of the files that may define tables, put together again from their snippets."""

from __future__ import annotations

import pytest
from tests.support.catalogue import CodeInMemory

from kodit.application.services.descriptions import schema_files as module
from kodit.application.services.descriptions.schema_files import candidates, schema_files

MODELS = """\
from django.db import models


class Cart(models.Model):
    name = models.TextField()


# About items.


class Item(models.Model):
    cart = models.ForeignKey(Cart, on_delete=models.CASCADE)


class Note(models.Model):
    text = models.TextField()
"""
CODE = CodeInMemory(
    {
        "shop/models.py": MODELS,
        "shop/plain.py": "def f():\n    return 1\n",
        "shop/tables.py": "from sqlalchemy import Table\n\n\ndef g():\n    return 2\n",
        "db/schema.sql": "create table a (b int);\n",
        "tests/models.py": MODELS,
        "read.md": "# Carts\n",
    }
)
FILES = CODE.indexed[0].files


def test_which_files_may_define_tables() -> None:
    """Python files that use a library for it; none of the tests."""
    found = candidates(CODE.as_open(), FILES)
    assert [one.path for one in found] == ["db/schema.sql", "shop/models.py", "shop/tables.py"]


def test_each_line_is_at_its_number() -> None:
    assert len([one for one in CODE.stored if one.path == "shop/models.py"]) > 1
    texts = {one.path: one.text for one in schema_files(CODE.as_open(), FILES)}
    assert {number: line for number, line in enumerate(MODELS.splitlines()) if line} == {
        number: line for number, line in enumerate(texts["shop/models.py"].splitlines()) if line
    }
    assert texts["db/schema.sql"] == "create table a (b int);"


@pytest.mark.parametrize(
    ("most_files", "most_characters", "count"),
    [(9, 10_000, 3), (2, 10_000, 2), (9, 23, 1), (9, 22, 0)],
)
def test_no_more_is_read(
    most_files: int, most_characters: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FILES", most_files)
    monkeypatch.setattr(module, "MOST_CHARACTERS", most_characters)
    assert len(schema_files(CODE.as_open(), FILES)) == count
