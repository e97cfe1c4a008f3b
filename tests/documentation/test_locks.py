"""What several threads share is used only while its lock is held.

Races are too rare for a test to meet them, so this reads the program: each attribute in the table,
wherever its class uses it after it was made, stands in the body of `with self.<lock>:`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "kodit"
SHARED = {
    ("faces/python/client.py", "Kodit", "_opening"): "_opened _when_dropped",
    ("front/exchange.py", "Exchange", "_closing"): "is_closed _socket",
    ("front/resident.py", "Resident", "_starting"): "_joined",
    ("front/roots.py", "Roots", "_state"): "_folders",
    ("front/stdio.py", "Front", "_state"): "_under_way _resident",
    ("front/stdio.py", "Front", "_writing"): "_responses",
    ("front/stdio.py", "_Forwarded", "_state"): "_exchange is_cancelled",
    ("infrastructure/endpoints/connection.py", "Request", "_lock"): "is_aborted _shut",
    ("infrastructure/endpoints/connection.py", "EndpointConnections", "_lock"): "_idle _context",
    ("infrastructure/endpoints/tokenizer.py", "TokenizerFile", "_lock"): "_loaded",
    ("infrastructure/keyword/tantivy_index.py", "TantivyKeywordIndex", "_lock"): "_open",
    ("infrastructure/postgresql/dedicated.py", "DedicatedConnection", "_pipe"): "_writing",
    ("infrastructure/postgresql/reading.py", "ServerReadingDatabase", "_lock"): "_idle",
    ("infrastructure/postgresql/shared_wake_ups.py", "SharedWakeUps", "_state"): "_send",
    ("infrastructure/reading_gate.py", "ReadingGate", "_lock"): "_free",
    ("infrastructure/resident/secrets.py", "SecretsFromServer", "_asking"): "_connection _answers",
    ("infrastructure/sql/reading.py", "ReadingDatabase", "_lock"): "_idle",
    ("infrastructure/sqlalchemy/sqlite_dialect.py", "SqliteDialect", "_file_lane"): "_pins",
    ("infrastructure/sqlalchemy/sqlite_dialect.py", "SqliteDialect", "_idle_lane"): "_idle",
    ("infrastructure/sqlalchemy/sqlite_dialect.py", "SqliteDialect", "_lane"): "_lock",
    ("infrastructure/vectors/exact_index.py", "_Packs", "_lock"): "_open",
    ("infrastructure/watching/watches.py", "NotifiedWatch", "_closing"): "_is_closed",
}
"""The module, the class and its lock, and the attributes that are used while it is held."""


def uses(node: ast.AST, lock: str, *, is_held: bool) -> Iterator[tuple[str, bool]]:
    """The attributes of `self` that code uses, and whether it holds the lock."""
    if isinstance(node, ast.With):
        is_held |= any(ast.unparse(item.context_expr) == f"self.{lock}" for item in node.items)
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self":
        yield node.attr, is_held
    for child in ast.iter_child_nodes(node):
        yield from uses(child, lock, is_held=is_held)


@pytest.mark.parametrize("owner", SHARED, ids=lambda owner: f"{owner[1]}.{owner[2]}")
def test_what_threads_share_is_used_with_its_lock(owner: tuple[str, str, str]) -> None:
    module, name, lock = owner
    tree = ast.parse((PACKAGE / module).read_text("utf-8"))
    (found,) = [one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == name]
    methods = [
        one
        for one in found.body
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name != "__init__"
    ]
    used = [
        (method.name, attribute, is_held)
        for method in methods
        for attribute, is_held in uses(method, lock, is_held=False)
        if attribute in SHARED[owner].split()
    ]
    assert {attribute for _, attribute, _ in used} == set(SHARED[owner].split())
    assert [(method, attribute) for method, attribute, is_held in used if not is_held] == []
