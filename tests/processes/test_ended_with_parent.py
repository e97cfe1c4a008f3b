"""A program ends with the process that started it, with and without `setpriv`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kodit.infrastructure.processes import ended_with_parent
from kodit.infrastructure.processes.ended_with_parent import start_with_parent

FORMER = "#!/bin/sh\nexit 1\n"
"""An older `setpriv` without the option."""

SLOW = """#!/bin/sh
shift 2
[ "$#" = 3 ] && exec "$@"  # it is tried out
kill -KILL "$PPID"
while kill -0 "$PPID" 2>/dev/null; do :; done
exec "$@"
"""
"""One so slow that its parent has ended before the program is started."""

STARTER = """
import os, sys
os.defpath = sys.argv[1]
from kodit.infrastructure.processes.ended_with_parent import start_with_parent
process = start_with_parent(sys.argv[2:], env=dict(os.environ))
sys.stdout.write(f"{process.pid}\\n")  # at once, whether or not it is buffered
sys.stdout.flush()
process.wait()
"""


@pytest.fixture
def system(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The system's programs: its own folders, or one with this `setpriv` or none."""
    if request.param == "own":
        return os.defpath
    folder = tmp_path / "programs"
    folder.mkdir()
    if request.param:
        (folder / "setpriv").write_text(request.param)
        (folder / "setpriv").chmod(0o755)
    return str(folder)


def start(system: str, *command: str) -> subprocess.Popen[str]:
    """A process that starts this command, prints its id and waits for it."""
    return subprocess.Popen(
        [sys.executable, "-c", STARTER, system, *command], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    "system", ["own", "", FORMER], ids=["own", "none", "former"], indirect=True
)
def test_it_is_killed_with_the_process(system: str) -> None:
    with start(system, "sh", "-c", "echo $$ && exec sleep 1000") as parent:
        assert parent.stdout is not None
        try:
            told = {parent.stdout.readline(), parent.stdout.readline()}
        finally:
            parent.send_signal(signal.SIGKILL)
        assert len(told) == 1  # what was started has become the program
        assert parent.stdout.read() == ""  # which comes when nobody is left who could write


@pytest.mark.parametrize("system", [SLOW], ids=["slow"], indirect=True)
def test_it_does_not_start_after_the_process_has_ended(system: str, tmp_path: Path) -> None:
    with start(system, "touch", str(tmp_path / "started")) as parent:
        assert parent.stdout is not None
        assert parent.wait() == -signal.SIGKILL
        parent.stdout.read()
    assert not (tmp_path / "started").exists()


@pytest.fixture
def _nothing_remembered() -> Iterator[None]:
    """Clears cached programs, before and after."""
    ended_with_parent._helper_command.cache_clear()
    yield
    ended_with_parent._helper_command.cache_clear()


@pytest.mark.usefixtures("_nothing_remembered")
@pytest.mark.parametrize("system", ["own", ""], ids=["own", "none"], indirect=True)
def test_output_arguments_and_status_are_those_of_the_program(
    system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a shell would make of them."""
    monkeypatch.setattr(os, "defpath", system)
    arguments = ["a b", "$HOME", "`id`", "'", '"', "*", "", "-c", "\n"]
    script = 'printf "%s|" "$@"; echo "$SOME" >&2; exit 7'
    with start_with_parent(
        ["sh", "-c", script, "name", *arguments],
        env={"PATH": os.environ["PATH"], "SOME": "thing"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        out, err = process.communicate()
    assert out.decode() == "".join(f"{argument}|" for argument in arguments)
    assert err == b"thing\n"
    assert process.returncode == 7
    with pytest.raises(FileNotFoundError):
        start_with_parent(["no-such-program"], env={"PATH": os.environ["PATH"]})
