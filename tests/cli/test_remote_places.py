"""Places in the indexes of a server on another machine."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kodit.domain.errors import InvalidQueryError, NotFoundError
from kodit.faces.cli.remote_places import not_indexed, only_at

ONE: Any = SimpleNamespace(id=1, source="/one")
TWO: Any = SimpleNamespace(id=2, source="/two")


class Files:
    """What each index has, and where it was looked."""

    def __init__(self, *there: tuple[int, str]) -> None:
        self._there = there
        self.looked: list[tuple[int, str]] = []

    def look(self, index: Any, path: str) -> str:
        self.looked.append((index.id, path))
        if (index.id, path) not in self._there:
            raise NotFoundError(f"{index.id} has no {path}", code="file_not_found")
        return f"{index.id}:{path}"


def test_a_file_of_one_index() -> None:
    """Whichever it is, and with its own error where only one is meant."""
    files = Files((2, "a.py"))
    assert only_at("a.py", "a.py", [(ONE, ""), (TWO, "")], files.look) == "2:a.py"
    with pytest.raises(NotFoundError, match=r"1 has no a\.py") as missing:
        only_at("a.py", "a.py", [(ONE, "")], files.look)
    assert missing.value.code == "file_not_found"


def test_a_path_from_a_folder_or_from_the_top() -> None:
    """The folder that was named goes before the top; a path may lead out of it."""
    both = Files((1, "deep/a.py"), (1, "a.py"))
    assert only_at("a.py", "a.py", [(ONE, "deep")], both.look) == "1:deep/a.py"
    assert both.looked == [(1, "deep/a.py")]
    assert only_at("../a.py", "../a.py", [(ONE, "deep")], both.look) == "1:a.py"
    top = Files((1, "a.py"))
    assert only_at("a.py", "a.py", [(ONE, "deep")], top.look) == "1:a.py"
    with pytest.raises(NotFoundError, match=r"1 has no b\.py"):
        only_at("b.py", "b.py", [(ONE, "deep")], top.look)


def test_a_file_of_none_or_of_several_indexes() -> None:
    """Two folders of one index are not several."""
    files = Files((1, "a.py"), (1, "deep/a.py"), (2, "a.py"))
    assert only_at("a.py", "a.py", [(ONE, ""), (ONE, "deep")], files.look) == "1:a.py"
    with pytest.raises(InvalidQueryError) as several:
        only_at("a.py:3", "a.py", [(ONE, ""), (TWO, "")], files.look)
    assert str(several.value) == (
        "several indexes have a file 'a.py:3'; name one of them: /one (1), /two (2)"
    )
    assert (several.value.code, several.value.fields) == ("sources_several", {"path": "a.py:3"})
    with pytest.raises(NotFoundError, match=r"none of 2 indexes has a file 'b\.py'") as none:
        only_at("b.py:3", "b.py", [(ONE, ""), (TWO, "deep")], files.look)
    assert (none.value.code, none.value.fields) == ("file_in_no_index", {"path": "b.py"})


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("flask", "index_not_found"),
        ("a/b", "index_not_found"),
        ("/a/b", "source_not_indexed"),
        ("~/a", "source_not_indexed"),
        ("https://example.org/a", "source_not_indexed"),
        ("git@example.org:a", "source_not_indexed"),
    ],
)
def test_a_name_that_means_no_index(name: str, code: str) -> None:
    error = not_indexed(name)
    assert (error.code, list(error.fields.values())) == (code, [name])
    assert name in str(error)
