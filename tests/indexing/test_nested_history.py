"""Authors and dates of files in submodules are those of the submodule's own history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.git.conftest import MakeRepository, Repository, make_repository
from tests.support.files import of_files
from tests.support.snapshot import read_rows

from kodit import Kodit
from kodit.domain.report import ignore_report
from kodit.domain.source import FileHistory
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.folder.scan import scan_folder
from kodit.infrastructure.git.nested_history import history_of_folder
from kodit.infrastructure.sources.child_functions import read_history, scan
from kodit.infrastructure.sources.location import Location

__all__ = ["make_repository"]

_HISTORY = of_files("""
SELECT index_row.kind, file.path, file.author, file.changed_at, file.created_at
FROM FILES JOIN indexes AS index_row ON index_row.id = file.index_id
""")


def histories(data_dir: Path, outer: Repository) -> list[tuple[Any, ...]]:
    """What is known of each file, after the folder and its URL were indexed again."""
    with Kodit(data_dir) as kodit:
        kodit.index(outer.path, outer.url, submodules=True)
    marks = read_rows(data_dir, "SELECT history_commit_id FROM indexes")
    assert all(len(mark) <= 64 for (mark,) in marks)
    return read_rows(data_dir, _HISTORY)


def authors(rows: list[tuple[Any, ...]]) -> dict[tuple[str, str], str]:
    return {(kind, path): author.partition(" ")[0] for kind, path, author, _, _ in rows}


def add_submodule(outer: Repository, path: str, sub: Repository) -> None:
    allowed = ("-c", "protocol.file.allow=always")
    outer.git(*allowed, "submodule", "--quiet", "add", "--force", f"../{sub.path.name}", path)
    outer.git(*allowed, "submodule", "--quiet", "update", "--init", "--recursive")


def test_what_is_known_is_what_a_fresh_look_finds(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Of submodules, theirs, and in a folder of any repository within it, whatever happens to
    them; also where the outer repository once had a file of the same path."""
    deep, sub, outer = make_repository("deep"), make_repository("sub"), make_repository("outer")
    deep.commit({"deep.py": "x = 1\n"}, author="Dora")
    sub.commit({"a.py": "x = 1\n", "b.py": "x = 1\n"}, author="Sam")
    add_submodule(sub, "deep", deep)
    sub.commit(author="Sam")
    outer.commit({"main.py": "x = 1\n", "sub/a.py": "", "sub/d.py": ""}, author="Olga")
    outer.git("rm", "-r", "--quiet", "sub")
    outer.commit(author="Olga")
    add_submodule(outer, "sub", sub)
    outer.commit(author="Olga")
    nested = Repository(outer.path / "nested")
    nested.write("work.py", "y = 1\n")
    nested.git("init", "--quiet")
    nested.commit(author="Nora")
    data = tmp_path / "data"

    stored = histories(data, outer)

    assert authors(stored) == {
        ("folder", "nested/work.py"): "Nora",
        **{
            (kind, path): author
            for kind in ("folder", "git")
            for path, author in {
                ".gitmodules": "Olga",
                "main.py": "Olga",
                "sub/.gitmodules": "Sam",
                "sub/a.py": "Sam",
                "sub/b.py": "Sam",
                "sub/deep/deep.py": "Dora",
            }.items()
        },
    }
    assert histories(data, outer) == stored

    inside = Repository(outer.path / "sub")
    inside._time = sub._time
    inside.commit({"a.py": "x = 2\n", "c.py": "x = 1\n"}, author="Carl")
    inside.git("push", "--quiet", "origin", "HEAD:refs/heads/next")
    outer.commit(author="Olga")
    inside.write("d.py", "x = 'nobody has committed it'\n")
    stored = histories(data, outer)
    known = authors(stored)
    assert {known[kind, "sub/a.py"] for kind in ("folder", "git")} == {"Carl"}
    assert known["folder", "sub/b.py"] == "Sam"
    assert known["folder", "sub/d.py"] == ""
    assert stored == histories(tmp_path / "fresh", outer)

    inside.git("reset", "--quiet", "--mixed", "HEAD~1")
    outer.commit({"main.py": "x = 3\n"}, author="Otto")
    stored = histories(data, outer)
    known = authors(stored)
    assert (known["folder", "sub/c.py"], known["folder", "sub/a.py"]) == ("", "Sam")
    assert known["folder", "main.py"] == "Otto"
    assert stored == histories(tmp_path / "fresh again", outer)


