"""The effect of attributes, includes and settings on reading files: in a folder as in a clone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.git.conftest import MakeRepository, Repository, make_repository

from kodit.composition import Application
from kodit.domain.entities import Index, WorkingCopy
from kodit.domain.errors import TransientError
from kodit.domain.report import ignore_report
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.file_sizes import USUAL_LIMIT, limit_of, set_limit
from kodit.infrastructure.folder.content import blob_id
from kodit.infrastructure.git.errors import DamagedCloneError
from kodit.infrastructure.sources.child_functions import (
    extract,
    look_up,
    scan,
)
from kodit.infrastructure.sources.location import FileToExtract, Location, NetworkAccess
from kodit.infrastructure.sources.source_reader import PooledSourceReader
from kodit.infrastructure.sources.text_reader import FileToRead, read_texts
from kodit.settings import Settings

__all__ = ["make_repository"]

GENERATED = "# @generated\ndef quartz(): ...\n"


@pytest.fixture
def any_limit() -> Iterator[None]:
    """Restores the default limit afterwards."""
    yield
    set_limit(USUAL_LIMIT)


def as_folder(repository: Repository, include: tuple[str, ...] = ()) -> Location:
    path = str(repository.path)
    return Location(Source(SourceKind.FOLDER, path, include=include), path)


def as_clone(repository: Repository, clone: Path, include: tuple[str, ...] = ()) -> Location:
    source = Source(SourceKind.GIT, repository.url, include=include)
    location = Location(source, str(clone))
    scan(location, None, {}, 0, report=ignore_report)
    return location


def problem_of(location: Location, path: str, text: str) -> str | None:
    (extracted,) = extract(
        location, [FileToExtract(1, path, blob_id(text.encode()))], report=ignore_report
    )
    assert extracted.sliced is not None
    assert (extracted.sliced.problem is None) is bool(extracted.sliced.snippets)
    return extracted.sliced.problem


@pytest.mark.parametrize(
    ("attributes", "include", "problem"),
    [
        ("", (), "generated"),
        ("*.py -linguist-generated", (), None),
        ("/api/made.py linguist-generated=false", (), None),
        ("*.js -linguist-generated", (), "generated"),
        ("", ("made.py",), None),
        ("", ("api/*",), None),
        ("", ("*.py",), "generated"),
    ],
)
def test_marks_of_generated_files(
    make_repository: MakeRepository,
    tmp_path: Path,
    attributes: str,
    include: tuple[str, ...],
    problem: str | None,
) -> None:
    """The repository's own attributes override them, and so does an include that names the file."""
    repository = make_repository()
    repository.commit({".gitattributes": f"{attributes}\n", "api/made.py": GENERATED})
    for location in (
        as_folder(repository, include),
        as_clone(repository, tmp_path / "clone", include),
    ):
        assert problem_of(location, "api/made.py", GENERATED) == problem


def test_the_encoding_of_the_work_tree(make_repository: MakeRepository) -> None:
    """For files on disk: git itself stores UTF-8. Reading gives the indexed text."""
    repository = make_repository()
    repository.write(".gitattributes", "")
    repository.write("deep/.gitattributes", "*.txt working-tree-encoding=koi8-r\n")
    written = "имя\n".encode("koi8-r")
    repository.write("deep/a.txt", written)
    location = as_folder(repository)
    (extracted,) = extract(
        location, [FileToExtract(1, "deep/a.txt", blob_id(written))], report=ignore_report
    )
    assert extracted.sliced is not None
    assert [one.text for one in extracted.sliced.snippets] == ["имя"]
    assert read_texts(location, [FileToRead("deep/a.txt", "")]) == ["имя\n"]


