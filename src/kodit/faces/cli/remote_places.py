"""Places in the indexes of a server on another machine."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from typing import TypeVar

from kodit.application.views.indexes import IndexView
from kodit.domain.errors import InvalidQueryError, NotFoundError, SourceError
from kodit.domain.files import FilePlace

T = TypeVar("T")


def only_at(
    asked: str | FilePlace,
    path: str,
    chosen: Sequence[tuple[IndexView, str]],
    look: Callable[[IndexView, str], T],
) -> T:
    """The result of `look` at a path in the one index that has a file there, relative to the named
    folder or to the top. Raises NotFoundError, and InvalidQueryError if several have."""
    found: list[tuple[IndexView, T]] = []
    for index, folder in chosen:
        for one in (posixpath.normpath(f"{folder}/{path}"), path) if folder else (path,):
            try:
                found.append((index, look(index, one)))
                break
            except NotFoundError:
                if len(chosen) == 1 and one == path:
                    raise
    if len({index.id for index, _ in found}) == 1:
        return found[0][1]
    if not found:
        raise NotFoundError(
            f"none of {len(chosen)} indexes has a file {path!r}",
            code="file_in_no_index",
            path=path,
        )
    names = ", ".join(f"{index.source} ({index.id})" for index, _ in found)
    raise InvalidQueryError(
        f"several indexes have a file {str(asked)!r}; name one of them: {names}",
        code="sources_several",
        path=str(asked),
    )


def not_indexed(name: str) -> SourceError:
    """The error for a name that means no index of the server."""
    if not name.startswith(("/", "~")) and ":" not in name:  # a plain name
        return SourceError(
            f"there is no index or folder {name!r}", code="index_not_found", index=name
        )
    return SourceError(f"{name} is not indexed", code="source_not_indexed", source=name)
