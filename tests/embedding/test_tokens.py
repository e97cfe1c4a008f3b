"""Text is tokenised as for the training of the built-in model."""

from __future__ import annotations

import math
from array import array
from itertools import combinations, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kodit.infrastructure.embedding import tokens as module
from kodit.infrastructure.embedding.tokens import (
    BUCKETS,
    LONGEST_RUN,
    Tokenizer,
    runs,
    split,
)

WORDS = [*"the parse http header get item file name hash map 256 utf8 de serial ize r".split()]
LETTERS = list("abcdefghijklmnopqstuvwxyz0123456789")


def tokenizer() -> Tokenizer:
    return Tokenizer(WORDS + LETTERS)


def tokens(text: str) -> list[str]:
    """The words of the token ids; a bucket is `#` and its number."""
    known = WORDS + LETTERS
    numbers = array("H")
    numbers.frombytes(tokenizer().tokens(text))
    return [known[one] if one < len(known) else f"#{one - len(known)}" for one in numbers]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  \t\n+-*/(){}", []),
        ("parseHTTPHeader_v2", ["parse", "http", "header", "v", "2"]),
        ("GET_ITEM getItem get-item get.item", ["get", "item"] * 4),
        ("__fileName__", ["file", "name"]),
        ("utf8 sha256", ["utf8", "s", "h", "a", "256"]),
        ("deserializer", ["de", "serial", "ize", "r"]),
        ("filename hashmap", ["file", "name", "hash", "map"]),
        ("the THE The", ["the"] * 3),
    ],
)
def test_identifiers_give_their_words(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("256", ["256"]),
        ("_256_1024", ["256", "1024"]),
        ("x86_64", ["x86", "64"]),
        ("HTTP2Server", ["http2", "server"]),
        ("utf8To16", ["utf8", "to16"]),
        ("ABCd", ["ab", "cd"]),
        ("Äpfel_Öl", ["äpfel", "öl"]),
        ("3d", ["3", "d"]),
    ],
)
def test_the_words_of_a_run(run: str, words: list[str]) -> None:
    assert split(run) == words


def test_a_word_that_is_not_known_is_cut_into_few_frequent_pieces() -> None:
    assert tokens("headerfile") == ["header", "file"]
    assert tokens("xyz") == ["x", "y", "z"]


@example(["abb", "abbabb"], "aabbabba")
@given(st.lists(st.text("ab", min_size=2, max_size=6)), st.text("ab", min_size=7, max_size=9))
def test_no_other_cut_of_a_word_is_more_likely(longer: list[str], word: str) -> None:
    vocabulary = list(dict.fromkeys([*longer, *"ab"]))
    cost = {piece: math.log(rank + 2) for rank, piece in enumerate(vocabulary)}
    numbers = array("H")
    numbers.frombytes(Tokenizer(vocabulary).tokens(word))
    found = [vocabulary[number] for number in numbers]
    assert "".join(found) == word
    inner = range(1, len(word))
    cuts = [
        [word[start:end] for start, end in pairwise([0, *some, len(word)])]
        for count in range(len(word))
        for some in combinations(inner, count)
    ]
    # A word of the vocabulary is one token, however rare.
    likely = [[word]] if word in cost else [one for one in cuts if cost.keys() >= set(one)]
    assert sum(map(cost.__getitem__, found)) <= (
        min(sum(map(cost.__getitem__, one)) for one in likely) + 1e-9
    )


def test_characters_that_are_not_known_share_buckets() -> None:
    assert tokens("文") == [f"#{ord('文') % BUCKETS}"]
    assert tokens("file文") == ["file", f"#{ord('文') % BUCKETS}"]
    assert tokens("größe")[2:4] == [f"#{ord('ö') % BUCKETS}", f"#{ord('ß') % BUCKETS}"]


@given(st.text())
def test_any_text_gives_tokens_and_the_same_ones_again(text: str) -> None:
    made = tokenizer()
    first = made.tokens(text)
    assert made.tokens(text) == first == tokenizer().tokens(text)
    numbers = array("H")
    numbers.frombytes(first)
    assert all(number < made.size for number in numbers)


@given(st.text(st.characters(max_codepoint=127)))
def test_text_of_ascii_is_cut_in_two_ways_alike(text: str) -> None:
    assert [*runs(text), "é"] == runs(f"{text} é")


@given(st.text())
def test_the_parts_of_a_text_are_independent(text: str) -> None:
    made = tokenizer()
    assert made.tokens(f"{text} {text}") == made.tokens(text) * 2


def test_the_beginning_of_an_endless_word_is_read() -> None:
    made = tokenizer()
    assert made.tokens("x" * 1_000_000) == made.tokens("x" * LONGEST_RUN)
    assert len(split("a" * 1_000_000)) == 1


def test_many_different_words_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RUNS", 100)
    made = tokenizer()
    text = " ".join(f"a{number}" for number in range(1_000))
    assert made.tokens(text) == tokenizer().tokens(text)
    assert len(made) <= 100


def test_a_vocabulary_beyond_16_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        Tokenizer([str(number) for number in range((1 << 16) - BUCKETS + 1)])