def test_the_attributes_of_a_repository_within_another_one(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Each hears its own alone, which may define macros: in a folder and in a clone."""
    sub, outer = make_repository("sub"), make_repository("outer")
    own = "[attr]made -linguist-generated working-tree-encoding=koi8-r\n"
    made = f"/a.py made\n{own}"
    sub.commit({".gitattributes": made, "a.py": GENERATED, "deep/b.py": GENERATED})
    outer.commit({".gitattributes": "b.py -linguist-generated\n", "b.py": GENERATED})
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../sub", "sub")
    outer.commit()
    folder = Source(SourceKind.FOLDER, str(outer.path), submodules=True)
    cloned = Source(SourceKind.GIT, outer.url, submodules=True)
    for location in (
        Location(folder, str(outer.path)),
        Location(cloned, str(tmp_path / "clone")),
    ):
        scan(location, None, {}, 0, report=ignore_report)
        assert problem_of(location, "sub/a.py", GENERATED) is None
        assert problem_of(location, "sub/deep/b.py", GENERATED) == "generated"
        assert problem_of(location, "b.py", GENERATED) is None
    word = "имя\n"
    nested = outer.path / "sub"
    (nested / "deep" / "c.txt").write_bytes(word.encode("koi8-r"))
    info = Path(outer.git("-C", "sub", "rev-parse", "--absolute-git-dir")) / "info"
    info.mkdir(exist_ok=True)
    (info / "attributes").write_text("deep/* made\n")
    location = Location(folder, str(outer.path))
    assert read_texts(location, [FileToRead("sub/deep/c.txt", "")]) == [word]


@pytest.mark.usefixtures("any_limit")
def test_the_largest_file_is_a_setting(make_repository: MakeRepository, tmp_path: Path) -> None:
    """A known commit is listed again with another limit; a notebook may have ten times as much."""
    repository = make_repository()
    files = {"small.py": "x = 1\n", "large.py": "x = 1\n" * 100, "large.ipynb": "x = 1\n" * 100}
    commit = repository.commit(files)
    clone = as_clone(repository, tmp_path / "clone")
    assert look_up(clone, None, 60.0, report=ignore_report) == commit
    set_limit(100)
    assert limit_of("a.ipynb") == 1_000
    assert look_up(clone, None, 60.0, report=ignore_report) is None
    for location in (as_folder(repository), clone):
        found = scan(location, None, {}, 0, report=ignore_report)
        assert [file.path for file in found.changed] == ["large.ipynb", "small.py"]
        assert found.skipped == {"too large": 1}
    assert look_up(clone, None, 60.0, report=ignore_report) == commit


def test_whose_git_configuration_counts(tmp_path: Path) -> None:
    """The user's for sources added on this machine, and for others if that is set."""

    class Pool:
        """Never called."""

    def access(*, is_remote: bool, **options: bool) -> NetworkAccess:
        reader = PooledSourceReader(tmp_path, Pool(), **options)  # type: ignore[arg-type]
        return reader.access(is_confined=False, is_remote=is_remote)

    assert access(uses_user_configuration=True, is_remote=False).uses_user_configuration
    assert not access(uses_user_configuration=True, is_remote=True).uses_user_configuration
    assert access(uses_user_configuration_for_remote=True, is_remote=True).uses_user_configuration
    assert not access(is_remote=False).uses_user_configuration


def test_every_access_is_one_for_the_caller_who_added_the_index(tmp_path: Path) -> None:
    """Looking up, scanning, and cloning again."""
    asked: list[tuple[str, object]] = []

    class Pool:
        async def call(self, name: str, *arguments: object, **_options: object) -> None:
            work = name.rpartition(":")[2]
            asked.extend((work, one) for one in arguments if isinstance(one, NetworkAccess))
            if work == "scan":
                raise DamagedCloneError("it is damaged", code="clone_damaged")

    source = Source(SourceKind.GIT, "https://git.example.org/x")
    index = Index(1, source, WorkingCopy(), datetime.now(UTC))
    reader = PooledSourceReader(
        tmp_path,
        Pool(),  # type: ignore[arg-type]
        uses_user_configuration=True,
    )
    for one in (index, replace(index, is_remote=True, is_confined=True)):
        asked.clear()
        asyncio.run(reader.look_up(one))
        with pytest.raises(TransientError):
            asyncio.run(reader.scan(one, {}, ignore_report))
        expected = NetworkAccess(one.is_confined, not one.is_remote)
        works = ["look_up", "scan", "clone_from_scratch", "scan"]
        assert asked == [(work, expected) for work in works]


@pytest.mark.usefixtures("any_limit")
def test_an_application_sets_the_largest_size(tmp_path: Path) -> None:
    Application(Settings(data_dir=tmp_path, largest_file_bytes=12_345)).close()
    assert limit_of("a.py") == 12_345
