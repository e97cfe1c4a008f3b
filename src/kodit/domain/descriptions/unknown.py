"""The error about a subject that no index has."""

from __future__ import annotations

from collections.abc import Sequence

from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.errors import NotFoundError

_SUBJECTS = {
    DescriptionKind.OVERVIEW: "folder",
    DescriptionKind.INTERFACE: "file, folder or module",
    DescriptionKind.SCHEMA: "table or model",
    DescriptionKind.COMMIT: "commit",
    DescriptionKind.USAGE: "definition of",
}


def subject_unknown(
    kind: DescriptionKind, subject: str, errors: Sequence[NotFoundError]
) -> NotFoundError:
    """The error about a subject that none of the searched indexes has: that of the only one which
    has a similar name, or else one about all of them."""
    near = [error for error in errors if "Did you mean" in str(error) or "there" in error.fields]
    if len(errors) == 1 or len(near) == 1:
        return (near or errors)[0]
    return NotFoundError(
        f"none of {len(errors)} indexes has a {_SUBJECTS[kind]} {subject!r}",
        code="name_not_found",
        name=subject,
    )
