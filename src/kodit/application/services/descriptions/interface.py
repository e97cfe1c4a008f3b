"""Describes the public interface of modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kodit.application.services.descriptions.code import (
    FileCode,
    code_below,
    read_code,
)
from kodit.application.services.graph_reading import read_graph
from kodit.application.services.threads import Lane, in_thread
from kodit.domain.descriptions.description import DescribedItem, DescribedPart, Description
from kodit.domain.descriptions.interface import interface_of, items_of
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.descriptions.visibility import exported_names, public_definitions
from kodit.domain.mentions import Mention, MentionKind
from kodit.domain.modules import Place, is_module
from kodit.domain.ranking.graph import importance

if TYPE_CHECKING:
    from kodit.domain.files import IndexedFiles, IndexedText
    from kodit.domain.ports.catalogue import Catalogue, OpenCatalogue
    from kodit.domain.symbols import Definition

MOST_STEPS = 4
"""How many modules a re-exported name is followed through."""
MOST_READ = 400
"""The maximum number of files that are read for one description."""
_PACKAGE = "__init__.py"
_SCRIPTS = frozenset({"setup.py", "noxfile.py", "conftest.py", "tasks.py", "fabfile.py"})
_DUNDERS = frozenset({"__init__", "__main__"})


class InterfaceDescriber:
    """Lists what modules offer to others: re-exported definitions with the package that offers
    them, then the other public modules, the most used ones first."""

    async def describe(
        self, catalogue: Catalogue, indexed: IndexedFiles, subject: str, characters: int
    ) -> Description:
        return await in_thread(
            lambda: self.describe_now(catalogue, indexed, subject, characters), Lane.SEARCHES
        )

    def describe_now(
        self, catalogue: Catalogue, indexed: IndexedFiles, subject: str, characters: int
    ) -> Description:
        """The same, blocking."""
        with catalogue.open() as opened:
            return self._describe(opened, indexed, subject, characters)

    def _describe(
        self, catalogue: OpenCatalogue, indexed: IndexedFiles, subject: str, characters: int
    ) -> Description:
        files = code_below(catalogue, indexed, subject)
        reading = _Reading(catalogue, indexed)
        order = list(files) if len(files) == 1 else _ordered(catalogue, indexed, files)
        parts: list[DescribedPart] = []
        size = done = 0
        for done, file in enumerate(order[:MOST_READ], start=1):  # noqa: B007 - counted below
            part = reading.part_of(file)
            if part.items:
                parts.append(part)
                size += part.size + sum(one.size for one in part.items)
            if size > 2 * characters:
                break
        return Description(
            indexed.index.id,
            str(indexed.index.source),
            DescriptionKind.INTERFACE,
            subject,
            f"Public interface of {subject or indexed.index.source}",
            parts=tuple(parts),
            left_out=len(order) - done,
        )


def _ordered(
    catalogue: OpenCatalogue, indexed: IndexedFiles, files: Sequence[IndexedText]
) -> list[IndexedText]:
    """Packages before modules, outer ones first, then by importance; without private modules and
    scripts at the root."""
    ranks = importance(read_graph(catalogue, indexed.files)).files
    public = [file for file in files if not is_private_module(file) and file.path not in _SCRIPTS]
    return sorted(
        public or files,
        key=lambda file: (
            not _is_package(file),
            file.path.count("/") if _is_package(file) else 0,
            -ranks.get(file.id, 0.0),
            file.path,
        ),
    )


def _is_package(file: IndexedText) -> bool:
    return file.path.rpartition("/")[2] == _PACKAGE


def is_private_module(file: IndexedText) -> bool:
    """Whether the name of a module, or of a package around it, says that it is private."""
    if file.language == "python":
        names = file.path.removesuffix(".py").split("/")
        return any(name.startswith("_") and name not in _DUNDERS for name in names) or (
            names[-1] == "__main__"
        )
    return "/internal/" in f"/{file.path}" and file.language in {"go", "java", "kotlin"}


class _Reading:
    """The files of one index, each read once."""

    def __init__(self, catalogue: OpenCatalogue, indexed: IndexedFiles) -> None:
        self._catalogue = catalogue
        self._python = [file for file in indexed.files if file.language == "python"]
        self._code: dict[int, FileCode] = {}
        self._imports: dict[int, list[Mention]] = {}

    def part_of(self, file: IndexedText) -> DescribedPart:
        """The interface of a file, with what it re-exports."""
        code = self._read(file)
        part = interface_of(file.path, file.language, code.definitions, code.lines)
        if file.language != "python" or not _is_package(file):
            return part
        return replace(part, items=(*part.items, *self._offered(file, code, part)))

    def _read(self, file: IndexedText) -> FileCode:
        code = self._code.get(file.id)
        if code is None:
            code = self._code[file.id] = read_code(self._catalogue, file)
        return code

    def _offered(
        self, file: IndexedText, code: FileCode, part: DescribedPart
    ) -> Iterator[DescribedItem]:
        """The definitions of other modules that a package offers under its own name."""
        exported = exported_names(code.lines, "python")
        own = {one.name for one in part.items}
        names: dict[str, None] = {}
        if exported is None:
            for one in self._imported(file):
                local = one.alias or one.name
                if one.qualifier.startswith(".") and local != "*" and local[:1] not in "_":
                    names[local] = None
        else:
            names = dict.fromkeys(sorted(exported - own, key=lambda name: (name.lower(), name)))
        for name in names:
            found = self._find(name, file, MOST_STEPS)
            if found is None:
                if exported is not None and not name.startswith("__"):
                    yield DescribedItem(name)
                continue
            target, definition = found
            items = items_of(
                [definition]
                if not is_private_module(target)
                else [definition, *self._members(target, definition)],
                self._read(target).lines,
                "python",
                target.path,
            )
            for item in items:
                is_renamed = not item.depth and item.name != name
                yield replace(item, name=name) if is_renamed else item

    def _members(self, file: IndexedText, owner: Definition) -> list[Definition]:
        code = self._read(file)
        name = owner.snippet.symbol or ""
        # A type that its module keeps to itself may be offered by the package.
        definitions = [
            one
            for one in code.definitions
            if one is owner or f"{one.snippet.scope}.".startswith(f"{name}.")
        ]
        shown = {
            number: line for number, line in code.lines.items() if not line.startswith("__all__")
        }
        public = public_definitions(definitions, shown, "python", file.path)
        return [one for one in public if one is not owner]

    def _find(
        self, name: str, file: IndexedText, steps: int
    ) -> tuple[IndexedText, Definition] | None:
        """The definition that a module has under a name, wherever it is."""
        for one in self._read(file).definitions:
            if one.snippet.symbol == name and not one.snippet.scope:
                return file, one
        if not steps:
            return None
        imported = self._imported(file)
        named = [one for one in imported if (one.alias or one.name) == name and one.name != "*"]
        stars = [one for one in imported if one.name == "*" and not one.alias]
        for mention in (*named, *stars):
            wanted = name if mention.name == "*" else mention.name
            for target in self._python:
                if target.id != file.id and is_module(
                    mention.qualifier, Place(target.path), file.path
                ):
                    found = self._find(wanted, target, steps - 1)
                    if found is not None:
                        return found
        return None

    def _imported(self, file: IndexedText) -> list[Mention]:
        imported = self._imports.get(file.id)
        if imported is None:
            imported = self._imports[file.id] = [
                mention
                for piece in self._catalogue.mentioning([file.id])
                for mention in piece.origins
                if mention.kind is MentionKind.IMPORT and mention.qualifier
            ]
        return imported
