"""Submodules are part of an index on request, at the commit that the source pins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.git.conftest import GitServer, MakeRepository, Repository
from tests.support.command import KoditCommand
from tests.support.fixtures import kodit

from kodit.domain.errors import TransientError
from kodit.domain.left_out import LeftOut
from kodit.domain.report import ignore_report
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Scan, Source, SourceKind
from kodit.infrastructure.folder.left_out import left_out_of_folder
from kodit.infrastructure.folder.scan import scan_folder
from kodit.infrastructure.git import submodules
from kodit.infrastructure.git.clone import clone_fault, synchronise
from kodit.infrastructure.git.left_out import left_out_of_tree
from kodit.infrastructure.git.submodules import fetched_commits, refusals
from kodit.infrastructure.git.tree import list_files, read_present_blobs
from kodit.infrastructure.sources import submodules as of_sources
from kodit.infrastructure.sources.child_functions import look_up, scan
from kodit.infrastructure.sources.location import Location, NetworkAccess

__all__ = ["kodit"]


def pin(outer: Repository, path: str, commit: str, url: str | None) -> str:
    """Commit a submodule, as `git submodule add` would, without fetching it."""
    if url is not None:
        outer.git("config", "--file", ".gitmodules", f"submodule.{path}.path", path)
        outer.git("config", "--file", ".gitmodules", f"submodule.{path}.url", url)
        outer.git("add", ".gitmodules")
    outer.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    outer.git("commit", "--quiet", "--message=pin")
    return outer.git("rev-parse", "HEAD")


def scan_clone(
    location: str,
    clone: Path,
    credentials: Credentials | None = None,
    *,
    submodules: bool = True,
    is_confined: bool = False,
) -> Scan:
    """The result of a run's scan of a git source."""
    source = Source(SourceKind.GIT, location, submodules=submodules)
    where = Location(source, str(clone))
    access = NetworkAccess(is_confined)
    return scan(where, credentials, {}, 0, access, report=ignore_report)


def paths(found: Scan) -> list[str]:
    return [file.path for file in found.changed]


def named(location: str, clone: Path, commit: str | None, *, submodules: bool) -> list[LeftOut]:
    assert commit is not None
    source = Source(SourceKind.GIT, location, submodules=submodules)
    return left_out_of_tree(clone, commit, source, None)[0]


def test_files_at_the_pinned_commit(make_repository: MakeRepository, tmp_path: Path) -> None:
    """Not those of the branch; and those of the submodule's own submodule."""
    inner, sub, outer = make_repository("inner"), make_repository("sub"), make_repository("outer")
    pinned_inner = inner.commit({"deep.py": "def deep(): ...\n"})
    sub.commit({"old.py": "def old(): ...\n"})
    pinned = pin(sub, "lib/inner", pinned_inner, "../inner")
    sub.commit({"new.py": "def new(): ...\n"})
    outer.commit({"main.py": "import sub\n"})
    commit = pin(outer, "libs/sub", pinned, "../sub")
    clone = tmp_path / "clone"

    found = scan_clone(outer.url, clone)
    assert paths(found) == [
        ".gitmodules",
        "libs/sub/.gitmodules",
        "libs/sub/lib/inner/deep.py",
        "libs/sub/old.py",
        "main.py",
    ]
    assert found.commit == commit
    assert found.skipped == {}
    blobs = [file.content_hash for file in found.changed]
    assert read_present_blobs(clone, blobs, verify=True)[2] == b"def deep(): ...\n"
    assert clone_fault(clone, commit, blobs) is None
    assert named(outer.url, clone, commit, submodules=True) == []


def test_the_option_is_kept_until_it_is_changed(
    kodit: KoditCommand, make_repository: MakeRepository
) -> None:
    """A later run without it indexes them too; once switched off, their files are removed."""
    sub, outer = make_repository("sub"), make_repository("outer")
    pin(outer, "sub", sub.commit({"a.py": "def quartz(): ...\n"}), "../sub")
    kodit.run("index", "--submodules", outer.url)
    assert kodit.run("symbols", "quartz").code == 0
    pin(outer, "sub", sub.commit({"b.py": "def granite(): ...\n"}), None)
    kodit.run("index", outer.url)
    assert kodit.run("symbols", "granite").code == 0
    assert "with submodules" in kodit.run("status").out
    assert "sub/a.py" in kodit.run("read", "sub/a.py", "-s", "outer", "--json").out
    kodit.run("index", "--no-submodules", outer.url)
    assert kodit.run("symbols", "quartz").code == 1
    assert "--submodules" in kodit.run("ls", "--left-out").out


