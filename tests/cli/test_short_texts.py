"""Short sentences and numbers of the command line, word by word."""

from __future__ import annotations

import errno
import os
import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from kodit.application.views.indexes import SizesView
from kodit.application.views.standing import StandingView
from kodit.domain.diagnosis import Area, Problem
from kodit.domain.entities import IndexRun
from kodit.domain.questions import Where
from kodit.domain.value_objects import QueuePriority
from kodit.faces.cli.ending import end_if_exhausted
from kodit.faces.cli.terminal import other_database, screen
from kodit.faces.cli.terminal.doctor import show_problems
from kodit.faces.cli.terminal.notices import (
    ALL,
    say_left_out,
    say_problems,
    say_where,
    warn_of_missing_keywords,
)
from kodit.faces.cli.terminal.output import (
    as_complaint,
    complain,
    discard_output,
    is_interactive,
    print_json,
)
from kodit.faces.cli.terminal.pace import elapsed, seconds_of
from kodit.faces.cli.terminal.places import Places
from kodit.faces.cli.terminal.tables import sizes_line
from kodit.infrastructure.another_program import AnotherDatabase
from kodit.settings import Settings

Captured = pytest.CaptureFixture[str]
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def standing(index_id: int, **changes: object) -> StandingView:
    facts: dict[str, object] = {
        "source": f"/source{index_id}",
        "state": "complete",
        "commit": None,
        "indexed_at": None,
        "run": None,
        "changed_files": 0,
        "pending": (),
        "failed": (),
        "left_out": {},
        "unsearched": (),
    }
    return StandingView(index_id, **(facts | changes))  # type: ignore[arg-type]


def test_how_many_rows_a_line_takes() -> None:
    """Colours take no row, and an empty line takes one."""
    for length, rows in ((0, 1), (1, 1), (20, 1), (21, 2), (40, 2), (41, 3)):
        assert screen.rows_of("x" * length, 20) == rows
        assert screen.rows_of(f"\x1b[1;31m{'x' * length}\x1b[m", 20) == rows


def test_the_size_of_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """An implausible width of a terminal is ignored."""
    for columns, width in ((5, 20), (20, 20), (21, 21), (300, 300)):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", "7")
        assert screen.size() == (width, 7)


