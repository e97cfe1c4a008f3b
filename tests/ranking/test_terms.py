"""Text becomes search terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodit.domain.ranking.stemming import stem
from kodit.domain.ranking.terms import (
    LONGEST_IDENTIFIER,
    identifiers,
    query_terms_of,
    run_terms,
    runs,
    terms,
    words,
)


@pytest.mark.parametrize(
    "family",
    [
        "serialize serializer serialization serializable serializing",
        "route router routes routing",
        "parse parser parsers parsing parsed",
        "validate validator validation valid",
        "connect connection connections connector",
        "format formatter formatting formatted",
        "handle handler handling",
        "query queries",
        "class classes",
        "map mapper mapping",
        "configure configuration",
    ],
)
def test_forms_of_a_word_share_a_stem(family: str) -> None:
    assert len({stem(word) for word in family.split()}) == 1


@pytest.mark.parametrize("pair", ["global glob", "static state", "status state", "string str"])
def test_words_that_only_look_alike_keep_apart(pair: str) -> None:
    one, other = pair.split()
    assert stem(one) != stem(other)


@pytest.mark.parametrize("word", ["run", "größe", "http2", "x"])
def test_short_and_foreign_words_are_left_alone(word: str) -> None:
    assert stem(word) == word


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("parseHTTPHeader", ("parse", "http", "header")),
        ("raw_hash_set", ("raw", "hash", "set")),
        ("UTF8Decoder", ("utf8", "decoder")),
        ("base64_url", ("base64", "url")),
        ("MAX_SIZE", ("max", "size")),
        ("naïveCafé", ("naïve", "café")),
        ("__init__", ("init",)),
        ("_", ()),
    ],
)
def test_identifiers_are_split_into_words(identifier: str, expected: tuple[str, ...]) -> None:
    assert words(identifier) == expected


def test_an_identifier_of_several_words_is_also_a_term_of_its_own() -> None:
    assert terms("createStore(reducer)") == ["creat", "stor", "createstore", "reduc"]


@pytest.mark.parametrize("written", ["hashMap", "HASH_MAP", "hash_map", "HashMap"])
def test_a_name_is_the_same_rare_term_however_it_is_written(written: str) -> None:
    assert "hashmap" in terms(written)


def test_encoded_blobs_give_no_terms() -> None:
    assert terms("key = " + "aB" * LONGEST_IDENTIFIER) == ["key"]


@given(st.text())
def test_any_text_has_terms_in_lower_case_without_spaces(text: str) -> None:
    assert all(term and not any(c.isspace() for c in term) for term in terms(text))


@given(st.text(), st.text())
def test_terms_of_lines_are_those_of_the_text(one: str, other: str) -> None:
    assert terms(f"{one}\n{other}") == terms(one) + terms(other)


@given(st.text(st.sampled_from("aZ_09 \n(é٣.-")))
def test_identifiers_are_the_same_beside_other_letters(text: str) -> None:
    """ASCII text is split by an expression of its own."""
    assert [*identifiers(text), "é"] == identifiers(f"{text} é")


@given(st.text(st.sampled_from("aZ_09 \n(é٣².-")))
def test_runs_have_the_terms_of_the_identifiers_in_them(text: str) -> None:
    expected = [term for name in identifiers(text) for term in run_terms(name)]
    assert [term for run in runs(text) for term in run_terms(run)] == expected


@given(st.text(st.sampled_from("aZ_09")))
def test_in_ascii_questions_ask_for_what_texts_have(text: str) -> None:
    assert query_terms_of(text) == terms(text)
