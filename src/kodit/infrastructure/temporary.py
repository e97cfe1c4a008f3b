"""Temporary folders that do not outlive their process, even if it is killed."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from kodit.infrastructure.files import entries_of
from kodit.infrastructure.locks import try_lock

_PREFIX = "kodit.temporary."
_OURS = re.compile(re.escape(_PREFIX) + r"[a-z]+\.\w{8}")
"""Nobody else would give a folder this name: what has it is removed."""
_AGE_SECONDS = 60.0
"""A folder is locked right after it is made; a younger one may not be locked yet."""


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """An empty folder that only this user can open, removed at the end; `purpose` is a word in
    lower case. A process that is killed leaves its folders behind: the next process that needs one
    removes them.
    """
    _remove_abandoned(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{purpose}.") as name:
        descriptor = _open(name)
        try:
            try_lock(descriptor)
            yield Path(name)
        finally:
            os.close(descriptor)


@cache
def _remove_abandoned(place: str) -> None:
    """Remove this user's folders whose process is gone; once per process."""
    newest = time.time() - _AGE_SECONDS
    for entry in entries_of(Path(place)):
        with suppress(OSError):  # another process may be removing it
            if not _OURS.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
                continue
            status = entry.stat(follow_symlinks=False)
            if status.st_uid == os.getuid() and status.st_mtime < newest:
                _remove_if_abandoned(entry.path)


def _remove_if_abandoned(folder: str) -> None:
    descriptor = _open(folder)
    try:
        if try_lock(descriptor):
            shutil.rmtree(folder)
    finally:
        os.close(descriptor)


def _open(folder: str) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
