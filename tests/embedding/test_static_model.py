"""The built-in model gives the results of its table and formula, to the bit on every machine."""

from __future__ import annotations

import hashlib
from array import array
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodit.infrastructure.embedding import static_model
from kodit.infrastructure.embedding.static_model import (
    LONGEST_TEXT,
    MODEL,
    MOST_TEXTS,
    TABLE_FILE,
    WEIGHT_UNIT,
    load_model,
)
from kodit.infrastructure.embedding.table_file import open_table
from kodit.infrastructure.embedding.tokens import Tokenizer
from kodit.infrastructure.vectors.quantization import pack

MOST_BYTES = 16_000_000


def test_the_model_in_the_package_is_whole_and_small() -> None:
    file = open_table(TABLE_FILE, check_all=True)
    assert file.name == MODEL
    assert file.table.shape[1] == 256
    assert TABLE_FILE.stat().st_size <= MOST_BYTES


def test_a_vector_weighs_each_token_by_the_logarithm_of_its_count() -> None:
    file = open_table(TABLE_FILE)
    text = "def parse(value): return parse(value, value)"
    ids = array("H")
    ids.frombytes(Tokenizer(file.words).tokens(text))
    assert len(set(ids)) == 4
    for scales, vector in (
        (file.scales, load_model().embed([text])[0]),
        (file.query_scales, load_model().embed_query(text)),
    ):
        total = sum(
            (1 + log(ids.count(token))) * float(scales[token]) * file.table[token].astype(float)
            for token in set(ids)
        )
        np.testing.assert_allclose(vector, total / np.linalg.norm(total), atol=2e-3)


def test_a_text_has_the_same_vector_alone_and_in_company() -> None:
    texts = ["", "one", "def two(): pass", "", *(f"x = {number}" for number in range(40))]
    together = load_model().embed(texts)
    alone = np.concatenate([load_model().embed([text]) for text in texts])
    np.testing.assert_array_equal(together, alone)
    assert not together[0].any()
    np.testing.assert_allclose(np.linalg.norm(together[1:3], axis=1), 1, atol=1e-6)
    assert load_model().embed([]).shape == (0, 256)


def test_as_many_texts_at_once_as_can_be_counted() -> None:
    """The last one still has its own tokens."""
    model = load_model()
    tokens, counts, ends = model._count([*[""] * (MOST_TEXTS - 1), "one two one"])
    assert set(tokens) == set(array("H", model._tokens.tokens("one two")))
    assert sorted(counts) == [1, 2]
    assert ends == [*[0] * (MOST_TEXTS - 1), 2]
    with pytest.raises(ValueError, match="65536 texts at once"):
        load_model().embed([""] * (MOST_TEXTS + 1))


@given(st.permutations("read write file socket buffer parse header value return".split()))
def test_the_order_of_words_changes_no_bit(words: list[str]) -> None:
    expected = load_model().embed(["read write file socket buffer parse header value return"])
    np.testing.assert_array_equal(load_model().embed([" ".join(words)]), expected)


def test_sums_are_of_numbers_that_are_held_exactly() -> None:
    largest = WEIGHT_UNIT * (1 + log(LONGEST_TEXT)) * 65_535 * 127
    assert largest * LONGEST_TEXT < 2**53


def test_no_weight_is_so_near_to_two_numbers_that_machines_could_differ() -> None:
    exact = [WEIGHT_UNIT * (1 + log(count)) for count in range(1, LONGEST_TEXT + 1)]
    assert min(abs(value % 1 - 0.5) for value in exact) > 1e-6


def test_what_is_too_long_is_cut() -> None:
    long = "word " * LONGEST_TEXT
    np.testing.assert_array_equal(*load_model().embed([long, long[:LONGEST_TEXT]]))


def test_the_stored_vector_of_a_text_is_the_same_everywhere() -> None:
    """Another digest needs another name of the model."""
    texts = ["def read_file(path):\n    return open(path).read()", "größe 文字", "x" * 500]
    digest = hashlib.sha256()
    for packed in pack(static_model.load_model().embed(texts)):
        digest.update(packed.values + packed.code)
    assert digest.hexdigest()[:16] == "85f017fe0f67c206"
