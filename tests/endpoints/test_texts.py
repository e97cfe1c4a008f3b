"""Texts and prompts as they are sent, and what is kept of answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kodit.domain.entities import StoredSnippet
from kodit.domain.errors import PermanentError
from kodit.domain.value_objects import SymbolKind
from kodit.infrastructure.endpoints.prompt import (
    LONGEST_DESCRIPTION,
    description_in,
    messages_for,
)
from kodit.infrastructure.endpoints.texts import (
    Sized,
    TokenRange,
    batches,
    cut,
    prepared,
    tokens_in,
)

CODE = "password = 's3cr3t-Word'"


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("ab\ncdef", 6, "ab\ncde"),
        ("abc\ndef", 6, "abc"),
        ("abcde\nf", 6, "abcde"),
        ("a\nbcd\nefg", 6, "a\nbcd"),
        ("\0ab\0c\0", 9, "ab c"),
        (" \n\t", 9, ""),
        ("\0", 9, ""),
        ("", 9, ""),
    ],
)
def test_long_texts_are_cut(text: str, longest: int, expected: str) -> None:
    """At the end of a line of their second half."""
    assert cut(text, longest) == expected


def test_texts_are_masked_before_they_are_cut_and_never_empty() -> None:
    assert prepared(f"{CODE}\n") == "password = '[secret]'\n"
    assert prepared(CODE, 21) == "password = '[secret]'"
    assert prepared(" ") == prepared("") == "(empty)"
    assert prepared("x" * 24_001) == "x" * 24_000


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", (0, 1, 8)),
        ("x" * 96, (16, 31, 68)),
        ("é" * 48, (16, 31, 68)),
        ("\ud800" * 96, (16, 31, 68)),
    ],
)
def test_the_tokens_of_a_text_are_guessed_by_its_bytes(
    text: str, tokens: tuple[int, int, int]
) -> None:
    assert tokens_in(text) == tokens
    assert tokens_in(text).plus(TokenRange(1, 2, 3)) == tuple(
        one + two for one, two in zip(tokens, (1, 2, 3), strict=True)
    )


@pytest.mark.parametrize(
    ("sizes", "most_texts", "most_tokens", "expected"),
    [
        ([], 2, 10, []),
        ([1, 1, 1], 2, 10, [[1, 1], [1]]),
        ([1, 1, 1, 1], 2, 10, [[1, 1], [1, 1]]),
        ([5, 5, 5], 9, 10, [[5, 5], [5]]),
        ([5, 6], 9, 10, [[5], [6]]),
        ([11, 1], 9, 10, [[11], [1]]),
        ([1, 11, 1], 9, 10, [[1], [11], [1]]),
        ([6, 3, 3, 3], 9, 10, [[6, 3], [3, 3]]),
    ],
)
def test_batches_keep_within_both_limits(
    sizes: list[int], most_texts: int, most_tokens: int, expected: list[list[int]]
) -> None:
    """A text that is too large alone is a batch."""
    texts = [(bytes([number]), "x" * size) for number, size in enumerate(sizes)]
    found = list(batches(texts, most_texts, most_tokens, len))
    assert [[one.tokens for one in batch] for batch in found] == expected
    assert [one for batch in found for one in batch] == [
        Sized(key, text, len(text)) for key, text in texts
    ]


SNIPPET = StoredSnippet(
    id=1,
    index_id=1,
    source="/shop",
    file_id=1,
    path="cart.py",
    start_line=1,
    end_line=2,
    language="python",
    symbol="pay",
    kind=SymbolKind.METHOD,
    scope="Cart",
    text=CODE,
)


def sent(snippet: StoredSnippet, longest: int = 100) -> tuple[str, list[str]]:
    """The two messages, the second in lines."""
    system, user = messages_for(snippet, longest)
    assert (system["role"], user["role"]) == ("system", "user")
    return system["content"], user["content"].split("\n")


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({}, ["Language: python", "Defines: method pay in Cart"]),
        ({"scope": ""}, ["Language: python", "Defines: method pay"]),
        ({"symbol": None, "kind": None, "scope": ""}, ["Language: python"]),
    ],
)
def test_what_is_said_about_a_piece_of_code(changes: dict[str, Any], about: list[str]) -> None:
    """Not its path, so that a renaming costs nothing."""
    system, lines = sent(replace(SNIPPET, **changes))
    assert lines[:-3] == about
    assert lines[-2] == "password = '[secret]'"
    assert lines[-1] == lines[-3]
    assert f"the mark {lines[-1]}." in system


def test_the_mark_around_code_depends_on_it_alone() -> None:
    _, lines = sent(SNIPPET)
    assert sent(replace(SNIPPET, symbol="other"))[1][-3:] == lines[-3:]
    assert sent(replace(SNIPPET, text="x = 1"))[1][-1] != lines[-1]
    assert len(lines[-1]) == 16
    assert sent(replace(SNIPPET, text="x = 1"), 3)[1][-2] == "x ="


def answer(content: Any, **choice: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": content}, **choice}]}


LONG = "word " * 250 + "end. "


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("It pays.", "It pays."),
        ("  It\t pays. \n\n\n a,  b \n", "It pays.\na, b"),
        ("<think>no</think>It pays.", "It pays."),
        ("<Reasoning>no\nno</reasoning>It pays.", "It pays."),
        ("no</thinking>It pays.", "It pays."),
        ("It pays.<thought>no", "It pays."),
        ("```text\nIt pays.\n```", "It pays."),
        ("It `pays`.", "It `pays`."),
        ("It\x1b[1m pays\x00.", "It[1m pays."),
        ("x" * (LONGEST_DESCRIPTION + 1), "x" * LONGEST_DESCRIPTION),
        (LONG + "x" * 300, LONG.strip()),
        (LONG.strip() + "\n" + "x" * 300, LONG.strip()),
    ],
)
def test_what_is_kept_of_an_answer(content: str, expected: str) -> None:
    """Not what a model thinks, and at most whole sentences."""
    assert description_in(answer(content), "http://x") == (expected, "")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (answer(""), "the answer was empty"),
        (answer("ok"), "the answer was empty"),
        (answer("<think>It pays."), "the answer was empty"),
        (answer(None), "the answer was empty"),
        (answer(["It pays."]), "the answer was empty"),
        (answer("It pays.", finish_reason="content_filter"), "the model refused"),
        ({"choices": [{"message": {"content": "It pays.", "refusal": "no"}}]}, "the model refused"),
        (answer("I'm sorry, but no."), "the model refused"),
        (answer("I\u2019m sorry, but no."), "the model refused"),
        (answer("Sorry, no."), "the model refused"),
        (answer("I apologise for that."), "the model refused"),
        (answer("I cannot help with it."), "the model refused"),
        (answer("I can't describe it."), "the model refused"),
        (answer("I am unable to do it."), "the model refused"),
        (answer("As an AI, I do not."), "the model refused"),
    ],
)
def test_answers_that_cannot_be_used(given: Any, reason: str) -> None:
    assert description_in(given, "http://x") == (None, reason)


@pytest.mark.parametrize(
    "content",
    ["abc", "Sorts by a sorry, sad key.", "It says: I cannot help.", "I can not say less."],
)
def test_answers_that_can_be_used(content: str) -> None:
    assert description_in(answer(content, finish_reason="length"), "http://x") == (content, "")


@pytest.mark.parametrize(
    "given", [None, [], {}, {"choices": []}, {"choices": [{}]}, {"choices": 3}]
)
def test_answers_in_another_form(given: Any) -> None:
    with pytest.raises(PermanentError, match="http://x does not answer as") as found:
        description_in(given, "http://x")
    assert found.value.code == "endpoint_answer_invalid"
