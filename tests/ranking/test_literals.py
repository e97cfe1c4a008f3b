"""Text that a query may quote, and how likely a text contains it."""

from __future__ import annotations

from unicodedata import normalize

import pytest

from kodit.domain.ranking.literals import (
    ALL_BUT_ROUNDING,
    IN_PROSE,
    MOST_LITERALS,
    MOST_SKIPPED,
    OTHER_PUNCTUATION,
    PART_OF_LINE,
    Literal,
    WeighedLiteral,
    literals,
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("where is it", []),
        ("where are redirects followed", ["where are redirects followed"]),
        ("return x;", ["return x;"]),
        ("a  = \t b", ["a = b"]),
        (
            'where is "No such" raised',
            ['where is "No such" raised', "where is raised", "No such"],
        ),
        ("`a b` 'c d'", ["`a b` 'c d'", "a b", "c d"]),
        ("Route [login] not defined.", ["Route [login] not defined.", "Route not defined."]),
        (
            "Unknown option --foo for /srv/a.conf in 3 <b>",
            ["Unknown option --foo for /srv/a.conf in 3 <b>", "Unknown option for in"],
        ),
        ("don't say it isn't", ["don't say it isn't"]),
        (
            "KeyError: no such key in here. The other one is",
            [
                "KeyError: no such key in here. The other one is",
                "no such key in here",
                "The other one is",
            ],
        ),
        (
            "could not open the file: the disk of it is full",
            ["could not open the file: the disk of it is full", "the disk of it is full"],
        ),
        ("x = 1\n\ny = 2", ["x = 1", "y = 2"]),
    ],
)
def test_what_may_be_a_literal(query: str, found: list[str]) -> None:
    assert [one.text for one in literals(query)] == found


def test_a_long_paste_asks_for_its_first_lines() -> None:
    assert len(literals("\n".join(f"line = {number}" for number in range(100)))) == MOST_LITERALS


def said(query: str, text: str, **rarities: float) -> float:
    [literal] = literals(query)
    return WeighedLiteral(literal, lambda word: rarities.get(word, 1.0)).share_in(text)


def test_a_whole_line_says_the_most() -> None:
    assert said("a = b(c)", "x\n    a = b(c)  \ny") == 1.0
    assert said("a = b(c)", "if a = b(c):") == PART_OF_LINE
    assert said("a = b(c)", "a = c(b)") == 0.0


def test_what_stands_between_the_words_counts_little() -> None:
    """A placeholder, the end of a line, another space."""
    text = 'raise E(f"File {path!r} is " "not there")'
    assert said("File is not there", text) == OTHER_PUNCTUATION
    many = " ".join("x" * MOST_SKIPPED)
    assert said("a(b, c)", f'"a {many} b c"') == OTHER_PUNCTUATION
    assert said("b, c, d; a", f'"b c d {many} x a"') == OTHER_PUNCTUATION * 0.75
    assert said("a b c d", f'"a {many} x b c d"') == 0.0


def test_what_the_code_does_not_say_may_be_missing() -> None:
    """In literals that are not plain questions: a value that was inserted."""
    assert said("File x: is not", '"File {}: is not"') == OTHER_PUNCTUATION * 0.75
    assert said("File x is not", '"File {} is not"') == 0.0
    assert said("File x: is not", '"File {}: is not"', x=1.01) == 0.0
    # What no text says at all does not count, unless it is most of it.
    assert said("File x: is not", '"File {}: is not"', x=0.0) == OTHER_PUNCTUATION
    assert said("x: a, b", '"a b"', x=0.0) == OTHER_PUNCTUATION
    assert said("x: y, a, b", '"a b"', x=0.0, y=0.0) == OTHER_PUNCTUATION
    assert said("x:y z, a, b", '"a b"', x=0.0, y=0.0, z=0.0) == 0.0
    assert said("a: b", "a: c", a=0.0) == 0.0


def test_a_question_that_a_comment_repeats_is_not_told_by_it() -> None:
    assert said("read the next value", "# Then read the next value.") == PART_OF_LINE * IN_PROSE
    assert said("read the next value", 'say("Then read the next value.")') == PART_OF_LINE
    assert said("read the next value", "read\nthe\nnext\nvalue") == OTHER_PUNCTUATION * IN_PROSE


def test_the_best_place_of_a_text_counts() -> None:
    text = '"b a" "a b" "a c"'
    assert said("a+b", text, b=2.0) == OTHER_PUNCTUATION
    assert ALL_BUT_ROUNDING < 1.0


def test_terms_are_those_of_all_words() -> None:
    assert Literal("fooBar no foo", ("fooBar", "no", "foo"), True).terms == (
        "foo",
        "bar",
        "foobar",
        "no",
    )


def test_a_text_contains_a_literal_in_either_composition() -> None:
    text = normalize("NFD", 'raise ValueError("no façade is déjà vu here")')
    (literal, *_) = literals(normalize("NFC", 'raise ValueError("no façade is déjà vu here")'))
    assert WeighedLiteral(literal, lambda _word: 1.0).share_in(text) == 1.0
