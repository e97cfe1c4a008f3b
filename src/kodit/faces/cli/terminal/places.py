"""Paths as the user can open them: from the current folder, where they lead to its files."""

from __future__ import annotations

import os
from pathlib import PurePath

from kodit.faces.cli.terminal.output import printable


class Places:
    """Says where files are. `folder` is where the user stands; None where that has no meaning: the
    sources are those of another machine."""

    def __init__(self, folder: str | None, *, several: bool = False) -> None:
        """With `several` sources, a path says in which it lies."""
        self._folder = folder
        self._several = several
        self._near: dict[str, bool] = {}

    def of(self, source: str, path: str, name: str | int | None = None) -> str:
        """A file as it is to be printed, so that it can be opened: relative to where the user
        stands if its source is a folder that holds, or lies in, that; of another folder the whole
        path. In a git URL, or on another machine, there is none to open: it is the path in the
        index, which has the name of its source before it where there are several."""
        if self._folder is not None and source.startswith("/"):
            slash = "/" if path.endswith("/") else ""
            absolute = os.path.normpath(f"{source}/{path}")
            if self._is_near(source):
                return f"{printable(os.path.relpath(absolute, self._folder))}{slash}"
            return f"{printable(absolute)}{slash}"
        if not self._several:
            return printable(path)
        before = source if name is None else f"[{name}]"
        return f"{printable(before)} {printable(path)}"

    def _is_near(self, source: str) -> bool:
        near = self._near.get(source)
        if near is None:
            near = self._near[source] = self._folder is not None and _are_in_line(
                source, self._folder
            )
        return near


def _are_in_line(source: str, folder: str) -> bool:
    """Whether one of two folders is the other, or holds it."""
    one, other = PurePath(source), PurePath(folder)
    return one.is_relative_to(other) or other.is_relative_to(one)
