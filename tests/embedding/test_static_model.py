"""The built-in model gives what its tokenizer and its formula say, by way of cached pieces."""

from __future__ import annotations

import json
import re
from functools import cache
from math import log
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from kodit.infrastructure.embedding import static_model
from kodit.infrastructure.embedding.static_model import (
    LONGEST_TEXT,
    TABLE_FILE,
    TEXTS_WORTH_A_TABLE,
    TOKENIZER_FILE,
    load_model,
    map_table,
    package_folder,
)
from kodit.infrastructure.embedding.token_cache import ASCII_PIECE, PIECE, TokenCache

SPECIAL = re.compile(r"<unk>|</?s>|<0x[0-9A-F]{2}>")
SOURCES = [Path(__file__), *sorted(Path(static_model.__file__).parent.glob("*.py"))]


@cache
def tokenizer() -> Tokenizer:
    """As its file describes it."""
    return Tokenizer.from_file(str(package_folder() / TOKENIZER_FILE))


@cache
def token_cache() -> TokenCache:
    return TokenCache(Tokenizer.from_file(str(package_folder() / TOKENIZER_FILE)))


def tokens(text: str) -> list[int]:
    found: list[int] = np.frombuffer(token_cache().tokens(text), np.uint16).tolist()
    return found


def expected_tokens(text: str) -> list[int]:
    return list(tokenizer().encode(text, add_special_tokens=False).ids)


def test_no_token_of_the_vocabulary_reaches_beyond_a_piece() -> None:
    vocabulary = json.loads((package_folder() / TOKENIZER_FILE).read_bytes())["model"]["vocab"]
    assert len(vocabulary) == 32_000
    assert [
        token
        for token in vocabulary
        if not SPECIAL.fullmatch(token) and not PIECE.fullmatch(token.replace("▁", " "))
    ] == []


@given(st.text(st.characters(max_codepoint=127)))
def test_text_of_ascii_is_cut_into_the_same_pieces(text: str) -> None:
    assert ASCII_PIECE.findall(text) == PIECE.findall(text)


def test_source_code_is_cut_into_the_tokens_of_the_tokenizer() -> None:
    for path in SOURCES:
        text = path.read_text("utf-8")
        for line in (text, *text.splitlines()):
            if not SPECIAL.search(line):
                assert tokens(line) == expected_tokens(line)


@given(
    st.text(
        st.one_of(
            st.sampled_from("   \n\t\r_aZé²½7٣\xa0\u2009(){};:.=<>/\"'▁"),
            st.characters(codec="utf-8"),
        )
    ).filter(lambda text: not SPECIAL.search(text))
)
def test_any_text_is_cut_into_the_tokens_of_the_tokenizer(text: str) -> None:
    assert tokens(text) == expected_tokens(text)


def test_the_sign_for_a_space_is_taken_for_one() -> None:
    assert tokens("(▁a ▁▁b") == expected_tokens("(▁a ▁▁b")


def test_what_looks_like_a_special_token_is_text() -> None:
    assert 1 not in tokens("<s>strike</s>")
    assert 1 in expected_tokens("<s>strike</s>")


def test_a_vector_weighs_each_token_by_the_logarithm_of_its_count() -> None:
    table = map_table(package_folder() / TABLE_FILE)
    text = "def parse(value): return parse(value, value)"
    ids = expected_tokens(text)
    total = sum((1 + log(ids.count(token))) * table[token].astype(np.float64) for token in set(ids))
    expected = total / np.linalg.norm(total)
    np.testing.assert_allclose(load_model().embed([text])[0], expected, atol=1e-5)


def test_a_text_has_the_same_vector_alone_and_in_company() -> None:
    texts = ["", "one", "def two(): pass", "", *(f"x = {number}" for number in range(40))]
    assert len(texts) > TEXTS_WORTH_A_TABLE
    together = load_model().embed(texts)
    alone = np.concatenate([load_model().embed([text]) for text in texts])
    np.testing.assert_array_equal(together, alone)
    assert not together[0].any()
    np.testing.assert_allclose(np.linalg.norm(together[1:3], axis=1), 1, atol=1e-6)
    assert load_model().embed([]).shape == (0, 256)


def test_what_is_too_long_is_cut() -> None:
    long = "word " * LONGEST_TEXT
    np.testing.assert_array_equal(*load_model().embed([long, long[:LONGEST_TEXT]]))
