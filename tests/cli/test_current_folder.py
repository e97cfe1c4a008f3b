"""Words that depend on the current folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.sources import write_file

LINES = "".join(f"line_{number} = {number}\n" for number in range(1, 60))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> KoditCommand:
    folder = tmp_path_factory.mktemp("stands").resolve()
    write_file(folder / "shop" / "src" / "db" / "model.py", LINES)
    write_file(folder / "shop" / "docs" / "guide.md", "# Guide\n\nHow to quartz.\n")
    write_file(folder / "shop" / "notes" / "44", "a file named like a line\n")
    write_file(folder / "lamp" / "lamp.py", "def lamp():\n    return 'light'\n")
    kodit = KoditCommand(folder / "data")
    kodit.succeed("index", folder / "shop")
    return kodit


@pytest.fixture
def folder(place: KoditCommand) -> Path:
    return place.data_dir.parent


@pytest.mark.parametrize(
    ("words", "place_meant"),
    [
        ("44-50", "44-50"),
        ("44", "44"),
        ("L44-L50", "44-50"),
        ("44,50", "44-50"),
        ("44-", "44-"),
        ("44 50", "44-50"),
    ],
)
def test_lines_in_a_word_of_their_own(
    words: str,
    place_meant: str,
    place: KoditCommand,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are read like lines after a colon, with and without a source."""
    monkeypatch.chdir(folder / "shop")
    path = "src/db/model.py"
    expected = place.run_here("read", f"{path}:{place_meant}")
    assert expected.out.startswith("line_44 = 44\n")
    assert place.run_here("read", path, *words.split()).out == expected.out
    assert place.run_here("read", "1", path, *words.split()).out == expected.out


def test_a_file_that_is_named_like_a_line(
    place: KoditCommand, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a source, a number is the name of a file."""
    monkeypatch.chdir(folder)
    assert place.run_here("read", "shop/notes", "44").out == "a file named like a line\n"
    assert place.run_here("read", "1", "44").code == 2


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("ls docs --files", ["../docs/guide.md"]),
        ("ls docs/guide.md --files", ["../docs/guide.md"]),
        ("grep quartz docs --files", ["../docs/guide.md"]),
        ("search quartz docs --files", ["../docs/guide.md"]),
        ("search quartz -s docs --files", ["../docs/guide.md"]),
        ("ls db --files", ["db/model.py"]),
        ("ls src/db --files", ["db/model.py"]),
    ],
)
def test_a_folder_from_the_top_of_the_index(
    command: str,
    printed: list[str],
    place: KoditCommand,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If the current folder has no such part, as for `read`."""
    monkeypatch.chdir(folder / "shop" / "src")
    assert place.run_here(*command.split()).out.splitlines() == printed


def test_paths_outside_the_index_are_refused(
    place: KoditCommand, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also from a folder outside it."""
    monkeypatch.chdir(folder / "shop" / "src")
    for name in ("nowhere", "../nowhere", "doc", "src/nowhere"):
        assert place.run_here("ls", name).code == 2, name
    monkeypatch.chdir(folder)
    assert place.run_here("ls", "docs").code == 2


def test_paths_of_a_source_elsewhere_can_be_opened(
    place: KoditCommand, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every command, and however the source was named."""
    monkeypatch.chdir(folder / "lamp")
    shop = str(folder / "shop")
    model = f"{shop}/src/db/model.py"
    for words in (
        ["search", "line_7", shop, "--files", "-n", "1"],
        ["search", "line_7", "-s", "shop", "--files", "-n", "1"],
        ["grep", "line_7", shop, "--files"],
        ["grep", "line_7", "--files"],
        ["ls", shop, "--files", "-p", "*.py"],
    ):
        assert place.run_here(*words).out.splitlines() == [model], words
    assert f"{model}:7" in place.run_here("symbols", "line_7", shop).out


@pytest.mark.parametrize("typed", ["../nowhere", "./x/../../nowhere"])
@pytest.mark.parametrize("before", [[], ["../shop"]], ids=["alone", "beside"])
def test_a_folder_that_is_not_there_is_named_without_dots(
    before: list[str],
    typed: str,
    place: KoditCommand,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a user would look for it."""
    monkeypatch.chdir(folder / "lamp")
    said = place.run_here("index", *before, typed).said
    assert said == [f"kodit: the folder {folder}/nowhere does not exist"]


def test_index_without_arguments_advises_what_to_type(
    place: KoditCommand, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If the folder is not indexed; the JSON list has no such advice."""
    hint = "This folder is not indexed; `kodit index .` adds it."
    monkeypatch.chdir(folder / "lamp")
    assert place.run_here("index").said == [hint]
    assert place.run_here("index", "--json").said == []
    assert place.run_here("status").said == []
    assert KoditCommand(tmp_path / "data").run_here("index").said[-1] == hint
    monkeypatch.chdir(folder / "shop" / "src")
    assert place.run_here("index").said == []


def test_globs_from_here_choose_what_is_indexed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As `--path` accepts them, and as a shell completes them."""
    kodit = KoditCommand(tmp_path / "data")
    monkeypatch.chdir(folder / "shop")
    globs = ("--include", "./src/**", "--include", "./docs/*", "--exclude", "./docs/guide.md")
    assert kodit.run_here("index", ".", *globs).code == 0
    assert kodit.run_here("ls", "--files").out.splitlines() == ["src/db/model.py"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("grep foo", 1),
        ("symbols foo", 1),
        ("ls", 1),
        ("map", 1),
        ("read x.py", 2),
        ("outline x.py", 2),
        ("related x.py:1", 2),
    ],
)
def test_advice_when_nothing_is_indexed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, code: int
) -> None:
    """Instead of a message that nothing was found."""
    monkeypatch.chdir(tmp_path)
    outcome = KoditCommand(tmp_path / "data").run_here(*words.split())
    assert outcome.code == code
    assert outcome.err.lower().count("nothing is indexed yet; `kodit index source` adds") == 1


def test_a_folder_without_files_of_its_index(
    place: KoditCommand, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "shop" / "empty").mkdir()
    monkeypatch.chdir(folder / "shop" / "empty")
    outcome = place.run_here("search", "quartz")
    assert outcome.code == 1
    assert outcome.said[-1] == (
        "Nothing found; no file in this folder is indexed. `kodit explain .` says why."
    )
