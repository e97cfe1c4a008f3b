"""Nothing in a repository can execute, fetch, or lead out of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.git.sources import history_of, history_of_folder

from kodit.domain.errors import SourceError
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.folder.scan import scan_folder
from kodit.infrastructure.git.clone import synchronise
from kodit.infrastructure.git.remote import look_up
from kodit.infrastructure.git.tree import list_files, read_blobs

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository, Repository


class Trap:
    """A command that leaves a file when anything runs it."""

    def __init__(self, folder: Path) -> None:
        self.sprung = folder / "sprung"
        self.script = folder / "trap.sh"
        self.script.write_text(f"#!/bin/sh\ntouch '{self.sprung}'\n")
        self.script.chmod(0o755)

    def set_in(self, repository: Repository) -> None:
        """Set the command everywhere in a repository's configuration where one is allowed."""
        for name in (
            "core.fsmonitor",
            "core.sshCommand",
            "core.askPass",
            "core.pager",
            "core.editor",
            "core.alternateRefsCommand",
            "core.gitProxy",
            "diff.external",
            "gpg.program",
            "uploadpack.packObjectsHook",
            "filter.trap.clean",
            "filter.trap.smudge",
            "filter.trap.process",
            "diff.trap.command",
            "diff.trap.textconv",
            "credential.helper",
            "pager.log",
            "alias.ls-tree",
        ):
            repository.git("config", name, str(self.script))
        repository.git("config", "log.showSignature", "true")
        repository.git("config", "protocol.allow", "always")
        hooks = repository.path / ".git" / "hooks"
        hooks.mkdir(exist_ok=True)
        for hook in ("post-checkout", "reference-transaction", "post-update", "pre-auto-gc"):
            (hooks / hook).write_bytes(self.script.read_bytes())
            (hooks / hook).chmod(0o755)


