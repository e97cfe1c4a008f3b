"""The kinds of descriptions, and the limits of a request for one."""

from __future__ import annotations

from enum import StrEnum

DEFAULT_BUDGET = 3_000
LEAST_BUDGET = 100
MOST_BUDGET = 20_000
LONGEST_SUBJECT = 1_000


class DescriptionKind(StrEnum):
    """What is described."""

    OVERVIEW = "overview"
    """A repository: its purpose, its parts by importance, and where programs start."""
    INTERFACE = "interface"
    """The public definitions of modules."""
    SCHEMA = "schema"
    """The tables of a database, as models and migrations define them."""
    COMMIT = "commit"
    """What a commit changed."""
    USAGE = "usage"
    """How a definition is used: its best callers."""


ALL_KINDS = tuple(DescriptionKind)
STORED_KINDS = frozenset({DescriptionKind.SCHEMA, DescriptionKind.COMMIT})
"""The kinds that are stored; all that the others say is in snippets."""
