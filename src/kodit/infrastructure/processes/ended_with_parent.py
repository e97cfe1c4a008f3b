"""Starting programs that end together with this process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from kodit.infrastructure.processes.parent_death import death_with_parent

_SHELL = "/bin/sh"
_BECOMES_THE_PROGRAM = '[ "$PPID" = "$0" ] && exec "$@"'
"""The parent may have ended before its child asked to be told of it."""


def start_with_parent(
    command: Sequence[str], *, env: Mapping[str, str], **options: Any
) -> subprocess.Popen[bytes]:
    """Start a program as `subprocess.Popen` does, to be killed when the thread that starts it ends,
    however that comes. Elsewhere than on Linux, it outlives a process that is killed.

    What asks the kernel for that is a program, which then becomes the other: a function that is
    called after a fork would need a copy of this process, which takes longer the more memory it
    has (7 ms for 300 MB), and could wait for ever for a lock that another thread held.

    Raises FileNotFoundError where there is no such program.
    """
    if shutil.which(command[0], path=env["PATH"]) is None:
        raise FileNotFoundError(f"there is no program {command[0]}")
    if keeper := _keeper():
        return subprocess.Popen([*keeper, str(os.getpid()), *command], env=env, **options)
    return subprocess.Popen(
        command,
        env=env,
        preexec_fn=death_with_parent(os.getpid()),  # noqa: PLW1509 - it takes no lock
        **options,
    )


@cache
def _keeper() -> tuple[str, ...]:
    """What comes before the number of this process and the command; nothing where the system has
    no such program, or one without that option."""
    program = shutil.which("setpriv", path=os.defpath) if sys.platform == "linux" else None
    if program is None:
        return ()
    keeper = (program, "--pdeathsig", "KILL", _SHELL, "-c")
    tried = subprocess.run([*keeper, "exit 0"], capture_output=True, check=False)
    return (*keeper, _BECOMES_THE_PROGRAM) if tried.returncode == 0 else ()
