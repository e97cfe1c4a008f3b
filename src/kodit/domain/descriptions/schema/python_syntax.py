"""Reads values and calls in the syntax tree of a Python file."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

MOST_TEXT = 60


def parsed(text: str) -> ast.Module | None:
    """The syntax tree; None if this version of Python cannot read the text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes in somebody else's code
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def classes_of(tree: ast.Module) -> Iterator[ast.ClassDef]:
    """The classes of a module, also those behind conditions."""
    pending: list[ast.stmt] = list(reversed(tree.body))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.ClassDef):
            yield node
        elif isinstance(node, ast.If | ast.Try | ast.With):
            inner = [*node.body, *getattr(node, "orelse", ())]
            pending.extend(reversed(inner))


def name_of(node: ast.expr | None) -> str:
    """A chain of names, as `models.CharField`; empty for other expressions."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join(reversed([*parts, node.id]))


def last_name(node: ast.expr | None) -> str:
    """The last of a chain of names."""
    return name_of(node).rpartition(".")[2]


def called(node: ast.expr | None) -> str:
    """The last name of what an expression calls; empty if it calls nothing."""
    return last_name(node.func) if isinstance(node, ast.Call) else ""


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument."""
    return next((one.value for one in call.keywords if one.arg == name), None)


def text_of(node: ast.expr | None) -> str:
    """The value of a string literal, also of several that follow one another."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Call) and last_name(node.func) in {"text", "gettext_lazy", "_"}:
        return text_of(node.args[0]) if node.args else ""
    return ""


def truth_of(node: ast.expr | None) -> bool | None:
    """The value of `True` or `False`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return node.value
    return None


def texts_of(node: ast.expr | None) -> tuple[str, ...]:
    """The strings of a list, tuple or set."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return tuple(filter(None, (text_of(one) for one in node.elts)))
    return ()


def items_of(node: ast.expr | None) -> list[ast.expr]:
    """The items of a list or tuple."""
    return list(node.elts) if isinstance(node, ast.List | ast.Tuple) else []


def source_of(node: ast.expr | None) -> str:
    """An expression as text, cut if it is long."""
    if node is None:
        return ""
    try:
        text = ast.unparse(node)
    except (RecursionError, ValueError):
        return ""
    text = " ".join(text.split())
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"


def assigned(node: ast.stmt) -> tuple[str, ast.expr | None, ast.expr | None]:
    """The name, the value and the annotation of an assignment to one name; an empty name for any
    other statement."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value, node.annotation
    if (
        isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
    ):
        return node.targets[0].id, node.value, None
    return "", None, None
