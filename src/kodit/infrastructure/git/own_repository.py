"""What makes a clone in the data directory a repository of our own.

A data directory may come from somebody else. The configuration of a clone can name programs that
git runs, a proxy for what is sent, or another address in place of the one that is fetched
from; and a symbolic link in its place can lead to a repository of the user. So before anything is
fetched into a clone its configuration is made ours, and one with links in it is cloned again.
"""

from __future__ import annotations

from pathlib import Path

from kodit.infrastructure.files import entries_of, write_atomically

_CONFIGURATION = b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
_LEADS_ELSEWHERE = ("commondir", "config.worktree", "objects/info/alternates")
"""Files by which git reads configuration or objects from another place."""
_WRITTEN_INTO = ("", "objects", "objects/pack", "objects/info", "refs", "refs/kodit")


def is_own_folder(repository: Path) -> bool:
    """Whether a repository is a folder in which no symbolic link leads out of it, where git
    writes."""
    return not repository.is_symlink() and not any(
        entry.is_symlink() for name in _WRITTEN_INTO for entry in entries_of(repository / name)
    )


def take_possession(repository: Path) -> None:
    """Give a repository that is an own folder the configuration of ours, and nothing besides it.
    Raises OSError where it cannot be written."""
    if not _is_configured(repository / "config"):
        write_atomically(repository / "config", _CONFIGURATION)
    for name in _LEADS_ELSEWHERE:
        (repository / name).unlink(missing_ok=True)


def _is_configured(path: Path) -> bool:
    try:
        return path.stat().st_size == len(_CONFIGURATION) and path.read_bytes() == _CONFIGURATION
    except OSError:
        return False
