"""The selection of an index by its name, by a folder in it, or by the caller's folder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.support.sources import write_file

from kodit import Kodit
from kodit.application.views.files import FilesView
from kodit.composition import Application
from kodit.domain.caller import Caller
from kodit.domain.errors import (
    KoditError,
    NotFoundError,
    RefusedByPolicyError,
    SourceError,
)
from kodit.domain.policy import CallerPolicy
from kodit.domain.questions import (
    FilesQuestion,
    GrepQuestion,
    LeftOutQuestion,
    ReadQuestion,
    RelatedQuestion,
    SearchQuestion,
    SymbolsQuestion,
    Where,
)
from kodit.settings import Settings

REMOTE = Caller(CallerPolicy())


@dataclass(frozen=True)
class Place:
    """Two indexed folders, one within the other, and one that is not indexed."""

    application: Application
    shop: Path
    inner: Path
    other: Path

    def files(self, caller: Caller, where: Where = Where()) -> FilesView:  # noqa: B008 - frozen
        return asyncio.run(self.application.answers.files(caller, FilesQuestion(where)))

    def paths(self, caller: Caller, where: Where = Where()) -> list[tuple[int, str]]:  # noqa: B008 - as above
        return [(file.index_id, file.path) for file in self.files(caller, where).files]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Indexed once."""
    folder = tmp_path_factory.mktemp("places").resolve()
    shop, other = folder / "shop", folder / "other"
    inner = shop / "inner"
    for path in ("a.py", "web/b.py", "web-old/c.py", "web/deep/d.py"):
        write_file(shop / path, f"def lantern_{len(path)}():\n    return 'lantern'\n")
    write_file(inner / "e.py", "def lantern():\n    return 'lantern'\n")
    write_file(other / "f.py", "x = 1\n")
    for path in ("web/link", "deep/link", "inner/web/link", "inner/deep/link"):
        (shop / path).parent.mkdir(exist_ok=True)
        (shop / path).symlink_to("elsewhere")
    with Kodit(folder / "data") as kodit:
        kodit.index(shop, inner)
    with Application(Settings(data_dir=folder / "data")) as application:
        yield Place(application, shop, inner, other)


OF_SHOP = [
    (1, path) for path in ("a.py", "inner/e.py", "web-old/c.py", "web/b.py", "web/deep/d.py")
]
OF_INNER = [(2, "e.py")]


def test_the_index_that_holds_the_callers_folder(place: Place) -> None:
    """The nearest one, and in it what lies below that folder."""
    assert place.paths(Caller(folder=str(place.shop))) == OF_SHOP
    assert place.paths(Caller(folder=str(place.shop / "web"))) == OF_SHOP[3:]
    assert place.paths(Caller(folder=str(place.shop / "web" / "deep"))) == OF_SHOP[4:]
    assert place.paths(Caller(folder=str(place.inner))) == OF_INNER
    assert place.paths(Caller(folder=str(place.inner / "none"))) == []


def test_every_index_where_none_holds_it(place: Place) -> None:
    """Or if all are requested."""
    everything = OF_SHOP + OF_INNER
    assert place.paths(Caller(folder=str(place.other))) == everything
    assert place.paths(Caller(folder=str(place.shop.parent))) == everything
    assert place.paths(Caller()) == everything
    assert place.paths(Caller(folder=str(place.inner)), Where(everywhere=True)) == everything


def test_the_answer_says_which(place: Place) -> None:
    """And that nobody named it."""
    [standing] = place.files(Caller(folder=str(place.shop / "web"))).standing
    assert (standing.index_id, standing.folder, standing.is_implied) == (1, "web", True)
    [standing] = place.files(Caller(folder=str(place.shop))).standing
    assert (standing.folder, standing.is_implied) == (None, True)
    for where in (Where(("1",)), Where(everywhere=True)):
        named = place.files(Caller(folder=str(place.shop)), where).standing
        assert {one.is_implied for one in named} == {None}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["1"], OF_SHOP),
        (["2", "1"], OF_SHOP + OF_INNER),
        (["{shop}"], OF_SHOP),
        (["{shop}/web"], OF_SHOP[3:]),
        (["web"], OF_SHOP[3:]),
        (["./web/deep", "web-old"], [OF_SHOP[2], OF_SHOP[4]]),
        (["web", "."], OF_SHOP),
        (["inner"], OF_INNER),
        (["web", "inner"], OF_SHOP[3:] + OF_INNER),
    ],
)
def test_sources_by_name(names: Sequence[str], expected: object, place: Place) -> None:
    """An identifier, a source, or a folder in one, relative to the caller's folder."""
    caller = Caller(folder=str(place.shop))
    assert (
        place.paths(caller, Where(tuple(one.format(shop=place.shop) for one in names))) == expected
    )


