"""A filter restricts what is found, and changes nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.sources import GIT_ENVIRONMENT, write_file

from kodit import Kodit
from kodit.domain.entities import SearchResult
from kodit.domain.errors import InvalidQueryError, NotFoundError
from kodit.domain.value_objects import SearchMode

WORDS = (
    "queue cache session parse render scale matrix ledger account play player schedule shape area "
    "temperature buffer insert deploy release tree node ring push pop library borrow worker pool "
    "connection token mail send"
).split()
QUERIES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
LANGUAGES = ("python", "java", "rust", "go", "typescript", "kotlin", "cpp", "c", "haskell", "zig")
PATHS = ("*.py", "java/**", "/rs/", "**/*.k*", "docs/*", "*.ts*", "!*.py")


def everything(kodit: Kodit, query: str, mode: SearchMode) -> list[SearchResult]:
    return kodit.search(query, mode=mode, limit=1000)


def places(results: Sequence[SearchResult]) -> list[tuple[str, int]]:
    return [(result.snippet.path, result.snippet.start_line) for result in results]


@given(
    query=QUERIES,
    mode=st.sampled_from(list(SearchMode)),
    languages=st.sets(st.sampled_from(LANGUAGES), min_size=1, max_size=4),
)
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_language_filter_is_the_unfiltered_ranking_restricted(
    searchable: Kodit, query: str, mode: SearchMode, languages: set[str]
) -> None:
    """Nothing moves, and nothing that passes is lost."""
    found = searchable.search(query, mode=mode, languages=sorted(languages), limit=1000)
    check_restricted(searchable, query, mode, found, lambda one: one.snippet.language in languages)


def check_restricted(
    kodit: Kodit,
    query: str,
    mode: SearchMode,
    found: Sequence[SearchResult],
    passes: Callable[[SearchResult], bool],
) -> None:
    """Nothing that passes is lost, and of the best nothing moves. Past the first tier of
    candidates of a hybrid search, a filter leaves room for others among the candidates."""
    whole = everything(kodit, query, mode)
    expected = places([one for one in whole if passes(one)])
    assert sorted(places(found)) == sorted(expected)
    first = whole[:30] if mode is SearchMode.HYBRID else whole
    best = places([one for one in first if passes(one)])
    assert [place for place in places(found) if place in best] == best


@pytest.mark.parametrize("path", PATHS[:-1])
@pytest.mark.parametrize("query", ["worker pool", "insert a node into the tree", "Ledger"])
def test_a_path_filter_is_the_unfiltered_ranking_restricted(
    searchable: Kodit, query: str, path: str
) -> None:
    """Globs have the rules of `.gitignore`."""
    found = searchable.search(query, paths=[path], limit=1000)
    passing = {result.snippet.path for result in found}
    assert passing
    check_restricted(
        searchable, query, SearchMode.HYBRID, found, lambda one: one.snippet.path in passing
    )


@pytest.mark.parametrize("mode", SearchMode)
@pytest.mark.parametrize("query", ["worker pool", "Ledger", "insert a node into the tree", "a"])
def test_pages_are_pieces_of_one_ranking(searchable: Kodit, query: str, mode: SearchMode) -> None:
    """Whatever the size of a page, the next one continues where it ended, up to the last result."""
    whole = places(searchable.search(query, mode=mode, limit=1000))
    assert len(set(whole)) == len(whole)
    for size in (1, 7, 40, 333):
        some = range(0, min(len(whole), 6 * size), size)
        pages = [
            place
            for offset in (*some, max(len(whole) - size, 0))
            for place in places(searchable.search(query, mode=mode, limit=size, offset=offset))
        ]
        assert pages == whole[: some.stop and some[-1] + size] + whole[-size:]


def test_the_only_one_of_its_kind_is_found(searchable: Kodit) -> None:
    """Even if other snippets of its file are nearer to the question."""
    found = searchable.search("ring buffer push", kinds=["event"])
    assert [one.snippet.path for one in found] == ["sol/Token.sol"]


def test_only_definitions_of_a_kind(searchable: Kodit) -> None:
    """A kind restricts to snippets that define such a symbol."""
    found = searchable.search("push an element", kinds=["function", "method"], limit=50)
    assert found
    assert {result.snippet.kind for result in found} <= {"function", "method"}


def test_authors_and_dates(tmp_path: Path) -> None:
    """Of a repository, by the last author of a file and the time of its first commit."""
    repository = tmp_path / "repository"
    for name, author, date in (("old", "Ada", "2020-01-01"), ("new", "Grace", "2024-01-01")):
        write_file(
            repository / f"{name}.py", f"def carry_{name}_lantern():\n    return 'lantern'\n"
        )
        commit(repository, author, f"{date}T00:00:00Z")
    middle = datetime(2022, 1, 1, tzinfo=UTC)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(repository)
        assert paths_of(kodit, authors=["ADA"]) == ["old.py"]
        assert paths_of(kodit, authors=["grace@example"]) == ["new.py"]
        assert paths_of(kodit, created_after=middle) == ["new.py"]
        assert paths_of(kodit, created_before=middle) == ["old.py"]
        assert paths_of(kodit, authors=["nobody"]) == []


@pytest.fixture(scope="module")
def lanterns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kodit]:
    """A repository in which each file has its own author, date and language."""
    folder = tmp_path_factory.mktemp("lanterns")
    for name, author, date in (
        ("percent.py", "100% Ada", "2020-01-01T00:00:00Z"),
        ("score.js", "snake_case", "2022-01-01T00:00:00Z"),
        ("plain.go", "1000 Ada", "2022-01-01T00:00:01Z"),
        ("tilde.rb", "back\\slash~tilde", "2024-01-01T00:00:00Z"),
    ):
        write_file(folder / "repository" / name, "lantern = 1\n")
        commit(folder / "repository", author, date)
    with Kodit(folder / "data") as kodit:
        kodit.index(folder / "repository")
        yield kodit


@pytest.mark.parametrize(
    ("author", "files"),
    [
        ("%", ["percent.py"]),
        ("100% a", ["percent.py"]),
        ("100", ["percent.py", "plain.go"]),
        ("_", ["score.js"]),
        ("e_c", ["score.js"]),
        ("ekc", []),
        ("\\", ["tilde.rb"]),
        ("~", ["tilde.rb"]),
        ("/", []),
        ("*", []),
        ("1?0", []),
    ],
)
def test_an_author_is_taken_literally(lanterns: Kodit, author: str, files: list[str]) -> None:
    """No character is a wildcard, whatever it means to the database."""
    assert paths_of(lanterns, authors=[author]) == files


def test_several_values_of_a_filter_widen_it_and_several_filters_narrow(lanterns: Kodit) -> None:
    """One author or the other, in one language or the other, and after that day."""
    either = paths_of(lanterns, authors=["100%", "snake"])
    assert either == ["percent.py", "score.js"]
    assert paths_of(lanterns, languages=["python", "go"]) == ["percent.py", "plain.go"]
    assert paths_of(lanterns, paths=["*.py", "*.rb"]) == ["percent.py", "tilde.rb"]
    assert paths_of(lanterns, authors=["ada"], languages=["go", "ruby"]) == ["plain.go"]
    assert paths_of(lanterns, authors=["ada"], paths=["*.py", "*.rb"]) == ["percent.py"]
    moment = datetime(2021, 1, 1, tzinfo=UTC)
    assert paths_of(lanterns, authors=["ada"], created_after=moment) == ["plain.go"]
    assert paths_of(lanterns, authors=["ada"], created_before=moment) == ["percent.py"]


def test_a_moment_is_after_itself_and_not_before_itself(lanterns: Kodit) -> None:
    """So that two adjacent ranges share no file and leave none out."""
    moment = datetime(2022, 1, 1, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    assert paths_of(lanterns, created_before=moment) == ["percent.py"]
    assert paths_of(lanterns, created_before=moment + tick) == ["percent.py", "score.js"]
    assert paths_of(lanterns, created_after=moment) == ["plain.go", "score.js", "tilde.rb"]
    assert paths_of(lanterns, created_after=moment + tick) == ["plain.go", "tilde.rb"]
    between = {"created_after": moment, "created_before": moment + timedelta(seconds=1)}
    assert paths_of(lanterns, **between) == ["score.js"]


def commit(repository: Path, author: str, date: str) -> None:
    """Commit everything as somebody at some time."""
    environment = GIT_ENVIRONMENT | {
        "GIT_AUTHOR_NAME": author,
        "GIT_AUTHOR_EMAIL": f"{author.lower()}@example.org",
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_DATE": date,
    }
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", author]):
        subprocess.run(["git", "-C", str(repository), *arguments], check=True, env=environment)


def paths_of(kodit: Kodit, **filters: object) -> list[str]:
    results = kodit.search("lantern", **filters)  # type: ignore[arg-type] # each case fits
    return sorted({result.snippet.path for result in results})


def test_results_of_many_indexes_are_merged(tmp_path: Path) -> None:
    """One ranking over all, or over those that are named."""
    for name in ("first", "second"):
        write_file(
            tmp_path / name / f"{name}.py", f"def find_{name}_compass():\n    return 'compass'\n"
        )
    with Kodit(tmp_path / "data") as kodit:
        first, second = (
            kodit.index(tmp_path / name)[0].summary.index.id for name in ("first", "second")
        )
        found = kodit.search("find compass")
        assert {result.snippet.index_id for result in found} == {first, second}
        only = kodit.search("find compass", index_ids=[second])
        assert {result.snippet.index_id for result in only} == {second}


BAD: list[tuple[Callable[[Kodit], object], type[Exception], str]] = [
    (lambda kodit: kodit.search(""), InvalidQueryError, "empty"),
    (lambda kodit: kodit.search(" \n\t "), InvalidQueryError, "empty"),
    (lambda kodit: kodit.search("x" * 1_000_000), InvalidQueryError, "1000000 characters"),
    (lambda kodit: kodit.search("x" * 200_001), InvalidQueryError, "200001 characters"),
    (lambda kodit: kodit.search("\ud800"), InvalidQueryError, "is not valid text"),
    (lambda kodit: kodit.search("x", authors=["\ud800"]), InvalidQueryError, "is not valid text"),
    (lambda kodit: kodit.search("x", languages=["cobol"]), InvalidQueryError, "'cobol'"),
    (lambda kodit: kodit.search("x", paths=["[z-a]"]), InvalidQueryError, "in reverse order"),
    (lambda kodit: kodit.search("x", paths=["src/["]), InvalidQueryError, "bracket is not closed"),
    (lambda kodit: kodit.search("x", paths=["!"]), InvalidQueryError, "the path glob"),
    (
        lambda kodit: kodit.grep("x", paths=["!*.py", "!*.go"]),
        InvalidQueryError,
        "put '\\*\\*' before it",
    ),
    (lambda kodit: kodit.search("x", paths=["\udcff"]), InvalidQueryError, "the path glob"),
    (
        lambda kodit: kodit.search("x", mode="magic"),
        InvalidQueryError,
        "unknown mode 'magic'; choose",
    ),
    (lambda kodit: kodit.search("x", kinds=["magic"]), InvalidQueryError, "unknown kind 'magic'"),
    (lambda kodit: kodit.search("x", index_ids=[99]), NotFoundError, "99"),
]


@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_an_invalid_search_says_why(
    searchable: Kodit, call: Callable[[Kodit], object], error: type[Exception], words: str
) -> None:
    """One sentence that names what was wrong."""
    with pytest.raises(error, match=words):
        call(searchable)


@pytest.mark.parametrize(
    "query", ["?!...", "((((", "\x00\x01", "🙂", "a" * 100_000, "word " * 40_000]
)
def test_odd_queries_are_answered(searchable: Kodit, query: str) -> None:
    """Punctuation alone, control characters, a hundred thousand characters."""
    for mode in SearchMode:
        assert isinstance(searchable.search(query, mode=mode), list)


def test_a_glob_that_matches_nothing_finds_nothing(searchable: Kodit) -> None:
    assert searchable.search("worker", paths=["no/such/place/**"]) == []


def test_an_explanation_sums_to_the_score(searchable: Kodit) -> None:
    """Each signal says what it added."""
    for result in searchable.search("worker pool", limit=20):
        assert sum(part.points for part in result.explanation) == pytest.approx(result.score)


def test_an_answer_fits_its_budget(searchable: Kodit) -> None:
    """About four characters a token; the last text is cut at the end of a line."""
    whole = searchable.search("worker pool", limit=10)
    cut = searchable.search("worker pool", limit=10, budget=300)
    assert 0 < sum(len(result.snippet.text) for result in cut) <= 300 * 4
    assert places(cut) == places(whole)[: len(cut)]
    assert [result.is_cut for result in cut] == [False] * (len(cut) - 1) + [True]
    last, uncut = cut[-1].snippet, whole[len(cut) - 1].snippet
    assert uncut.text.startswith(last.text)
    assert last.end_line - last.start_line == last.text.count("\n")
    assert last.end_line < uncut.end_line
    assert not any(result.is_cut for result in whole)


def test_a_budget_for_less_than_a_line_gives_nothing(searchable: Kodit) -> None:
    """Rather than a place without text."""
    assert searchable.search("worker pool", budget=31) == []


def test_a_glob_may_begin_here(searchable: Kodit) -> None:
    """`./` is the root of the source, also where a glob is negated."""
    for here, root in (("./docs/**", "docs/**"), ("././*/*.py", "/*/*.py"), ("./docs", "/docs")):
        found = [file.path for file in searchable.list_files(paths=[here])]
        assert found == [file.path for file in searchable.list_files(paths=[root])] != []
    kept = [file.path for file in searchable.list_files(paths=["*", "!./docs/**"])]
    assert kept
    assert not any(path.startswith("docs/") for path in kept)
    assert searchable.search("worker", paths=["./docs/**"])
