"""Finding every place in a module for a mechanical mistake."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.mutating import operators
from benchmarks.mutating.mutation import Lines, Mutation

_LOGGERS = frozenset({"log", "logger", "logging", "warnings"})
_SKIPPED_FUNCTIONS = frozenset({"__repr__", "__str__"})
_SKIPPED_NAMES = frozenset({"__all__", "__slots__"})
_TYPE_FUNCTIONS = frozenset({"TypeVar", "NewType", "cast", "ParamSpec"})
_KEPT_DECORATORS = frozenset(
    "property staticmethod classmethod abstractmethod overload override cached_property cache "
    "lru_cache dataclass contextmanager asynccontextmanager setter runtime_checkable".split()
)
"""Without these a program fails immediately, or is only slower."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def mutations_of(module: str, source: bytes) -> list[Mutation]:
    """All mutations of a module; a few are invalid Python, or change nothing.

    Docstrings, imports, annotations, log messages, `__repr__` and code for type checkers are not
    mutated, nor are sentences, which are texts with a space in them.
    """
    return list(_Places(module, source).of_body(ast.parse(source).body))


def is_program(mutation: Mutation, source: bytes) -> bool:
    """Whether a mutation gives a valid program that differs from the original."""
    try:
        tree = ast.parse(mutation.apply(source))
        compile(tree, mutation.module, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return ast.dump(tree) != ast.dump(ast.parse(source))


@dataclass(frozen=True, slots=True)
class _Around:
    """The context of a node."""

    statement: Lines
    function: Lines | None = None
    assigned: frozenset[str] = frozenset()
    """Names that the function has assigned before."""


class _Places:
    def __init__(self, module: str, source: bytes) -> None:
        self._module = module
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def of_body(self, body: list[ast.stmt], around: _Around | None = None) -> Iterator[Mutation]:
        """Mutations of consecutive statements."""
        assigned = around.assigned if around else frozenset()
        for statement in body:
            lines = Lines(statement.lineno, statement.end_lineno or statement.lineno)
            function = around.function if around else None
            yield from self._of_statement(statement, _Around(lines, function, assigned))
            assigned |= _assigned(statement)

    def _of_statement(self, node: ast.stmt, around: _Around) -> Iterator[Mutation]:
        if _is_skipped(node):
            return
        yield from self._removal(node, around)
        if isinstance(node, Function):
            yield from self._of_function(node, around)
        elif isinstance(node, ast.ClassDef):
            yield from self.of_body(node.body)
        else:
            yield from self._of_simple_parts(node, around)
            for body in _bodies(node):
                yield from self.of_body(body, around)

    def _of_function(self, node: Function, around: _Around) -> Iterator[Mutation]:
        inside = Lines(node.body[0].lineno, node.end_lineno or node.lineno)
        header = replace(around, statement=Lines(node.lineno, node.body[0].lineno), function=inside)
        for decorator in node.decorator_list:
            name = ast.unparse(decorator).partition("(")[0].rpartition(".")[2]
            if name not in _KEPT_DECORATORS:
                start, end = self._span(decorator)
                yield self._mutation("decorator dropped", start - 1, end, "", header)
            if name != "dataclass":
                yield from self._of_expression(decorator, header)
        arguments = node.args
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                yield from self._of_expression(default, header)
        for argument in (*arguments.args, *arguments.kwonlyargs):
            yield from self._of_annotation(argument.annotation, header)
        names = frozenset(one.arg for one in (*arguments.args, *arguments.kwonlyargs))
        yield from self.of_body(node.body, _Around(around.statement, inside, names))

    def _of_annotation(self, node: ast.expr | None, around: _Around) -> Iterator[Mutation]:
        """Mutations of the metadata in `Annotated`: the options of a command."""
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Annotated"):
            assert isinstance(node.slice, ast.Tuple)
            for part in node.slice.elts[1:]:
                yield from self._of_expression(part, around)

    def _of_simple_parts(self, node: ast.stmt, around: _Around) -> Iterator[Mutation]:
        """Mutations of the expressions in a statement's own lines, its conditions and its
        context.
        """
        match node:
            case ast.Raise():
                return  # the text of an error
            case ast.If(test=test) | ast.While(test=test):
                around = replace(around, statement=_lines(test))
                for name, text in operators.condition(test):
                    yield self._at(test, name, text, around)
            case ast.With() | ast.AsyncWith():
                yield from self._without_context(node, around)
            case ast.Try(handlers=handlers):
                for handler in handlers:
                    yield from self._of_tuple(handler.type, around)
            case ast.AugAssign():
                yield from self._of_augmented(node, around)
            case ast.Assign(value=value) | ast.AnnAssign(value=value) if around.function is None:
                yield from self._of_tuple(value, around)
        for child in _own_expressions(node):
            yield from self._of_expression(child, around)

    def _of_expression(self, node: ast.expr, around: _Around) -> Iterator[Mutation]:
        if isinstance(node, ast.JoinedStr) or _is_about_types(node):
            return
        for name, text in operators.expression(node):
            yield self._at(node, name, text, around)
        if isinstance(node, ast.Compare) and isinstance(node.ops[-1], ast.In | ast.NotIn):
            yield from self._of_tuple(node.comparators[-1], around)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.keyword):
                if child.arg not in {"help", "metavar", "strict"}:
                    yield from self._of_expression(child.value, around)
            elif isinstance(child, ast.comprehension):
                for part in (child.iter, *child.ifs):
                    yield from self._of_expression(part, around)
            elif isinstance(child, ast.expr):
                yield from self._of_expression(child, around)

    def _of_tuple(self, node: ast.expr | None, around: _Around) -> Iterator[Mutation]:
        if isinstance(node, ast.Tuple):
            for name, text in operators.elements_of_tuple(node):
                yield self._at(node, name, text, around)

    def _removal(self, node: ast.stmt, around: _Around) -> Iterator[Mutation]:
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                return
            case ast.Expr() | ast.AugAssign() | ast.Delete() | ast.Continue() | ast.Break():
                is_removable = True
            case ast.Assign(targets=targets):
                is_removable = around.function is not None and all(
                    not isinstance(target, ast.Name) or target.id in around.assigned
                    for target in targets
                )
            case ast.Raise() | ast.Return():
                is_removable = node.lineno != (around.function or Lines(0, 0)).last
            case _:
                is_removable = False
        if is_removable:
            yield self._at(node, "statement removed", "pass", around)

    def _of_augmented(self, node: ast.AugAssign, around: _Around) -> Iterator[Mutation]:
        other = {ast.Add: "-=", ast.Sub: "+=", ast.BitOr: "&=", ast.BitAnd: "|="}
        if sign := other.get(type(node.op)):
            start, end = self._span(node.target)[1], self._span(node.value)[0]
            if self._source[start:end].strip().endswith(b"="):
                yield self._mutation("arithmetic", start, end, f" {sign} ", around)

    def _without_context(
        self, node: ast.With | ast.AsyncWith, around: _Around
    ) -> Iterator[Mutation]:
        plain = [item for item in node.items if item.optional_vars is None]
        start, end = self._span(node)[0], self._span(node.items[-1].context_expr)[1]
        if len(plain) == len(node.items) == 1:
            yield self._mutation("context dropped", start, end, "if True", around)
        elif len(node.items) > 1:
            for item in plain:
                others = ", ".join(ast.unparse(other) for other in node.items if other is not item)
                word = "async with" if isinstance(node, ast.AsyncWith) else "with"
                last = node.items[-1].optional_vars or node.items[-1].context_expr
                end = self._span(last)[1]
                yield self._mutation("context dropped", start, end, f"{word} {others}", around)

    def _at(self, node: ast.expr | ast.stmt, operator: str, text: str, around: _Around) -> Mutation:
        return self._mutation(operator, *self._span(node), text, around)

    def _mutation(
        self, operator: str, start: int, end: int, text: str, around: _Around
    ) -> Mutation:
        return Mutation(self._module, operator, start, end, text, around.statement, around.function)

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )


