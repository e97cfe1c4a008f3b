"""How large files may be, in this process and in its children."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kodit.infrastructure import file_sizes
from kodit.infrastructure.file_sizes import (
    USUAL_LIMIT,
    VARIABLE,
    for_children,
    limit_of,
    set_limit,
    usual_limit,
)


@pytest.fixture(autouse=True)
def limit_as_before() -> Iterator[None]:
    before = usual_limit()
    yield
    set_limit(before)


@pytest.mark.parametrize(
    ("text", "given"),
    [(None, USUAL_LIMIT), ("12", 12), ("", USUAL_LIMIT), ("many", USUAL_LIMIT)],
)
def test_a_child_has_the_limit_that_it_is_given(
    monkeypatch: pytest.MonkeyPatch, text: str | None, given: int
) -> None:
    """What is no number cannot come from Kodit."""
    if text is None:
        monkeypatch.delenv(VARIABLE, raising=False)
    else:
        monkeypatch.setenv(VARIABLE, text)
    assert file_sizes._given() == given


def test_the_limit_is_passed_on() -> None:
    set_limit(20)
    assert for_children() == {VARIABLE: "20"}
    assert usual_limit() == 20


@pytest.mark.parametrize(
    ("path", "limit"), [("a.py", 20), ("a.ipynb", 200), ("b/A.IPYNB", 200), ("a.ipynb.py", 20)]
)
def test_notebooks_may_be_larger(path: str, limit: int) -> None:
    set_limit(20)
    assert limit_of(path) == limit
