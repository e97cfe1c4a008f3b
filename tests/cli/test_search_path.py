"""`kodit search QUERY PATH`: the source is indexed or brought up to date, and searched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.support.command import KoditCommand, Outcome
from tests.support.sources import commit_all, git, python_function, write_file

WORDS = "quartz spindle marrow".split()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the word at its top and in a subfolder."""
    for name in ("top.py", "inner/deep.py"):
        write_file(tmp_path / "source" / name, python_function("quartz", WORDS))
    return tmp_path / "source"


def paths(outcome: Outcome) -> list[str]:
    """The paths of results and of their copies, unordered."""
    assert outcome.code == 0, outcome
    results = outcome.json()["results"]
    places = [place for result in results for place in (result, *result.get("also_in", ()))]
    return sorted({place["path"] for place in places})


def indexes(kodit: KoditCommand) -> list[str]:
    return [index["source"] for index in kodit.ask("status")["indexes"]]


def test_an_unindexed_source_is_indexed(kodit: KoditCommand, folder: Path, tmp_path: Path) -> None:
    """And nothing else is searched."""
    write_file(tmp_path / "other" / "other.py", python_function("quartz", WORDS))
    kodit.succeed("index", tmp_path / "other")

    outcome = kodit.run("search", "quartz", folder, "--json")

    assert paths(outcome) == ["inner/deep.py", "top.py"]
    assert outcome.err == ""
    assert indexes(kodit) == [str(tmp_path / "other"), str(folder)]
    assert kodit.ask("status", folder)["indexes"][0]["updated_at"]


@pytest.mark.parametrize("kind", ["folder", "git"])
def test_a_source_that_has_changed_is_brought_up_to_date(
    kind: str, kodit: KoditCommand, folder: Path
) -> None:
    """New files are found, removed ones are not, and no second index is made."""
    source = str(folder)
    if kind == "git":
        commit_all(folder)
        source = folder.as_uri()
    kodit.succeed("search", "quartz", source)
    (folder / "top.py").unlink()
    write_file(folder / "new.py", python_function("umbrella", ["umbrella", *WORDS]))
    if kind == "git":
        commit_all(folder)

    assert paths(kodit.run("search", "umbrella", source, "--json"))[-1] == "new.py"
    assert "top.py" not in paths(kodit.run("search", "quartz", source, "--json"))
    assert len(indexes(kodit)) == 1


def test_a_folder_inside_of_one_that_is_indexed(kodit: KoditCommand, folder: Path) -> None:
    """It selects that part of its index, which is brought up to date."""
    kodit.succeed("index", folder)
    write_file(folder / "inner" / "new.py", python_function("quartz", WORDS))

    found = kodit.run("search", "quartz", folder / "inner", "--json")
    assert paths(found) == ["inner/deep.py", "inner/new.py"]
    assert indexes(kodit) == [str(folder)]


def test_the_number_of_an_index_is_a_source_too(
    kodit: KoditCommand, folder: Path, tmp_path: Path
) -> None:
    """It is brought up to date like any other; a folder of that name is a path."""
    kodit.succeed("index", folder)
    write_file(folder / "new.py", python_function("quartz", WORDS))
    assert "new.py" in paths(kodit.run("search", "quartz", "1", "--json"))
    write_file(tmp_path / "1" / "one.py", python_function("quartz", WORDS))
    assert "new.py" in paths(kodit.run("search", "quartz", "1", "--json", cwd=tmp_path))
    assert paths(kodit.run("search", "quartz", "./1", "--json", cwd=tmp_path)) == ["one.py"]
    outcome = kodit.run("search", "quartz", "99")
    assert (outcome.code, outcome.said) == (
        2,
        [
            "kodit: there is no index 99; for a folder of that name, write ./99; "
            "`kodit status` lists the indexes"
        ],
    )


def test_the_options_hold_for_a_path_too(kodit: KoditCommand, folder: Path) -> None:
    """Filters choose among its files; another source beside it is refused."""
    kodit.succeed("index", folder)

    assert paths(kodit.run("search", "quartz", folder, "-p", "inner/", "--json")) == [
        "inner/deep.py"
    ]
    refused = kodit.run("search", "quartz", folder, "-s", "1")
    assert (refused.code, refused.out) == (2, "")
    assert "--source" in refused.said[0]


