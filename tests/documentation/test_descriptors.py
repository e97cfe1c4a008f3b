"""A function that opens a descriptor closes it.

Python closes forgotten files, but not descriptors. This reads the program: a function that gives a
name to what `os.open` and the like return calls `os.close` with that name, unless it is listed as
one that hands the descriptor over.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "kodit"
OPENING = {"os.open", "os.dup", "os.pipe", "open_lock_file", "open_root", "open_directory"}
HANDED_OVER = {
    ("composition/following.py", "is_mine", "self._descriptor"),
    ("composition/moving.py", "planned_move", "lock"),
    ("infrastructure/folder/reading.py", "_open_by_components", "following"),
    ("infrastructure/git/credentials.py", "_from_file", "descriptor"),
    ("infrastructure/postgresql/dedicated.py", "__init__", "self._reading"),
    ("infrastructure/postgresql/dedicated.py", "__init__", "self._writing"),
}
"""To an object, to a file or to whoever closes all at the end: the module, the function and the
name.
"""


def named(tree: ast.Module) -> Iterator[tuple[str, str, bool]]:
    """The functions that open descriptors, the names of these, and whether they close them."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        calls = [one for one in ast.walk(function) if isinstance(one, ast.Call)]
        closed = {
            ast.unparse(argument)
            for call in calls
            if ast.unparse(call.func) == "os.close"
            for argument in call.args
        }
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Call)
                and ast.unparse(node.value.func) in OPENING
            ):
                for target in node.targets:
                    names = target.elts if isinstance(target, ast.Tuple) else [target]
                    for name in map(ast.unparse, names):
                        yield function.name, name, name in closed


def test_descriptors_are_closed_where_they_are_opened() -> None:
    found = {
        (str(path.relative_to(PACKAGE)), function, name)
        for path in sorted(PACKAGE.rglob("*.py"))
        for text in [path.read_text("utf-8")]
        if any(f"{one}(" in text for one in OPENING)
        for function, name, is_closed in named(ast.parse(text))
        if not is_closed
    }
    assert found == HANDED_OVER
