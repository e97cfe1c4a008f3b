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
_EXECUTE_IF_PARENT_LIVES = '[ "$PPID" = "$0" ] && exec "$@"'
"""The parent may have ended before the child has requested the signal."""


def start_with_parent(
    command: Sequence[str], *, env: Mapping[str, str], **options: Any
) -> subprocess.Popen[bytes]:
    """Start a program as `subprocess.Popen` does, to be killed when the thread that starts it ends,
    for whatever reason. On systems other than Linux, it survives if this process is killed.

    A helper program requests that from the kernel, and then executes the other: a function called
    after a fork would need a copy of this process, which takes longer the more memory it has (7 ms
    for 300 MB), and could deadlock on a lock held by another thread.

    Raises FileNotFoundError if there is no such program.
    """
    if shutil.which(command[0], path=env["PATH"]) is None:
        raise FileNotFoundError(f"there is no program {command[0]}")
    if helper := _helper_command():
        return subprocess.Popen([*helper, str(os.getpid()), *command], env=env, **options)
    return subprocess.Popen(
        command,
        env=env,
        preexec_fn=death_with_parent(os.getpid()),  # noqa: PLW1509 - it takes no lock
        **options,
    )


@cache
def _helper_command() -> tuple[str, ...]:
    """The command prefix before this process's id and the command; empty if the system has no such
    helper, or one without that option.
    """
    program = shutil.which("setpriv", path=os.defpath) if sys.platform == "linux" else None
    if program is None:
        return ()
    helper = (program, "--pdeathsig", "KILL", _SHELL, "-c")
    tried = subprocess.run([*helper, "exit 0"], capture_output=True, check=False)
    return (*helper, _EXECUTE_IF_PARENT_LIVES) if tried.returncode == 0 else ()
