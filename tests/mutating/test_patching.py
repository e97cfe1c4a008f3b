"""A function that was imported runs the code of a mutant."""

from __future__ import annotations

import gc
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from benchmarks.mutating.edits import edits_of
from benchmarks.mutating.fork_server import Answer, Chosen, in_fork
from benchmarks.mutating.mutation import Lines
from benchmarks.mutating.patching import functions, patch

TEXT = """\
from functools import cache

LIMIT = 3


@cache
def is_small(number):
    return number < LIMIT


class Counter:
    def __init__(self, step=1):
        self.step = step

    def adder(self):
        def add(number):
            return number + self.step

        return add
"""


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    path = tmp_path / "patched.py"
    path.write_text(TEXT, "utf-8")
    spec = importlib.util.spec_from_file_location("patched", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize(
    ("old", "new", "results"),
    [
        ("number < LIMIT", "number <= LIMIT", (True, 3)),
        ("self.step = step", "self.step = 5", (False, 7)),
        ("number + self.step", "number - self.step", (False, 1)),
    ],
)
def test_functions_are_replaced(
    module: ModuleType, old: str, new: str, results: tuple[bool, int]
) -> None:
    assert module.__file__ is not None
    assert patch(module.__file__, TEXT, TEXT.replace(old, new))
    assert (module.is_small(3), module.Counter().adder()(2)) == results


def test_a_function_that_exists_before_is_replaced_too(module: ModuleType) -> None:
    add = module.Counter().adder()
    assert module.__file__ is not None
    assert patch(module.__file__, TEXT, TEXT.replace("number + self.step", "number - self.step"))
    assert add(2) == 1


def test_a_function_whose_memory_is_frozen_is_found_if_it_is_given(module: ModuleType) -> None:
    assert module.is_small.__wrapped__ in functions()
    assert module.__file__ is not None
    changed = TEXT.replace("number < LIMIT", "number <= LIMIT")
    gc.freeze()
    try:
        assert not patch(module.__file__, TEXT, changed)
        assert patch(module.__file__, TEXT, changed, [module.is_small.__wrapped__])
    finally:
        gc.unfreeze()
    assert module.is_small(3)


def test_nothing_is_replaced_by_the_same(module: ModuleType) -> None:
    assert module.__file__ is not None
    assert patch(module.__file__, TEXT, TEXT)
    assert not module.is_small(3)


def test_a_mistake_made_by_hand(tmp_path: Path) -> None:
    """Its text is there once; it belongs to the innermost function around it."""
    edits = tmp_path / "edits.toml"
    edits.write_text(
        """[[mutant]]
        module = "counter.py"
        old = "number + self.step"
        new = "number"
        [[mutant]]
        module = "counter.py"
        old = "LIMIT = 3"
        new = "LIMIT = 4"
        """
    )
    in_function, outside = edits_of(edits, {"counter.py": TEXT.encode()})
    assert in_function.apply(TEXT.encode()).decode() == TEXT.replace("number + self.step", "number")
    assert (in_function.statement, in_function.function) == (Lines(17, 17), Lines(17, 17))
    assert (outside.statement, outside.function) == (Lines(3, 3), None)
    with pytest.raises(ValueError, match=r"counter\.py has 2 times: 'number \+ self.step'"):
        edits_of(edits, {"counter.py": (TEXT + TEXT).encode()})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("@cache\n", ""),
        ("step=1", "step=2"),
        ("number + self.step", "(lambda: number + self.step)()"),
        ("number + self.step", "number + self.step  # the same"),
    ],
)
def test_what_runs_on_import_cannot_be_replaced(module: ModuleType, old: str, new: str) -> None:
    assert module.__file__ is not None
    assert not patch(module.__file__, TEXT, TEXT.replace(old, new))
    assert (module.is_small(3), module.Counter().adder()(2)) == (False, 3)


def test_a_fork_tells_what_it_found_or_how_it_ended() -> None:
    assert in_fork(lambda: (1, ["tests/a.py::b"]), 60.0) == Answer(1, ["tests/a.py::b"], "")
    assert in_fork(lambda: (0, []), 60.0) == Answer(0, [], "")
    broken = in_fork(lambda: (1 // 0, []), 60.0)
    assert (broken.code, broken.failed) == (1, [])
    assert broken.output.endswith("ZeroDivisionError: integer division or modulo by zero")


def test_tests_are_chosen_by_name_without_parameters_or_by_file(
    request: pytest.FixtureRequest,
) -> None:
    """In the order of their files, and within a file in that of the names."""
    items = [one for one in request.session.items if one.path == Path(__file__)]
    names = [one.nodeid for one in items]
    file = names[0].partition("::")[0]
    last = request.node.nodeid
    by_name = Chosen([last, f"{file}::test_functions_are_replaced", "tests/gone.py::test_it"])
    chosen = [one.nodeid for one in by_name.of(items)]
    assert chosen[0] == last
    assert set(chosen[1:]) == {one for one in names if "::test_functions_are_replaced[" in one}
    assert [one.nodeid for one in Chosen([file]).of(items)] == names
    assert Chosen(["tests/gone.py"]).of(items) == []
