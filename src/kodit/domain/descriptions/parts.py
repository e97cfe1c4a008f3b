"""Divides the files of a repository into the parts that a newcomer would name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MOST_PARTS = 14
LARGEST_SHARE = 0.4
"""A folder with more of the importance than this is divided further, if it can be."""


def divided(paths: Mapping[str, float]) -> dict[str, list[str]]:
    """The files of each part, by the path of its folder (ending in a slash) or of its only file.
    `paths` are files with their shares of the importance. Starts with the outermost folders, and
    divides the most important ones as long as the parts are few."""
    parts = _below("", sorted(paths))
    settled: set[str] = set()
    while len(parts) < MOST_PARTS:
        weights = {
            part: sum(paths[path] for path in some)
            for part, some in parts.items()
            if part.endswith("/") and part not in settled
        }
        if not weights:
            break
        whole = sum(paths.values()) or 1.0
        largest = max(weights, key=lambda part: (weights[part], part))
        inner = _below(largest, parts[largest])
        if weights[largest] / whole < LARGEST_SHARE and len(parts) >= MOST_PARTS // 3:
            break
        if len(parts) - 1 + len(inner) > 2 * MOST_PARTS and len(parts) > 1:
            settled.add(largest)
            continue
        del parts[largest]
        parts.update(inner)
        if list(inner) == [largest]:
            settled.add(largest)
    return parts


def _below(folder: str, paths: Sequence[str]) -> dict[str, list[str]]:
    """The subfolders and files of a folder."""
    parts: dict[str, list[str]] = {}
    for path in paths:
        name, slash, _ = path.removeprefix(folder).partition("/")
        parts.setdefault(f"{folder}{name}{slash}", []).append(path)
    return parts


def common_folder(paths: Sequence[str]) -> str:
    """The innermost folder of all files, ending in a slash; empty if that is the root."""
    if not paths:
        return ""
    first, last = min(paths).split("/")[:-1], max(paths).split("/")[:-1]
    shared = []
    for one, other in zip(first, last, strict=False):
        if one != other:
            break
        shared.append(one)
    return f"{'/'.join(shared)}/" if shared else ""
