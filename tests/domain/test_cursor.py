"""A cursor continues its own question, and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodit.domain import cursor as cursors
from kodit.domain.cursor import Cursor
from kodit.domain.errors import InvalidQueryError
from kodit.domain.questions import (
    FilesQuestion,
    GrepQuestion,
    Question,
    SearchQuestion,
    SymbolsQuestion,
    Where,
    cursor_at,
    start_of,
)
from kodit.domain.value_objects import SearchMode, SymbolKind

QUESTION = SearchQuestion("lantern", Where(("1",), languages=("go",)))


@given(st.integers(0, 999_999_999), st.text())
def test_a_cursor_says_where_to_go_on(offset: int, question: str) -> None:
    """With the question that it was made for."""
    text = Cursor(offset).encode(question)
    assert Cursor.decode(text, question) == Cursor(offset)
    assert text.isascii()
    assert "=" not in text  # which a URL would have to escape
    with pytest.raises(InvalidQueryError) as refused:
        Cursor.decode(text, f"{question}?")
    assert refused.value.code == "cursor_invalid"


@given(st.text() | st.from_regex(r"[A-Za-z0-9_=-]{0,140}"))
def test_no_other_text_is_a_cursor(text: str) -> None:
    """Including made-up ones."""
    with pytest.raises(InvalidQueryError):
        Cursor.decode(text, "lantern")


def test_a_cursor_of_another_version_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The meaning of its content may have changed."""
    old = Cursor(7).encode("lantern")
    monkeypatch.setattr(cursors, "VERSION", "2")
    with pytest.raises(InvalidQueryError):
        Cursor.decode(old, "lantern")


@pytest.mark.parametrize(
    "question",
    [
        QUESTION,
        GrepQuestion("lantern"),
        SymbolsQuestion("lantern"),
        FilesQuestion(Where(("1",))),
    ],
    ids=lambda question: type(question).__name__,
)
def test_the_size_of_a_page_may_change(question: Question) -> None:
    """It only limits the answer; the first page starts at the offset."""
    text = cursor_at(question, 30)
    assert start_of(question) == 0
    assert start_of(replace(question, cursor=text)) == 30
    assert start_of(replace(question, cursor=text, limit=3)) == 30


def test_what_only_cuts_or_explains_a_search_is_no_part_of_its_identity() -> None:
    """The offset is where the first page starts."""
    text = cursor_at(QUESTION, 30)
    for changed in (
        replace(QUESTION, budget=100),
        replace(QUESTION, explain=True),
        replace(QUESTION, wait=2.0),
        replace(QUESTION, offset=5),
    ):
        assert start_of(replace(changed, cursor=text)) == 30
    assert start_of(replace(QUESTION, offset=5)) == 5


@pytest.mark.parametrize(
    "other",
    [
        replace(QUESTION, query="lamp"),
        replace(QUESTION, mode=SearchMode.KEYWORD),
        replace(QUESTION, kinds=(SymbolKind.CLASS,)),
        replace(QUESTION, where=replace(QUESTION.where, sources=("2",))),
        replace(QUESTION, where=replace(QUESTION.where, everywhere=True)),
        replace(QUESTION, where=replace(QUESTION.where, paths=("*.go",))),
        replace(QUESTION, where=replace(QUESTION.where, authors=("Ada",))),
        GrepQuestion("lantern", QUESTION.where),
    ],
)
def test_another_question_needs_another_cursor(other: Question) -> None:
    """Its results, or their order, are others."""
    with pytest.raises(InvalidQueryError):
        start_of(replace(other, cursor=cursor_at(QUESTION, 30)))