def test_a_source_that_is_not_indexed(place: Place) -> None:
    """The error names it, and so does the one for a source that does not exist."""
    with pytest.raises(SourceError) as error:
        place.files(Caller(), Where((str(place.other),)))
    assert (error.value.code, error.value.fields["source"]) == (
        "source_not_indexed",
        str(place.other),
    )
    with pytest.raises(KoditError) as missing:
        place.files(Caller(folder=str(place.shop)), Where(("no/such",)))
    assert missing.value.code == "index_not_found"


def test_a_caller_over_the_network_learns_nothing_of_the_disk(place: Place) -> None:
    """A source may be named as it is listed, and a part of one; other paths reveal nothing."""
    assert place.paths(REMOTE, Where((str(place.shop),))) == OF_SHOP
    assert place.paths(REMOTE, Where((str(place.shop / "web"),))) == OF_SHOP[3:]
    assert place.paths(REMOTE, Where((str(place.shop / "none"),))) == []
    said = set()
    for name in (str(place.other), f"{place.other}/none", str(place.shop.parent)):
        with pytest.raises(RefusedByPolicyError) as error:
            place.files(REMOTE, Where((name,)))
        said.add(str(error.value).replace(name, ""))
    assert len(said) == 1


def test_every_question_follows_the_rule(place: Place) -> None:
    """Only a part of an index is searched if one is selected."""
    caller, answers = Caller(folder=str(place.shop / "web")), place.application.answers
    found = asyncio.run(answers.search(caller, SearchQuestion("lantern")))
    assert {result.path for result in found.results} == {"web/b.py", "web/deep/d.py"}
    assert {result.file for result in found.results} == {
        f"{place.shop}/web/b.py",
        f"{place.shop}/web/deep/d.py",
    }
    lines = asyncio.run(answers.grep(caller, GrepQuestion("lantern")))
    assert {match.path for match in lines.matches} == {"web/b.py", "web/deep/d.py"}
    symbols = asyncio.run(answers.symbols(caller, SymbolsQuestion("lantern_8")))
    assert [one.path for one in symbols.definitions] == ["web/b.py"]
    assert asyncio.run(answers.symbols(caller, SymbolsQuestion("lantern_4"))).definitions == ()
    assert asyncio.run(answers.read(caller, ReadQuestion("b.py:1"))).path == "web/b.py"
    related = asyncio.run(answers.related(caller, RelatedQuestion("b.py:1", limit=50)))
    assert {result.index_id for result in related.results} == {1}
    everywhere = asyncio.run(answers.related(caller, RelatedQuestion("b.py:1", in_all=True)))
    assert {result.index_id for result in everywhere.results} == {1, 2}


@pytest.mark.parametrize(
    ("sources", "left_out"),
    [
        (("{shop}/web", "{inner}/deep"), [(1, "web/link"), (2, "deep/link")]),
        (("{shop}/deep", "2"), [(1, "deep/link"), (2, "deep/link"), (2, "web/link")]),
        (("{inner}/web",), [(2, "web/link")]),
    ],
)
def test_what_is_left_out_of_parts(
    sources: Sequence[str], left_out: list[tuple[int, str]], place: Place
) -> None:
    """The folder selected in one index is not one of another."""
    where = Where(tuple(one.format(shop=place.shop, inner=place.inner) for one in sources))
    answers = place.application.left_out_answers
    view = asyncio.run(answers.left_out(Caller(), LeftOutQuestion(where)))
    assert [(one.index_id, one.path) for one in view.left_out] == left_out
    assert view.problems == ()


def test_what_is_left_out_where_one_source_is_gone(place: Place) -> None:
    """The others are told, with the reason; a single one raises it."""
    answers = place.application.left_out_answers
    gone = place.inner.rename(place.shop.parent / "moved")
    try:
        view = asyncio.run(answers.left_out(Caller(), LeftOutQuestion(Where(everywhere=True))))
        with pytest.raises(SourceError, match="inner"):
            asyncio.run(answers.left_out(Caller(), LeftOutQuestion(Where(("2",)))))
    finally:
        gone.rename(place.inner)
    assert [(one.index_id, one.path) for one in view.left_out] == [
        (1, "deep/link"),
        (1, "web/link"),
    ]
    [problem] = view.problems
    assert str(place.inner) in problem


@pytest.mark.parametrize(
    ("folder", "typed", "path"),
    [
        ("web", "b.py", "web/b.py"),
        ("web", "web/b.py:1-2", "web/b.py"),
        ("web", "deep/d.py", "web/deep/d.py"),
        ("web", "a.py:1", "a.py"),
        ("", "a.py", "a.py"),
        ("inner", "{shop}/web/b.py:2", "web/b.py"),
        ("none", "{shop}/inner/e.py", "e.py"),
    ],
)
def test_a_file_by_its_path(folder: str, typed: str, path: str, place: Place) -> None:
    """Relative to the caller's folder, to the top of the index, or absolute."""
    caller = Caller(folder=str(place.shop / folder))
    question = ReadQuestion(typed.format(shop=place.shop))
    assert asyncio.run(place.application.answers.read(caller, question)).path == path


