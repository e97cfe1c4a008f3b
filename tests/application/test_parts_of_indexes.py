"""Folders and files of an index as sources, several sources at once, and typical input."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.support.sources import commit_all, git, write_file

from kodit import Kodit
from kodit.application.services.index_service import SourceRequest
from kodit.application.services.source_service import IndexRequest
from kodit.composition import Application
from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.domain.errors import NotFoundError, SourceError, UserError
from kodit.domain.policy import CallerPolicy
from kodit.domain.questions import (
    FilesQuestion,
    GrepQuestion,
    ReadQuestion,
    SearchQuestion,
    StatusQuestion,
    SymbolsQuestion,
    Where,
)
from kodit.settings import Settings

BASE = '''class HTTPConnection:
    """What a request and a socket share."""

    def url_for(self, name):
        return self.scope[name]
'''
REQUEST = """from web.base import HTTPConnection


class Middle(HTTPConnection):
    pass


class Request(Middle):
    def body(self):
        return self.url_for("body")


class SessionMiddleware:
    pass
"""


@dataclass(frozen=True)
class Shop:
    """Index 1 is a folder, 2 a repository with the same name elsewhere."""

    application: Application
    folder: Path
    here: Caller

    def paths(
        self, *sources: str, caller: Caller | None = None, paths: tuple[str, ...] = ()
    ) -> list[str]:
        question = FilesQuestion(Where(sources, paths=paths))
        view = asyncio.run(self.application.answers.files(caller or self.here, question))
        return [file.path for file in view.files]

    def read(self, place: str, *sources: str, caller: Caller | None = None) -> tuple[str, int, int]:
        question = ReadQuestion(place, Where(sources))
        view = asyncio.run(self.application.answers.read(caller or self.here, question))
        return view.path, view.start_line, view.end_line


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    place = tmp_path_factory.mktemp("parts").resolve()
    folder = place / "shop"
    write_file(folder / "web" / "base.py", BASE)
    write_file(folder / "web" / "request.py", REQUEST)
    write_file(folder / "main.py", "import web\n\n\ndef lantern():\n    return web\n")
    write_file(place / "other" / "shop" / "lamp.go", "package lamp\n\nfunc Lantern() {}\n")
    commit_all(place / "other" / "shop")
    with Kodit(place / "data") as kodit:
        kodit.index(folder, (place / "other" / "shop").as_uri())
    with Application(Settings(data_dir=place / "data")) as application:
        yield Shop(application, folder, Caller(folder=str(place)))


def test_a_file_is_a_source(shop: Shop) -> None:
    """For every question, by a relative path, an absolute one, or through an index."""
    file = shop.folder / "web" / "base.py"
    for name in ("shop/web/base.py", "./shop/web/../web/base.py", str(file), f"{file}/"):
        assert shop.paths(name) == ["web/base.py"], name
    where, answers = Where(("shop/web/base.py",)), shop.application.answers
    lines = asyncio.run(answers.grep(shop.here, GrepQuestion("HTTPConnection", where)))
    assert {match.path for match in lines.matches} == {"web/base.py"}
    symbols = asyncio.run(answers.symbols(shop.here, SymbolsQuestion("url_for", where)))
    assert [one.path for one in symbols.definitions] == ["web/base.py"]
    found = asyncio.run(answers.search(shop.here, SearchQuestion("url_for", where)))
    assert {one.path for one in found.results} == {"web/base.py"}
    assert shop.read("request.py:2", "shop/web/base.py")[0] == "web/request.py"


def test_the_index_of_a_part(shop: Shop) -> None:
    """Its status shows the whole index; deleting requires the name of the whole."""
    view = asyncio.run(shop.application.index_answers.status(shop.here, StatusQuestion("shop/web")))
    assert [index.id for index in view.indexes] == [1]
    locator = shop.application.locator
    with pytest.raises(SourceError, match=rf"shop/web is part of index 1, {shop.folder}") as error:
        locator.locate_whole("shop/web", shop.here)
    assert error.value.code == "source_is_part"
    assert locator.locate_whole("shop", shop.here).id == 1


def test_globs_are_relative_to_the_part(shop: Shop) -> None:
    """Or to the top of the index, or absolute."""
    for glob in ("base.py", "/web/base.py", "web/base.*", f"{shop.folder}/web/base.py"):
        assert shop.paths("shop/web", paths=(glob,)) == ["web/base.py"], glob
    assert shop.paths("shop", paths=("./web/",)) == ["web/base.py", "web/request.py"]
    assert shop.paths("shop", paths=(f"{shop.folder}/web/",)) == ["web/base.py", "web/request.py"]


def test_one_bad_source_does_not_stop_the_others(shop: Shop) -> None:
    """The answer reports its error; if all are bad, the error is the answer."""
    answers = shop.application.answers
    where = Where(("shop/web", "nowhere", "99"))
    view = asyncio.run(answers.files(shop.here, FilesQuestion(where)))
    assert len(view.files) == 2
    assert view.problems == ("there is no index or folder 'nowhere'", "there is no index 99")
    lines = asyncio.run(answers.grep(shop.here, GrepQuestion("url_for", where)))
    assert lines.matches
    assert lines.problems == view.problems
    found = asyncio.run(answers.search(shop.here, SearchQuestion("url_for", where)))
    assert found.results
    assert found.problems == view.problems
    symbols = asyncio.run(answers.symbols(shop.here, SymbolsQuestion("url_for", where)))
    assert symbols.definitions
    assert symbols.problems == view.problems
    with pytest.raises(SourceError, match="nowhere"):
        asyncio.run(answers.files(shop.here, FilesQuestion(Where(("nowhere", "99")))))


def test_the_last_part_of_a_name(shop: Shop) -> None:
    """Outside any index, it means the only index with that name; several are listed."""
    elsewhere = Caller(folder="/")
    assert shop.paths("other/shop", caller=elsewhere) == ["lamp.go"]
    with pytest.raises(SourceError, match=r"'shop' could be any of .*shop \(1\), .*shop \(2\)"):
        shop.paths("shop", caller=elsewhere)
    # Where there is a folder of that name, that one is meant.
    assert len(shop.paths("shop")) == 3


def test_a_caller_over_the_network_names_a_part_by_its_path(shop: Shop) -> None:
    """Indexed paths are no secret to them; other paths on the disk are."""
    remote = Caller(CallerPolicy())
    assert shop.paths(f"{shop.folder}/web", caller=remote) == ["web/base.py", "web/request.py"]
    assert shop.paths(f"{shop.folder}/none", caller=remote) == []
    closed = f"{shop.folder.parent}/other"
    with pytest.raises(UserError, match=f"{closed} is not indexed and may not be added"):
        shop.paths(closed, caller=remote)


@pytest.mark.parametrize("name", ["nothing", "./web", "../shop", "~/shop", "web/request.go/x"])
def test_over_the_network_a_name_is_never_a_folder_to_add(name: str, shop: Shop) -> None:
    """There is no folder that it could start at, so that it can only mean an index."""
    with pytest.raises(SourceError, match=f"there is no index or folder '{name}'") as error:
        shop.paths(name, caller=Caller(CallerPolicy()))
    assert error.value.code == "index_not_found"


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("main.py:4:5", ("main.py", 4, 4)),
        ("main.py#L4-L5", ("main.py", 4, 5)),
        ("main.py:4,5", ("main.py", 4, 5)),
        ("./main.py:4:", ("main.py", 4, 4)),
        ("shop/web/base.py:1", ("web/base.py", 1, 1)),
        ("{folder}/web/base.py:2", ("web/base.py", 2, 2)),
    ],
)
def test_a_place_as_it_is_typed(place: str, found: tuple[str, int, int], shop: Shop) -> None:
    """From the top of the index, from the current folder, or absolute."""
    assert shop.read(place.format(folder=shop.folder)) == found


@pytest.mark.parametrize(
    ("place", "near"),
    [
        ("bsae.py", "web/base.py"),
        ("web/bas.py:3", "web/base.py"),
        ("wbe/request.py", "web/request.py"),
        ("Main.py", "main.py"),
        ("web/mian.py", "main.py"),
    ],
)
def test_a_path_that_is_nearly_right(place: str, near: str, shop: Shop) -> None:
    """The error suggests the paths that were probably meant."""
    with pytest.raises(NotFoundError, match=r"Did you mean|there is") as error:
        shop.read(place, "1")
    assert near in str(error.value)
    assert error.value.code == "file_misnamed"


@pytest.mark.parametrize("place", ["web/zzzzz.py", "web/q.py", "zzzzz.py"])
def test_a_path_like_no_other(place: str, shop: Shop) -> None:
    """Files in the same folder are no more similar than others: nothing is suggested."""
    with pytest.raises(NotFoundError) as error:
        shop.read(place, "1")
    assert "Did you mean" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "defined", "near"),
    [
        ("Sess*", ["SessionMiddleware"], ()),
        ("*middleware", ["SessionMiddleware"], ()),
        ("HTTPConnection.*", ["HTTPConnection.url_for"], ()),
        ("Request.url_for", ["HTTPConnection.url_for"], ()),
        ("Sesionmiddleware", [], ("SessionMiddleware",)),
        ("Nowhere.url_for", [], ("HTTPConnection.url_for",)),
        ("url_fro", [], ("url_for",)),
        ("zzzzqqqq", [], ()),
    ],
)
def test_what_a_name_may_mean_that_nothing_is_called(
    name: str, defined: list[str], near: tuple[str, ...], shop: Shop
) -> None:
    """A pattern, an inherited member, a misspelling."""
    question = SymbolsQuestion(name, Where(("1",)))
    view = asyncio.run(shop.application.answers.symbols(shop.here, question))
    assert [".".join(filter(None, (one.scope, one.symbol))) for one in view.definitions] == defined
    assert view.near == near


def test_names_that_are_near_are_told_once(shop: Shop) -> None:
    """And not repeated on each further page of uses."""
    nowhere = SymbolsQuestion("Nowhere.url_for", Where(("1",)), limit=1)
    first = asyncio.run(shop.application.answers.symbols(shop.here, nowhere))
    assert (first.near, first.next is None) == (("HTTPConnection.url_for",), False)
    further = replace(nowhere, cursor=first.next)
    assert asyncio.run(shop.application.answers.symbols(shop.here, further)).near == ()


def test_what_is_added_by_another_name_is_what_there_is(tmp_path: Path) -> None:
    """A part, an address with `.git` at its end, an identifier: no second index is made. A folder
    that an index leaves out is a source of its own."""
    repository = tmp_path / "mirror"
    write_file(repository / "src" / "a.py", "def lantern(): ...\n")
    write_file(repository / ".gitignore", "vendor/\n")
    write_file(repository / "vendor" / "b.py", "def lamp(): ...\n")
    commit_all(repository)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(repository)
        for name in (repository / "src", repository / "src" / "a.py", "mirror", 1):
            assert [status.id for status in kodit.index(name)] == [1]
        assert [status.id for status in kodit.index(repository / "vendor")] == [2]
        assert [file.path for file in kodit.list_files(repository / "src")] == ["src/a.py"]
        assert kodit.read(repository / "src", "a.py:1").path == "src/a.py"
        results = kodit.search("lantern", source=repository / "src")
        assert {result.snippet.path for result in results} == {"src/a.py"}
        with pytest.raises(SourceError, match="part of index 1"):
            kodit.delete(repository / "src")


def test_a_folder_that_nobody_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The root, the home folder and its parents, and system folders are refused."""
    home = tmp_path / "users" / "ada"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    with Application(Settings.load(data_dir=tmp_path / "data")) as application:
        for folder in ("/", "/usr", "~", str(home.parent)):
            with pytest.raises(SourceError, match="holds much more than code") as error:
                asyncio.run(application.sources.add(IndexRequest([folder])))
            assert error.value.code == "source_broad"
        asyncio.run(application.sources.add(IndexRequest([str(home)], even_if_broad=True)))
        # Once it is indexed, it is what it is.
        [run] = asyncio.run(application.sources.add(IndexRequest([str(home)])))
        assert run.index_id == 1


def test_a_branch_with_a_slash_in_the_address_of_a_page(tmp_path: Path) -> None:
    """Of several readings, the first one whose branch exists is used."""
    repository = tmp_path / "r"
    write_file(repository / "a.py", "x = 1\n")
    commit_all(repository)
    git(repository, "branch", "feature/x")
    with Application(Settings.load(data_dir=tmp_path / "data")) as application:
        page = "https://github.com/o/r/tree/feature/x/src"
        parsed = application.parser.parse(page)
        [asked] = application.sources._understand(IndexRequest([page]), LOCAL_CALLER)
        assert (asked.source, asked.others) == (parsed.source, parsed.others)
        assert [parsed.source.ref, *(one.ref for one in parsed.others)] == [
            "feature",
            "feature/x",
            "feature/x/src",
        ]
        local = [
            replace(one, location=repository.as_uri()) for one in (parsed.source, *parsed.others)
        ]
        request = SourceRequest(local[0], others=tuple(local[1:]))
        [index] = asyncio.run(application.indexes.add([request]))
        assert index.source.ref == "feature/x"
