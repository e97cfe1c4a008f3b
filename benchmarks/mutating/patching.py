"""Replaces the code of functions that exist already, as if their module had been written so."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType


def functions() -> list[FunctionType]:
    """All functions that exist, but for those whose memory is frozen."""
    return [one for one in gc.get_objects() if isinstance(one, FunctionType)]


def patch(file: str, old: str, new: str, frozen: Iterable[FunctionType] = ()) -> bool:
    """Give the functions that were compiled from a file the code of its new text. Returns False,
    and changes nothing, if another text would have other functions, or runs differently on import.
    `frozen` are the functions whose memory is frozen.
    """
    if old == new:
        return True
    before, after = _codes(file, old), _codes(file, new)
    if len(before) != len(after):
        return False
    changed = [
        (one, other)
        for one, other in zip(before, after, strict=True)
        if _instructions(one) != _instructions(other)
    ]
    by_name = {(one.co_qualname, one.co_firstlineno): other for one, other in changed}
    found = [
        (function, code)
        for function in (*frozen, *functions())
        if function.__code__.co_filename == file
        and (code := by_name.get((function.__code__.co_qualname, function.__code__.co_firstlineno)))
    ]
    if not found or any(
        function.__code__.co_freevars != code.co_freevars for function, code in found
    ):
        return False
    for function, code in found:
        function.__code__ = code
    return True


def _codes(file: str, text: str) -> list[CodeType]:
    return list(_inner(compile(text, file, "exec", dont_inherit=True)))


def _inner(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inner(constant)


def _instructions(code: CodeType) -> tuple[object, ...]:
    """What a code does, without its lines."""
    constants = tuple(
        _instructions(one) if isinstance(one, CodeType) else (type(one), repr(one))
        for one in code.co_consts
    )
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants
