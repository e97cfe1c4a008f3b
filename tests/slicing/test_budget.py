"""The parser's limits, and the thread for deep recursion."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kodit.infrastructure.slicing import budget
from kodit.infrastructure.slicing.budget import Budget, GaveUpError
from kodit.infrastructure.slicing.deep_stack import with_deep_stack
from kodit.infrastructure.slicing.grammars import _SHALLOW_BYTES, load_grammar

CALLS = 64
"""Between two checks of the clock and the memory."""


def looks(spent: Budget) -> list[bool]:
    return [spent.is_spent("what", "a callback is told") for _ in range(CALLS)]


def test_time_is_checked_now_and_then() -> None:
    """A check costs more than all the calls between; an exhausted budget stays exhausted."""
    spent = Budget(-1.0)
    assert looks(spent) == [False] * (CALLS - 1) + [True]
    assert spent.reason == "parser ran out of time"
    with pytest.raises(GaveUpError, match="parser ran out of time"):
        spent.check()


def test_parsing_continues_within_time_and_memory() -> None:
    rich = Budget(600.0)
    assert not any(looks(rich))
    assert rich.reason == ""
    rich.check()


@pytest.mark.parametrize(("whole", "part"), [(60.0, -1.0), (-1.0, 60.0)])
def test_a_share_is_over_with_its_own_time_and_with_the_whole(whole: float, part: float) -> None:
    with pytest.raises(GaveUpError, match="parser ran out of time"):
        Budget(whole).share(part).check()


def test_memory_is_counted_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """In addition to what this process has already."""
    monkeypatch.setattr(budget, "MEMORY_LIMIT_BYTES", 2**30)
    assert not any(looks(Budget(600.0)))
    monkeypatch.setattr(budget, "MEMORY_LIMIT_BYTES", -(2**40))
    spent = Budget(600.0)
    assert looks(spent)[-1]
    assert spent.reason == "parser ran out of memory"
    spent.check()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux")
def test_memory_is_counted_in_bytes() -> None:
    lines = Path("/proc/self/status").read_text().splitlines()
    (told,) = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")]
    assert told / 2 < Budget(1.0)._resident() < told * 2


def test_a_deep_stack_returns_the_result() -> None:
    """Or the error, from a separate thread; other threads have the usual stack."""
    before = threading.stack_size()
    assert with_deep_stack(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        with_deep_stack(lambda: 1 / 0)
    assert threading.stack_size() == before


@pytest.mark.parametrize(("size", "is_deep"), [(_SHALLOW_BYTES, False), (_SHALLOW_BYTES + 1, True)])
def test_large_sources_are_parsed_on_a_deep_stack(size: int, is_deep: bool) -> None:
    class Watched(Budget):
        threads: set[int] = set()  # noqa: RUF012 - of this class alone

        def is_spent(self, *_: object) -> bool:
            self.threads.add(threading.get_ident())
            return False

    load_grammar("python").parse(b"x = 1\n".ljust(size, b"\n"), Watched(600.0))
    if Watched.threads:
        assert (threading.get_ident() not in Watched.threads) is is_deep


def test_definitions_are_not_searched_for_in_the_depths() -> None:
    """Of a tree of thousands of levels."""
    grammar = load_grammar("python")
    depth = 300
    nested = b"".join(b" " * level + b"class A:\n" for level in range(depth))
    nested += b" " * depth + b"pass\n"
    found = grammar.matches(grammar.parse(nested, Budget(60.0)), Budget(60.0)).definitions
    assert 200 < len(found) < depth
