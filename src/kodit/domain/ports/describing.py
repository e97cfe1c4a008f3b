"""What describes indexed code, in one way each."""

from __future__ import annotations

from typing import Protocol

from kodit.domain.descriptions.description import Description
from kodit.domain.files import IndexedFiles
from kodit.domain.ports.catalogue import Catalogue


class Describer(Protocol):
    """Makes the descriptions of one kind. The built-in ones need no model; one that asks a model
    may take the place of any of them."""

    async def describe(
        self, catalogue: Catalogue, indexed: IndexedFiles, subject: str, characters: int
    ) -> Description:
        """The description of some files of an index, or of a subject in them, with the best parts
        first. It may stop after `characters`, and is cut to them later.

        Raises NotFoundError for an unknown subject, and InvalidQueryError for one that this kind
        does not have."""
        ...
