"""Fixtures of this folder."""

from __future__ import annotations

import pytest
from tests.support.command import KoditCommand
from tests.support.fixtures import kodit
from tests.support.sources import commit_all, python_function, write_file, write_tree

__all__ = ["indexed", "kodit"]

HOSTILE = "evil\x1b[2J\nname.py"


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> KoditCommand:
    """The command over two indexes, which tests only read: 1, a folder with a file whose name
    steers terminals, and 2, a repository."""
    place = tmp_path_factory.mktemp("indexed")
    for name in ("folder", "repository"):
        write_tree(place / name, files=4)
    write_file(place / "folder" / "deep" / "quartz.py", python_function("quartz", "a b c".split()))
    write_file(place / "folder" / HOSTILE, python_function("evil", "quartz b c".split()))
    commit_all(place / "repository")
    kodit = KoditCommand(place / "data")
    kodit.succeed("index", place / "folder", (place / "repository").as_uri())
    return kodit
