"""The version of the program."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VersionView:
    """The version of the program."""

    version: str