def test_without_the_option_they_are_named(make_repository: MakeRepository, tmp_path: Path) -> None:
    """Nothing is fetched of them."""
    sub, outer = make_repository("sub"), make_repository("outer")
    commit = pin(outer, "sub", sub.commit({"a.py": "a = 1\n"}), "../sub")
    clone = tmp_path / "clone"
    found = scan_clone(outer.url, clone, submodules=False)
    assert paths(found) == [".gitmodules"]
    assert found.skipped == {"nested repository": 1}
    assert fetched_commits(clone) == frozenset()
    (left_out,) = named(outer.url, clone, commit, submodules=False)
    assert (left_out.path, left_out.reason) == ("sub/", "nested repository")
    assert left_out.rule == "a submodule, which --submodules would index"


def test_another_pin_and_none(make_repository: MakeRepository, tmp_path: Path) -> None:
    """A submodule that is no longer pinned is removed."""
    sub, outer = make_repository("sub"), make_repository("outer")
    first = sub.commit({"a.py": "a = 1\n"})
    second = sub.commit({"b.py": "b = 1\n"})
    pin(outer, "sub", first, "../sub")
    clone = tmp_path / "clone"
    scan_clone(outer.url, clone)
    pin(outer, "sub", second, None)
    assert paths(scan_clone(outer.url, clone)) == [".gitmodules", "sub/a.py", "sub/b.py"]
    assert fetched_commits(clone) == {second}
    outer.git("rm", "--cached", "--quiet", "sub")
    outer.git("commit", "--quiet", "--message=unpin")
    assert paths(scan_clone(outer.url, clone)) == [".gitmodules"]
    assert fetched_commits(clone) == frozenset()


