"""Updating an existing index costs only the changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.files import of_files
from tests.support.serving import ServingKodit, states, work_of
from tests.support.snapshot import read_rows, take_snapshot
from tests.support.sources import commit_all, python_function, write_file, write_tree

from kodit import Kodit

pytestmark = pytest.mark.every_store

SKIPPED = ["succeeded", "skipped", "skipped", "skipped", "skipped"]
WORDS = "quartz spindle marrow".split()


class Source:
    """A modifiable source: a folder, or a repository that is cloned."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        self.paths = write_tree(folder, files=40)
        self.name = str(folder) if kind == "folder" else folder.as_uri()
        self.publish()

    def publish(self) -> None:
        """Make the changes visible to Kodit."""
        if self.kind == "git":
            commit_all(self.folder)

    def write(self, path: str, text: str) -> None:
        """Write a file and publish it."""
        write_file(self.folder / path, text)
        self.publish()

    @property
    def a_module(self) -> str:
        return next(path for path in self.paths if path.endswith(".py"))


@pytest.fixture(params=["folder", "git"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """A source of forty files, of either kind."""
    return Source(tmp_path / "source", request.param)


@pytest.fixture
def serving(tmp_path: Path, source: Source) -> Iterator[ServingKodit]:
    """Kodit with the source indexed."""
    with ServingKodit(tmp_path / "data") as serving:
        serving.index(source.name)
        serving.work()
        yield serving


def equals_a_fresh_index(serving: ServingKodit, source: Source, tmp_path: Path) -> bool:
    """Whether incremental indexing gave exactly the result of a fresh index."""
    with Kodit(tmp_path / "fresh") as kodit:
        kodit.index(source.name)
    return take_snapshot(serving.data_dir) == take_snapshot(tmp_path / "fresh")


def snippets_of(serving: ServingKodit, path: str) -> int:
    query = of_files(
        "SELECT path FROM snippets JOIN FILES ON file.version_id = snippets.version_id"
    )
    return read_rows(serving.data_dir, query).count((path,))


def test_nothing_changed(serving: ServingKodit, source: Source) -> None:
    """SYNC succeeds, the other four are skipped, and no file is parsed."""
    run = serving.index(source.name)

    assert states(run) == SKIPPED
    assert run.state == "succeeded"
    assert serving.work() == {}


def test_one_changed_file(serving: ServingKodit, source: Source, tmp_path: Path) -> None:
    """Only its snippets are parsed, embedded and enriched, and only new ones of those; after a
    revert, nothing is; and the result equals a fresh index.
    """
    before = (source.folder / source.a_module).read_text()
    source.write(source.a_module, before + "\n\n" + python_function("brand_new", WORDS))

    run = serving.index(source.name)

    count = snippets_of(serving, source.a_module)
    assert work_of(run) == {
        "files_parsed": 1,
        "snippets_written": count,
        "snippets_removed": count - 1,
        "keywords_indexed": count,
        # The functions before the new one are as they were, and so are their vectors.
        "texts_embedded": 2,
        "snippets_enriched": 1,
    }
    assert serving.work() == {"files_parsed": 1, "texts_embedded": 2, "snippets_enriched": 1}

    source.write(source.a_module, before)
    run = serving.index(source.name)

    assert serving.work() == {}
    assert work_of(run) == {
        "files_reused": 1,
        "snippets_removed": count,
    }
    assert equals_a_fresh_index(serving, source, tmp_path)


def test_files_added_renamed_and_deleted(
    serving: ServingKodit, source: Source, tmp_path: Path
) -> None:
    """Each costs only what is new in it, and the result equals a fresh index."""
    source.write("added.py", python_function("added", WORDS))
    serving.index(source.name)

    assert serving.work() == {"files_parsed": 1, "texts_embedded": 2, "snippets_enriched": 1}

    (source.folder / source.a_module).unlink()
    source.publish()
    serving.index(source.name)

    assert serving.work() == {}
    assert snippets_of(serving, source.a_module) == 0

    (source.folder / "added.py").rename(source.folder / "renamed.py")
    source.publish()
    serving.index(source.name)

    assert serving.work() == {"texts_embedded": 1}  # its description, with its name
    assert snippets_of(serving, "added.py") == 0
    assert snippets_of(serving, "renamed.py") == 1

    (source.folder / "moved" / "far").mkdir(parents=True)
    (source.folder / "renamed.py").rename(source.folder / "moved" / "far" / "renamed.py")
    source.publish()
    serving.index(source.name)

    assert serving.work() == {}
    assert snippets_of(serving, "renamed.py") == 0
    assert snippets_of(serving, "moved/far/renamed.py") == 1
    assert equals_a_fresh_index(serving, source, tmp_path)


def test_a_touched_file(serving: ServingKodit, source: Source) -> None:
    """A file whose time changed but whose content did not is not parsed."""
    (source.folder / source.a_module).touch()
    source.publish()

    assert states(serving.index(source.name)) == SKIPPED
    assert serving.work() == {}


def test_other_globs(serving: ServingKodit, source: Source) -> None:
    """Files that are no longer wanted are removed, and those still wanted are not parsed again."""
    serving.index(source.name, exclude=("docs/",))

    assert serving.work() == {}
    (status,) = serving.status()
    documents = [path for path in source.paths if path.startswith("docs/")]
    assert documents
    assert status.summary.files == len(source.paths) - len(documents)
