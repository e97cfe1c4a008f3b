"""Reads what one file says about the tables of a database."""

from __future__ import annotations

import ast
import re

from kodit.domain.descriptions.schema import django, sqlalchemy
from kodit.domain.descriptions.schema.other import prisma_steps, rails_steps
from kodit.domain.descriptions.schema.python_syntax import assigned, classes_of, name_of, parsed
from kodit.domain.descriptions.schema.sql import steps_of
from kodit.domain.descriptions.schema.tables import NOTHING, ModelClass, SchemaFragment, Step

LONGEST_FILE = 1_000_000
HINTS = ("django.db", "gis.db", "django.apps", "sqlalchemy", "sqlmodel", "alembic", "\tModel\tdb")
"""Parts of the mentions of a Python file that may say something: of its imports and bases."""
_DUMP = re.compile(r"(^|/)(schema|structure|dump|tables|ddl|init)[^/]*\.sql$", re.IGNORECASE)


def fragment_of(path: str, language: str, text: str) -> SchemaFragment:
    """What the text of a file says; nothing if it cannot be read."""
    if len(text) > LONGEST_FILE:
        return NOTHING
    if language == "python":
        return _of_python(path, text)
    if path.endswith(".prisma"):
        return SchemaFragment(steps=tuple(prisma_steps(text)), is_dump=True)
    if language == "ruby":
        is_dump = path.endswith("schema.rb")
        return SchemaFragment(steps=tuple(rails_steps(text)), is_dump=is_dump)
    return SchemaFragment(steps=tuple(steps_of(text)), is_dump=_DUMP.search(path) is not None)


def app_of(path: str) -> str:
    """The label of the app of Django that a file of models or migrations belongs to."""
    folders = path.split("/")[:-1]
    while len(folders) > 1 and folders[-1] in {"models", "migrations", "db"}:
        folders.pop()
    return folders[-1] if folders else ""


def _of_python(path: str, text: str) -> SchemaFragment:
    tree = parsed(text)
    if tree is None:
        return NOTHING
    models: list[ModelClass] = []
    steps: list[Step] = []
    revision, follows = sqlalchemy.revision_of(tree)
    for node in classes_of(tree):
        if django.is_migration(node):
            revision = path.rpartition("/")[2].removesuffix(".py")
            follows = django.follows_of(node, app_of(path))
            steps += django.migration_steps(node, app_of(path))
        elif (model := _model_of(node)) is not None:
            models.append(model)
    for statement in tree.body:
        _, value, _ = assigned(statement)
        if isinstance(statement, ast.Expr):
            value = statement.value
        if (table := sqlalchemy.table_of(value)) is not None:
            steps.append(table)
    if revision and not steps:
        steps += sqlalchemy.upgrade_steps(tree)
    return SchemaFragment(tuple(models), tuple(steps), revision if steps else "", follows)


def _model_of(node: ast.ClassDef) -> ModelClass | None:
    bases = [name_of(base) for base in node.bases]
    if "models.Model" in bases:
        return django.model_of(node)
    model = sqlalchemy.model_of(node)
    return model if model is not None else django.model_of(node)
