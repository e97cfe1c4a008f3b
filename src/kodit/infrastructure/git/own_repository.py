"""Making sure that a clone in the data directory is under our control.

A data directory may come from somebody else. A clone's configuration can name programs for git to
run, a proxy, or another address to fetch from; and a symbolic link in its place can lead to one of
the user's repositories. So before anything is fetched into a clone its configuration is replaced by
ours, and a clone that contains links is cloned again.
"""

from __future__ import annotations

from pathlib import Path

from kodit.infrastructure.files import entries_of, write_atomically

_CONFIGURATION = b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
_LEADS_ELSEWHERE = ("commondir", "config.worktree", "objects/info/alternates")
"""Files that make git read configuration or objects from another place."""
_WRITTEN_INTO = ("", "objects", "objects/pack", "objects/info", "refs", "refs/kodit")


def is_own_folder(repository: Path) -> bool:
    """Whether a repository is a real folder without symbolic links that lead out of it, where git
    writes.
    """
    return not repository.is_symlink() and not any(
        entry.is_symlink() for name in _WRITTEN_INTO for entry in entries_of(repository / name)
    )


def reset_configuration(repository: Path) -> None:
    """Replace the configuration of a repository by ours. The repository must be an own folder.
    Raises OSError if it cannot be written.
    """
    if not _is_configured(repository / "config"):
        write_atomically(repository / "config", _CONFIGURATION)
    for name in _LEADS_ELSEWHERE:
        (repository / name).unlink(missing_ok=True)


def _is_configured(path: Path) -> bool:
    try:
        return path.stat().st_size == len(_CONFIGURATION) and path.read_bytes() == _CONFIGURATION
    except OSError:
        return False