def test_configuration_hooks_and_filters_of_a_source_do_not_run(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """As a git URL and as a folder with history."""
    origin = make_repository()
    commit = origin.commit({"a.py": "one", ".gitattributes": "* filter=trap diff=trap\n"})
    trap = Trap(tmp_path)
    trap.set_in(origin)
    clone = tmp_path / "clone"
    source = Source(SourceKind.GIT, origin.url)
    assert look_up(source) == commit
    assert synchronise(source, clone) == commit
    scan = list_files(clone, commit, {})
    assert read_blobs(clone, [file.content_hash for file in scan.changed])[1] == b"one"
    assert history_of(clone, commit)["a.py"].author_name == "Ada"
    assert scan_folder(str(origin.path), {}).changed
    assert history_of_folder(origin.path)["a.py"].author_name == "Ada"
    assert not trap.sprung.exists()
    subprocess.run([trap.script], check=True)
    assert trap.sprung.exists()  # the trap works


def test_a_partial_clone_is_refused_as_a_source_and_fetches_nothing(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """To serve one, git would run the transport in its configuration."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    origin.git("config", "uploadpack.allowFilter", "true")
    path = tmp_path / "partial.git"
    origin.git("clone", "--quiet", "--bare", "--filter=blob:none", origin.url, str(path))
    trap = Trap(tmp_path)
    origin.git("--git-dir", str(path), "config", "remote.origin.uploadpack", str(trap.script))
    with pytest.raises(SourceError, match="partial clone"):
        synchronise(Source(SourceKind.GIT, path.as_uri()), tmp_path / "clone")
    # It may say so in a file that its configuration includes.
    (path / "config").rename(path / "config.included")
    (path / "config").write_text("[include]\n\tpath = config.included\n")
    with pytest.raises(SourceError, match="partial clone"):
        synchronise(Source(SourceKind.GIT, path.as_uri()), tmp_path / "clone")
    assert not trap.sprung.exists()


def test_the_history_of_a_partial_clone_fetches_nothing(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """A folder may be a partial clone; its missing objects are not fetched."""
    origin = make_repository()
    origin.commit({"a/b.py": "one"})
    origin.commit({"a/b.py": "two"})
    origin.git("config", "uploadpack.allowFilter", "true")
    for number, what in enumerate(("blob:none", "tree:0")):
        path = tmp_path / f"partial{number}"
        origin.git("clone", "--quiet", f"--filter={what}", origin.url, str(path))
        trap = Trap(tmp_path)
        origin.git("-C", str(path), "config", "remote.origin.uploadpack", str(trap.script))
        found = history_of_folder(path)
        assert set(found) == ({"a/b.py"} if what == "blob:none" else set())
        assert not trap.sprung.exists()


def test_links_and_submodules_of_a_tree_are_left_out_and_counted(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Neither what a link points at nor another repository is ever read."""
    (tmp_path / "outside.py").write_text("outside")
    other = make_repository("other")
    other.commit({"inner.py": "inner"})
    origin = make_repository()
    origin.commit({"a.py": "one"})
    (origin.path / "link.py").symlink_to(tmp_path / "outside.py")
    (origin.path / "loop").symlink_to(".")
    origin.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.url, "module"
    )
    commit = origin.commit()
    clone = tmp_path / "clone"
    synchronise(Source(SourceKind.GIT, origin.url), clone)
    scan = list_files(clone, commit, {})
    assert [file.path for file in scan.changed] == [".gitmodules", "a.py"]
    assert scan.skipped == {"nested repository": 1, "symbolic link": 2}
    in_place = scan_folder(str(origin.path), {})
    assert [file.path for file in in_place.changed] == [".gitmodules", "a.py"]
    assert in_place.skipped == scan.skipped


def test_names_with_newlines_and_controls_are_read_and_broken_ones_counted(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Names that look like options, hold newlines, tabs, quotes or escapes; and not UTF-8."""
    names = ["-rf", "--help", "new\nline.py", "tab\t.py", 'quo"te', "esc\x1b[31m.py", "é/ü.py", " "]
    origin = make_repository()
    for name in names:
        origin.write(name, name)
    broken = os.fsencode(origin.path) + b"/\xff\xfe.py"
    Path(os.fsdecode(broken)).write_bytes(b"x")
    commit = origin.commit()
    clone = tmp_path / "clone"
    synchronise(Source(SourceKind.GIT, origin.url), clone)
    scan = list_files(clone, commit, {})
    assert [file.path for file in scan.changed] == sorted(names)
    assert scan.skipped == {"undecodable name": 1}
    contents = read_blobs(clone, [file.content_hash for file in scan.changed])
    assert contents == [name.encode() for name in sorted(names)]
    assert set(history_of(clone, commit)) >= set(names)
    assert [file.path for file in scan_folder(str(origin.path), {}).changed] == sorted(names)


@pytest.mark.parametrize("name", ["--upload-pack=touch sprung", "-c", "--output=sprung"])
def test_a_branch_that_looks_like_an_option_is_only_a_name(
    make_repository: MakeRepository, tmp_path: Path, name: str
) -> None:
    """Even if parsing has accepted such a ref."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    with pytest.raises(SourceError, match="no branch, tag or commit"):
        synchronise(Source(SourceKind.GIT, origin.url, name), tmp_path / "clone")
    assert not list(Path.cwd().glob("sprung"))


@pytest.mark.parametrize("location", ["ext::sh -c touch% sprung", "fd::17", "--upload-pack=x"])
def test_transports_that_execute_are_refused_by_git_too(tmp_path: Path, location: str) -> None:
    """The second line of defence behind `parse_source`."""
    with pytest.raises(SourceError):
        look_up(Source(SourceKind.GIT, location))
    assert not list(Path.cwd().glob("sprung"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl(2) is Linux's")
def test_git_dies_with_the_process_that_started_it(server: GitServer, tmp_path: Path) -> None:
    """Even if that is killed without a chance to clean up."""
    from tests.git.conftest import wait_until  # noqa: PLC0415

    server.mode = "hang"
    program = (
        "import sys; from pathlib import Path;"
        "from kodit.infrastructure.git.clone import synchronise;"
        "from kodit.domain.source import Source, SourceKind;"
        "synchronise(Source(SourceKind.GIT, sys.argv[1]), Path(sys.argv[2]))"
    )
    url = server.url("origin/.git")
    with subprocess.Popen([sys.executable, "-c", program, url, str(tmp_path / "clone")]) as parent:
        assert wait_until(lambda: bool(server.requests))
        gits = processes_about(url) - {parent.pid}
        assert gits
        os.kill(parent.pid, signal.SIGKILL)
    main_git = {pid for pid in gits if b"ls-remote" in command_line(pid)}
    assert wait_until(lambda: not any(command_line(pid) for pid in main_git))


def processes_about(text: str) -> set[int]:
    """The processes whose command line holds the text."""
    return {
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and text.encode() in command_line(int(entry.name))
    }


def command_line(pid: int) -> bytes:
    """A process's command line; empty once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
