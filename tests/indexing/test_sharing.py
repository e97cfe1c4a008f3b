"""Indexes whose sources are alike store what they have in common once, and each answers as if it
were alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.indexing.sharing import (
    KEEPER,
    LANTERN,
    NEWER,
    TREE,
    alone,
    index,
    not_had,
    problems,
    sizes,
    tidied,
    told,
    write,
)
from tests.indexing.test_another_model import OtherApplication
from tests.support.answers import MODES
from tests.support.serving import ServingKodit, work_of
from tests.support.snapshot import read_rows
from tests.support.sources import commit_all, git, write_file

from kodit.composition import Application
from kodit.domain.search import SearchFilter, SearchMode, SearchRequest, SearchResult

PARTS = ("versions", "snippets", "vectors")


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[ServingKodit]:
    """Unused contents are kept."""
    with ServingKodit(tmp_path / "data") as serving:
        yield serving


@pytest.fixture
def tidy(tmp_path: Path) -> Iterator[ServingKodit]:
    """Unused contents are not kept."""
    with ServingKodit(tmp_path / "data", keep_unused_days=0) as serving:
        yield serving


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """Two that differ in a file."""
    first = write(tmp_path / "first")
    return first, write(tmp_path / "second", {**TREE, "lantern.py": NEWER})


def search(
    serving: ServingKodit, query: str, mode: SearchMode, **chosen: Any
) -> list[SearchResult]:
    """Results of all indexes, or of those chosen."""

    async def ask(application: Application) -> list[SearchResult]:
        request = SearchRequest(query, mode, SearchFilter(**chosen), limit=1000)
        return application.search.search(request)

    return serving.call(ask)


def delete(serving: ServingKodit, index_id: int) -> None:
    serving.call(lambda application: application.indexes.delete(index_id))


def places_of(result: SearchResult) -> list[tuple[str, str, int]]:
    """The last folder of the source, the path and the index, of the result and its copies."""
    shown = (result.snippet.source, result.snippet.path, result.snippet.index_id)
    copies = [(copy.source, copy.path, copy.index_id) for copy in result.also_in]
    return [(source.rpartition("/")[2], path, owner) for source, path, owner in (shown, *copies)]


def growth(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {table: after[table] - before[table] for table in PARTS}


def test_a_second_worktree_costs_its_difference(
    serving: ServingKodit, trees: tuple[Path, Path], tmp_path: Path
) -> None:
    first, second = (trees[0], trees[1])
    one = index(serving, first)
    before = sizes(serving.data_dir)
    serving.work()
    run = serving.index(second)
    assert (work_of(run)["files_parsed"], work_of(run)["files_reused"]) == (1, 3)
    assert serving.work() == {"files_parsed": 1, "texts_embedded": 4, "snippets_enriched": 2}
    assert growth(before, sizes(serving.data_dir)) == {"versions": 1, "snippets": 2, "vectors": 4}
    assert run.index_id is not None
    for index_id, tree in ((one, first), (run.index_id, second)):
        assert told(serving, index_id) == alone(tmp_path, tree)
    assert problems(serving) == []


@pytest.mark.parametrize("mode", MODES)
def test_over_both_a_text_is_one_result(
    serving: ServingKodit, trees: tuple[Path, Path], mode: SearchMode
) -> None:
    """Which names its other place; what only one has is found once."""
    for tree in trees:
        index(serving, tree)
    found = search(serving, "light lantern", mode)
    texts = [one.snippet.text for one in found]
    assert len(texts) == len(set(texts))
    places = {
        one.snippet.symbol: places_of(one)
        for one in found
        if one.snippet.path == "shed/keeper.py" or one.snippet.text.count("light_lantern") == 1
    }
    assert places["Keeper"] == [("first", "shed/keeper.py", 1), ("second", "shed/keeper.py", 2)]
    lights = sorted(
        (one.snippet.index_id, one.snippet.text.partition("\n")[0], len(one.also_in))
        for one in found
        if one.snippet.symbol == "light_lantern"
    )
    assert [one[0::2] for one in lights] == [(1, 0), (2, 0)]


@pytest.mark.parametrize("edited", [0, 1])
def test_an_edit_leaves_the_other_as_it_was(
    tidy: ServingKodit, tmp_path: Path, edited: int
) -> None:
    """Before the run that follows the edit, and afterwards."""
    trees = [write(tmp_path / "first"), write(tmp_path / "second")]
    ids = [index(tidy, tree) for tree in trees]
    before = told(tidy, ids[1 - edited])
    write_file(trees[edited] / "lantern.py", NEWER)
    (trees[edited] / "store.py").unlink()
    assert told(tidy, ids[1 - edited]) == before
    index(tidy, trees[edited])
    assert told(tidy, ids[1 - edited]) == before
    assert told(tidy, ids[edited]) == alone(tmp_path, trees[edited])
    assert problems(tidy) == []
    assert not_had(tidy.data_dir) == {}


@pytest.mark.parametrize("deleted", [0, 1])
def test_one_of_them_is_deleted(
    tidy: ServingKodit, trees: tuple[Path, Path], tmp_path: Path, deleted: int
) -> None:
    """Everything of the other still works, nothing else stays, and it can be changed."""
    ids = [index(tidy, tree) for tree in trees]
    tree, left = trees[1 - deleted], ids[1 - deleted]
    delete(tidy, ids[deleted])
    with ServingKodit(tmp_path / "fresh", keep_unused_days=0) as fresh:
        expected = told(fresh, index(fresh, tree))
        assert told(tidy, left) == expected
        assert sizes(tidy.data_dir) == sizes(fresh.data_dir)
        assert problems(tidy) == []
        assert not_had(tidy.data_dir) == {}

        write_file(tree / "shed/keeper.py", KEEPER.replace("evening", "night"))
        for serving, number in ((tidy, left), (fresh, 1)):
            assert index(serving, tree) == number
            tidied(serving)
        assert told(tidy, left) == told(fresh, 1)
        assert sizes(tidy.data_dir) == sizes(fresh.data_dir)
        again = index(tidy, trees[deleted])
    assert told(tidy, again) == alone(tmp_path, trees[deleted])
    for index_id in (again, left):
        delete(tidy, index_id)
    assert read_rows(tidy.data_dir, "SELECT id FROM indexes") == []
    assert set(sizes(tidy.data_dir).values()) == {0}
    assert problems(tidy) == []


def test_files_that_are_gone_leave_nothing(tidy: ServingKodit, tmp_path: Path) -> None:
    """One of each kind: a file with snippets, and one without."""
    tree = write(tmp_path / "tree", {**TREE, "empty.py": ""})
    index(tidy, tree)
    assert sizes(tidy.data_dir)["versions"] == len(TREE) + 1
    for path in ("empty.py", "lantern.py"):
        (tree / path).unlink()
        index(tidy, tree)
        tidied(tidy)
        assert not_had(tidy.data_dir) == {}
    assert sizes(tidy.data_dir)["versions"] == len(TREE) - 1


@pytest.mark.parametrize("excluding", [0, 1])
def test_what_one_leaves_out_is_not_found_in_it(
    tidy: ServingKodit, tmp_path: Path, excluding: int
) -> None:
    """Though the other has it, whichever was there first; also once it leaves more out."""
    trees = [write(tmp_path / "first"), write(tmp_path / "second")]
    rules: list[tuple[str, ...]] = [(), ()]
    rules[excluding] = ("lantern.py",)
    ids = [index(tidy, tree, rule) for tree, rule in zip(trees, rules, strict=True)]
    own = told(tidy, ids[excluding])
    assert "lantern.py" not in own["texts"]
    assert own == alone(tmp_path, trees[excluding], rules[excluding])
    whole = told(tidy, ids[1 - excluding])
    assert whole == alone(tmp_path, trees[1 - excluding])

    more = ("lantern.py", "docs/")
    index(tidy, trees[excluding], more)
    assert told(tidy, ids[excluding]) == alone(tmp_path, trees[excluding], more)
    assert told(tidy, ids[1 - excluding]) == whole
    assert problems(tidy) == []
    assert not_had(tidy.data_dir) == {}


def test_authors_are_those_of_each(serving: ServingKodit, tmp_path: Path) -> None:
    """Of the same contents; a result's place is one that passes the filter."""
    names = {"first": "Ada", "second": "Grace"}
    ids = {}
    for folder, author in names.items():
        tree = write(tmp_path / folder)
        git(tmp_path, "init", "--quiet", str(tree))
        git(tree, "add", "--all")
        git(tree, "commit", "--quiet", f"--author={author} <{author}@x>", "--message=all")
        ids[author] = index(serving, tree)
    for author, index_id in ids.items():
        for mode in MODES:
            found = search(serving, "light lantern", mode, authors=(author,))
            assert {one.snippet.index_id for one in found} == {index_id}
            assert {copy.index_id for one in found for copy in one.also_in} <= {index_id}
            assert "light_lantern" in {one.snippet.symbol for one in found}
            assert search(serving, "oil", mode, authors=("Joan",)) == []
            other = tuple(set(ids.values()) - {index_id})
            assert search(serving, "oil", mode, authors=(author,), index_ids=other) == []


