"""The network settings of the user's git configuration are used, and nothing else of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.git.conftest import GitServer, MakeRepository

from kodit.domain.errors import SourceError
from kodit.domain.report import ignore_report
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.runner import CONFIGURATION, git_environment, run_git
from kodit.infrastructure.git.user_configuration import with_user_configuration
from kodit.infrastructure.sources.child_functions import look_up, scan, verify
from kodit.infrastructure.sources.location import Location, NetworkAccess

HEARD = NetworkAccess(uses_user_configuration=True)
UNHEARD = NetworkAccess()
CODE = {"a.py": "def quartz(): ...\n"}


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's `.gitconfig`, which is empty."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME", "GIT_SSH_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    return home / ".gitconfig"


def found(url: str, clone: Path, access: NetworkAccess) -> list[str]:
    location = Location(Source(SourceKind.GIT, url), str(clone))
    scanned = scan(location, None, {}, 0, access, report=ignore_report)
    return [file.path for file in scanned.changed]


def test_a_credential_helper(
    configuration: Path,
    make_repository: MakeRepository,
    make_server: Callable[[], GitServer],
    tmp_path: Path,
) -> None:
    """As in `git clone`; not for others, and not if the source has a secret."""
    make_repository().commit(CODE)
    server = make_server()
    server.password = "hunter2"  # noqa: S105 - of a server on loopback
    configuration.write_text(
        f'[credential "http://{server.host}"]\n'
        '\thelper = "!f() { echo username=ada; echo password=hunter2; }; f"\n'
    )
    url = server.url("origin/.git")
    assert found(url, tmp_path / "clone", HEARD) == ["a.py"]
    with pytest.raises(SourceError, match="refuses access"):
        found(url, tmp_path / "other", UNHEARD)
    source = Source(SourceKind.GIT, url)
    with pytest.raises(SourceError, match="refuses access"):
        verify(source, Credentials("ada", "wrong"), 60.0, HEARD, report=ignore_report)
    assert b"hunter2" not in (tmp_path / "clone" / "config").read_bytes()


def test_another_name_of_a_server(
    configuration: Path,
    make_repository: MakeRepository,
    make_server: Callable[[], GitServer],
    tmp_path: Path,
) -> None:
    """`insteadOf`, even from an included file."""
    commit = make_repository().commit(CODE)
    server = make_server()
    configuration.write_text("[include]\n\tpath = names\n")
    names = configuration.with_name("names")
    names.write_text(f'[url "http://{server.host}/"]\n\tinsteadOf = https://code.invalid/\n')
    location = Location(
        Source(SourceKind.GIT, "https://code.invalid/origin/.git"), str(tmp_path / "clone")
    )
    assert look_up(location, None, 60.0, HEARD, report=ignore_report) is None  # nothing cloned yet
    assert found(location.source.location, tmp_path / "clone", HEARD) == ["a.py"]
    assert look_up(location, None, 60.0, HEARD, report=ignore_report) == commit


def test_an_ssh_command_and_a_proxy(
    configuration: Path, make_server: Callable[[], GitServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the configuration, or from the environment; it must not prompt."""
    proxy = make_server()
    configuration.write_text(
        f"[core]\n\tsshCommand = ssh -i ~/.ssh/work\n[http]\n\tproxy = http://{proxy.host}\n"
    )
    with with_user_configuration(CONFIGURATION):
        command = git_environment()["GIT_SSH_COMMAND"]
        assert command.startswith("ssh -i ~/.ssh/work -o BatchMode=yes ")
        assert run_git(["config", "http.proxy"]).decode().strip() == f"http://{proxy.host}"
    monkeypatch.setenv("GIT_SSH_COMMAND", "/opt/myssh -x")
    with with_user_configuration(CONFIGURATION):
        assert git_environment()["GIT_SSH_COMMAND"] == "/opt/myssh -x"
    assert git_environment()["GIT_SSH_COMMAND"].startswith("ssh -o BatchMode=yes ")


def test_nothing_else_is_used(configuration: Path, tmp_path: Path) -> None:
    """Neither programs for other purposes, nor settings that allow a protocol; and no repository's
    configuration.
    """
    configuration.write_text(
        "[core]\n\thooksPath = /evil\n\tpager = evil\n\tfsmonitor = evil\n[alias]\n\tx = !evil\n"
        '[protocol "ext"]\n\tallow = always\n[safe]\n\tdirectory = /x\n[filter "y"]\n'
        "\tclean = evil\n[http]\n\tsslVerify = true\n[uploadpack]\n\tpackObjectsHook = evil\n"
    )
    hostile = tmp_path / "hostile"
    run_git(["init", "--quiet", "--bare", "--", str(hostile)])
    (hostile / "config").write_text("[core]\n\tbare = true\n\tsshCommand = evil\n")
    with with_user_configuration(CONFIGURATION):
        said = run_git(["config", "--list", "--show-origin"]).decode()
        assert "sslverify=true" in said
        assert "evil" not in said
        assert run_git(["config", "protocol.ext.allow"]).decode() == "never\n"
        run_git(["rev-parse"], git_directory=hostile)
        assert "evil" not in git_environment()["GIT_SSH_COMMAND"]


def test_a_value_stays_unchanged(configuration: Path) -> None:
    """Whatever it contains: quotes, backslashes, comments, other letters."""
    value = 'a "quoted" \\ back; # no comment é '
    run_git(["config", "--file", str(configuration), 'http.https://h.org/x"y.userAgent', value])
    with with_user_configuration(CONFIGURATION):
        assert run_git(["config", 'http.https://h.org/x"y.userAgent']).decode() == f"{value}\n"


def test_the_last_of_several_values_holds(configuration: Path) -> None:
    """As everywhere in git; a name alone means true."""
    configuration.write_text(
        "[http]\n\tproxy = http://first.invalid\n\tproxy = http://second.invalid\n"
        "\tsslVerify = false\n\tsslVerify\n"
    )
    with with_user_configuration(CONFIGURATION):
        assert run_git(["config", "http.proxy"]) == b"http://second.invalid\n"
        assert run_git(["config", "--bool", "http.sslVerify"]) == b"true\n"
