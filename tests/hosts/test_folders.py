"""A folder belongs to the host that has it: nothing on another one touches it, compares it, or
takes it for gone."""

from __future__ import annotations

import asyncio
import shutil
from functools import partial
from pathlib import Path

import pytest
from tests.hosts.nodes import MakeNode, Node
from tests.support.command import PATIENCE_SECONDS

from kodit.application.services.standing_words import lacking_in
from kodit.application.views.left_out import ExplanationView
from kodit.composition.watching import make_watching
from kodit.domain.caller import Caller
from kodit.domain.entities import IndexRun
from kodit.domain.errors import SourceError
from kodit.domain.grep import Expression, GrepRequest
from kodit.domain.questions import ExplainQuestion, LeftOutQuestion, Where
from kodit.domain.search import SearchFilter
from kodit.domain.value_objects import RunState, TaskType

CODE = "def quartz():\n    return 1\n"


@pytest.fixture
def here(make_node: MakeNode) -> Node:
    return make_node("here")


@pytest.fixture
def there(make_node: MakeNode) -> Node:
    return make_node("there")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "shop"
    path.mkdir()
    (path / "a.py").write_text(CODE)
    return path


def test_the_same_path_on_two_hosts(folder: Path, here: Node, there: Node) -> None:
    """Two folders, and two indexes."""
    first, second = here.request(folder), there.request(folder)
    assert first.index_id != second.index_id
    for node, run in ((here, first), (there, second)):
        assert node.request(folder).index_id == run.index_id
        assert node.application.locator.locate(str(folder)).id == run.index_id
        held = node.application.locator.holding(str(folder / "a.py"))
        assert held is not None
        assert (held.index.id, held.path) == (run.index_id, "a.py")


def test_a_folder_that_every_host_has(folder: Path, make_node: MakeNode) -> None:
    """One index, which any of them serves."""
    one, other = (make_node(name, folder.parent) for name in ("one", "other"))
    run = one.request(folder)
    assert other.request(folder).index_id == run.index_id
    one.serve(TaskType.SYNC)
    other.serve(TaskType.EXTRACT)
    other.serve_all()
    assert one.read(run.index_id or 0, "a.py") == other.read(run.index_id or 0, "a.py") == CODE


def test_what_reads_a_folder_is_done_on_its_host(folder: Path, here: Node, there: Node) -> None:
    run = here.request(folder)
    assert there.claim() is None
    here.serve(TaskType.SYNC)
    assert there.claim() is None
    here.serve(TaskType.EXTRACT)
    there.serve(TaskType.BM25_INDEX, TaskType.CODE_EMBEDDINGS)
    assert there.claim() is None
    here.serve(TaskType.ENRICH)
    [ended] = here.runs()
    assert (ended.id, ended.state) == (run.id, RunState.SUCCEEDED)


def test_another_host_asks_for_a_folder(folder: Path, here: Node, there: Node) -> None:
    """By the number of its index; the run waits for a worker on the folder's host. The path means
    a folder of the caller's own machine."""
    index_id = here.request(folder).index_id
    here.serve_all()
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "b.py").write_text("def basalt(): ...\n")
    run = there.request(str(index_id))
    assert run.index_id == index_id
    assert there.claim() is None
    with pytest.raises(SourceError, match="is not indexed"):
        there.application.locator.locate(str(folder))
    own = there.request(folder)
    assert own.index_id != index_id


def test_a_folder_of_another_host_is_found_by_its_name(
    folder: Path, here: Node, there: Node
) -> None:
    """Unless one of the caller's own machine has that name."""
    index_id = here.request(folder).index_id
    assert there.application.locator.locate("shop").id == index_id
    own = there.request(folder).index_id
    assert there.application.locator.locate("shop").id == own


def test_what_the_database_has_is_shown_everywhere(folder: Path, here: Node, there: Node) -> None:
    index_id = here.request(folder).index_id or 0
    here.serve_all()
    browse = there.application.browse
    [file] = browse.list_files(SearchFilter())
    assert file.path == "a.py"
    outline = browse.outline(index_id, "a.py")
    assert [one.snippet.symbol for one in outline.definitions] == ["quartz"]


