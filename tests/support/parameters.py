"""No statement is given a parameter that it does not have, in the process that runs the tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from kodit.infrastructure.sqlalchemy import prepared


@contextmanager
def no_parameter_without_use() -> Iterator[None]:
    """A statement that has lost a condition or its limit is still given their values."""
    make, arguments = prepared._Compiled.__init__, prepared._Compiled.arguments

    def make_and_note(
        self: Any,
        sql: str,
        defaults: Mapping[str, Any],
        order: Sequence[str] | None,
        types: Mapping[str, Any],
        **options: Any,
    ) -> None:
        make(self, sql, defaults, order, types, **options)
        # Where a list of ids is an array, that has a name of its own.
        self.names = {"ids", *defaults, *(types if order is None else order)}

    def strict(self: Any, parameters: Mapping[str, Any]) -> Any:
        unused = parameters.keys() - getattr(self, "names", parameters.keys())
        assert not unused, f"{sorted(unused)} are no parameters of {self.sql}"
        return arguments(self, parameters)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(prepared._Compiled, "__init__", make_and_note)
        patched.setattr(prepared._Compiled, "arguments", strict)
        yield
