"""The run that finds a damaged clone replaces it; a damaged source is reported."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.git.sources import history_of

from kodit import Kodit
from kodit.domain.entities import Index, IndexedFile, WorkingCopy
from kodit.domain.errors import SourceError, TransientError
from kodit.domain.report import ignore_report
from kodit.domain.value_objects import FileProcessingStatus, Source, SourceKind
from kodit.faces.cli.advice import with_advice
from kodit.infrastructure.git.clone import clone_fault, synchronise
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.sources.child_functions import clone_from_scratch
from kodit.infrastructure.sources.location import Location
from kodit.infrastructure.sources.source_reader import PooledSourceReader

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository, Repository

Damage = Callable[[Path, "Repository"], None]


def _packs(clone: Path) -> list[Path]:
    return sorted((clone / "objects" / "pack").glob("*.pack"))


def _unpack(clone: Path, origin: Repository) -> None:
    for pack in _packs(clone):
        data = pack.read_bytes()
        for part in pack.parent.glob(f"{pack.stem}.*"):
            part.unlink()
        origin.git("--git-dir", str(clone), "unpack-objects", "-q", stdin=data)


def _loose(clone: Path, origin: Repository, name: str) -> Path:
    _unpack(clone, origin)
    identity = origin.git("rev-parse", name)
    return clone / "objects" / identity[:2] / identity[2:]


def packs_are_missing(clone: Path, _origin: Repository) -> None:
    for pack in _packs(clone):
        pack.unlink()


def packs_are_missing_with_their_lists(clone: Path, _origin: Repository) -> None:
    shutil.rmtree(clone / "objects" / "pack")
    (clone / "objects" / "pack").mkdir()


def packs_are_cut_short(clone: Path, _origin: Repository) -> None:
    for pack in _packs(clone):
        data = pack.read_bytes()
        pack.chmod(0o644)
        pack.write_bytes(data[: len(data) // 2])


def an_old_commit_is_missing(clone: Path, origin: Repository) -> None:
    _loose(clone, origin, "HEAD~1").unlink()


def a_file_is_cut_short(clone: Path, origin: Repository) -> None:
    path = _loose(clone, origin, "HEAD:a.py")
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:9])


def a_file_is_another(clone: Path, origin: Repository) -> None:
    path = _loose(clone, origin, "HEAD:a.py")
    path.chmod(0o644)
    path.write_bytes(_loose(clone, origin, "HEAD:same.py").read_bytes())


def a_file_is_missing(clone: Path, origin: Repository) -> None:
    _loose(clone, origin, "HEAD:same.py").unlink()


def a_folder_is_missing(clone: Path, origin: Repository) -> None:
    _loose(clone, origin, "HEAD:pkg").unlink()


def the_tip_is_garbage(clone: Path, _origin: Repository) -> None:
    (clone / "refs" / "kodit" / "tip").write_text("garbage\n")


def the_tip_is_of_nothing(clone: Path, _origin: Repository) -> None:
    (clone / "refs" / "kodit" / "tip").write_text("1" * 40 + "\n")


def the_ref_that_is_fetched_into_is_garbage(clone: Path, _origin: Repository) -> None:
    (clone / "refs" / "kodit" / "incoming").write_bytes(b"\xff" * 41)


def the_ref_that_is_fetched_into_is_empty(clone: Path, _origin: Repository) -> None:
    (clone / "refs" / "kodit" / "incoming").write_bytes(b"")


def the_ref_that_is_fetched_into_is_a_folder(clone: Path, _origin: Repository) -> None:
    (clone / "refs" / "kodit" / "incoming").unlink()
    (clone / "refs" / "kodit" / "incoming").mkdir()
    (clone / "refs" / "kodit" / "incoming" / "other").write_text("1" * 40 + "\n")


def the_head_is_garbage(clone: Path, _origin: Repository) -> None:
    (clone / "HEAD").write_bytes(b"\0\xffgarbage")


def the_configuration_is_garbage(clone: Path, _origin: Repository) -> None:
    (clone / "config").write_text("[core\n\x01")


def the_configuration_is_a_folder(clone: Path, _origin: Repository) -> None:
    (clone / "config").unlink()
    (clone / "config").mkdir()


def the_configuration_leads_elsewhere(clone: Path, origin: Repository) -> None:
    with (clone / "config").open("a") as file:
        file.write(f'[url "file:///nowhere/"]\n\tinsteadOf = {origin.url}\n')


def the_configuration_wants_a_newer_git(clone: Path, _origin: Repository) -> None:
    (clone / "config").write_text("[core]\n\trepositoryformatversion = 9\n\tbare = true\n")


def locks_are_left(clone: Path, _origin: Repository) -> None:
    for name in ("HEAD", "config", "packed-refs", "refs/kodit/tip", "refs/kodit/incoming"):
        (clone / f"{name}.lock").touch()


def objects_are_borrowed_from_nowhere(clone: Path, _origin: Repository) -> None:
    (clone / "objects" / "info").mkdir(exist_ok=True)
    (clone / "objects" / "info" / "alternates").write_text("/nowhere/objects\n")


def all_is_gone(clone: Path, _origin: Repository) -> None:
    shutil.rmtree(clone)


DAMAGES: list[Damage] = [
    packs_are_missing,
    packs_are_missing_with_their_lists,
    packs_are_cut_short,
    an_old_commit_is_missing,
    a_file_is_cut_short,
    a_file_is_another,
    a_file_is_missing,
    a_folder_is_missing,
    the_tip_is_garbage,
    the_tip_is_of_nothing,
    the_ref_that_is_fetched_into_is_garbage,
    the_ref_that_is_fetched_into_is_empty,
    the_ref_that_is_fetched_into_is_a_folder,
    the_head_is_garbage,
    the_configuration_is_garbage,
    the_configuration_is_a_folder,
    the_configuration_leads_elsewhere,
    the_configuration_wants_a_newer_git,
    locks_are_left,
    objects_are_borrowed_from_nowhere,
    all_is_gone,
]


@asynccontextmanager
async def reader_of(data_dir: Path) -> AsyncIterator[PooledSourceReader]:
    pool = ProcessPool(data_dir, 1)
    try:
        yield PooledSourceReader(data_dir, pool)
    finally:
        pool.close()


async def read_all(reader: PooledSourceReader, index: Index) -> dict[str, str]:
    """Everything that a run reads of a source, including the history; the texts by path."""
    await reader.look_up(index)
    scan = await reader.scan(index, {}, ignore_report)
    history = await reader.history(index, scan.commit, [])
    assert history is not None
    files = [
        IndexedFile(number, file.path, file.content_hash, FileProcessingStatus.ADDED)
        for number, file in enumerate(scan.changed)
    ]
    extracted = await reader.extract(index, files, {}, ignore_report)
    assert {file.file_id: file.content_hash for file in extracted} == {
        file.id: file.content_hash for file in files
    }
    assert set(history.files) >= {file.path for file in files}
    return {
        file.path: "".join(snippet.text for snippet in one.sliced.snippets)
        for file, one in zip(files, sorted(extracted, key=lambda one: one.file_id), strict=True)
        if one.sliced
    }


def make_origin(make_repository: MakeRepository) -> Repository:
    origin = make_repository()
    origin.commit({"a.py": "zero = 0", "same.py": "same = 1", "pkg/b.py": "b = 1"})
    origin.commit({"a.py": "one = 1"})
    return origin


def index_of(source: Source, history_commit: str | None = None) -> Index:
    copy = WorkingCopy(history_commit=history_commit)
    return Index(1, source, copy, datetime.now(UTC))


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("moves", [True, False], ids=["moved", "unchanged"])
def test_the_run_that_meets_a_damaged_clone_succeeds(
    make_repository: MakeRepository, tmp_path: Path, damage: Damage, moves: bool
) -> None:
    """With everything read, and a sound clone afterwards."""
    origin = make_origin(make_repository)
    index = index_of(Source(SourceKind.GIT, origin.url))
    clone = tmp_path / "clones" / "1.git"
    commit = synchronise(index.source, clone)
    damage(clone, origin)
    expected = {"a.py": "one = 1", "pkg/b.py": "b = 1", "same.py": "same = 1"}
    if moves:
        commit = origin.commit({"new.py": "new = 1"})
        expected["new.py"] = "new = 1"

    async def run() -> dict[str, str]:
        async with reader_of(tmp_path) as reader:
            return await read_all(reader, index)

    assert asyncio.run(run()) == expected
    assert commit is not None
    blobs = [origin.git("rev-parse", f"HEAD:{path}") for path in expected]
    assert clone_fault(clone, commit, blobs) is None
    assert [path.name for path in clone.parent.iterdir() if path.name.endswith(".tmp")] == []


def test_doctor_reports_every_damaged_clone(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Except for damage that each run repairs before it starts."""
    origin = make_origin(make_repository)
    blobs = [origin.git("rev-parse", f"HEAD:{path}") for path in ("a.py", "same.py", "pkg/b.py")]
    sound = tmp_path / "sound"
    commit = synchronise(Source(SourceKind.GIT, origin.url), sound)
    assert commit is not None
    assert clone_fault(sound, commit, blobs) is None
    harmless = (
        the_tip_is_garbage,
        the_tip_is_of_nothing,
        the_ref_that_is_fetched_into_is_garbage,
        the_ref_that_is_fetched_into_is_empty,
        the_ref_that_is_fetched_into_is_a_folder,
        the_configuration_leads_elsewhere,
        locks_are_left,
        objects_are_borrowed_from_nowhere,
    )
    for damage in DAMAGES:
        clone = tmp_path / damage.__name__
        shutil.copytree(sound, clone)
        damage(clone, origin)
        fault = clone_fault(clone, commit, blobs)
        assert (fault is None) == (damage in harmless), damage