def test_parts_of_each(serving: ServingKodit, tmp_path: Path) -> None:
    """A result is shown in the index of which the part is searched that has it."""
    one, two = (index(serving, write(tmp_path / name)) for name in ("first", "second"))
    for whole, part in ((one, two), (two, one)):
        for mode in MODES:
            found = search(serving, "light lantern", mode, within=((part, "docs"),))
            places = {place[1:] for some in found for place in places_of(some)}
            assert {path for path, index_id in places if index_id == part} == {"docs/guide.md"}
            everywhere = {path for path, index_id in places if index_id == whole}
            assert everywhere > {"docs/guide.md", "lantern.py"}


@pytest.mark.parametrize("is_repository", [False, True])
def test_line_ends_are_those_of_each(
    serving: ServingKodit, tmp_path: Path, *, is_repository: bool
) -> None:
    """Also where git takes the contents for equal."""
    first = write(tmp_path / "first", {**TREE, ".gitattributes": "*.py text\n"})
    second = write(tmp_path / "second", {**TREE, ".gitattributes": "*.py text\n"})
    write_file(second / "lantern.py", LANTERN.replace("\n", "\r\n"))
    for tree in (first, second):
        if is_repository:
            commit_all(tree)
    ids = [index(serving, tree) for tree in (first, second)]
    for index_id, tree in zip(ids, (first, second), strict=True):
        assert told(serving, index_id) == alone(tmp_path, tree)
    assert problems(serving) == []


