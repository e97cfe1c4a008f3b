"""Deciding whether a file or folder can be trusted: only its user may be able to change it.

Another user of the machine, an unpacked archive, or a cloned repository can bring files of any
kind. A file of settings or bindings is read only if it is a plain file of this user, or of root,
that others cannot write.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from kodit.domain.errors import SettingError, UserError
from kodit.infrastructure.home import home_folder

LARGEST_FILE_BYTES = 1_000_000
"""Far more than any file of settings or bindings needs."""


def user_folder() -> Path | None:
    """`$XDG_CONFIG_HOME/kodit`, by default `~/.config/kodit`: the user's decisions for every data
    directory. None if this user has no home. It need not exist.
    """
    # A relative path would depend on the current folder; the standard says to ignore it.
    configured = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    if configured.is_absolute():
        return configured / "kodit"
    try:
        return home_folder() / ".config" / "kodit"
    except SettingError:
        return None


def reason_for_distrust(status: os.stat_result) -> str | None:
    """Why somebody else could have written the file with this `status`; None if only this user or
    root can. A writing group is allowed: many systems give each user a group of their own.
    """
    if status.st_uid not in (os.geteuid(), 0):
        return f"it belongs to another user (number {status.st_uid})"
    if status.st_mode & stat.S_IWOTH:
        return "every user of this machine can write to it"
    return None


def open_plain_file(path: Path, flags: int) -> int:
    """A descriptor of a file, created with mode 0600 if `flags` say so; not inherited by children.
    Opening anything but a file does not block.

    Raises UserError for a folder, pipe, socket or device, and OSError for a symbolic link, which
    could make Kodit create a file anywhere.
    """
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.ENXIO, errno.EOPNOTSUPP, errno.ENODEV):
            raise not_a_file(path) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise not_a_file(path)
    return descriptor


def not_a_file(path: Path) -> UserError:
    """The error for a path that is not a file."""
    return UserError(
        f"{path} is not a file; move it away", code="user_file_invalid", path=str(path)
    )


def read_trusted_file(path: Path, *, follow: bool = True) -> bytes | None:
    """The content of a small file that only this user can have written; None if there is none.
    `follow` allows a symbolic link.

    Raises UserError, with one sentence, for a file that cannot be read or trusted.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise UserError(
                f"{path} is a symbolic link, which is not followed here",
                code="user_file_untrusted",
                path=str(path),
            ) from None
        raise _unreadable(path, error) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise not_a_file(path)
        reason = reason_for_distrust(status)
        if reason is not None:
            raise UserError(
                f"{path} is not read because {reason}; make it accessible to you alone, or "
                "remove it",
                code="user_file_untrusted",
                path=str(path),
            )
        if status.st_size > LARGEST_FILE_BYTES:
            raise UserError(
                f"{path} is larger than {LARGEST_FILE_BYTES:,} bytes; make it shorter",
                code="user_file_invalid",
                path=str(path),
            )
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(LARGEST_FILE_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from None
    finally:
        os.close(descriptor)


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(
        f"{path} cannot be read: {error.strerror}", code="user_file_unreadable", path=str(path)
    )
