"""Views, questions and errors survive the way from one process to another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodit.application.views.errors import ErrorView
from kodit.application.views.files import FilesView, GrepView, SymbolsView, TextView
from kodit.application.views.indexes import IndexesView
from kodit.application.views.questions import question_from_json, question_to_json
from kodit.application.views.runs import ListedRunView, RunsView
from kodit.application.views.search import RelatedView, SearchView
from kodit.application.views.serialization import ONLY_WHEN_SET, from_json, to_json
from kodit.domain import errors
from kodit.domain.errors import KoditError, NotFoundError, TransientError
from kodit.domain.questions import AnyQuestion

VIEWS = [
    *(SearchView, RelatedView, GrepView, FilesView, TextView, SymbolsView),
    *(IndexesView, RunsView, ListedRunView, ErrorView),
]
NUMBERS = st.integers(-(2**53), 2**53)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec=None), max_size=8)  # file names hold lone surrogates too

for kind, strategy in ((int, NUMBERS), (float, FLOATS), (str, TEXTS)):
    st.register_type_strategy(kind, strategy)
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(
    Mapping,
    lambda kind: st.dictionaries(TEXTS, st.from_type(get_args(kind)[1]), max_size=2),
)
st.register_type_strategy(
    tuple, lambda kind: st.lists(st.from_type(get_args(kind)[0]), max_size=2).map(tuple)
)


def handed_over(value: Any) -> Any:
    """A value as JSON, written and read."""
    return json.loads(json.dumps(to_json(value)))


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_a_view(view: type[Any]) -> None:
    """Any view that there can be."""

    @given(st.from_type(view))
    def comes_out_as_it_went_in(made: Any) -> None:
        assert from_json(view, handed_over(made)) == made

    comes_out_as_it_went_in()


@given(st.from_type(AnyQuestion))  # type: ignore[arg-type] # a union is no type to mypy
def test_a_question(question: AnyQuestion) -> None:
    assert question_from_json(handed_over(question_to_json(question))) == question


@pytest.mark.parametrize("kind", [one for one in vars(errors).values() if isinstance(one, type)])
def test_an_error(kind: type[Any]) -> None:
    """With its class, so that the exit code is the same, and with code and fields, so that the
    advice is."""
    if not issubclass(kind, KoditError):
        return
    error = kind("it is so", code="index_not_found", index=7, path="a\udcff", share=0.5, none=None)

    again = from_json(ErrorView, handed_over(ErrorView.of(error))).error()

    assert type(again) is kind
    assert (str(again), again.code, again.fields) == (str(error), error.code, error.fields)


def test_an_error_of_a_class_that_is_not_shared() -> None:
    """It becomes the nearest shared class, as does a class that only the other side knows."""

    class OwnError(NotFoundError):
        default_code = "own"

    again = ErrorView.of(OwnError("no")).error()
    unknown = ErrorView("NewerError", "no", "newer", {}).error()

    class UserError(NotFoundError):
        """Has the name of another class."""

    odd = [ErrorView(kind, "no", "newer", {}).error() for kind in ("Field", "Any", "__name__")]

    assert type(ErrorView.of(UserError("no")).error()) is NotFoundError
    assert [type(one) for one in odd] == [KoditError] * 3
    assert (type(again), again.code) == (NotFoundError, "own")
    assert (type(unknown), unknown.code) == (KoditError, "newer")


def test_when_to_try_again() -> None:
    again = from_json(ErrorView, handed_over(ErrorView.of(TransientError("later", 3)))).error()

    assert isinstance(again, TransientError)
    assert again.retry_after_seconds == 3


@dataclass(frozen=True)
class Part:
    """A view of this test."""

    number: int
    sets: Mapping[str, tuple[str, ...]]
    extra: str | None = field(default=None, metadata=ONLY_WHEN_SET)


@pytest.mark.parametrize(
    "value",
    [
        *(None, [], "x", 3),
        {},
        {"number": 1},
        {"number": True, "sets": {}},
        {"number": "1", "sets": {}},
        {"number": 1.5, "sets": {}},
        {"number": None, "sets": {}},
        {"number": 1, "sets": []},
        {"number": 1, "sets": {"a": "b"}},
        {"number": 1, "sets": {"a": [1]}},
        {"number": 1, "sets": {}, "extra": 1},
    ],
    ids=str,
)
def test_what_is_no_view(value: Any) -> None:
    """It is refused, and not converted into something else."""
    with pytest.raises(ValueError, match=r"is not|lacks"):
        from_json(Part, value)


def test_what_a_newer_server_adds() -> None:
    """It is ignored; optional fields may be missing."""
    assert from_json(Part, {"number": 1, "sets": {}, "newer": [1]}) == Part(1, {})


@pytest.mark.parametrize(
    "value", [None, [], {}, {"kind": "Part"}, {"kind": ["Part"]}, "x", [1], 7], ids=str
)
def test_what_is_no_question(value: Any) -> None:
    with pytest.raises(ValueError, match="question"):
        question_from_json(value)