def test_where_a_path_is_looked_for(place: Place) -> None:
    """In the index that holds the caller's folder, which nobody named; a folder that is indexed
    itself is the top of its index."""
    scoping, shop = place.application.scoping, str(place.shop)
    held = scoping.places(Caller(folder=shop), Where(), "a.py")
    assert (held.is_implied, [paths for _, paths in held.in_indexes]) == (True, [("a.py",)])
    whole = scoping.places(Caller(), Where(), shop)
    assert (whole.is_implied, [paths for _, paths in whole.in_indexes]) == (False, [(".",)])
    part = scoping.places(Caller(), Where(), f"{shop}/web")
    assert [paths for _, paths in part.in_indexes] == [("web",)]


def test_a_file_that_is_in_no_index(place: Place) -> None:
    """The error names it as typed; over the network only indexed files exist."""
    answers = place.application.answers
    with pytest.raises(NotFoundError) as error:
        asyncio.run(answers.read(Caller(folder=str(place.shop / "web")), ReadQuestion("no.py")))
    assert error.value.fields["path"] == "no.py"
    with pytest.raises(SourceError) as refused:
        asyncio.run(answers.read(Caller(), ReadQuestion(str(place.other / "f.py"))))
    assert refused.value.code == "source_not_indexed"
    assert asyncio.run(answers.read(REMOTE, ReadQuestion(f"{place.shop}/a.py"))).path == "a.py"
    for path in (place.other / "f.py", place.other / "none.py"):
        with pytest.raises(SourceError, match="is not indexed"):
            asyncio.run(answers.read(REMOTE, ReadQuestion(str(path))))


@pytest.mark.parametrize("where", [Where(), Where(everywhere=True), Where(("1", "2"))], ids=str)
def test_a_file_of_one_of_several_indexes(where: Where, place: Place) -> None:
    """It is found in the one that has it; the answer says that nobody named the index."""
    answers = place.application.answers
    for path, index_id in (("a.py", 1), ("e.py", 2)):
        text = asyncio.run(answers.read(Caller(), ReadQuestion(path, where)))
        assert (text.index_id, text.path) == (index_id, path)
        assert bool(text.standing[0].is_implied) is not bool(where.sources)
        related = asyncio.run(answers.related(Caller(), RelatedQuestion(f"{path}:1", where)))
        assert {one.index_id for one in related.results} <= {index_id}

    with pytest.raises(NotFoundError) as error:
        asyncio.run(answers.read(Caller(), ReadQuestion("no.py", where)))
    assert error.value.code == "file_in_no_index"


def test_a_file_in_two_parts_of_one_index(place: Place) -> None:
    """It is one file."""
    where = Where((str(place.shop / "web"), "1"))
    text = asyncio.run(place.application.answers.read(Caller(), ReadQuestion("web/b.py", where)))
    assert text.path == "web/b.py"


def test_pages_of_every_list(place: Place) -> None:
    """Together they contain what one answer without a limit contains."""
    caller, answers = Caller(), place.application.answers

    async def pages(ask: str, question: object, read: str) -> list[object]:
        found: list[object] = []
        cursor = None
        while True:
            asked = replace(question, limit=2, cursor=cursor)  # type: ignore[type-var]
            page = await getattr(answers, ask)(caller, asked)
            assert len(getattr(page, read)) <= 2
            found += getattr(page, read)
            cursor = page.next
            if cursor is None:
                return found

    for ask, question, read in (
        ("search", SearchQuestion("lantern"), "results"),
        ("grep", GrepQuestion("lantern"), "matches"),
        ("files", FilesQuestion(), "files"),
        ("symbols", SymbolsQuestion("lantern"), "references"),
    ):
        whole = asyncio.run(getattr(answers, ask)(caller, replace(question, limit=100)))
        assert whole.next is None
        assert len(getattr(whole, read)) > 2
        assert asyncio.run(pages(ask, question, read)) == list(getattr(whole, read))


def test_a_budget_leaves_a_cursor(place: Place) -> None:
    """The omitted results are on the next page."""
    caller, answers = Caller(), place.application.answers
    whole = asyncio.run(answers.search(caller, SearchQuestion("lantern")))
    cut = asyncio.run(answers.search(caller, SearchQuestion("lantern", budget=80)))
    assert 0 < len(cut.results) < len(whole.results)
    rest = asyncio.run(answers.search(caller, SearchQuestion("lantern", cursor=cut.next)))
    assert [*cut.results, *rest.results] == list(whole.results)