def test_while_the_queue_is_paused(kodit: KoditCommand, folder: Path, tmp_path: Path) -> None:
    """An existing index answers, with a note that it is outdated; a new source cannot."""
    kodit.succeed("index", folder)
    kodit.succeed("queue", "pause")
    (folder / "top.py").unlink()

    outcome = kodit.run("search", "quartz", folder, "--json")

    assert paths(outcome) == ["inner/deep.py"]  # what is gone is not shown
    sentence, changed = outcome.err.splitlines()
    assert changed.startswith(f"1 file has changed in {folder} since; ")
    assert "the queue is paused; `kodit queue resume` resumes it" in sentence
    write_file(tmp_path / "other" / "other.py", "quartz = 1\n")
    other = kodit.run("search", "quartz", tmp_path / "other")
    assert (other.code, other.out) == (2, "")
    assert "is not indexed: the queue is paused; `kodit queue resume` resumes it" in other.err
    assert indexes(kodit) == [str(folder)]
    kodit.succeed("queue", "resume")
    assert paths(kodit.run("search", "quartz", folder, "--json")) == ["inner/deep.py"]


@pytest.mark.parametrize("kind", ["folder", "repository", "branch"])
def test_a_source_that_is_gone(kind: str, kodit: KoditCommand, folder: Path) -> None:
    """A folder, a repository or a branch: the indexed state still answers, and one line says so."""
    commit_all(folder)
    git(folder, "branch", "topic")
    source = {"folder": str(folder), "repository": folder.as_uri()}.get(
        kind, f"{folder.as_uri()}@topic"
    )
    kodit.succeed("index", source)
    if kind == "branch":
        git(folder, "branch", "--delete", "--force", "topic")
    else:
        shutil.rmtree(folder)

    outcome = kodit.run("search", "quartz", source, "--json")

    assert paths(outcome) == ["inner/deep.py", "top.py"]
    (sentence,) = outcome.err.splitlines()
    assert sentence.startswith(f"{source} was searched as indexed ")
    assert ("topic" if kind == "branch" else "does not exist") in sentence.partition(": ")[2]


def test_a_source_that_never_was(kodit: KoditCommand, tmp_path: Path) -> None:
    """It is an error, as in other commands."""
    outcome = kodit.run("search", "quartz", tmp_path / "nowhere")

    assert (outcome.code, outcome.out) == (2, "")
    assert "does not exist" in outcome.err


def test_a_failure_is_reported_once(kodit: KoditCommand, folder: Path) -> None:
    """In one sentence for people, and in a log line if logging is on."""
    commit_all(folder)
    git(folder, "branch", "topic")
    source = f"{folder.as_uri()}@topic"
    kodit.succeed("index", source)
    git(folder, "branch", "--delete", "--force", "topic")

    outcome = kodit.run("index", source)

    assert outcome.code == 1
    (sentence,) = [line for line in outcome.said if not line.startswith("[1] ")]
    assert sentence.startswith("run 2 failed: SYNC: ")
    assert sentence.removeprefix("run 2 failed: SYNC: ") not in outcome.out
    assert sentence.removeprefix("run 2 failed: ").rstrip(".") in kodit.succeed("status").out
    logged = KoditCommand(kodit.data_dir, KODIT_LOG_LEVEL="warning").run("index", source)
    assert [line for line in logged.err.splitlines() if 'event="task ended"' in line]
    assert sum("failed: SYNC: " in line for line in logged.said) == 1


@pytest.mark.parametrize("name", ["source", "./source/", "absolute"])
def test_an_index_of_a_folder_that_is_gone_is_named_as_before(
    name: str, kodit: KoditCommand, folder: Path
) -> None:
    """Also by a relative path."""
    kodit.succeed("index", folder)
    shutil.rmtree(folder)
    name = str(folder) if name == "absolute" else name

    outcome = kodit.run("delete", name, cwd=folder.parent)

    assert (outcome.code, outcome.said) == (0, [f"Deleted index 1 of {folder}."])


def test_nothing_found_speaks_of_what_was_searched(
    kodit: KoditCommand, folder: Path, tmp_path: Path
) -> None:
    """The state of other indexes does not matter."""
    kodit.succeed("index", folder)
    for name in ("one", "two", "three"):
        write_file(tmp_path / name / "a.py", "x = 1\n")
        kodit.succeed("index", tmp_path / name, "--no-wait")
    missing = ["search", "quartz", "--path", "nowhere/"]

    assert kodit.run_here(*missing, "-s", "1").said == ["No indexed file matches these filters."]
    assert kodit.run_here(*missing, "-s", "2").said == [
        f"Nothing found; {tmp_path / 'one'} (index 2) is still being indexed, 0 %; "
        "see `kodit status`."
    ]
    assert kodit.run(*missing, "--all").said == [
        "Nothing found; indexes 2, 3 and 4 are not complete yet, see `kodit status`."
    ]
