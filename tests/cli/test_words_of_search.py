"""Splitting the words of `kodit search` into query and sources; mistyped sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import KoditCommand, Outcome
from tests.support.sources import write_file


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> KoditCommand:
    folder = tmp_path_factory.mktemp("words").resolve()
    write_file(folder / "repos" / "curl" / "url.c", "int redirect(int a) {\n  return a;\n}\n")
    write_file(folder / "repos" / "vapor" / "app.py", "def redirect(place):\n    return place\n")
    write_file(folder / "repos" / "vapor" / ".env", "SECRET=redirect\n")
    write_file(folder / "repos" / "third" / "app.py", "def redirect(third):\n    return third\n")
    (folder / "repos" / "empty" / "inside").mkdir(parents=True)
    kodit = KoditCommand(folder / "data")
    kodit.succeed("index", *(folder / "repos" / name for name in ("curl", "vapor", "third")))
    return kodit


@pytest.fixture
def run(place: KoditCommand, monkeypatch: pytest.MonkeyPatch) -> KoditCommand:
    monkeypatch.chdir(place.data_dir.parent)
    return place


BOTH = ["repos/curl/url.c", "repos/vapor/app.py"]


@pytest.mark.parametrize(
    ("words", "files", "said"),
    [
        (
            "redirect repos/curl repos/vapor",
            BOTH,
            "Searching for 'redirect' in repos/curl and repos/vapor; put a query of several words "
            "in quotes.",
        ),
        (
            "repos/curl redirect int",
            BOTH[:1],
            "Searching for 'redirect int' in repos/curl; put a query of several words in quotes.",
        ),
        (
            "redirect int repos/curl/url.c repos/vapor",
            BOTH,
            "Searching for 'redirect int' in repos/curl/url.c and repos/vapor; put a query of "
            "several words in quotes.",
        ),
        ("redirect return repos/vapor", BOTH[1:], None),
    ],
    ids=["two sources", "a path first", "a file and a folder", "one source"],
)
def test_several_words(words: str, files: list[str], said: str | None, run: KoditCommand) -> None:
    """Words before the last one that exist as paths are sources, and a message says so."""
    found = run.run_here("search", *words.split(), "--files")
    assert sorted(found.out.splitlines()) == files
    assert [line for line in found.said if line.startswith("Searching")] == (
        [] if said is None else [said]
    )


def test_folders_by_name_before_the_last_word(
    run: KoditCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without a slash; but one word always remains for the query."""
    monkeypatch.chdir("repos")
    found = run.run_here("search", "redirect", "curl", "vapor", "--files")
    assert sorted(found.out.splitlines()) == ["curl/url.c", "vapor/app.py"]
    two = run.run_here("search", "curl", "vapor", "--files")
    assert "Searching for 'curl' in vapor; put a query of several words in quotes." in two.said
    third = run.run_here("search", "curl", "vapor", "third", "--files")
    assert any("Searching for 'curl' in vapor and third;" in line for line in third.said)


def test_a_query_of_two_words_needs_quotes(run: KoditCommand) -> None:
    """As the second word is meant to be a source."""
    refused = run.run_here("search", "redirect", "third_")
    assert refused.code == 2
    assert refused.said == [
        "kodit: there is no index or folder 'third_'; put a query of several words in quotes"
    ]


def test_a_number_that_is_no_index_ends_a_query(run: KoditCommand) -> None:
    found = run.run_here("search", "redirect", "status", "404", "--files")
    assert (found.code, found.out != "") == (0, True)


@pytest.mark.parametrize(
    "words", [("redirect int", "nosuch"), ("redirect", "./nosuch"), ("redirect", "no.such")]
)
def test_what_looks_like_a_source_must_be_one(words: tuple[str, str], run: KoditCommand) -> None:
    """As does the word after a query in quotes."""
    refused = run.run_here("search", *words)
    assert refused.code == 2
    assert refused.said == [f"kodit: the folder {Path.cwd() / words[1]} does not exist"]


@pytest.mark.parametrize("command", ["search redirect", "index"])
def test_a_mistyped_path_is_not_looked_for_on_github(command: str, run: KoditCommand) -> None:
    """If its first part is a local folder; the error says how to name GitHub."""
    here = Path.cwd()
    for typed in ("repos/nosuch", "repos/app.py"):
        refused = run.run_here(*command.split(), typed)
        assert refused.code == 2
        assert refused.said == [
            f"kodit: the folder {here}/{typed} does not exist; for the repository on GitHub, "
            f"write https://github.com/{typed}"
        ]


@pytest.mark.parametrize(
    "command", ["grep redirect", "ls", "search redirect -s", "symbols redirect"]
)
def test_a_mistyped_path_of_what_is_indexed(command: str, run: KoditCommand) -> None:
    """It is not looked up on GitHub either."""
    refused = run.run_here(*command.split(), "repos/nosuch")
    assert refused.code == 2
    assert refused.said == [
        "kodit: there is no index or folder 'repos/nosuch'; `kodit status` lists the indexes"
    ]


def test_a_line_of_a_file_is_not_a_source(run: KoditCommand) -> None:
    for typed in ("repos/curl/url.c:100", "repos/curl/url.c:100:3"):
        assert run.run_here("search", "redirect", typed).said == [
            f"kodit: {typed} names a line; a source is the whole file, repos/curl/url.c"
        ]


def test_a_file_that_is_left_out(run: KoditCommand) -> None:
    """The index has other files."""
    (said,) = run.run_here("search", "redirect", "repos/vapor/.env").said
    assert said == (
        "Nothing found; no file in repos/vapor/.env is indexed. `kodit explain repos/vapor/.env` "
        "says why."
    )


def test_a_question_makes_no_index_of_an_empty_folder(run: KoditCommand) -> None:
    before = run.run_here("status").out
    for empty in ("repos/empty", "repos/empty/inside"):
        searched = run.run_here("search", "redirect", empty)
        assert searched.code == 2
        assert searched.said == [f"kodit: {Path.cwd()}/{empty} has no files to index"]
    assert run.run_here("status").out.count("\n[") == before.count("\n[")


COMMANDS = ["search redirect", "grep redirect", "symbols redirect", "ls", "map", "ls --left-out"]


def test_a_search_outside_all_indexes_says_so(run: KoditCommand) -> None:
    """The answer comes from all indexes."""
    told = "The current folder is in no index; this is from all 3 indexes."

    def said(*words: str) -> Outcome:
        return run.run_here(*words)

    for command in COMMANDS:
        assert told in said(*command.split()).said, command
        assert told not in said(*command.split(), "--all").said, command
        assert told not in said(*command.split(), "-s", "curl").said, command
