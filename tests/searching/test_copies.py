"""The same text is one result, with the other places where it was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.sources import write_file

from kodit import Kodit
from kodit.application.services.listing import FoundTexts, Listing
from kodit.domain.ranking.candidate import Candidate
from kodit.domain.ranking.ranking import Ranked
from kodit.domain.search import MOST_COPIES, FoundSnippet, SearchResult, with_copy
from kodit.domain.value_objects import Hit, SearchMode

SHARED = "def parse_lantern(text):\n    return [wick.strip() for wick in text.split('|')]\n"
OTHER = "def light_lantern(wick):\n    wick.flame = True\n    return wick\n"
MODES = list(SearchMode)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders with the same module, in one of them twice."""
    folder = tmp_path_factory.mktemp("copies")
    write_file(folder / "one" / "src" / "lantern.py", SHARED)
    write_file(folder / "one" / "legacy" / "lantern.py", SHARED)
    write_file(folder / "one" / "src" / "light.py", OTHER)
    write_file(folder / "two" / "src" / "lantern.py", SHARED)
    return folder


@pytest.fixture(scope="module")
def kodit(place: Path) -> Iterator[Kodit]:
    with Kodit(place / "data") as opened:
        opened.index(place / "one", place / "two")
        yield opened


def places(result: SearchResult) -> list[str]:
    """The last folder of the source, and the path, of the result and its copies."""
    shown = (result.snippet.source, result.snippet.path)
    return [
        f"{source.rpartition('/')[2]}/{path}"
        for source, path in (shown, *((one.source, one.path) for one in result.also_in))
    ]


@pytest.mark.parametrize("mode", MODES)
def test_a_text_is_one_result_in_all_indexes(mode: SearchMode, kodit: Kodit) -> None:
    """What is not legacy comes first."""
    results = kodit.search("parse_lantern", mode=mode)
    assert len({one.snippet.text for one in results}) == len(results) == 2
    found = next(one for one in results if one.snippet.symbol == "parse_lantern")
    assert sorted(places(found)) == [
        "one/legacy/lantern.py",
        "one/src/lantern.py",
        "two/src/lantern.py",
    ]
    if mode is SearchMode.HYBRID:
        assert places(found)[0] == "one/src/lantern.py"
        assert [(one.start_line, one.end_line) for one in found.also_in] == [(1, 2)] * 2


@pytest.mark.parametrize("mode", MODES)
def test_filters_are_heard_first(mode: SearchMode, kodit: Kodit, place: Path) -> None:
    """A place that they leave out is none."""
    legacy = kodit.search("parse_lantern", mode=mode, paths=["legacy/**"])
    assert [places(one) for one in legacy] == [["one/legacy/lantern.py"]]
    two = kodit.search("parse_lantern", str(place / "two"), mode=mode)
    assert [places(one) for one in two] == [["two/src/lantern.py"]]


@pytest.mark.parametrize("mode", MODES)
def test_pages_repeat_nothing(mode: SearchMode, kodit: Kodit) -> None:
    whole = kodit.search("parse_lantern", mode=mode)
    paged = [
        kodit.search("parse_lantern", mode=mode, limit=1, offset=offset)
        for offset in range(len(whole) + 1)
    ]
    assert paged == [*([one] for one in whole), []]


def test_related_names_each_text_once(kodit: Kodit, place: Path) -> None:
    results = kodit.related(place / "one", "src/light.py:1", everywhere=True)
    assert sorted(map(len, map(places, results))) == [3]


def found(number: int, text: str, line: int = 1) -> FoundSnippet:
    return FoundSnippet(number, 1, number, "a.py", line, line, "python", None, content_hash=text)


@given(st.lists(st.sampled_from("abcdef"), max_size=30), st.integers(1, 30))
@settings(deadline=None)
def test_each_text_is_listed_once_in_order(texts: Sequence[str], first: int) -> None:
    """However many are looked at, and in however many steps."""
    snippets = [found(number, text) for number, text in enumerate(texts)]
    hits = [Hit(number, -float(number)) for number in range(len(texts))]
    listing = Listing()
    for some in (hits[:first], hits):
        listing.add_hits(some, FoundTexts(snippets), len(texts))
    shown = [texts[one.snippet_ids[0]] for one in listing.listed]
    assert shown == list(dict.fromkeys(texts))
    for one in listing.listed:
        (number,) = one.snippet_ids
        others = {n for n, text in enumerate(texts) if text == texts[number]} - {number}
        assert {copy.id for copy in one.copies} == others
    beginning = Listing()
    beginning.add_hits(hits, FoundTexts(snippets), first)
    assert beginning.listed == listing.listed[:first]


def test_of_copies_that_tie_the_first_place_is_the_result() -> None:
    """Whatever order the engine has them in; a better score comes first all the same."""
    snippets = [found(number, "a", 9 - number) for number in range(4)]
    hits = [Hit(0, 1.0), *(Hit(number, 0.5) for number in (2, 1, 3))]
    for better, shown in (([], 3), (hits[:1], 0)):
        for tied in (hits[1:], hits[:0:-1]):
            listing = Listing()
            listing.add_hits([*better, *tied], FoundTexts(snippets), 9)
            assert [one.snippet_ids for one in listing.listed] == [(shown,)]


def test_outdated_snippets_are_no_copies() -> None:
    texts = FoundTexts([found(1, "a"), found(2, "a"), found(3, "a")], outdated={2})
    assert [one.id for one in texts.copies_of(1)] == [3]


def test_not_all_places_of_a_common_text_are_named(kodit: Kodit) -> None:
    result, *_ = kodit.search("light_lantern")
    for number in range(MOST_COPIES + 5):
        copy = replace(result.snippet, path=f"{number:03}.py")
        result = with_copy(result, copy)
    assert [one.path for one in result.also_in] == [f"{n:03}.py" for n in range(MOST_COPIES)]


def test_copies_of_merged_neighbours_are_left_out() -> None:
    """They are part of a result above, whatever else is shown with them elsewhere."""
    texts = FoundTexts([found(number, text) for number, text in enumerate("abacb")])
    one, two, three, four, five = (
        Candidate(number, number, "a.py", number, number, "python", None, 1.0, 0.0, 0.0)
        for number in range(5)
    )
    listing = Listing()
    listing.add_ranked(
        [Ranked(one, 3.0, (), (two,)), Ranked(three, 2.0, (), (four,)), Ranked(five, 1.0, ())],
        texts,
        9,
    )
    assert [each.snippet_ids for each in listing.listed] == [(0, 1)]
    assert [copy.id for copy in listing.listed[0].copies] == [2]
