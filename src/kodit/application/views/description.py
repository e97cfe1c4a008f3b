"""Descriptions of indexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from kodit.application.views.serialization import file_of
from kodit.application.views.standing import StandingView

if TYPE_CHECKING:
    from kodit.domain.descriptions.description import DescribedItem, DescribedPart, Description


@dataclass(frozen=True, slots=True)
class DescribedItemView:
    """An item of a part. `name` is qualified; `text` is a signature, a column, or a piece of code;
    `note` is a sentence about it. `path` is empty if it is that of the part, `line` and `end_line`
    0 if none is known; `depth` is how many items before it enclose it."""

    name: str
    kind: str
    text: str
    note: str
    path: str
    line: int
    end_line: int
    depth: int

    @classmethod
    def of(cls, one: DescribedItem) -> Self:
        return cls(
            one.name, one.kind, one.text, one.note, one.path, one.line, one.end_line, one.depth
        )


@dataclass(frozen=True, slots=True)
class DescribedPartView:
    """A part of a description: a module, a table, a changed file, a group of examples. `path` is
    empty if it is no file; `left_out` is how many items did not fit the budget."""

    title: str
    kind: str
    text: str
    path: str
    file: str | None
    line: int
    items: tuple[DescribedItemView, ...]
    left_out: int

    @classmethod
    def of(cls, source: str, one: DescribedPart, *, with_file: bool) -> Self:
        return cls(
            one.title,
            one.kind,
            one.text,
            one.path,
            file_of(source, one.path) if with_file and one.path else None,
            one.line,
            tuple(map(DescribedItemView.of, one.items)),
            one.left_out,
        )


@dataclass(frozen=True, slots=True)
class DescriptionView:
    """The description of one index. `left_out` is how many parts did not fit the budget."""

    index_id: int
    source: str
    title: str
    text: str
    parts: tuple[DescribedPartView, ...]
    left_out: int

    @classmethod
    def of(cls, one: Description, *, with_file: bool) -> Self:
        return cls(
            one.index_id,
            one.source,
            one.title,
            one.text,
            tuple(
                DescribedPartView.of(one.source, part, with_file=with_file) for part in one.parts
            ),
            one.left_out,
        )


@dataclass(frozen=True, slots=True)
class DescriptionsView:
    """Descriptions of one kind, of each selected index that has something to describe."""

    kind: str
    subject: str
    budget: int
    descriptions: tuple[DescriptionView, ...]
    standing: tuple[StandingView, ...]
    problems: tuple[str, ...] = ()

    @classmethod
    def of(  # noqa: PLR0917 - the fields of the answer
        cls,
        kind: str,
        subject: str,
        budget: int,
        descriptions: Sequence[Description],
        standing: tuple[StandingView, ...],
        problems: tuple[str, ...] = (),
        *,
        with_file: bool,
    ) -> Self:
        return cls(
            kind,
            subject,
            budget,
            tuple(DescriptionView.of(one, with_file=with_file) for one in descriptions),
            standing,
            problems,
        )