def test_output_for_programs_and_for_people(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """JSON is indented; live progress needs a terminal on standard error."""
    print_json(SizesView(1, 2, 3, 4, 5))
    assert capsys.readouterr().out.splitlines()[:2] == ["{", '  "database": 1,']
    assert as_complaint("It waits...") == "it waits..."
    assert as_complaint("Nothing.") == "Nothing"
    assert as_complaint("Ada waits. It is late.") == "Ada waits. It is late"
    complain("A file\nis gone.")
    assert capsys.readouterr().err == "kodit: a file\\nis gone\n"
    for out, err in ((False, True), (True, False)):
        for name, is_terminal in (("stdout", out), ("stderr", err)):
            stream = SimpleNamespace(isatty=lambda is_terminal=is_terminal: is_terminal)
            monkeypatch.setattr(sys, name, stream)
        assert (is_interactive(), screen.is_terminal()) == (err, out)


def test_disk_usage() -> None:
    """Unused space is not shown, nor is so little free space that it would be 0.0 MB."""
    for freeable in (0, 49_000):
        sizes = SizesView(2_500_000, 0, 1_000_000, 0, freeable)
        assert sizes_line(sizes) == "On disk: 3.5 MB (database 2.5 MB, vectors 1.0 MB)"
    sizes = SizesView(2_500_000, 1_234_000_000, 0, 500_000, 700_000)
    assert sizes_line(sizes) == (
        "On disk: 1,237.0 MB (database 2.5 MB, keyword index 1,234.0 MB, clones 0.5 MB); "
        "0.7 MB of the database is free"
    )


def test_how_long_something_took() -> None:
    """Never negative, even if a clock was set back; nothing for what has not started."""
    assert seconds_of(None, NOW) is None
    assert seconds_of(NOW, NOW + timedelta(seconds=90)) == 90
    assert seconds_of(NOW, NOW - timedelta(seconds=90)) == 0
    run = IndexRun.create(1, QueuePriority.BACKGROUND, NOW)
    assert elapsed(run) == ""
    run.started_at, run.finished_at = NOW, NOW + timedelta(seconds=90)
    assert elapsed(run) == "1 min 30 s"


def test_a_problem_in_a_line(capsys: Captured) -> None:
    """With its index, if any, and without control characters."""
    show_problems(
        [
            Problem(Area.QUEUE, "it is\x1b stuck", "it is freed", index_id=3),
            Problem(Area.CLONES, "one lacks files", "it is cloned again"),
        ]
    )
    assert capsys.readouterr().out.splitlines() == [
        r"queue, index 3: it is\x1b stuck → it is freed",
        "clones: one lacks files → it is cloned again",
    ]


@pytest.mark.parametrize(
    ("where", "stands", "said"),
    [
        (Where(), [standing(1, is_implied=True)], f"In /source1; {ALL}.\n"),
        (
            Where(),
            [standing(1, is_implied=True, folder="a\x07")],
            f"In a\\x07 of /source1; `-s 1` searches all of it, {ALL}.\n",
        ),
        (Where(), [standing(1)], ""),
        (Where(), [standing(1, is_implied=True), standing(2, is_implied=True)], ""),
        (Where(), [], ""),
        (Where(sources=("1",)), [standing(1, is_implied=True)], ""),
        (Where(everywhere=True), [standing(1, is_implied=True)], ""),
    ],
)
def test_which_index_was_asked(
    where: Where, stands: list[StandingView], said: str, capsys: Captured
) -> None:
    """If one of several was searched, and the user named none."""
    say_where(where, stands, ALL)
    told = capsys.readouterr().err
    assert told.startswith(said) if said else told == ""


def test_files_that_are_left_out(capsys: Captured) -> None:
    """As a command to copy; nobody looks for text in a picture."""
    one, other = standing(1, left_out={"binary": 7, "secret": 1}), standing(2, left_out={"big": 2})
    for where, stands, said in (
        (Where(), [one], "1 file is left out; see `kodit ls --left-out`.\n"),
        (
            Where(everywhere=True),
            [one, other],
            "3 files are left out; see `kodit ls --left-out --all`.\n",
        ),
        (
            Where(sources=("a b", "2")),
            [other],
            "2 files are left out; see `kodit ls --left-out -s 'a b' -s 2`.\n",
        ),
        (Where(), [standing(3, left_out={"binary": 7})], ""),
    ):
        say_left_out(where, stands)
        assert capsys.readouterr().err == said


def test_indexes_searched_without_keywords(capsys: Captured) -> None:
    """Indexes searched without the keyword index; other reasons do not count."""
    by_less = [standing(number, unsearched=("keyword", "code")) for number in (3, 4, 5)]
    for count, words in ((1, "index 3 was"), (2, "indexes 3 and 4 were")):
        warn_of_missing_keywords(by_less[:count])
        assert f"so {words} searched without it; " in capsys.readouterr().err
    warn_of_missing_keywords(by_less)
    assert "so indexes 3, 4 and 5 were searched" in capsys.readouterr().err
    warn_of_missing_keywords([standing(1), standing(2, unsearched=("code",))])
    assert capsys.readouterr().err == ""
    told = "not searched on this machine yet; `kodit serve` and `kodit index` follow them.\n"
    for changes, what in (((0, 1), "1 change is"), ((1, 2), "3 changes are")):
        warn_of_missing_keywords([standing(1), *(standing(2, behind=one) for one in changes)])
        assert capsys.readouterr().err == f"{what} {told}"
    say_problems(["Ada is gone.", "/b is gone"])
    assert capsys.readouterr().err == "kodit: Ada is gone\nkodit: /b is gone\n"


@pytest.mark.parametrize(
    ("folder", "several", "source", "path", "shown"),
    [
        ("/code/shop", False, "/code/shop", "a.py", "a.py"),
        ("/code/shop/src", False, "/code/shop", "a.py", "../a.py"),
        ("/code", False, "/code/shop", "deep/", "shop/deep/"),
        ("/elsewhere", False, "/code/shop", "deep/", "/code/shop/deep/"),
        ("/code", False, "https://host/a", "a.py", "a.py"),
        ("/elsewhere", True, "/code/shop", "./deep/", "/code/shop/deep/"),
        ("/code/shopping", True, "/code/shop", "a.py", "/code/shop/a.py"),
        ("/code", True, "https://host/a", "a.py", "[7] a.py"),
        (None, True, "/code/shop", "a.py", "[7] a.py"),
        (None, False, "/code/shop", "a\x07.py", "a\\x07.py"),
    ],
)
def test_a_path_that_can_be_opened(
    folder: str | None, several: bool, source: str, path: str, shown: str
) -> None:
    """Relative to the current folder."""
    places = Places(folder, several=several)
    assert [places.of(source, path, 7) for _ in range(2)] == [shown, shown]


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (0, []),
        (1, ["To index the same sources:", "  kodit index '/a b'"]),
        (20, ["To index the same sources:"]),
        (21, ["To index the same sources (1 more are not shown):"]),
    ],
)
def test_the_sources_of_another_program(
    sources: int,
    said: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    """As a command to copy, with at most a screenful of sources."""
    names = tuple(f"/a{' ' if number == 0 else number}b" for number in range(sources))
    theirs = AnotherDatabase(tmp_path / "usual" / "kodit.db", names)
    monkeypatch.setattr(other_database, "other_database_in_default_folder", lambda: theirs)
    other_database.report_other_database(Settings(data_dir=tmp_path / "usual"))
    assert capsys.readouterr().err == ""
    other_database.report_other_database(Settings(data_dir=tmp_path / "ours"))
    first, *lines = capsys.readouterr().err.splitlines()
    assert str(theirs.path) in first
    assert lines[: len(said)] == said
    assert len(lines) == (2 if sources else 0)
    if sources:
        assert shlex.split(lines[1])[2:] == list(names[:20])


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOENT, "No such file or directory", "/x"), "No such file or directory: /x"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError("odd"), "odd"),
        (OSError(errno.EMFILE, "Too many open files"), "no more files can be opened at once"),
    ],
    ids=str,
)
def test_an_exhausted_machine(error: OSError, sentence: str, capsys: Captured) -> None:
    """Ends with the exit code of the command, and one sentence; other errors propagate."""
    for code in (1, 2):
        with pytest.raises(SystemExit) as ended:
            end_if_exhausted(error, code)
        assert ended.value.code == code
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"kodit: {sentence}")
        assert len(line) == len(f"kodit: {sentence}") or error.errno == errno.EMFILE
    with pytest.raises(RuntimeError, match="of our own"):
        end_if_exhausted(RuntimeError("of our own"), 1)


def test_discarded_output_goes_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing stays open for it."""
    path = tmp_path / "output"
    with path.open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        before = set(os.listdir("/dev/fd"))  # noqa: PTH208 - of descriptors
        discard_output()
        assert set(os.listdir("/dev/fd")) == before  # noqa: PTH208 - likewise
        stream.write("lost")
    assert path.read_text() == ""
