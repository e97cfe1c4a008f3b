"""The location of the server's socket for a data directory.

By default it is `server.sock` in the data directory. If that path is too long for a socket, or the
file system has no sockets, it is in a private folder of the runtime directory, and `server.place`
in the data directory holds its path. A data directory may come from anybody, so the path is
followed only to a place where a server of this user would have put its socket.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from kodit.domain.errors import UserError
from kodit.infrastructure.trust import read_trusted_file

SOCKET_FILE = "server.sock"
PLACE_FILE = "server.place"
LOCK_FILE = "server.lock"
LOG_FILE = "server.log"

TEMPORARY = Path("/tmp")  # noqa: S108 - the owner and mode of its contents are checked
LONGEST_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
"""In bytes: `sun_path` of `sockaddr_un` without the terminating byte."""


def fits(path: Path) -> bool:
    """Whether the path is short enough for a socket."""
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH


def socket_elsewhere(data_dir: Path, folder: Path) -> Path:
    """The socket of a data directory in a private folder shared by several data directories."""
    import hashlib  # noqa: PLC0415 - rarely needed, and slow to import

    name = hashlib.sha256(os.fsencode(os.path.realpath(data_dir))).hexdigest()[:20]
    return folder / f"{name}.sock"


def private_folders() -> list[Path]:
    """Folders for sockets that cannot be in their data directories, best first."""
    folders = []
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if Path(runtime).is_absolute():
        folders.append(Path(runtime) / "kodit")
    temporary = Path(os.environ.get("TMPDIR", ""))
    of_user = f"kodit-{os.geteuid()}"
    if temporary.is_absolute():
        folders.append(temporary / of_user)
    return [*folders, TEMPORARY / of_user]


def why_not_private(folder: Path) -> str | None:
    """Why others could put a socket into the folder; None if only this user can."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return "it is not a folder"
    if status.st_uid != os.geteuid():
        return f"it belongs to another user (number {status.st_uid})"
    if status.st_mode & 0o077:
        return "other users can access it"
    return None


def find_socket(data_dir: Path) -> Path | None:
    """The socket of the server of a data directory; None if there is none. It may exist although no
    server answers.

    Raises UserError if `server.place` or its target cannot be trusted.
    """
    if is_own_socket(data_dir / SOCKET_FILE):
        return data_dir / SOCKET_FILE
    place = data_dir / PLACE_FILE
    written = read_trusted_file(place, follow=False)
    if written is None:
        return None
    path = Path(os.fsdecode(written))
    folder = path.parent
    is_expected = folder.name in ("kodit", f"kodit-{os.geteuid()}") and folder.is_absolute()
    if not is_expected or path != socket_elsewhere(data_dir, folder):
        raise UserError(
            f"{place} does not lead to the socket of a server of this data directory; remove it"
        )
    try:
        reason = why_not_private(folder)
    except OSError:
        return None  # a runtime directory is removed when its user logs out
    if reason is not None:
        raise UserError(f"{folder} is not used for sockets: {reason}; remove it")
    return path if is_own_socket(path) else None


def has_socket(data_dir: Path) -> bool:
    """Whether there is a socket that can be trusted, so that a server may answer."""
    try:
        return find_socket(data_dir) is not None
    except UserError:
        return False


def is_own_socket(path: Path) -> bool:
    """Whether a socket of this user is there."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISSOCK(status.st_mode) and status.st_uid == os.geteuid()
