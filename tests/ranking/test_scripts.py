"""Text that is not ASCII becomes search terms by the rules of Unicode."""

from __future__ import annotations

from collections.abc import Callable
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodit.domain.ranking.names import OTHER_DIACRITICS_SHARE, same_name
from kodit.domain.ranking.phrases import divide
from kodit.domain.ranking.query import QueryKind, understand
from kodit.domain.ranking.scripts import is_unspaced, pieces
from kodit.domain.ranking.terms import alike, places_of, query_terms_of, terms, words
from kodit.domain.spelling import composed, fold_case, without_diacritics


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("größeÄndern", "größe ändern"),
        ("ΜέγεθοςΑρχείου", "μέγεθος αρχείου"),
        ("размерФайла_ЧТО", "размер файла что"),
        ("HTTPÄnderung2Ö", "http änderung2 ö"),
        ("\uff28\uff54\uff54\uff50\uff23\uff4c\uff49\uff45\uff4e\uff54", "http client"),
        ("ﬁleName", "file name"),
        (normalize("NFD", "côtéDroitÉtat"), "côté droit état"),
        ("क्षत्रिय", "क्षत्रिय"),
        ("می\u200cخواهم", "میخواهم"),
        ("co\xadoperate", "cooperate"),
    ],
)
def test_identifiers_of_any_script_are_split_at_capitals(identifier: str, expected: str) -> None:
    """A mark belongs to the letter before it."""
    assert pieces(identifier) == [identifier]
    assert words(identifier) == tuple(expected.split())


def test_scripts_without_spaces_are_pieces_of_their_own() -> None:
    text = "get数据库2 데이터를 ภาษาไทย、東京・京都 ဖိုင် ឯកសារ ເອກະສານ"
    expected = "get 数据库 2 데이터를 ภาษาไทย 東京 京都 ဖိုင် ឯកសារ ເອກະສານ"
    assert pieces(text) == expected.split()
    assert [is_unspaced(piece) for piece in pieces(text)].count(False) == 2


def test_a_stretch_has_its_characters_and_pairs_and_is_asked_for_as_one() -> None:
    assert terms("東京都") == ["東", "京", "都", "東京", "京都"]
    assert query_terms_of("東京都") == ["東京都"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GRÖSSE", "größe"),
        ("ΟΔΟΣ", "οδος"),
        ("ﬁle", "FILE"),
        ("한국어", normalize("NFD", "한국어")),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("Å", "\u212b"),
        ("straße\u200b", "STRASSE"),
    ],
)
def test_spellings_that_are_the_same(one: str, other: str) -> None:
    assert fold_case(one) == fold_case(other)
    assert query_terms_of(one) == query_terms_of(other)
    assert same_name(one, other) > OTHER_DIACRITICS_SHARE or not one.islower()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("côté", "cote"),
        ("\u0131s\u0131", "isi"),
        ("İstanbul", "istanbul"),
        ("łódź", "lodz"),
        ("ёлка", "елка"),
        ("οδός", "οδοσ"),
        ("كِتَاب", "كتاب"),
        ("שָׁלוֹם", "שלום"),
        ("٣", "3"),
    ],
)
def test_words_that_are_alike(one: str, other: str) -> None:
    """Each finds the other, as second best."""
    for written, asked in ((one, other), (other, one)):
        (term,) = query_terms_of(asked)
        assert term not in terms(written)
        assert not set(alike(term)).isdisjoint(terms(written))
    assert same_name(one, other) == OTHER_DIACRITICS_SHARE


@pytest.mark.parametrize(("one", "other"), [("か", "が"), ("कि", "क"), ("ก่", "ก"), ("ab", "ac")])
def test_letters_that_only_look_alike_keep_apart(one: str, other: str) -> None:
    assert without_diacritics(fold_case(one)) != without_diacritics(fold_case(other))
    assert same_name(one, other) == 0


@given(st.text())
def test_what_is_folded_stays(text: str) -> None:
    assert fold_case(fold_case(text)) == fold_case(text)
    assert fold_case(normalize("NFD", text)) == fold_case(text)


@given(st.text())
def test_any_text_is_cut_without_loss(text: str) -> None:
    """All letters and digits are in pieces, in order."""
    kept = [character for character in "".join(pieces(text)) if character.isalnum()]
    assert kept == [character for character in text if character.isalnum()]


def among(*there: str) -> Callable[[str], bool]:
    return lambda term: any(term in one for one in there)


@pytest.mark.parametrize(
    ("asked", "there", "expected"),
    [
        ("如何读取数据库配置", ("读取数据库", "配置文件"), ["读取数据库", "配置"]),
        ("如何读取数据库配置", ("如何读取数据库配置",), ["如何读取数据库配置"]),
        ("東京都庁", ("東京",), ["東京都庁"]),
        ("如何读取数据库配置", ("别的",), ["如何读取数据库配置"]),
    ],
    ids=["parts", "whole", "word", "nothing"],
)
def test_a_sentence_without_spaces_is_divided_by_what_is_there(
    asked: str, there: tuple[str, ...], expected: list[str]
) -> None:
    """If it is not there as a whole, and not short enough to be a word."""
    divided = divide(understand(asked), among(*there))
    assert list(divided.words) == expected
    is_divided = expected != [asked]
    assert divided.kind is (QueryKind.NATURAL_LANGUAGE if is_divided else QueryKind.SYMBOL)
    assert divided.names == (set() if is_divided else {asked})


def test_the_longest_part_of_a_sentence() -> None:
    """Of one that goes on otherwise than what is there."""
    there = "".join(map(chr, range(0x4E00, 0x4E00 + 40)))
    divided = divide(understand(f"{there}東京"), among(there))
    assert list(divided.words) == [there[:32], there[32:]]


def test_an_ascii_query_is_never_divided() -> None:
    query = understand("read the configuration")
    assert divide(query, among()) is query


def test_a_query_is_composed() -> None:
    assert understand(normalize("NFD", "façade")).names == {composed("façade")}


@pytest.mark.parametrize(
    ("asked", "line", "marked"),
    [
        ("数据库", "# 读取数据库的配置", ["数据库"]),
        ("京都", "東京都と京都", ["京都", "京都"]),
        ("grosse", "x = größeÄndern(y)", ["größeÄndern"]),
        ("zoë", "éa zoë", ["zoë"]),
        ("東", "grün", []),
    ],
)
def test_what_was_found_is_marked(asked: str, line: str, marked: list[str]) -> None:
    found = places_of(understand(asked).terms, line)
    assert [line[start:end] for start, end in found] == marked
