"""A git source is served by every node, each with a clone of its own."""

from __future__ import annotations

import pytest
from tests.git.conftest import MakeRepository, Repository
from tests.hosts.nodes import MakeNode, Node

from kodit.domain.errors import CommitGoneError, TransientError
from kodit.domain.grep import Expression, GrepRequest
from kodit.domain.report import ignore_report
from kodit.domain.value_objects import RunState, TaskState, TaskType

FIRST = {"a.py": "def quartz():\n    return 1\n", "b.py": "def basalt():\n    return 2\n"}
LATER = {"a.py": "def quartz():\n    return 3\n"}
OTHER = {"a.py": "def granite():\n    return 4\n"}


@pytest.fixture
def repository(make_repository: MakeRepository) -> Repository:
    made = make_repository()
    made.commit(FIRST)
    return made


@pytest.fixture
def here(make_node: MakeNode) -> Node:
    return make_node("here")


@pytest.fixture
def there(make_node: MakeNode) -> Node:
    return make_node("there")


def push_by_force(repository: Repository, files: dict[str, str]) -> str:
    """Replace the only commit; returns the new one."""
    for path, content in files.items():
        repository.write(path, content)
    repository.git("add", "--all")
    repository.git("commit", "--amend", "--message", "another")
    return repository.git("rev-parse", "HEAD")


def forget_other_commits(repository: Repository) -> None:
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "--quiet", "--prune=now")


def test_another_node_extracts_what_one_has_scanned(
    repository: Repository, here: Node, there: Node
) -> None:
    run = here.request(repository.url)
    here.serve(TaskType.SYNC)
    there.serve(TaskType.EXTRACT)
    there.serve_all()
    for node in (here, there):
        assert node.read(run.index_id or 0, "a.py") == FIRST["a.py"]


def test_the_branch_moves_on_before_the_files_are_read(
    repository: Repository, here: Node, there: Node
) -> None:
    """The commit that was scanned is read, also when the source's ref is elsewhere."""
    run = here.request(repository.url)
    here.serve(TaskType.SYNC)
    push_by_force(repository, OTHER)
    there.serve(TaskType.EXTRACT)
    there.serve_all()
    assert there.read(run.index_id or 0, "a.py") == FIRST["a.py"]
    assert there.read(run.index_id or 0, "b.py") == FIRST["b.py"]


def test_a_clone_that_is_behind_fetches_what_it_lacks(
    repository: Repository, here: Node, there: Node
) -> None:
    """It is not cloned again."""
    run = here.request(repository.url)
    here.serve_all()
    index_id = run.index_id or 0
    assert there.read(index_id, "a.py") == FIRST["a.py"]
    (there.clone(index_id) / "mark").touch()
    repository.commit(LATER)
    here.request(repository.url)
    here.serve(TaskType.SYNC)
    there.serve(TaskType.EXTRACT)
    there.serve_all()
    assert there.read(index_id, "a.py") == LATER["a.py"]
    assert (there.clone(index_id) / "mark").exists()


def test_files_are_read_as_they_were_indexed_while_a_scan_is_stored(
    repository: Repository, here: Node
) -> None:
    """The clone is ahead of the database for a moment, in which nothing needs to be fetched."""
    run = here.request(repository.url)
    here.serve_all()
    [index] = here.indexes()
    push_by_force(repository, OTHER)
    reader = here.application.engines.reader
    here.run(lambda: reader.scan(index, {}, ignore_report))
    repository.path.rename(repository.path.with_name("elsewhere"))
    assert here.read(run.index_id or 0, "a.py") == FIRST["a.py"]


def test_grep_on_a_node_without_the_clone(repository: Repository, here: Node, there: Node) -> None:
    here.request(repository.url)
    here.serve_all()
    asked = GrepRequest(Expression("def"))
    answer = there.run(lambda: there.application.grep.grep(asked))
    assert [match.path for match in answer.matches] == ["a.py", "b.py"]
    assert answer.problems == ()


def test_a_damaged_clone_is_made_again_at_the_scanned_commit(
    repository: Repository, here: Node, there: Node
) -> None:
    run = here.request(repository.url)
    here.serve(TaskType.SYNC)
    push_by_force(repository, OTHER)
    [index] = there.indexes()
    reader = there.application.engines.reader
    there.run(lambda: reader.extract(index, [], {}, ignore_report))
    for pack in (there.clone(index.id) / "objects").glob("pack/*"):
        pack.chmod(0o600)
        pack.write_bytes(b"no pack")
    there.serve(TaskType.EXTRACT)
    there.serve_all()
    assert there.read(run.index_id or 0, "a.py") == FIRST["a.py"]


def test_the_commit_is_gone(repository: Repository, here: Node, there: Node) -> None:
    """Nothing blames the source, and no file counts as vanished."""
    run = here.request(repository.url)
    here.serve_all()
    push_by_force(repository, OTHER)
    forget_other_commits(repository)
    with pytest.raises(CommitGoneError, match="no longer has the commit"):
        there.read(run.index_id or 0, "a.py")
    assert here.read(run.index_id or 0, "a.py") == FIRST["a.py"]


def test_a_commit_that_is_gone_is_scanned_again(
    repository: Repository, here: Node, there: Node
) -> None:
    """In the same run, by any node, until the retry budget is spent."""
    run = here.request(repository.url)
    here.serve(TaskType.SYNC)
    push_by_force(repository, OTHER)
    forget_other_commits(repository)
    task = there.claim()
    assert task is not None
    with pytest.raises(CommitGoneError) as gone:
        there.work(task)
    assert there.fail(task, gone.value) is TaskState.BLOCKED
    [same] = there.runs()
    assert (same.id, same.state) == (run.id, RunState.RUNNING)
    assert same.tasks[1].error == str(gone.value)
    there.request(repository.url)  # ends the back-off
    there.serve_all()
    ended = min(there.runs(), key=lambda one: one.id)
    assert (ended.id, ended.state) == (run.id, RunState.SUCCEEDED)
    assert there.read(run.index_id or 0, "a.py") == OTHER["a.py"]


def test_what_another_host_has_deleted_is_removed(
    repository: Repository, here: Node, there: Node
) -> None:
    """In time: the clone of each data directory."""
    run = here.request(repository.url)
    here.serve_all()
    index_id = run.index_id or 0
    there.read(index_id, "a.py")
    here.run(lambda: here.application.indexes.delete(index_id))
    assert not here.clone(index_id).exists()
    assert there.clone(index_id).exists()
    chores = {chore.name: chore.do_piece for chore in there.application.chores}
    there.run(chores["remove what was deleted elsewhere"])
    assert not there.clone(index_id).exists()


def test_a_new_clone_lacks_what_is_about_to_be_replaced(
    repository: Repository, here: Node, there: Node
) -> None:
    """Until the run has read the new version, and then it is shown; the clone is not damaged."""
    run = here.request(repository.url)
    here.serve_all()
    repository.commit(LATER)
    here.request(repository.url)
    here.serve(TaskType.SYNC)
    index_id = run.index_id or 0
    with pytest.raises(TransientError, match="lacks the earlier version") as behind:
        there.read(index_id, "a.py")
    assert behind.value.code == "clone_behind"
    assert there.read(index_id, "b.py") == FIRST["b.py"]
    here.serve(TaskType.EXTRACT)
    assert there.read(index_id, "a.py") == LATER["a.py"]
