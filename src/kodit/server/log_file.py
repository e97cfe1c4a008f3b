"""The log file of a server that runs unattended."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from pathlib import Path

from kodit.application.services.chores import Chore, in_one_piece
from kodit.infrastructure.files import write_atomically
from kodit.infrastructure.resident.place import LOG_FILE

LARGEST_BYTES = 5_000_000
LOOK_SECONDS = 300.0
_STANDARD_ERROR = 2


def log_chores(data_dir: Path) -> list[Chore]:
    """If standard error goes to the log file of the data directory, a chore that keeps it short."""
    path = data_dir / LOG_FILE
    if not _is_log(path):
        return []
    work = partial(in_one_piece, lambda: shorten_log(path))
    return [Chore("trim the log", LOOK_SECONDS, work)]


def shorten_log(path: Path, largest: int = LARGEST_BYTES) -> None:
    """Move the content of a long log to `server.log.1`. The workers append to the same file, so
    that it is emptied and not replaced."""
    with path.open("r+b") as file:
        if file.seek(0, os.SEEK_END) <= largest:
            return
        file.seek(-largest, os.SEEK_END)
        write_atomically(path.with_name(f"{path.name}.1"), file.read(), durable=False)
        file.truncate(0)


def _is_log(path: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(_STANDARD_ERROR), path.lstat())
    return False