def test_a_worktree_inside_its_repository(serving: ServingKodit, tmp_path: Path) -> None:
    """It belongs to its own index alone."""
    outer = write(tmp_path / "outer")
    commit_all(outer)
    inner = outer / "trees" / "inner"
    git(outer, "worktree", "add", "--quiet", "-b", "inner", str(inner))
    write_file(inner / "lantern.py", NEWER)
    ids = [index(serving, tree) for tree in (outer, inner)]
    for index_id, tree in zip(ids, (outer, inner), strict=True):
        own = told(serving, index_id)
        assert own["texts"].keys() == TREE.keys()
        assert own == alone(tmp_path, tree)
    shutil.rmtree(inner)
    index(serving, outer)
    assert told(serving, ids[0]) == alone(tmp_path, outer)


def test_another_branch_and_back(serving: ServingKodit, tmp_path: Path) -> None:
    """What was indexed before is neither parsed nor embedded."""
    tree = write(tmp_path / "tree")
    commit_all(tree)
    git(tree, "checkout", "--quiet", "-b", "other")
    write_file(tree / "lantern.py", NEWER)
    (tree / "store.py").rename(tree / "stores.py")
    write_file(tree / "snuff.py", NEWER)
    commit_all(tree)
    expected = {"other": alone(tmp_path, tree)}
    git(tree, "checkout", "--quiet", "main")
    expected["main"] = alone(tmp_path, tree)
    index(serving, tree)
    for turn, branch in enumerate(("other", "main", "other", "main")):
        git(tree, "checkout", "--quiet", branch)
        serving.work()
        index_id = index(serving, tree)
        assert bool(serving.work()) == (turn == 0)
        assert told(serving, index_id) == expected[branch]
        assert problems(serving) == []


def test_two_that_are_added_at_once(tmp_path: Path, trees: tuple[Path, Path]) -> None:
    """What both have is stored once."""
    with ServingKodit(tmp_path / "data", is_serving=False, keep_unused_days=0) as serving:
        runs = [serving.queue(tree) for tree in trees]
        serving.serve()
        ids = [serving.wait_for(run.id).index_id for run in runs]
        for index_id, tree in zip(ids, trees, strict=True):
            assert index_id is not None
            assert told(serving, index_id) == alone(tmp_path, tree)
        assert sizes(serving.data_dir)["versions"] == len(TREE) + 1
        assert problems(serving) == []
        assert not_had(serving.data_dir) == {}


@pytest.mark.parametrize("sooner", [0, 1])
def test_another_model(tmp_path: Path, trees: tuple[Path, Path], sooner: int) -> None:
    """Embeds what both have once more, and once, whoever is refreshed first."""
    with ServingKodit(tmp_path / "data") as serving:
        ids = [index(serving, tree) for tree in trees]
        expected = [told(serving, index_id) for index_id in ids]
        vectors = sizes(serving.data_dir)["vectors"]
    with ServingKodit(tmp_path / "data", OtherApplication) as serving:
        serving.work()
        index(serving, trees[sooner])
        done = serving.work()
        assert told(serving, ids[sooner]) == expected[sooner]
        index(serving, trees[1 - sooner])
        done += serving.work()
        assert done == {"texts_embedded": vectors}
        assert [told(serving, index_id) for index_id in ids] == expected
        assert problems(serving) == []
