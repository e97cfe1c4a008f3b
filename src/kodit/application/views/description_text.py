"""Descriptions as text, from their views, so that every face shows the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from kodit.application.views.description import DescriptionView
from kodit.domain.descriptions.description import (
    DescribedItem,
    DescribedPart,
    Description,
    DescriptionLine,
    lines_of,
)
from kodit.domain.descriptions.kinds import DescriptionKind


def lines_of_view(view: DescriptionView) -> Iterator[DescriptionLine]:
    """The lines of a description, with the places of its parts and items."""
    parts = tuple(
        DescribedPart(
            part.title,
            part.kind,
            part.text,
            part.path,
            part.line,
            tuple(
                DescribedItem(**{one.name: getattr(item, one.name) for one in fields(item)})
                for item in part.items
            ),
            part.left_out,
        )
        for part in view.parts
    )
    # Its kind and subject are not part of the text.
    return lines_of(
        Description(
            view.index_id,
            view.source,
            DescriptionKind.OVERVIEW,
            "",
            view.title,
            view.text,
            parts,
            view.left_out,
        )
    )
