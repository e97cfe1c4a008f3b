"""Descriptions from a server on another machine."""

from __future__ import annotations

from collections.abc import Sequence

from kodit.application.views.description import DescriptionsView
from kodit.application.views.indexes import IndexView
from kodit.application.views.serialization import from_json
from kodit.domain.descriptions.kinds import LEAST_BUDGET, DescriptionKind
from kodit.domain.descriptions.unknown import subject_unknown
from kodit.domain.errors import NotFoundError, UserError
from kodit.domain.questions import DescribeQuestion
from kodit.infrastructure.remote.connection import RemoteConnection, path_of

_OF_FOLDERS = frozenset(
    {DescriptionKind.OVERVIEW, DescriptionKind.INTERFACE, DescriptionKind.SCHEMA}
)
"""Kinds whose subject may be a folder."""


def describe(
    connection: RemoteConnection,
    question: DescribeQuestion,
    chosen: Sequence[tuple[IndexView, str]],
    errors: Sequence[UserError],
) -> DescriptionsView:
    """The descriptions of the chosen indexes, each with the folder that is meant. Raises
    NotFoundError if none has the subject."""
    share = max(LEAST_BUDGET, question.budget // max(1, len(chosen)))
    found: list[DescriptionsView] = []
    unknown: list[NotFoundError] = []
    for index, folder in chosen:
        subject = question.subject or (folder if question.kind in _OF_FOLDERS else "")
        asked = {
            "subject": subject,
            "budget": share,
            "languages": question.where.languages,
            "paths": question.where.paths,
        }
        place = path_of("indexes", index.id, "descriptions", question.kind.value)
        try:
            found.append(from_json(DescriptionsView, connection.get(place, asked)))
        except NotFoundError as error:
            unknown.append(error)
    if unknown and not any(view.descriptions for view in found):
        raise subject_unknown(question.kind, question.subject, unknown)
    return DescriptionsView(
        question.kind.value,
        question.subject,
        question.budget,
        tuple(one for view in found for one in view.descriptions),
        tuple(standing for view in found for standing in view.standing),
        tuple(map(str, errors)),
    )