def test_what_needs_the_files_names_their_host(folder: Path, here: Node, there: Node) -> None:
    index_id = here.request(folder).index_id or 0
    here.serve_all()
    told = f"{folder} is a folder of the host here, where alone its files can be read"
    with pytest.raises(SourceError, match=told) as refused:
        there.read(index_id, "a.py")
    assert refused.value.code == "source_on_another_host"
    with pytest.raises(SourceError, match=told):
        there.run(lambda: there.application.grep.grep(GrepRequest(Expression("def"))))
    with pytest.raises(SourceError, match=told):
        there.run(
            lambda: there.application.left_out_answers.left_out(
                Caller(), LeftOutQuestion(Where(everywhere=True))
            )
        )


def test_grep_over_folders_of_several_hosts(folder: Path, here: Node, there: Node) -> None:
    """Those of another one are reported beside the matches, indexed or not."""
    here.request(folder)
    own = there.request(folder).index_id
    for is_indexed in (False, True):
        if is_indexed:
            here.serve_all()
        answer = there.run(lambda: there.application.grep.grep(GrepRequest(Expression("def"))))
        assert [match.index_id for match in answer.matches] == [own]
        assert [problem.partition(",")[0] for problem in answer.problems] == [
            f"{folder} is a folder of the host here"
        ]


def test_explaining_a_file_of_one_of_several_hosts(folder: Path, here: Node, there: Node) -> None:
    """The file at hand, unless only another host can tell."""
    other = here.request(folder).index_id
    own = there.request(folder).index_id

    def explained(question: ExplainQuestion) -> ExplanationView:
        return there.run(lambda: there.application.left_out_answers.explain(Caller(), question))

    assert explained(ExplainQuestion("a.py", Where(everywhere=True))).index_id == own
    with pytest.raises(SourceError) as refused:
        explained(ExplainQuestion("a.py", Where((str(other),))))
    assert refused.value.code == "source_on_another_host"


def test_deleting_an_index_of_another_host(folder: Path, here: Node, there: Node) -> None:
    """What one host remembers as deleted, another one has not deleted."""
    index_id = here.request(folder).index_id or 0
    there.run(lambda: there.application.indexes.delete(index_id))
    assert here.indexes() == []
    assert here.application.locator.was_deleted(str(folder))
    assert not there.application.locator.was_deleted(str(folder))
    assert (folder / "a.py").exists()


def test_no_host_compares_a_folder_of_another(folder: Path, here: Node, there: Node) -> None:
    here.request(folder)
    here.serve_all()
    [index] = here.indexes()
    (folder / "b.py").write_text("def basalt(): ...\n")
    for node, is_its_own in ((here, True), (there, False)):
        node.application.compares_folders = True
        assert node.application.comparisons.is_outdated(index) == is_its_own
        [standing] = node.application.standing.of(SearchFilter())
        [compared] = node.application.comparisons.with_changes([standing])
        assert compared.changed_files == is_its_own


def test_a_folder_is_watched_on_its_host(folder: Path, here: Node, there: Node) -> None:
    """Elsewhere, the folder at that path is another one."""
    own = {node.name: node.request(folder).index_id for node in (here, there)}

    async def watched(node: Node) -> frozenset[int]:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(make_watching(node.application).run())
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not (found := node.application.known_changes.watched):  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.01)
            watching.cancel()
            return found

    for node in (here, there):
        assert node.run(partial(watched, node)) == {own[node.name]}


def test_what_nobody_alive_can_serve_is_shown_as_such(
    folder: Path, here: Node, there: Node
) -> None:
    """To everybody, until a worker runs on that host."""
    run = here.request(folder)
    told = "waits for a worker on here; none is running there"
    elsewhere = there.application.registry
    elsewhere.enter(there.application.claim_rules)
    own = here.application.registry
    for node in (here, there):
        assert why_waiting(node, run) == ("no_worker_on_host", told)
        [standing] = node.application.standing.of(SearchFilter())
        assert lacking_in(standing) == (
            f"{folder} (index {run.index_id}) is still being indexed, 0 % and {told}"
        )
    own.enter(here.application.claim_rules)
    for node in (here, there):
        assert why_waiting(node, run) == (None, "next in line")
        [standing] = node.application.standing.of(SearchFilter())
        assert standing.waits_for_host is None
    own.leave()
    elsewhere.leave()


def why_waiting(node: Node, run: IndexRun) -> tuple[str | None, str]:
    """Why the first task of a run waits, with the code."""
    [now] = node.runs()
    assert now.id == run.id
    queue, registry = node.application.queue, node.application.registry
    overview = node.run(lambda: queue.overview(registry, [now]))
    why = overview.why(now.tasks[0], now)
    is_held_back = now.tasks[0].id in overview.held_back
    assert is_held_back == (why.code == "no_worker_on_host")
    return why.code, why.text
