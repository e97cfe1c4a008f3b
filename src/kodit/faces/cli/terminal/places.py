"""Paths that the user can open: relative to the current folder, if they lead to its files."""

from __future__ import annotations

import os
from pathlib import PurePath

from kodit.faces.cli.terminal.output import printable


class Places:
    """Formats the paths of files. `folder` is the user's current folder; None if the sources are on
    another machine."""

    def __init__(self, folder: str | None, *, several: bool = False) -> None:
        """With `several` sources, a path includes its source."""
        self._folder = folder
        self._several = several
        self._near: dict[str, bool] = {}

    def of(self, source: str, path: str, name: str | int | None = None) -> str:
        """The path of a file as printed, so that it can be opened: relative to the user's folder if
        the source is a folder that holds it or lies in it; absolute for another folder. A file of a
        git URL or on another machine cannot be opened: its path is that in the index, after the
        name of its source if there are several."""
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
