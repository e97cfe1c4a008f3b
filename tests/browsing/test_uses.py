"""The uses of a definition, their kinds, and whether that definition is meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sources import write_file

from kodit import Kodit
from kodit.domain.errors import InvalidQueryError
from kodit.domain.symbols import SymbolAnswer

FILES = {
    "store/pool.py": '''"""Connections."""

from store.errors import Exhausted


class Pool:
    """Keeps connections."""

    def acquire(self, timeout):
        """Wait for a connection."""
        if timeout < 0:
            raise Exhausted("acquire took too long")
        return self.create()

    def create(self):
        return Connection()


class Connection:
    pass


class LimitedPool(Pool):
    def create(self):
        # acquire is what callers use
        return Connection()
''',
    "store/errors.py": "class Exhausted(Exception):\n    pass\n",
    "store/locks.py": """class Lock:
    def acquire(self):
        return True


def locked():
    lock = Lock()
    lock.acquire()
    return lock
""",
    "app.py": """import threading

from store.pool import LimitedPool, Pool


def main(pool: Pool):
    pool.acquire(3)
    LimitedPool().acquire(4)
    print("acquire", Pool.acquire)


def other(thing):
    thing.acquire(5)


def elsewhere():
    threading.acquire(6)
""",
    "notes.md": "# Notes\n\n`acquire` waits.\n",
}


@pytest.fixture(scope="module")
def kodit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kodit]:
    folder = tmp_path_factory.mktemp("uses")
    for path, text in FILES.items():
        write_file(folder / "code" / path, text)
    with Kodit(folder / "data") as opened:
        opened.index(folder / "code")
        yield opened


def told(answer: SymbolAnswer) -> list[tuple[str, str, int, str, bool]]:
    return [
        (one.use.value, one.snippet.path, one.line, one.within, one.is_likely)
        for one in answer.references
    ]


def test_uses_by_kind_with_the_definition_around_them(kodit: Kodit) -> None:
    """The lock's calls are not the pool's, those of `threading` belong to neither, and a parameter
    without a type is unknown."""
    assert told(kodit.symbols("Pool.acquire")) == [
        ("call", "app.py", 7, "main", False),
        ("call", "app.py", 8, "main", False),
        ("read", "app.py", 9, "main", False),
        ("text", "store/pool.py", 12, "Pool.acquire", True),
        ("text", "store/pool.py", 25, "LimitedPool.create", True),
        ("text", "notes.md", 3, "Notes", True),
    ]
    lock = [one[:3] for one in told(kodit.symbols("Lock.acquire", uses="callers"))]
    assert ("call", "store/locks.py", 8) in lock
    assert not {("call", "app.py", 7), ("call", "app.py", 17)} & set(lock)


def test_only_callers_implementations_or_imports(kodit: Kodit) -> None:
    callers = kodit.symbols("Pool.acquire", uses="callers")
    assert {one.use.value for one in callers.references} == {"call"}
    assert len(callers.definitions) == 1
    assert told(kodit.symbols("Pool", uses="implementations")) == [
        ("inherits", "store/pool.py", 23, "LimitedPool", False)
    ]
    assert told(kodit.symbols("Pool", uses="imports")) == [("import", "app.py", 3, "", False)]


def test_callees_with_where_they_are_defined(kodit: Kodit) -> None:
    answer = kodit.symbols("Pool.acquire", uses="callees")
    assert [
        (one.name, one.line, one.target and (one.target.path, one.target.scope), one.is_likely)
        for one in answer.references
    ] == [
        ("Exhausted", 12, ("store/errors.py", ""), False),
        ("create", 13, ("store/pool.py", "Pool"), False),
    ]
    assert [one.name for one in kodit.symbols("locked", uses="callees").references] == [
        "Lock",
        "acquire",
    ]


def test_other_uses_are_refused(kodit: Kodit) -> None:
    with pytest.raises(InvalidQueryError, match="callers"):
        kodit.symbols("Pool", uses="readers")


def test_a_deleted_file_uses_nothing(tmp_path: Path) -> None:
    for path, text in FILES.items():
        write_file(tmp_path / "code" / path, text)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "code")
        (tmp_path / "code/app.py").unlink()
        kodit.index(tmp_path / "code")
        paths = {one.snippet.path for one in kodit.symbols("Pool").references}
        assert "app.py" not in paths
        write_file(tmp_path / "code/store/locks.py", "from store.pool import Pool\n\nPool()\n")
        kodit.index(tmp_path / "code")
        assert [one[:3] for one in told(kodit.symbols("Pool", uses="callers"))] == [
            ("call", "store/locks.py", 3)
        ]
