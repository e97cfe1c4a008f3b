"""Which commits of submodules are in a clone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.sources import git

from kodit.infrastructure.git.submodules import REFS, fetched_commits

if TYPE_CHECKING:
    from tests.git.conftest import MakeRepository


def test_a_name_alone_does_not_make_a_commit(make_repository: MakeRepository) -> None:
    """A name is that of the commit that it leads to, or means nothing."""
    repository = make_repository("clone")
    there, other = (repository.commit({"a.py": text}) for text in ("a = 1\n", "a = 2\n"))
    git(repository.path, "update-ref", f"{REFS}/{there}", there)
    git(repository.path, "update-ref", f"{REFS}/{'1' * 40}", other)
    assert fetched_commits(repository.path / ".git") == {there}
