"""Names that mean no index."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kodit import Kodit
from kodit.application.services.source_service import IndexRequest
from kodit.composition import Application
from kodit.domain.caller import Caller
from kodit.domain.errors import MissingFolderError, NotFoundError, SourceError
from kodit.domain.policy import CallerPolicy
from kodit.domain.value_objects import SearchFilter
from kodit.infrastructure.sql.indexes import IndexReads
from kodit.settings import Settings


def test_a_number_that_no_index_can_have(tmp_path: Path) -> None:
    """Larger than the database's integers."""
    with Kodit(tmp_path) as kodit, pytest.raises(NotFoundError):
        kodit.delete("9" * 19)


def test_a_folder_that_is_not_there_cannot_be_brought_up_to_date(tmp_path: Path) -> None:
    """The error says so, and does not read it as an index number."""
    with Application(Settings.load(data_dir=tmp_path)) as application:
        with pytest.raises(MissingFolderError):
            asyncio.run(application.refreshing.refresh(str(tmp_path / "missing")))
        with pytest.raises(NotFoundError):
            asyncio.run(application.refreshing.refresh("7"))


def test_whether_several_indexes_are_meant(tmp_path: Path) -> None:
    """By the number of different ones that are named, or by the number of all if none is."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with Application(Settings.load(data_dir=tmp_path / "data")) as application:
        locator = application.locator
        assert not locator.are_several([])
        for name, several in (("first", False), ("second", True)):
            request = IndexRequest([str(tmp_path / name)])
            asyncio.run(application.sources.add(request))
            assert locator.are_several([]) is several
        assert not locator.are_several([1, 1])
        assert locator.are_several([1, 2])
        assert locator.locate(str(tmp_path / "second")).id == 2


def test_an_index_is_found_by_what_its_folder_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the folder is gone: by its path, its address, and as typed from a sibling folder."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with Application(Settings.load(data_dir=tmp_path / "data")) as application:
        asyncio.run(application.sources.add(IndexRequest(["gone"])))
        (tmp_path / "gone").rmdir()
        locator = application.locator
        for name in ("gone", "./gone", "~/gone", str(tmp_path / "gone"), "x/../gone"):
            assert locator.locate(name).id == 1
        for name in ("gone@main", "other", "gone\x1b", "~nobody-of-this-name/x"):
            assert locator.locate_missing(name) is None


def test_a_number_is_an_identifier_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if a folder has that name, which is then `./2`."""
    for name in ("one", "2", "3"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text(f"def in_{name}() -> None: ...\n")
    monkeypatch.chdir(tmp_path)
    with Kodit(tmp_path / "data") as kodit:
        [one], [two] = kodit.index("one"), kodit.index("./2")
        assert (one.id, two.id) == (1, 2)
        kodit.delete("one")
        assert [status.id for status in kodit.index("2", Path("2"), 2)] == [2]
        kodit.index(Path("3"), exclude=["*.txt"])
        assert [status.source for status in kodit.index("3")] == [str(tmp_path / "3")]
        with pytest.raises(
            NotFoundError, match=r"there is no index 1; for a folder of that name, "
        ):
            kodit.index("1")
        assert len(kodit.status()) == 2
        kodit.delete(Path("3"))
        kodit.index(Path("3"))
        with pytest.raises(SourceError):
            kodit.delete(Path("4"))
    with Application(Settings.load(data_dir=tmp_path / "data")) as application:
        (tmp_path / "3" / "4").mkdir()
        monkeypatch.chdir(tmp_path / "3")
        assert asyncio.run(application.refreshing.refresh("4")).index.id == 4
        assert application.locator.locate("4").id == 4


def test_a_name_that_holds_a_password_is_repeated_without_it(tmp_path: Path) -> None:
    with Application(Settings.load(data_dir=tmp_path)) as application:
        with pytest.raises(SourceError) as refused:
            application.locator.locate(f"{tmp_path}/ada:hunter2@example.org/x")
        assert "hunter2" not in f"{refused.value} {refused.value.fields}"


def test_of_thousands_of_indexes_only_those_that_may_be_meant_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the path of a folder, of a file in it, or of a folder that no index holds; by the whole
    name of a source also from another machine."""
    inner = tmp_path / "outer@2" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "free").mkdir()
    (inner / "a.py").write_text("x = 1\n", encoding="utf-8")
    with Application(Settings.load(data_dir=tmp_path / "data")) as application:
        for folder in (inner.parent, inner):
            asyncio.run(application.sources.add(IndexRequest([str(folder)])))
        monkeypatch.setattr(IndexReads, "list_all", pytest.fail)
        locator = application.locator
        assert locator.locate_part(str(inner.parent)).index.id == 1
        assert locator.locate_part(str(inner.parent), Caller(CallerPolicy())).index.id == 1
        for name, path in ((inner, ""), (inner / "a.py", "a.py")):
            part = locator.locate_part(str(name))
            assert (part.index.id, part.path) == (2, path)
        free = str(tmp_path / "free")
        assert locator.find_part(free) is None
        asyncio.run(application.sources.add(IndexRequest([free])))
        assert [one.index_id for one in application.standing.of(SearchFilter((3,)))] == [3]
        inner.joinpath("a.py").unlink()
        inner.rmdir()
        assert locator.locate(str(inner)).id == 2  # by the stored name


def test_a_part_of_a_name_that_means_several_is_refused(tmp_path: Path) -> None:
    """Where a name that means none is only not found."""
    for name in ("one/shop", "two/shop", "two/other"):
        (tmp_path / name).mkdir(parents=True)
    with Application(Settings.load(data_dir=tmp_path / "data")) as application:
        names = [str(tmp_path / name) for name in ("one/shop", "two/shop", "two/other")]
        asyncio.run(application.sources.add(IndexRequest(names)))
        locator = application.locator
        with pytest.raises(SourceError) as error:
            locator.find_part("shop")
        assert error.value.code == "source_ambiguous"
        found = locator.find_part("two/other")
        assert found is not None
        assert found.index.id == 3
        assert locator.find_part("three/shop") is None