def test_a_damaged_source_is_reported_and_not_cloned_for_ever(
    make_repository: MakeRepository, server: GitServer, tmp_path: Path
) -> None:
    """The clone is damaged as well. One run contacts the server a few times, and its clone
    stays.
    """
    origin = make_origin(make_repository)
    origin.git("config", "uploadpack.allowFilter", "true")
    index = index_of(Source(SourceKind.GIT, server.url("origin/.git")))
    clone = tmp_path / "clones" / "1.git"
    synchronise(index.source, clone)
    packs_are_cut_short(clone, origin)
    origin.commit({"new.py": "new = 1"})
    blob = origin.git("rev-parse", "HEAD:new.py")
    (origin.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    server.requests.clear()

    async def run() -> None:
        async with reader_of(tmp_path) as reader:
            await read_all(reader, index)

    with pytest.raises((SourceError, TransientError)) as caught:
        asyncio.run(run())
    assert server.url("origin/.git") in str(caught.value)
    assert server.fetches() < 10
    assert clone.is_dir()


def test_a_clone_that_is_damaged_again_and_again_is_cloned_again_once(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """As on a faulty disk: the error names the path."""
    origin = make_origin(make_repository)
    index = index_of(Source(SourceKind.GIT, origin.url))
    clone = tmp_path / "clones" / "1.git"
    synchronise(index.source, clone)
    commit = origin.git("rev-parse", "HEAD")
    inodes = set()

    async def run() -> None:
        async with reader_of(tmp_path) as reader:
            for _ in range(3):
                packs_are_cut_short(clone, origin)
                inodes.add(clone.stat().st_ino)
                await reader.history(index, commit, [])

    with pytest.raises(TransientError, match="clone"):
        asyncio.run(run())
    assert len(inodes) == 2


def test_reading_a_damaged_clone_says_what_to_do(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """And following the advice helps, even if the source has not changed. Nothing indexed is
    lost.
    """
    origin = make_origin(make_repository)
    clone = tmp_path / "data" / "clones" / "1.git"
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(origin.url)
        for damage in (a_file_is_missing, packs_are_cut_short):
            damage(clone, origin)
            for read in (kodit.grep, lambda text, url: kodit.read(url, f"{text}.py")):
                with pytest.raises(TransientError) as raised:
                    read("same", origin.url)
                assert f"`kodit index {origin.url}` does that" in with_advice(raised.value)
            assert kodit.search("same")
            kodit.index(origin.url)
            answer = kodit.grep("same", origin.url)
            assert [found.path for found in answer.matches] == ["same.py"]
    assert set(history_of(clone, origin.git("rev-parse", "HEAD"))) == {
        "a.py",
        "pkg/b.py",
        "same.py",
    }


def test_a_clone_that_looks_whole_is_made_anew_if_asked_for(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Reading may have shown what a look at it does not."""
    commit = make_repository().commit({"a.py": "one = 1\n"})
    source = Source(SourceKind.GIT, (tmp_path / "origin").as_uri())
    clone = tmp_path / "clone"
    assert synchronise(source, clone) == commit
    (clone / "earlier").touch()
    clone_from_scratch(Location(source, str(clone)), None, report=ignore_report)
    assert not (clone / "earlier").exists()
    assert synchronise(source, clone) == commit