def test_a_folder_that_is_in_no_repository(make_repository: MakeRepository, tmp_path: Path) -> None:
    """Each repository in it has its own history; only what is asked for is read again, and one
    that is broken costs nothing else."""
    one, two = make_repository("projects/one"), make_repository("projects/deep/two")
    one.commit({"a.py": "x = 1\n"}, author="Ada")
    two.commit({"b.py": "x = 1\n"}, author="Ben")
    two.git("pack-refs", "--all")
    folder = tmp_path / "projects"
    scanned = scan_folder(str(folder), {})
    assert sorted(scanned.repositories) == ["deep/two", "one"]
    found = history_of_folder(str(folder), scanned.repositories, None, (), ignore_report)
    assert found is not None
    told = {path: one.author_name for path, one in found.files.items() if one is not None}
    assert told == {"one/a.py": "Ada", "deep/two/b.py": "Ben"}
    again = (str(folder), scanned.repositories, found.mark)
    assert history_of_folder(*again, (), ignore_report) is None
    asked = history_of_folder(*again, ("one/a.py", "loose.py"), ignore_report)
    assert asked is not None
    assert (asked.mark, asked.whole_within, sorted(asked.files)) == (found.mark, (), ["one/a.py"])

    two.commit({"b.py": "x = 2\n"}, author="Cleo")
    (one.path / ".git" / "objects").rename(one.path / ".git" / "gone")
    (one.path / ".git" / "objects").mkdir()
    later = history_of_folder(*again, (), ignore_report)
    assert later is not None
    assert later.whole_within == ("deep/two/", "one/")
    assert [one.author_name for one in later.files.values() if one is not None] == ["Cleo"]
    assert later.with_all_of(["one/a.py", "deep/two/b.py", "loose.py"]).files.keys() == {
        "one/a.py",
        "deep/two/b.py",
    }
    without = history_of_folder(str(folder), (), found.mark, (), ignore_report)
    assert without is not None
    assert (without.mark, without.files) == (None, {})


@pytest.mark.parametrize("submodules", [False, True])
def test_submodules_that_are_asked_for_later(
    make_repository: MakeRepository, tmp_path: Path, submodules: bool
) -> None:
    """What is new is asked of, and no more."""
    sub, outer = make_repository("sub"), make_repository("outer")
    sub.commit({"a.py": "x = 1\n"}, author="Sam")
    outer.commit({"main.py": "x = 1\n"}, author="Olga")
    add_submodule(outer, "sub", sub)
    commit = outer.commit(author="Olga")
    clone = str(tmp_path / "clone")
    plain = Location(Source(SourceKind.GIT, outer.url), clone)
    scan(plain, None, {}, 0, report=ignore_report)
    first = read_history(plain, commit, None, (), report=ignore_report)
    assert first is not None
    assert first.mark == commit
    located = Location(Source(SourceKind.GIT, outer.url, submodules=submodules), clone)
    scan(located, None, {}, 0, report=ignore_report)
    unknown = ["sub/a.py"] if submodules else []
    then = read_history(located, commit, first.mark, unknown, report=ignore_report)
    if not submodules:
        assert then is None
        return
    assert then is not None
    assert then.whole_within == ("sub/",)
    told = then.files["sub/a.py"]
    assert isinstance(told, FileHistory)
    assert told.author_name == "Sam"