def test_the_rules_of_the_outer_repository_end_there(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Its `.gitignore` does not apply to them, in a clone as in a folder; its `.noindex` does."""
    sub, outer = make_repository("sub"), make_repository("outer")
    files = {"a.py": "a = 1\n", "b.txt": "b\n", "c.md": "c\n", ".gitignore": "*.md\n"}
    pinned = sub.commit(files)
    outer.commit({".gitignore": "*.py\n", ".noindex": "*.txt\n"})
    pin(outer, "sub", pinned, "../sub")
    expected = [".gitignore", ".gitmodules", ".noindex", "sub/.gitignore", "sub/a.py"]
    assert paths(scan_clone(outer.url, tmp_path / "clone")) == expected
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init")
    scanned = scan_folder(str(outer.path), {}, 0, submodules=True)
    assert paths(scanned) == expected


def test_in_a_folder_they_are_read_as_checked_out(make_repository: MakeRepository) -> None:
    """A nested repository that is no submodule too; without the option both are named."""
    outer = make_repository("outer")
    outer.commit({"main.py": "x = 1\n"})
    nested = Repository(outer.path / "nested")
    nested.path.mkdir()
    nested.git("init", "--quiet")
    nested.write("work.py", "y = 1\n")
    nested.write("private.py", "y = 1\n")
    nested.write(".git/info/exclude", "private.py\n")
    assert paths(scan_folder(str(outer.path), {})) == ["main.py"]
    folder = Source(SourceKind.FOLDER, str(outer.path))
    left_out = left_out_of_folder(folder, None, ignore_report)[0][-1]
    assert (left_out.path, left_out.reason) == ("nested/", "nested repository")
    assert "--submodules" in left_out.rule
    assert paths(scan_folder(str(outer.path), {}, submodules=True)) == [
        "main.py",
        "nested/work.py",
    ]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (None, ".gitmodules gives no address for it"),
        ("../missing", "does not exist"),
        ("ext::sh -c touch% /tmp/pwned", "is not valid"),
        ("-c/../x", "is not valid"),
        ("ftp://example.org/x", "uses ftp://, which is not supported"),
        ("/", "is not a git repository"),
        ("../../../../../../../../../../../../x", "leads above its host"),
        ("https://github.com/ada/shop/tree/main", "is not that of a repository"),
    ],
)
def test_a_refused_one_does_not_stop_the_others(
    make_repository: MakeRepository, tmp_path: Path, url: str | None, told: str
) -> None:
    """It is listed with the reason, and the next run tries it again."""
    outer = make_repository("outer")
    outer.commit({"main.py": "x = 1\n"})
    commit = pin(outer, "sub", "1" * 40, url)
    clone = tmp_path / "clone"
    found = scan_clone(outer.url, clone)
    assert "main.py" in paths(found)
    assert found.skipped == {"nested repository": 1}
    (left_out,) = named(outer.url, clone, commit, submodules=True)
    assert left_out.rule.startswith("a submodule: ")
    assert told in left_out.rule
    source = Source(SourceKind.GIT, outer.url, submodules=True)
    assert look_up(Location(source, str(clone)), None, 60.0, report=ignore_report) is None


def test_a_commit_that_is_not_there(make_repository: MakeRepository, tmp_path: Path) -> None:
    """The history was rewritten: the submodule is listed, and all else is read."""
    sub, outer = make_repository("sub"), make_repository("outer")
    sub.commit({"a.py": "a = 1\n"})
    pin(outer, "sub", "1" * 40, "../sub")
    assert paths(scan_clone(outer.url, tmp_path / "clone")) == [".gitmodules"]
    assert "1" * 40 in refusals(tmp_path / "clone")["sub"]


def test_addresses_of_servers_lead_to_no_folder(
    make_repository: MakeRepository, make_server: Callable[[], GitServer], tmp_path: Path
) -> None:
    """A server must not make Kodit read files of this machine."""
    secret, outer = make_repository("secret"), make_repository("outer")
    commit = secret.commit({"private.py": "p = 1\n"})
    pin(outer, "one", commit, secret.url)
    pin(outer, "two", commit, str(secret.path))
    server = make_server()
    found = scan_clone(server.url("outer/.git"), tmp_path / "clone")
    assert paths(found) == [".gitmodules"]
    assert set(refusals(tmp_path / "clone").values()) == {"its address is a folder of this machine"}


def test_credentials_go_to_their_own_host(
    make_repository: MakeRepository, make_server: Callable[[], GitServer], tmp_path: Path
) -> None:
    """A submodule on the same server is fetched with them; another server receives none."""
    near, far, outer = make_repository("near"), make_repository("far"), make_repository("outer")
    own, other = make_server(), make_server()
    own.password = other.password = "hunter2"  # noqa: S105 - of a server on loopback
    pin(outer, "near", near.commit({"n.py": "n = 1\n"}), "../../near/.git")
    pin(outer, "far", far.commit({"f.py": "f = 1\n"}), other.url("far/.git"))
    clone = tmp_path / "clone"
    found = scan_clone(own.url("outer/.git"), clone, Credentials("ada", "hunter2"))
    assert paths(found) == [".gitmodules", "near/n.py"]
    assert "refuses access" in refusals(clone)["far"]
    assert other.requests
    assert not any(authorisation for _, _, authorisation in other.requests)


def test_a_confined_source_stays_on_public_hosts(
    make_repository: MakeRepository, make_server: Callable[[], GitServer], tmp_path: Path
) -> None:
    """As if the caller had named the address itself."""
    from kodit.infrastructure.sources.submodules import SubmoduleFetch  # noqa: PLC0415 - one test

    sub, outer = make_repository("sub"), make_repository("outer")
    server = make_server()
    commit = pin(outer, "sub", sub.commit({"a.py": "a = 1\n"}), server.url("sub/.git"))
    clone = tmp_path / "clone"
    source = Source(SourceKind.GIT, server.url("outer/.git"), submodules=True)
    synchronise(source, clone)
    asked = len(server.requests)
    SubmoduleFetch(source, clone, None, ignore_report, is_confined=True).fetch_pinned(commit)
    assert "on a private network" in refusals(clone)["sub"]
    assert len(server.requests) == asked
    assert paths(list_files(clone, commit, {}, submodules=True)) == [".gitmodules"]


def test_a_submodule_that_is_unreachable_now(
    make_repository: MakeRepository, make_server: Callable[[], GitServer], tmp_path: Path
) -> None:
    """One that was never fetched is listed; one that was stays unchanged, and the run is
    retried.
    """
    sub, outer = make_repository("sub"), make_repository("outer")
    server = make_server()
    first, second = sub.commit({"a.py": "a = 1\n"}), sub.commit({"b.py": "b = 1\n"})
    pin(outer, "sub", first, server.url("sub/.git"))
    clone = tmp_path / "clone"
    server.mode = 503
    assert paths(scan_clone(outer.url, clone)) == [".gitmodules"]
    server.mode = "serve"
    assert "sub/a.py" in paths(scan_clone(outer.url, clone))
    pin(outer, "sub", second, None)
    server.mode = 503
    with pytest.raises(TransientError):
        scan_clone(outer.url, clone)
    assert fetched_commits(clone) == {first}


def test_there_are_not_too_many(
    make_repository: MakeRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few commits that name each other can give any number of paths."""
    inner, sub, outer = make_repository("inner"), make_repository("sub"), make_repository("outer")
    pinned = inner.commit({"deep.py": "x = 1\n"})
    pin(sub, "one", pinned, "../inner")
    pinned = pin(sub, "two", pinned, "../inner")
    commit = pin(outer, "sub", pinned, "../sub")
    for module in (submodules, of_sources):
        monkeypatch.setattr(module, "MOST", 2)
    clone = tmp_path / "clone"
    assert "sub/one/deep.py" in paths(scan_clone(outer.url, clone))
    (left_out,) = named(outer.url, clone, commit, submodules=True)
    assert (left_out.path, left_out.rule) == ("sub/two/", "a submodule: more than 2 submodules")


def test_addresses_as_people_write_them(make_repository: MakeRepository, tmp_path: Path) -> None:
    """A path may contain redundant parts; an entry without a path is ignored."""
    sub, outer = make_repository("sub"), make_repository("outer")
    commit = sub.commit({"a.py": "a = 1\n"})
    outer.write(
        ".gitmodules",
        '[submodule "x"]\n\tpath = ./deep//sub/\n\turl = ../sub\n'
        '[submodule "y"]\n\tpath = other\n[submodule "z"]\n\turl = ../sub\n',
    )
    outer.git("add", ".gitmodules")
    outer.git("update-index", "--add", "--cacheinfo", f"160000,{commit},deep/sub")
    pin(outer, "other", "1" * 40, None)
    clone = tmp_path / "clone"
    assert paths(scan_clone(outer.url, clone)) == [".gitmodules", "deep/sub/a.py"]
    assert refusals(clone) == {"other": ".gitmodules gives no address for it"}


def test_what_is_no_list_of_addresses_has_none(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    sub, outer = make_repository("sub"), make_repository("outer")
    commit = sub.commit({"a.py": "a = 1\n"})
    outer.write(".gitmodules", f'[submodule "sub"]\npath = sub\nurl = {sub.url}\n[[[\n')
    outer.git("add", ".gitmodules")
    pin(outer, "sub", commit, None)
    clone = tmp_path / "clone"
    assert paths(scan_clone(outer.url, clone)) == [".gitmodules"]
    assert refusals(clone) == {"sub": ".gitmodules gives no address for it"}


def test_what_is_there_is_not_fetched_again(
    make_repository: MakeRepository, make_server: Callable[[], GitServer], tmp_path: Path
) -> None:
    sub, outer = make_repository("sub"), make_repository("outer")
    server = make_server()
    pin(outer, "sub", sub.commit({"a.py": "a = 1\n"}), server.url("sub/.git"))
    scan_clone(outer.url, tmp_path / "clone")
    asked = len(server.requests)
    outer.git("commit", "--quiet", "--allow-empty", "--message=again")
    assert "sub/a.py" in paths(scan_clone(outer.url, tmp_path / "clone"))
    assert len(server.requests) == asked


def test_a_server_that_sends_no_single_files_sends_all(
    make_repository: MakeRepository, make_server: Callable[[], GitServer], tmp_path: Path
) -> None:
    """For a submodule as for a source."""
    sub, outer = make_repository("sub"), make_repository("outer")
    sub.git("config", "uploadpack.allowFilter", "true")
    server = make_server()
    server.oldest_protocol = True
    sub.commit({"a.py": "a = 1\n"})
    pin(outer, "sub", sub.commit({"a.py": "a = 2\n"}), server.url("sub/.git"))
    clone = tmp_path / "clone"
    assert paths(scan_clone(outer.url, clone)) == [".gitmodules", "sub/a.py"]
    assert refusals(clone) == {}


def test_those_that_are_refused_are_counted_too(
    make_repository: MakeRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_sources, "MOST", 1)
    outer = make_repository("outer")
    for name in ("one", "two"):
        pin(outer, name, "1" * 40, None)
    scan_clone(outer.url, tmp_path / "clone")
    assert refusals(tmp_path / "clone") == {
        "one": ".gitmodules gives no address for it",
        "two": "more than 1 submodules",
    }


def test_an_include_applies_to_submodules_too(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Including one that brings back a file that would not be fetched."""
    sub, outer = make_repository("sub"), make_repository("outer")
    pin(outer, "sub", sub.commit({"table.dat": "1 2 3\n", "a.py": "a = 1\n"}), "../sub")
    source = Source(SourceKind.GIT, outer.url, include=("*.dat",), submodules=True)
    found = scan(Location(source, str(tmp_path / "clone")), None, {}, 0, report=ignore_report)
    assert paths(found) == ["sub/table.dat"]


def test_a_commit_within_the_source_itself_is_no_submodule(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """A link to a commit that happens to be in the clone is not entered without its address."""
    outer = make_repository("outer")
    commit = outer.commit({"main.py": "x = 1\n"})
    pin(outer, "self", commit, None)
    assert paths(scan_clone(outer.url, tmp_path / "clone")) == ["main.py"]
