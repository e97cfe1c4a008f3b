"""The current folder and the location of the data do not affect git."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.command import KoditCommand, wait_until
from tests.support.sources import commit_all, git, write_file

from kodit.domain.source import Credentials
from kodit.infrastructure.git.runner import (
    GitError,
    GitTimeoutError,
    Limits,
    git_environment,
    overriding,
    run_git,
    stream_git,
)


def test_a_repository_around_the_data_directory_is_not_obeyed(tmp_path: Path) -> None:
    """git searches upwards for a repository, whose configuration may name programs to run."""
    wanted, hostile = tmp_path / "wanted", tmp_path / "hostile"
    write_file(wanted / "lantern.py", "def swing():\n    return 'lantern'\n")
    commit_all(wanted)
    ran = tmp_path / "ran"
    script = hostile / "upload-pack.sh"
    write_file(script, f'#!/bin/sh\ntouch {ran}\nexec git-upload-pack "$@"\n')
    script.chmod(0o755)
    commit_all(hostile)
    git(hostile, "config", f"remote.{wanted.as_uri()}.uploadpack", str(script))
    command = KoditCommand(hostile / "data")
    outcome = command.run("index", wanted.as_uri(), cwd=hostile)
    assert outcome.code == 0, outcome.err
    assert not ran.exists()


HOSTILE = {
    "core.hooksPath": ".git/hooks",
    "core.fsmonitor": "./spring.sh",
    "core.attributesFile": "./attributes",
    "core.excludesFile": "./excludes",
    "core.pager": "./spring.sh",
    "core.alternateRefsCommand": "./spring.sh",
    "core.quotePath": "true",
    "credential.helper": "!./spring.sh",
    "diff.external": "./spring.sh",
    "fetch.recurseSubmodules": "true",
    "filter.lfs.smudge": "./spring.sh",
    "filter.lfs.process": "./spring.sh",
    "gc.auto": "1",
    "maintenance.auto": "true",
    "http.followRedirects": "true",
    "http.lowSpeedLimit": "0",
    "http.lowSpeedTime": "0",
    "log.showSignature": "true",
    "protocol.ext.allow": "always",
    "submodule.recurse": "true",
    "transfer.bundleURI": "true",
    "uploadpack.packObjectsHook": "./spring.sh",
}
OURS = dict.fromkeys(HOSTILE, "") | {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "core.pager": "cat",
    "core.alternateRefsCommand": ":",
    "core.quotePath": "false",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.followRedirects": "initial",
    "http.lowSpeedLimit": "1",  # a transfer that stalls for a minute is given up by git itself
    "http.lowSpeedTime": "60",
    "log.showSignature": "false",
    "protocol.ext.allow": "never",
    "submodule.recurse": "false",
    "transfer.bundleURI": "false",
}


def test_the_configuration_of_a_repository_is_overridden(tmp_path: Path) -> None:
    """Everything that could make git run a program, fetch more, or print something else."""
    write_file(tmp_path / "a.py", "a = 1\n")
    commit_all(tmp_path)
    lines = (
        f"[{name.rpartition('.')[0]}]\n{name.rpartition('.')[2]} = {value}\n"
        for name, value in HOSTILE.items()
        if name.count(".") == 1
    )
    more = (
        '[filter "lfs"]\nsmudge = ./spring.sh\nprocess = ./spring.sh\n'
        '[protocol "ext"]\nallow = always\n'
    )
    with (tmp_path / ".git" / "config").open("a") as file:
        file.write("".join(lines) + more)
    listed = run_git(["config", "--list", "-z"], git_directory=tmp_path / ".git")
    stated = [entry.partition("\n")[::2] for entry in listed.decode().split("\0") if entry]
    valid = dict(stated)
    assert {name: valid[name.lower()] for name in OURS} == OURS


def test_the_environment_of_git_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's configuration, no prompts, and only the transports that sources may
    have.
    """
    for name in ("GIT_DIR", "GIT_CONFIG_GLOBAL", "GIT_ASKPASS", "GIT_SSH_COMMAND", "SECRET"):
        monkeypatch.setenv(name, "/somewhere/else")
    for name in ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_EXEC_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.example.org")
    found = git_environment()
    assert found["https_proxy"] == "http://proxy.example.org"
    assert "SECRET" not in found
    ours = {name: value for name, value in found.items() if name.startswith(("GIT", "SSH_ASK"))}
    assert Path(ours.pop("GIT_CONFIG_GLOBAL")).name == "hardened.gitconfig"
    assert ours.pop("GIT_SSH_COMMAND").startswith("ssh -o BatchMode=yes ")
    assert ours == {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TEMPLATE_DIR": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_SSH_VARIANT": "ssh",
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file",
        "GIT_PROTOCOL_FROM_USER": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_DEFAULT_HASH": "sha1",
    }


MakeGit = Callable[[str], None]


@pytest.fixture
def make_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeGit:
    """Puts a shell script in the place of git."""

    def make(script: str) -> None:
        write_file(tmp_path / "bin" / "git", f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / "git").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    return make


def test_the_output_of_git_while_it_works_and_when_it_fails(make_git: MakeGit) -> None:
    """Progress is reported and is no part of the error; the end of the rest is kept, without
    secrets in any form and without names in addresses.
    """
    reports: list[tuple[int, int | None]] = []
    make_git(
        "head -c 9000 /dev/zero | tr '\\0' x >&2; echo >&2\n"
        "printf 'Counting:  10%% (1/10)\\rCounting:  50%% (5/10)\\r' >&2\n"
        "echo 'fatal: https://ada@example.org/x wants p@ss and p%40ss' >&2\n"
        "exit 3"
    )
    with pytest.raises(GitError) as failed:
        run_git(["x"], credentials=Credentials("ada", "p@ss"), report=lambda *r: reports.append(r))
    assert failed.value.returncode == 3
    first, *others = failed.value.stderr.splitlines()
    assert set(first) == {"x"}
    assert others == ["fatal: https://example.org/x wants *** and ***"]
    assert len(failed.value.stderr) < 8192
    assert reports[-1] == (5, 10)
    assert set(reports) <= {(0, None), (1, 10), (5, 10)}


def test_a_git_that_is_killed_has_failed(make_git: MakeGit) -> None:
    make_git("echo half; kill -9 $$")
    with pytest.raises(GitError) as failed:
        run_git(["x"])
    assert failed.value.returncode == -9


@pytest.mark.parametrize(
    ("script", "limits"),
    [
        ("sleep 600 & echo $! > {pid}; wait", Limits(silent=0.1, total=600)),
        ("sleep 600 & echo $! > {pid}; yes", Limits(silent=600, total=0.1)),
    ],
    ids=["silent", "never done"],
)
def test_a_git_that_takes_too_long_is_ended(
    script: str, limits: Limits, make_git: MakeGit, tmp_path: Path
) -> None:
    """With its descendants."""
    pid = tmp_path / "pid"
    make_git(script.format(pid=pid))
    with pytest.raises(GitTimeoutError, match=r"git took more than \d+ seconds"):
        stream_git(["x"], lambda _piece: None, limits=limits)
    status = Path(f"/proc/{pid.read_text().strip()}/status")
    wait_until(lambda: not status.exists() or "State:\tZ" in status.read_text())


def test_settings_for_some_git_commands(tmp_path: Path) -> None:
    """They are combined and end with their block."""

    def value() -> bytes:
        return run_git(["config", "--get-all", "x.y"]).strip()

    with overriding("x.y=1"):
        with overriding("x.y=2"):
            assert value() == b"1\n2"
        assert value() == b"1"
    with pytest.raises(GitError):
        value()
