"""A place is looked at in every index that it may be in, and found in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from kodit.application.services.index_locator import IndexLocator, Part
from kodit.application.services.scope_service import ScopeService
from kodit.domain.caller import Caller
from kodit.domain.entities import Index, WorkingCopy
from kodit.domain.errors import InvalidQueryError, NotFoundError
from kodit.domain.files import FilePlace
from kodit.domain.questions import Where
from kodit.domain.value_objects import Source, SourceKind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = "https://github.com/shop/shop/blob/main/src/cart.py#L7-L9"
Answers = Mapping[int, str | None]
"""By index, what is found there, or `!` and the code of the error; None for a missing file."""


def index_of(number: int) -> Index:
    return Index(number, Source(SourceKind.FOLDER, f"/{number}"), WorkingCopy(), NOW)


class Locator:
    """Indexes that hold none of the caller's folders."""

    def __init__(self, indexes: Sequence[Index]) -> None:
        self._indexes = indexes

    def all(self) -> Sequence[Index]:
        return self._indexes

    def absolute(self, *_asked: object) -> None:
        return None

    def locate_part(self, name: str, _caller: Caller) -> Part:
        assert name == PAGE
        return Part(self._indexes[-1], "src/cart.py")


def looked_at(answers: Answers, place: str | FilePlace = "a.py") -> tuple[str, int, bool]:
    """What is found, in which index, and whether nobody named that one."""
    scope = ScopeService(locator=cast(IndexLocator, Locator([index_of(one) for one in answers])))

    def look(index_id: int, asked: str | FilePlace) -> str:
        answer = answers[index_id]
        if answer is None or answer.startswith("!"):
            code = "file_not_found" if answer is None else answer[1:]
            code, _, there = code.partition("=")
            fields = {"there": there} if there else {}
            raise NotFoundError(f"not in {index_id}", code=code, **fields)
        return f"{answer} at {asked}"

    found, index, is_implied = scope.look_at(Caller(), Where(), place, look)
    return found, index.id, is_implied


def test_a_file_of_one_index_is_found_there() -> None:
    assert looked_at({1: None, 2: "two", 3: "!file_misnamed"}) == ("two at a.py", 2, True)
    assert looked_at({1: "one"}) == ("one at a.py", 1, False)
    assert looked_at({1: None, 2: "two"}, FilePlace("a.py", 3, 4))[0] == "two at a.py:3-4"


def test_the_address_of_a_page_leads_to_its_lines() -> None:
    """In its index alone."""
    found = looked_at({1: "one", 2: "two"}, PAGE)
    assert found[:2] == ("two at src/cart.py#L7-L9", 2)


def test_a_file_of_several_indexes_is_ambiguous() -> None:
    with pytest.raises(
        InvalidQueryError, match=r"name one of them: /1 \(1\), /3 \(3\)$"
    ) as several:
        looked_at({1: "one", 2: None, 3: "three"})
    assert (several.value.code, several.value.fields) == ("sources_several", {"path": "a.py"})


@pytest.mark.parametrize(
    ("answers", "code", "told"),
    [
        ({1: None}, "file_not_found", "not in 1"),
        ({1: "!file_misnamed"}, "file_misnamed", "not in 1"),
        ({1: None, 2: None}, "file_in_no_index", "none of 2 indexes has a file 'a.py'"),
        ({1: None, 2: "!file_misnamed"}, "file_misnamed", "not in 2"),
        (
            {1: None, 2: "!file_misnamed", 3: "!file_misnamed"},
            "file_in_no_index",
            "none of 3 indexes has a file 'a.py'; files of a similar name are in /2 (2), /3 (3)",
        ),
        (
            dict.fromkeys(range(1, 6), "!file_misnamed"),
            "file_in_no_index",
            "none of 5 indexes has a file 'a.py'; files of a similar name are in /1 (1), /2 (2), "
            "/3 (3) and 2 more",
        ),
        (
            {1: "!file_misnamed=b/a.py", 2: "!file_misnamed", 3: "!file_misnamed=c/a.py"},
            "file_in_no_index",
            "none of 3 indexes has a file 'a.py'; there is 'b/a.py' in /1 (1), 'c/a.py' in /3 (3)",
        ),
        ({1: "!file_misnamed", 2: "!file_misnamed=b/a.py"}, "file_misnamed", "not in 2"),
        ({1: "!file_misnamed", 2: "!file_gone"}, "file_gone", "not in 2"),
    ],
)
def test_a_file_of_no_index(answers: Any, code: str, told: str) -> None:
    """The most specific reason is told, if there is one."""
    with pytest.raises(NotFoundError) as missing:
        looked_at(answers)
    assert (missing.value.code, str(missing.value)) == (code, told)
    if code == "file_in_no_index":
        assert missing.value.fields == {"path": "a.py"}


@pytest.mark.parametrize(
    "place", ["a.py:3", "a.py:3-9", "a.py#L3", FilePlace("a.py", 3, 4)], ids=str
)
def test_a_missing_file_is_named_without_its_lines(place: str | FilePlace) -> None:
    with pytest.raises(NotFoundError, match=r"has a file 'a\.py'$") as missing:
        looked_at({1: None, 2: None}, place)
    assert missing.value.fields == {"path": "a.py"}
    with pytest.raises(NotFoundError, match=r"has a file 'a\.py:9-3'$"):
        looked_at({1: None, 2: None}, "a.py:9-3")


def test_nothing_is_indexed() -> None:
    with pytest.raises(NotFoundError) as missing:
        looked_at({})
    assert missing.value.code == "nothing_indexed"
