"""The environment for programs that Kodit starts: that of this process, made independent of the
current folder.

An empty or relative entry of a search path means the current folder: with `PYTHONPATH=:/opt/lib` a
child process would import modules from a data directory or a repository.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_OF_PROGRAMS = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_OF_MODULES = "PYTHONPATH"


def steady_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables, by default those of this process. Programs and libraries are searched for by
    absolute paths only, and modules are found where this process finds them.
    """
    kept = dict(os.environ if environment is None else environment)
    for name in (*_OF_PROGRAMS, _OF_MODULES):
        if name not in kept:
            continue
        entries = [Path(entry) for entry in kept.pop(name).split(os.pathsep) if entry]
        if name == _OF_MODULES:
            entries = [entry.absolute() for entry in entries]
        if steady := [str(entry) for entry in entries if entry.is_absolute()]:
            kept[name] = os.pathsep.join(steady)
    return {"PATH": "/usr/local/bin:/usr/bin:/bin"} | kept
