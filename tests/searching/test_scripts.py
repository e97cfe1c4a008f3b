"""Words of any script are found in every spelling, those that are spelled as asked first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.searching.test_keyword_reading import ids, snippet, store
from tests.support.sources import write_file

from kodit import Kodit
from kodit.domain.ranking.terms import query_terms_of
from kodit.domain.value_objects import Scope, SearchMode
from kodit.infrastructure.keyword.reading import TantivyReader
from kodit.infrastructure.keyword.version import SCHEMA_VERSION

FILES = {
    "zh.py": "# 这个函数读取数据库配置文件并返回结果\ndef load_config():\n    return 1\n",
    "ja.py": "# 東京都の天気を取得する\ndef weather():\n    return 2\n",
    "kyoto.py": "# 東京と京都を比較する\ndef compare():\n    return 3\n",
    "ko.py": "# 사용자의 데이터베이스를 연결합니다\ndef connect():\n    return 4\n",
    "de.py": "def größeÄndern(x):\n    return x * 2\n",
    "fr.py": "def côté_gauche():\n    return 'left'\n",
    "en.py": "def cote_right():\n    return 'right'\n",
    "nfd.py": normalize("NFD", "def façade():\n    return 5\n"),
    "th.py": "# ฟังก์ชันนี้อ่านไฟล์การตั้งค่า\ndef thai():\n    return 6\n",
    "el.py": "def ΜέγεθοςΑρχείου():\n    return 7\n",
    "ru.py": "def размерФайла():\n    return 8\n",
    "my.py": "# ဖိုင်ကိုဖတ်ပါ\ndef burmese():\n    return 10\n",
    "km.py": "# អានឯកសារនេះ\ndef khmer():\n    return 11\n",
    "lo.py": "# ອ່ານເອກະສານນີ້\ndef lao():\n    return 12\n",
}


def write_all(folder: Path) -> None:
    for path, text in FILES.items():
        write_file(folder / path, text)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kodit]:
    folder = tmp_path_factory.mktemp("scripts")
    write_all(folder / "source")
    with Kodit(folder / "data") as kodit:
        kodit.index(folder / "source")
        yield kodit


def paths(kodit: Kodit, query: str, mode: SearchMode) -> list[str]:
    return [one.snippet.path for one in kodit.search(query, mode=mode)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("数据库", ["zh.py"]),
        ("配", ["zh.py"]),
        ("東京都", ["ja.py"]),
        ("京都", ["kyoto.py", "ja.py"]),
        ("如何读取数据库配置", ["zh.py"]),
        ("데이터베이스", ["ko.py"]),
        ("größe", ["de.py"]),
        ("GRÖSSE", ["de.py"]),
        ("grosse", ["de.py"]),
        ("ändern", ["de.py"]),
        ("côté", ["fr.py", "en.py"]),
        ("cote", ["en.py", "fr.py"]),
        ("facade", ["nfd.py"]),
        ("façade", ["nfd.py"]),
        ("ไฟล์", ["th.py"]),
        ("αρχείου", ["el.py"]),
        ("ΑΡΧΕΙΟΥ", ["el.py"]),
        ("файла", ["ru.py"]),
        ("ဖိုင်", ["my.py"]),
        ("ឯកសារ", ["km.py"]),
        ("ເອກະສານ", ["lo.py"]),
        ("量子", []),
        ("都東", []),
    ],
)
def test_a_word_is_found_in_every_spelling(query: str, expected: list[str], written: Kodit) -> None:
    for form in ("NFC", "NFD"):
        asked = normalize(form, query)
        assert paths(written, asked, SearchMode.KEYWORD) == expected
        assert paths(written, asked, SearchMode.HYBRID)[: len(expected)] == expected


def test_definitions_are_found_in_every_spelling(written: Kodit) -> None:
    """A name is looked up by what it is, not by its bytes."""
    for name in ("façade", normalize("NFD", "façade"), "FAÇADE"):
        found = written.symbols(name).definitions
        assert [one.snippet.path for one in found] == ["nfd.py"]
    (definition,) = written.symbols("GRÖSSEÄNDERN").definitions
    assert definition.snippet.path == "de.py"


def test_terms_of_an_earlier_version_are_made_again(tmp_path: Path) -> None:
    """What an index of another version holds is not searched, and the next run replaces it."""
    write_all(tmp_path / "source")
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "source")
    keyword = tmp_path / "data" / "keyword"
    (keyword / SCHEMA_VERSION).rename(keyword / "former")
    with Kodit(tmp_path / "data") as kodit:
        assert paths(kodit, "数据库", SearchMode.KEYWORD) == []
        kodit.index(tmp_path / "source")
        assert paths(kodit, "数据库", SearchMode.KEYWORD) == ["zh.py"]
    assert (keyword / SCHEMA_VERSION).exists()


def _of(first: int, last: int) -> st.SearchStrategy[str]:
    letters = [chr(code) for code in range(first, last) if chr(code).isalpha()]
    return st.text(st.sampled_from(letters), min_size=1, max_size=12)


SPACED = st.one_of(
    _of(0x41, 0x5B), _of(0xC0, 0x180), _of(0x386, 0x3CF), _of(0x400, 0x450), _of(0x531, 0x588),
    _of(0x5D0, 0x5EB), _of(0x620, 0x64B), _of(0x904, 0x93A), _of(0x10A0, 0x1100),
    _of(0x1E00, 0x1F00), _of(0x1F00, 0x1FFD), _of(0xFB00, 0xFB07), _of(0xFF21, 0xFF5B),
)  # fmt: skip
UNSPACED = st.one_of(
    _of(0xE01, 0xE31), _of(0xE81, 0xEB1), _of(0x1000, 0x102B), _of(0x1780, 0x17B4),
    _of(0x3041, 0x3097), _of(0x30A1, 0x30FB), _of(0x4E00, 0x4E40), _of(0xAC00, 0xAC80),
    _of(0xFF66, 0xFF9E), _of(0x20000, 0x20010),
)  # fmt: skip


def found(reader: TantivyReader, query: str) -> list[int]:
    return ids(reader.search(query_terms_of(query), Scope(frozenset([1])), 100))


@given(st.lists(st.one_of(SPACED, UNSPACED), min_size=1, max_size=12))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_word_is_found_however_it_is_written(
    tmp_path_factory: pytest.TempPathFactory, words: list[str]
) -> None:
    """In the text as it is, between others, in both compositions and in both cases."""
    folder = tmp_path_factory.mktemp("keyword")
    texts = [f"x = {word.lower()}(y)  # {word.lower()}" for word in words]
    snippets = [snippet(number, text) for number, text in enumerate(texts, start=1)]
    reader = store(folder / "8", *snippets).reader()
    for number, word in enumerate(words, start=1):
        lower = word.lower()
        for query in (
            lower,
            normalize("NFC", lower),
            normalize("NFD", lower),
            normalize("NFKC", lower),
            lower.casefold(),
            lower.upper(),
        ):
            assert number in found(reader, query)
    shutil.rmtree(folder)


@given(UNSPACED, UNSPACED, UNSPACED)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_word_is_found_within_a_text_without_spaces(
    tmp_path_factory: pytest.TempPathFactory, before: str, word: str, after: str
) -> None:
    """Just where its characters stand in a row."""
    folder = tmp_path_factory.mktemp("keyword")
    texts = [before + word + after, *before, word[::-1], "x".join(word)]
    snippets = [snippet(number, text) for number, text in enumerate(texts, start=1)]
    reader = store(folder / "8", *snippets).reader()
    folded = query_terms_of(word)[0]
    expected = [n for n, text in enumerate(texts, start=1) if folded in query_terms_of(text)[0]]
    having = [n for n in found(reader, word) if len(query_terms_of(texts[n - 1])) == 1]
    assert set(having) <= set(expected)
    assert 1 in having
    shutil.rmtree(folder)


def test_what_is_spelled_as_asked_comes_first(tmp_path: Path) -> None:
    """Where all else is equal, though the others say it twice."""
    texts = ["côte", "cote", "côté", "coté", "cote cote"]
    texts = [f"{text} {'x ' * (4 - len(text.split()))}" for text in texts]
    snippets = [snippet(number, text) for number, text in enumerate(texts)]
    reader = store(tmp_path / "8", *snippets).reader()
    assert found(reader, "côté")[0] == 2
    assert sorted(found(reader, "côté")) == [0, 1, 2, 3, 4]
    assert sorted(found(reader, "cote")[:2]) == [1, 4]
    assert found(reader, "coté")[0] == 3


def test_a_phrase_counts_as_often_as_it_stands_there(tmp_path: Path) -> None:
    """Its pairs elsewhere are not counted, not even beside another word that is found."""
    texts = ["lantern 東京と京都 東京と京都", "lantern 東京都", "lantern 東京都東京都 東京都"]
    snippets = [snippet(number, text) for number, text in enumerate(texts)]
    reader = store(tmp_path / "8", *snippets).reader()
    assert found(reader, "東京都") == [2, 1]
    assert reader.statistics(["東京都"]).frequencies == {"東京都": 2}
    assert found(reader, "lantern 東京都") == [2, 1, 0]
    hits = reader.search(query_terms_of("lantern 東京都"), Scope(frozenset([1])), 9)
    alone = reader.search(["lantern"], Scope(frozenset([1])), 9)
    assert hits[2].score == next(one.score for one in alone if one.snippet_id == 0)
    matches = reader.in_files(["東京都"], [0])
    assert ids(matches.best(1)) == [2]
    assert set(matches.scores([0, 1, 2])) == {1, 2}
    assert reader.having_all(["東京都", "lantern"], Scope(frozenset([1])), 9) == {1, 2}


MIXED = ("role", "rôle", "rolé", "lantern", "東京都", "東京", "other")
WORDS = st.lists(st.sampled_from(MIXED), min_size=1, max_size=8).map(" ".join)


@given(
    st.lists(WORDS, min_size=1, max_size=40),
    st.lists(st.sampled_from(MIXED), min_size=1, max_size=3, unique=True),
    st.integers(1, 30),
    st.integers(1, 3),
)
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_few_are_scored_to_find_the_best(
    tmp_path: Path, texts: list[str], words: list[str], limit: int, per_file: int
) -> None:
    """Those of all files, and those of each file, are the same as if all were scored."""
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    reader = store(folder, *(snippet(number, text) for number, text in enumerate(texts))).reader()
    scope, terms = Scope(frozenset([1])), query_terms_of(" ".join(words))
    every = reader.search(terms, scope, len(texts))
    assert reader.candidates(terms, scope, limit) == set(ids(every[:limit]))
    files: dict[int, list[tuple[float, int]]] = {}
    for hit in every:
        files.setdefault(hit.snippet_id // 4, []).append((-hit.score, hit.snippet_id))
    best = {number for some in files.values() for _score, number in sorted(some)[:per_file]}
    assert set(ids(reader.in_files(terms, list(range(10))).best(per_file))) == best
