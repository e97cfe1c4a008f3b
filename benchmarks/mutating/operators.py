"""Mechanical mistakes: possible replacements of an expression or a statement.

Each function yields pairs: the name of the mistake, and the text that replaces the node.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
Change = tuple[str, str]

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_OTHER_FUNCTION = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "sorted": "list",
    "floor": "ceil",
    "ceil": "floor",
    "startswith": "endswith",
    "endswith": "startswith",
    "removeprefix": "removesuffix",
    "removesuffix": "removeprefix",
    "partition": "rpartition",
    "rpartition": "partition",
    "find": "rfind",
    "rfind": "find",
    "asc": "desc",
    "fullmatch": "match",
    "match": "search",
    "search": "match",
    "append": "insert",
    "union": "intersection",
}
_REMOVABLE_METHODS = frozenset(
    "where order_by limit offset distinct with_for_update group_by having filter strip lstrip "
    "rstrip lower upper casefold expanduser resolve absolute desc nulls_last is_not_distinct_from "
    "removeprefix removesuffix replace".split()
)
_REMOVABLE_FUNCTIONS = frozenset({"abs", "reversed", "set", "round"})
_IN_ANY_ORDER = frozenset({"min", "max", "and_", "or_", "where", "union", "intersection"})
_CONJUNCTIONS = frozenset({"where", "and_", "or_", "filter", "having", "order_by"})
_KEYWORDS_OF_NO_CONSEQUENCE = frozenset({"strict", "help", "metavar", "name", "thread_name_prefix"})
_MOST_FOR_OFF_BY_ONE = 16
"""A larger number is a limit or a size: it is doubled or halved."""
_MOST_ELEMENTS = 40
"""From a longer table only the first, the last and some elements between are dropped."""


def expression(node: ast.expr) -> Iterator[Change]:
    """The possible mistakes in an expression."""
    match node:
        case ast.Compare():
            yield from _compare(node)
        case ast.BoolOp():
            yield from _bool_op(node)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield "operator dropped", _text(operand)
        case ast.BinOp(left=left, op=op):
            if other := _ARITHMETIC.get(type(op)):
                yield "arithmetic", _text(_with(node, op=other()))
            yield "operand dropped", _text(left)
        case ast.IfExp(body=body, orelse=orelse):
            yield "branches swapped", _text(_with(node, body=orelse, orelse=body))
            yield "condition true", _text(body)
            yield "condition false", _text(orelse)
        case ast.Constant():
            yield from _constant(node)
        case ast.Call():
            yield from _call(node)
        case ast.Await(value=value):
            yield "await dropped", _text(value)
        case ast.Subscript(value=value, slice=ast.Slice() as bounds):
            yield "slice dropped", _text(value)
            if bounds.lower and bounds.upper:
                yield "bound dropped", _text(_with(node, slice=_with(bounds, upper=None)))
        case _:
            yield from _collection(node)


def _collection(node: ast.expr) -> Iterator[Change]:
    match node:
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            yield from _comprehension(node)
        case ast.List(elts=elements) | ast.Set(elts=elements):
            for index in _some(len(elements)):
                left_over = elements[:index] + elements[index + 1 :]
                yield "element dropped", _text(_with(node, elts=left_over))
        case ast.Dict(keys=keys, values=values):
            for index in _some(len(keys)):
                yield (
                    "element dropped",
                    _text(
                        _with(
                            node,
                            keys=keys[:index] + keys[index + 1 :],
                            values=values[:index] + values[index + 1 :],
                        )
                    ),
                )


def elements_of_tuple(node: ast.Tuple) -> Iterator[Change]:
    """For tuples that are tables, or on the right of `in`."""
    for index in _some(len(node.elts)):
        left_over = node.elts[:index] + node.elts[index + 1 :]
        yield "element dropped", ast.unparse(_with(node, elts=left_over))


def condition(test: ast.expr) -> Iterator[Change]:
    """The possible mistakes in the condition of an `if` or a `while`."""
    yield "condition negated", f"not ({ast.unparse(test)})"
    yield "condition false", "False"
    yield "condition true", "True"


def _compare(node: ast.Compare) -> Iterator[Change]:
    for index, op in enumerate(node.ops):
        for other in _COMPARISONS[type(op)]:
            ops = list(node.ops)
            ops[index] = other()
            yield "comparison", _text(_with(node, ops=ops))


def _bool_op(node: ast.BoolOp) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield "and, or", _text(_with(node, op=other))
    for index in range(len(node.values)):
        values = node.values[:index] + node.values[index + 1 :]
        yield (
            "operand dropped",
            _text(values[0] if len(values) == 1 else _with(node, values=values)),
        )


def _constant(node: ast.Constant) -> Iterator[Change]:
    match node.value:
        case bool():
            yield "constant", str(not node.value)
        case int():
            small = abs(node.value) <= _MOST_FOR_OFF_BY_ONE
            yield "constant", str(node.value + 1 if small else node.value * 2)
            if node.value > 0:
                yield "constant", str(node.value - 1 if small else node.value // 2)
        case float():
            yield "constant", repr(node.value * 2 or 1.0)
        case str() | bytes() if node.value and not node.value.split()[1:]:
            yield "constant", repr(node.value[:-1])


def _call(node: ast.Call) -> Iterator[Change]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if other := _OTHER_FUNCTION.get(name):
        function = (
            _with(node.func, attr=other)
            if isinstance(node.func, ast.Attribute)
            else ast.Name(other, ast.Load())
        )
        if other == "insert":
            changed = _with(node, func=function, args=[ast.Constant(0), *node.args])
        elif other == "list":
            changed = _with(node, func=function, keywords=[])
        else:
            changed = _with(node, func=function)
        yield "function", _text(changed)
    if isinstance(node.func, ast.Attribute) and name in _REMOVABLE_METHODS:
        yield "call dropped", _text(node.func.value)
    if name in _REMOVABLE_FUNCTIONS and isinstance(node.func, ast.Name) and len(node.args) == 1:
        yield "call dropped", _text(node.args[0])
    if name in _CONJUNCTIONS and len(node.args) > 1:
        for index in range(len(node.args)):
            left_over = node.args[:index] + node.args[index + 1 :]
            yield "condition dropped", _text(_with(node, args=left_over))
    for index, keyword in enumerate(node.keywords):
        if keyword.arg not in (None, *_KEYWORDS_OF_NO_CONSEQUENCE):
            left_over_keywords = node.keywords[:index] + node.keywords[index + 1 :]
            yield "keyword dropped", _text(_with(node, keywords=left_over_keywords))
    if name not in _IN_ANY_ORDER:
        yield from _swapped(node)


def _swapped(node: ast.Call) -> Iterator[Change]:
    plain = [index for index, one in enumerate(node.args) if not isinstance(one, ast.Starred)]
    for one, following in pairwise(plain):
        if ast.dump(node.args[one]) != ast.dump(node.args[following]):
            arguments = list(node.args)
            arguments[one], arguments[following] = arguments[following], arguments[one]
            yield "arguments swapped", _text(_with(node, args=arguments))


def _comprehension(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
) -> Iterator[Change]:
    for at, generator in enumerate(node.generators):
        for index, test in enumerate(generator.ifs):
            for name, ifs in (
                ("condition dropped", generator.ifs[:index] + generator.ifs[index + 1 :]),
                (
                    "condition negated",
                    [
                        *generator.ifs[:index],
                        ast.UnaryOp(ast.Not(), test),
                        *generator.ifs[index + 1 :],
                    ],
                ),
            ):
                generators = list(node.generators)
                generators[at] = _with(generator, ifs=ifs)
                yield name, _text(_with(node, generators=generators))


def _some(count: int) -> range:
    return range(0, count, max(1, count // _MOST_ELEMENTS)) if count > 1 else range(0)


def _with(node: Node, **changes: object) -> Node:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _text(node: ast.expr) -> str:
    text = ast.unparse(ast.fix_missing_locations(node))
    needs_none = (ast.Name, ast.Constant, ast.Attribute, ast.Call, ast.Subscript)
    displays = (ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp)
    return text if isinstance(node, needs_none + displays) else f"({text})"
