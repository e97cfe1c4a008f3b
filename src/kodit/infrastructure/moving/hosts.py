"""The hosts of folders: a file is used by one machine alone, a server's database by several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kodit.domain.errors import UserError
from kodit.domain.this_host import ThisHost

Execute = Callable[..., Any]
"""Runs a statement with `?` for its values; returns a cursor."""

_TABLES = ("indexes", "deleted_folders")


def give_host(execute: Execute, host: ThisHost) -> None:
    """Let the folders that come from a file belong to this machine. May be repeated."""
    for table in _TABLES:
        found = execute(
            f"SELECT DISTINCT location FROM {table} WHERE host = '' AND location LIKE '/%'"  # noqa: S608 - ours
        ).fetchall()
        for (location,) in found:
            execute(
                f"UPDATE {table} SET host = ? WHERE host = '' AND location = ?",  # noqa: S608 - ours
                (host.of_folder(location), location),
            )


def take_host(execute: Execute, host: ThisHost) -> None:
    """Let the folders of this machine belong to the one machine that uses a file."""
    execute("DELETE FROM deleted_folders WHERE host NOT IN ('', ?)", (host.name,))
    for table in _TABLES:
        execute(f"UPDATE {table} SET host = '' WHERE host = ?", (host.name,))  # noqa: S608 - ours


def refuse_other_hosts(execute: Execute, host: ThisHost, place: str) -> None:
    """Raises UserError if there are indexes of folders that this machine does not have."""
    found = execute(
        "SELECT DISTINCT host FROM indexes WHERE host NOT IN ('', ?) AND deleted_at = 0 "
        "ORDER BY host",
        (host.name,),
    ).fetchall()
    if found:
        raise UserError(
            f"{place} has folders of other hosts, {', '.join(name for (name,) in found)}, which a "
            "file on this machine has no use for; delete their indexes first",
            code="move_of_other_hosts",
            database=place,
        )
