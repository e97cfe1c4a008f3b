"""Files changed since a folder was indexed, without a server that watches it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.sources import commit_all, git, write_file

MOON = "def moon_thing(value):\n    return value + 1\n"
USER = "from moon import moon_thing\n\n\ndef use_of_moon():\n    return moon_thing(2)\n"
SUN = "def sun_thing(value):\n    return value * 3\n"


@pytest.fixture
def kodit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KoditCommand:
    """The command in an indexed folder."""
    folder = tmp_path.resolve() / "sky"
    write_file(folder / "moon.py", MOON)
    write_file(folder / "use.py", USER)
    write_file(folder / "deep" / "sun.py", SUN)
    command = KoditCommand(tmp_path / "data")
    command.succeed("index", folder)
    monkeypatch.chdir(folder)
    return command


def changed_files(kodit: KoditCommand, *arguments: str) -> list[int]:
    standing = kodit.run_here(*arguments, "--json").json()["standing"]
    return [one["changed_files"] for one in standing]


def last_run(kodit: KoditCommand) -> int:
    run = kodit.run_here("status", "--json").json()["indexes"][0]["run"]["id"]
    assert isinstance(run, int)
    return run


def test_a_search_refreshes_a_changed_folder(kodit: KoditCommand) -> None:
    """Also without naming the folder: added and changed files are found, removed ones are not."""
    write_file(Path("moon.py"), MOON + "\n\ndef another_moon_thing():\n    return 7\n")
    write_file(Path("deep/new.py"), "def comet_thing():\n    return 'tail'\n")
    Path("deep/sun.py").unlink()

    found = kodit.run_here("search", "another_moon_thing", "-n", "1")

    assert "another_moon_thing" in found.out
    assert found.said == [f"In {Path.cwd()}; --all searches every index."]
    assert "comet_thing" in kodit.run_here("search", "comet_thing", "-n", "1").out
    assert "sun.py" not in kodit.run_here("search", "sun_thing", "--files").out
    assert changed_files(kodit, "search", "moon") == [0]


def test_a_search_in_a_subfolder_brings_all_of_the_index_up_to_date(
    kodit: KoditCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(Path("deep/sun.py"), SUN.replace("sun_thing", "corona_thing"))
    monkeypatch.chdir("deep")
    assert "corona_thing" in kodit.run_here("search", "corona_thing", "-n", "1").out


def test_a_search_starts_no_run_where_nothing_has_changed(kodit: KoditCommand) -> None:
    """Not even if a file was touched without a change."""
    before = last_run(kodit)
    assert kodit.run_here("search", "moon_thing").code == 0
    os.utime("moon.py")
    assert kodit.run_here("search", "moon_thing").code == 0
    assert last_run(kodit) == before
    write_file(Path("moon.py"), MOON + "\n")
    assert kodit.run_here("search", "moon_thing").code == 0
    assert last_run(kodit) > before


def test_a_search_starts_a_run_after_a_commit(kodit: KoditCommand) -> None:
    """Authors and dates have changed, even if no file has."""
    git(Path(), "init")
    write_file(Path("moon.py"), MOON + "\n")
    kodit.run_here("search", "moon_thing")
    before = last_run(kodit)
    commit_all(Path())
    assert kodit.run_here("search", "moon_thing").code == 0
    assert last_run(kodit) > before


def test_a_search_while_paused_reports_changes(kodit: KoditCommand) -> None:
    kodit.run_here("queue", "pause")
    write_file(Path("moon.py"), MOON + "\n# more\n")
    searched = kodit.run_here("search", "moon_thing")
    assert searched.code == 0
    assert "the queue is paused" in searched.err
    assert "1 file has changed since; `kodit index .` updates the index." in searched.said


COMMANDS = [
    ["symbols", "moon_thing"],
    ["ls"],
    ["map"],
    ["outline", "use.py"],
    ["related", "use.py:4"],
    ["read", "use.py"],
]


def test_commands_report_changed_files(kodit: KoditCommand) -> None:
    """And they do not show removed files."""
    told = "files have changed since"
    for command in COMMANDS:
        assert told not in kodit.run_here(*command).err, command
        assert changed_files(kodit, *command) == [0], command

    Path("moon.py").unlink()
    write_file(Path("new.py"), SUN)
    for command in COMMANDS:
        answered = kodit.run_here(*command)
        assert f"2 {told}; `kodit index .` updates the index." in answered.said, command
        assert "moon.py:" not in answered.out, command
        assert "moon.py\n" not in answered.out, command
        assert changed_files(kodit, *command) == [2], command

    for name, place in (("read", "moon.py"), ("outline", "moon.py"), ("related", "moon.py:1")):
        shown = kodit.run_here(name, place)
        assert (shown.code, shown.out) == (2, ""), name
        assert "'moon.py' of " in shown.err, name
        assert "was deleted" in shown.err, name


def test_an_index_of_another_folder_is_searched_as_it_is(
    kodit: KoditCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its folder is named."""
    sky = Path.cwd()
    Path("moon.py").unlink()
    monkeypatch.chdir(tmp_path)
    for words in (["--all"], ["-s", "sky"]):
        searched = kodit.run_here("search", "moon_thing", "--files", *words)
        assert "sky/use.py" in searched.out
        assert "moon.py" not in searched.out
        assert f"1 file has changed in {sky} since; `kodit index {sky}` updates the index." in (
            searched.said
        )


def test_pages_of_a_search_skip_no_result_for_those_that_are_gone(kodit: KoditCommand) -> None:
    Path("moon.py").unlink()
    page = kodit.run_here("search", "thing", "-s", ".", "-n", "1", "--json").json()
    paths = [one["path"] for one in page["results"]]
    everything = kodit.run_here("search", "thing", "-s", ".", "--json").json()
    assert "moon.py" not in [*paths, *(one["path"] for one in everything["results"])]
    assert page["next"] is not None


def test_grep_reports_the_same_in_json(kodit: KoditCommand) -> None:
    """Its lines are those of the current files."""
    write_file(Path("moon.py"), MOON + "\n# a crater\n")
    found = kodit.run_here("grep", "crater")
    assert "a crater" in found.out
    assert "changed" not in found.err
    assert changed_files(kodit, "grep", "crater") == [1]
