"""Resolves the name of a module to a file or folder, as an importing file names it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

_PARTS = re.compile(r"[./\\:@\"'`]+")
_ENTRANCES = frozenset({"__init__", "index", "mod", "lib", "main", "init"})
"""File names of modules that are imported by the name of their folder."""

_ROOTS = frozenset({"src", "lib", "crate", "main", "java", "kotlin", "scala", "test", "tests"})
"""Folders that are not part of a module's name."""

_SCRIPT = re.compile(r"\.[cm]?[jt]sx?$")
_GO_VERSION = re.compile(r"/v\d+$|\.v\d+$")


def split_module(text: str) -> list[str]:
    """The parts of a module's name, whatever separates them."""
    return [part for part in _PARTS.split(text) if part]


class Place(NamedTuple):
    """Where a definition is: its path in the source, the name of the source, and whether all files
    of a folder are one module, as in Go and Java."""

    path: str
    root: str = ""
    is_of_folder: bool = False


@lru_cache(maxsize=8192)
def is_module(module: str, place: Place, importing: str) -> bool:
    """Whether a module, as the file at `importing` names it, is the file at `place` or, where
    folders are modules, its folder."""
    found = [module_of(place.path)]
    if place.is_of_folder:
        folder = folder_of(place.path)
        found = [_trimmed(split_module(folder)) if folder else [place.root], *found]
    return any(
        wanted == one if is_exact else bool(one) and ends_alike(wanted, one)
        for wanted, is_exact in _parse_module(module, importing)
        for one in found
    )


@lru_cache(maxsize=8192)
def is_below(module: str, place: Place, importing: str) -> bool:
    """Whether the file at `place` lies anywhere below the folder that a module names."""
    parts = module_of(place.path)
    for wanted, is_exact in _parse_module(module, importing):
        if is_exact:
            if parts[: len(wanted)] == wanted:
                return True
        elif wanted:
            if wanted[-1] == place.root or any(
                parts[:length] == wanted[-length:] for length in range(1, len(wanted) + 1)
            ):
                return True
            size = len(wanted)
            if any(parts[start : start + size] == wanted for start in range(len(parts))):
                return True
    return False


def _parse_module(module: str, importing: str) -> list[tuple[list[str], bool]]:
    """The parts of a module's name, and whether they count from the top of the source."""
    if module.startswith("."):
        here = folder_of(importing).split("/") if "/" in importing else []
        if "/" in module or module in (".", ".."):
            up = module.split("/").count("..")
            rest = [part for part in module.split("/") if part not in (".", "..", "")]
            rest = [_SCRIPT.sub("", part) for part in rest]
        else:
            dots = len(module) - len(module.lstrip("."))
            up, rest = dots - 1, split_module(module)
        base = here[: len(here) - up] if up else here
        return [(_trimmed([*base, *rest]), True)]
    return [(_trimmed(split_module(_GO_VERSION.sub("", module))), False)]


@lru_cache(maxsize=8192)
def _module_parts(path: str) -> tuple[str, ...]:
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    return tuple(_trimmed([*folder.split("/"), stem] if folder else [stem]))


def module_of(path: str) -> list[str]:
    """The parts of the module name of the file at `path`."""
    return list(_module_parts(path))


def _trimmed(parts: list[str]) -> list[str]:
    """Without folders that are not part of module names, and without a file name that stands for
    its folder."""
    start = 0
    while start < len(parts) and parts[start] in _ROOTS:
        start += 1
    parts = parts[start:]
    return parts[:-1] if parts and parts[-1] in _ENTRANCES else parts


def ends_alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether the shorter of two is the end of the longer one."""
    length = min(len(one), len(other))
    return length > 0 and list(one[-length:]) == list(other[-length:])


def folder_of(path: str) -> str:
    """The path of the folder, "" at the top."""
    return path.rpartition("/")[0]
