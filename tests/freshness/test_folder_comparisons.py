"""An unwatched folder, compared with its index."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.sources import commit_all, git, write_file

from kodit import Kodit
from kodit.application.services.folder_comparisons import FolderComparisons
from kodit.composition import Application
from kodit.domain.search import EVERYTHING, SearchResult, StoredSnippet, with_copy
from kodit.domain.source import KnownFile
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.folder.content import blob_id
from kodit.infrastructure.watching import comparing
from kodit.infrastructure.watching.comparing import compare_folder
from kodit.infrastructure.watching.folder_lister import stamp_of
from kodit.settings import Settings

LATER_NS = 60_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "folder"
    for name in ("one.py", "two.py"):
        write_file(folder / name, f"# {name}\n")
    return folder


def source_of(folder: Path) -> Source:
    return Source(SourceKind.FOLDER, str(folder))


def known_of(folder: Path) -> dict[str, KnownFile]:
    known = {}
    for path in folder.iterdir():
        if path.is_dir() or path.name == ".git":
            continue
        status = path.stat()
        known[path.name] = KnownFile(blob_id(path.read_bytes()), *stamp_of(status).stored)
    return known


def test_a_folder_as_it_was(folder: Path) -> None:
    known = known_of(folder)
    for is_certain in (False, True):
        now = time.time_ns() + LATER_NS
        assert not compare_folder(source_of(folder), known, now, is_certain=is_certain)


def test_what_was_added_changed_and_removed(folder: Path) -> None:
    """A touched file does not count."""
    known = known_of(folder)
    write_file(folder / "new.py", "# new\n")
    os.utime(folder / "one.py")
    (folder / "two.py").unlink()
    changes = compare_folder(source_of(folder), known, time.time_ns(), is_certain=False)
    assert sorted(changes.files) == ["new.py", "two.py"]
    assert changes.files["two.py"] is None

    write_file(folder / "one.py", "# another one\n")
    changes = compare_folder(source_of(folder), known, time.time_ns(), is_certain=False)
    assert sorted(changes.files) == ["new.py", "one.py", "two.py"]


def test_a_stamp_that_does_not_tell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a file changed within the same moment: a few such are read if certainty is required, and
    many need a scan."""
    known = known_of(folder)
    known["one.py"] = known["one.py"]._replace(content_hash=blob_id(b"# what was indexed\n"))
    now = time.time_ns()

    assert not compare_folder(source_of(folder), known, now, is_certain=False)
    found = compare_folder(source_of(folder), known, now, is_certain=True)
    assert (list(found.files), found.needs_scan) == (["one.py"], False)
    monkeypatch.setattr(comparing, "MOST_READ", 1)
    found = compare_folder(source_of(folder), known, now, is_certain=True)
    assert (list(found.files), found.needs_scan) == ([], True)


def test_submodules_are_compared_where_they_are_indexed(folder: Path, tmp_path: Path) -> None:
    """They are left out elsewhere, and their files have gone then."""
    write_file(tmp_path / "part" / "three.py", "# three\n")
    commit_all(tmp_path / "part")
    commit_all(folder)
    git(folder, "-c", "protocol.file.allow=always", "submodule", "add", "../part", "part")
    commit_all(folder)
    now = time.time_ns() + LATER_NS
    for name in ("HEAD", "logs/HEAD"):
        os.utime(folder / ".git" / name, ns=(1, 1))
    known = known_of(folder)
    known["part/three.py"] = known_of(folder / "part")["three.py"]
    for submodules, gone in ((True, []), (False, ["part/three.py"])):
        source = replace(source_of(folder), submodules=submodules)
        assert list(compare_folder(source, known, now, is_certain=True).files) == gone


def test_a_folder_that_is_gone(folder: Path) -> None:
    """Its index is still searched."""
    known = known_of(folder)
    source = source_of(folder.parent / "elsewhere")
    assert not compare_folder(source, known, time.time_ns(), is_certain=True)


def copied(index_id: int, path: str, other: str) -> SearchResult:
    """A result that has a copy in another file."""
    snippet = StoredSnippet(1, index_id, 1, "/s", path, 1, 2, "python", None, None, "", "x")
    return with_copy(SearchResult(snippet, 1.0), replace(snippet, path=other))


def test_larger_folders_are_not_looked_at(tmp_path: Path, folder: Path) -> None:
    """For an answer from the index; and elsewhere nobody looks at all. Of the places of a text
    those are left that are there."""
    data_dir = tmp_path / "data"
    with Kodit(data_dir) as kodit:
        kodit.index(folder)
    (folder / "two.py").unlink()
    with Application(Settings(data_dir=data_dir), compares_folders=True) as application:
        [standing] = application.standing.of(EVERYTHING)
        for most_files, counted in ((2, 1), (1, 0)):
            comparisons = FolderComparisons(
                database=application.reading,
                comparer=lambda: compare_folder,
                most_files=most_files,
            )
            assert comparisons.with_changes([standing])[0].changed_files == counted
            found = comparisons.existing(
                ["one.py", "two.py"], lambda path: (standing.index_id, path)
            )
            assert found == (["one.py"] if counted else ["one.py", "two.py"])
            there = comparisons.existing_results([copied(standing.index_id, "two.py", "one.py")])
            places = [(one.snippet.path, [copy.path for copy in one.also_in]) for one in there]
            assert places == ([("one.py", [])] if counted else [("two.py", ["one.py"])])
            there = comparisons.existing_results([copied(standing.index_id, "one.py", "two.py")])
            assert [len(one.also_in) for one in there] == [0 if counted else 1]
            assert comparisons.is_outdated(application.locator.all()[0])
        assert application.comparisons.with_changes([standing])[0].changed_files == 1
    with Application(Settings(data_dir=data_dir)) as application:
        assert application.comparisons.with_changes([standing]) == (standing,)
