"""What the entries of a folder inherit from it, besides patterns."""

from __future__ import annotations

from dataclasses import dataclass

from kodit.infrastructure.folder.attributes import NO_ATTRIBUTES, Attributes
from kodit.infrastructure.folder.layers import Deciding
from kodit.infrastructure.folder.tracked import NOTHING_TRACKED, Tracking


@dataclass(frozen=True, slots=True)
class Inherited:
    """What entries inherit from their folder, besides patterns: whether an include pattern matched
    it, or named it so that it is read though it would be left out; whether its name or one above is
    usual for third-party code; and the line of the user's ignore file by which only tracked files
    are read, if any. `repository` is the path of the repository's root, and `named` are the names
    in the includes.
    """

    included: bool
    attributes: Attributes = NO_ATTRIBUTES
    tracking: Tracking = NOTHING_TRACKED
    repository: str = ""
    named: frozenset[str] = frozenset()
    brought_back: bool = False
    among_foreign: bool = False
    only_tracked: Deciding | None = None
