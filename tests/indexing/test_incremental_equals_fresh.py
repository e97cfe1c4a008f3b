"""Whatever happens to a repository, and whenever indexing is killed: incremental indexing gives
exactly the result of a fresh index.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from tests.support.command import KoditCommand, finish, kill_group
from tests.support.snapshot import take_snapshot
from tests.support.sources import commit_all, git, write_file

from kodit import Kodit

pytestmark = pytest.mark.every_store

NAMES = (
    "lantern.py",
    "src/Basket.py",
    "src/deep/ember.md",
    "src/walnut.txt",
    "garden.js",
    "LANTERN.py",
)
WORDS = ("anchor", "basket", "whisper", "thunder", "enumerate", "position")
BRANCHES = ("main", "other")

names = st.sampled_from(NAMES)
words = st.lists(st.sampled_from(WORDS), min_size=0, max_size=6)


def content(name: str, chosen: list[str]) -> str:
    """A definition for each word, roughly in the file's language."""
    if name.endswith(".md"):
        return "".join(f"# The {word}\n\nA guide to the {word}.\n\n" for word in chosen)
    if name.endswith(".js"):
        return "".join(
            f"function {word}(x) {{\n  return {word}(x) + '{word}';\n}}\n\n" for word in chosen
        )
    if name.endswith(".py"):
        return "".join(
            f"def {word}(position):\n    return {word}.{word}(position), '{word}'\n\n\n"
            for word in chosen
        )
    return "".join(f"{word} at the end of the line\n" for word in chosen)


class Repository(RuleBasedStateMachine):
    """A work tree, indexed in place and through its URL."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="kodit-machine-"))
        self.tree = self.place / "tree"
        write_file(self.tree / NAMES[0], content(NAMES[0], ["anchor", "basket"]))
        commit_all(self.tree)
        git(self.tree, "branch", "other")
        self.sources = (str(self.tree), self.tree.as_uri())

    def teardown(self) -> None:
        try:
            self.index()
            assert self.snapshot("data") == self.fresh_snapshot()
        finally:
            shutil.rmtree(self.place)

    # What happens to the work tree

    @rule(name=names, chosen=words)
    def write(self, name: str, chosen: list[str]) -> None:
        """Add a file, or edit it, or empty it."""
        write_file(self.tree / name, content(name, chosen))

    @rule(name=names, other=names)
    def rename(self, name: str, other: str) -> None:
        """Even if only the case differs, or over another file."""
        if (self.tree / name).exists() and name != other:
            (self.tree / other).parent.mkdir(parents=True, exist_ok=True)
            (self.tree / name).rename(self.tree / other)

    @rule(name=names)
    def delete(self, name: str) -> None:
        (self.tree / name).unlink(missing_ok=True)

    @rule(name=names, mode=st.sampled_from((0o644, 0o755)))
    def change_mode(self, name: str, mode: int) -> None:
        if (self.tree / name).exists():
            (self.tree / name).chmod(mode)

    @rule(name=names, seconds=st.sampled_from((-3600, 0, 3600)))
    def touch(self, name: str, seconds: int) -> None:
        """The stamp changes, the content does not."""
        if (self.tree / name).exists():
            moment = time.time() + seconds
            os.utime(self.tree / name, (moment, moment))

    @rule(ignored=st.sampled_from(("", "*.txt\n", "src/\n!src/Basket.py\n")))
    def ignore(self, ignored: str) -> None:
        write_file(self.tree / ".gitignore", ignored)

    # What happens to the repository

    @rule()
    def commit(self) -> None:
        commit_all(self.tree)

    @rule()
    def revert(self) -> None:
        """Back to the previous commit, as after a force push for a clone."""
        commit_all(self.tree)
        git(self.tree, "reset", "--quiet", "--hard", "HEAD~1")

    @rule(branch=st.sampled_from(BRANCHES))
    def switch(self, branch: str) -> None:
        commit_all(self.tree)
        git(self.tree, "checkout", "--quiet", branch)

    # Indexing

    @rule()
    def index(self) -> None:
        with Kodit(self.place / "data") as kodit:
            kodit.index(*self.sources)

    @precondition(lambda self: (self.place / "data").exists())
    @rule(seconds=st.floats(0.2, 1.5))
    def index_and_kill(self, seconds: float) -> None:
        """kill -9 for the whole process group, wherever it is then."""
        process = KoditCommand(self.place / "data").start("index", *self.sources)
        time.sleep(seconds)
        kill_group(process)
        finish(process)

    # What must hold

    def snapshot(self, name: str) -> object:
        return take_snapshot(self.place / name, WORDS)

    def fresh_snapshot(self) -> object:
        with Kodit(self.place / "fresh") as kodit:
            kodit.index(*self.sources)
        return self.snapshot("fresh")


@pytest.mark.slow
def test_incremental_equals_fresh() -> None:
    """`KODIT_TEST_EXAMPLES` sets a larger number than the usual few."""
    examples = int(os.environ.get("KODIT_TEST_EXAMPLES", "3"))
    run_state_machine_as_test(
        Repository,
        settings=settings(
            max_examples=examples,
            stateful_step_count=14,
            deadline=None,
            derandomize="KODIT_TEST_EXAMPLES" not in os.environ,
            print_blob=True,
        ),
    )
