"""`kodit search` for people: messages beside and instead of results."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import KoditCommand, succeeded
from tests.support.sources import python_function, write_file

QUARTZ = ["search", "quartz", "--path", "deep/", "--all"]


def said(kodit: KoditCommand, *arguments: str) -> list[str]:
    """The messages of a search without results."""
    outcome = kodit.run_here(*arguments)
    assert (outcome.code, outcome.out) == (1, "")
    return outcome.said


def test_a_page_past_the_last_result(indexed: KoditCommand) -> None:
    """It is told apart from a search without results."""
    assert said(indexed, *QUARTZ, "--offset", "9") == [
        "There are no more results: --offset 9 is past the last of 1."
    ]


@pytest.mark.parametrize("budget", ["1", "31"])
def test_a_budget_that_is_too_small(budget: str, indexed: KoditCommand) -> None:
    """The result that does not fit is named."""
    (result,) = indexed.ask(*QUARTZ)["results"]

    assert said(indexed, *QUARTZ, "--budget", budget) == [
        f"A budget of {budget} token{'' if budget == '1' else 's'} is too small for the first "
        f"result, deep/quartz.py:1-{result['end_line']}."
    ]
    assert "past the last of 1" in said(indexed, *QUARTZ, "--budget", budget, "--offset", "1")[0]


@pytest.mark.parametrize(
    "filters",
    [
        ("-p", "nothing/**"),
        ("--author", "nobody"),
        ("--created-after", "2999-01-01"),
        ("-p", "nothing/**", "--budget", "1", "--offset", "9"),
    ],
    ids=" ".join,
)
def test_filters_that_no_file_passes(filters: tuple[str, ...], indexed: KoditCommand) -> None:
    """They are told apart from a search without results."""
    assert said(indexed, "search", "--all", "quartz", *filters) == [
        "No indexed file matches these filters."
    ]
    assert said(indexed, *QUARTZ, "--kind", "enum") == ["Nothing found."]


def test_a_source_without_files(kodit: KoditCommand, tmp_path: Path) -> None:
    """It is told apart from a source without matches."""
    (tmp_path / "empty").mkdir()
    kodit.succeed("index", tmp_path / "empty")

    assert said(kodit, "search", "quartz", str(tmp_path / "empty")) == [
        "Nothing found; no files are indexed."
    ]


def test_a_text_that_was_cut_says_so(indexed: KoditCommand) -> None:
    """After the shown lines."""
    out = succeeded(indexed.run_here(*QUARTZ, "--budget", "60", "--lines", "99")).out
    head, *text, mark = out.rstrip().splitlines()

    assert f"deep/quartz.py:1-{len(text)} " in head
    assert mark == "    … cut by --budget"
    assert "cut by" not in succeeded(indexed.run_here(*QUARTZ)).out


@pytest.mark.parametrize(
    ("mode", "engine"),
    [
        ("keyword", "keyword index"),
        ("code", "vectors of the code"),
        ("text", "vectors of the enriched texts"),
    ],
)
def test_the_score_of_a_single_engine(mode: str, engine: str, indexed: KoditCommand) -> None:
    """It has no parts to show."""
    outcome = succeeded(indexed.run_here(*QUARTZ, "--mode", mode, "--explain"))

    assert "    = " not in outcome.out
    assert outcome.said == [f"Each score is that of the {engine} alone."]
    hybrid = succeeded(indexed.run_here(*QUARTZ, "--explain"))
    assert "    = " in hybrid.out
    assert hybrid.err == ""


def test_the_source_is_named_outside_its_folder(kodit: KoditCommand, tmp_path: Path) -> None:
    """So that a path can be opened, also if all results are from one source."""
    shown = ["search", "quartz", "-n", "1"]
    for name in ("one", "two"):
        write_file(tmp_path / name / "a.py", python_function(name, "quartz b c".split()))
    kodit.succeed("index", tmp_path / "one")
    assert kodit.run_here(*shown).out.startswith(f" 1. {tmp_path}/one/a.py:1-")

    kodit.succeed("index", tmp_path / "two")

    assert kodit.run_here(*shown).out.startswith(f" 1. {tmp_path}/")
    assert kodit.run_here(*shown, "-s", "2").out.startswith(f" 1. {tmp_path}/two/a.py:1-")