def _own_expressions(node: ast.stmt) -> Iterator[ast.expr]:
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "target", "targets"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            match child:
                case ast.expr():
                    yield child
                case ast.withitem(context_expr=inner) | ast.match_case(guard=ast.expr() as inner):
                    yield inner


def _lines(node: ast.expr) -> Lines:
    return Lines(node.lineno, node.end_lineno or node.lineno)


def _bodies(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        yield getattr(node, field, [])
    for handler in getattr(node, "handlers", []):
        yield handler.body
    for case in getattr(node, "cases", []):
        yield case.body


def _assigned(statement: ast.stmt) -> frozenset[str]:
    return frozenset(
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )


def _is_skipped(node: ast.stmt) -> bool:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name in _SKIPPED_FUNCTIONS or _is_empty(node.body)
        case ast.ClassDef(bases=bases):
            return any(ast.unparse(base).startswith("Protocol") for base in bases)
        case ast.Assign(targets=[ast.Name(id=name), *_]):
            return name in _SKIPPED_NAMES or _is_about_types(node.value)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
            return name in _LOGGERS
        case ast.Import() | ast.ImportFrom() | ast.Assert():
            return True
        case _:
            return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _is_empty(body: list[ast.stmt]) -> bool:
    return all(
        isinstance(one, ast.Pass)
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for one in body
    )


def _is_about_types(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in _TYPE_FUNCTIONS
