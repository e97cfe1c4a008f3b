"""The code of an indexed file: its lines and definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from kodit.application.services.browse_service import missing_file
from kodit.domain.descriptions.signatures import numbered
from kodit.domain.ranking.languages import is_code
from kodit.domain.ranking.paths import path_facts
from kodit.domain.symbols import Definition, outlined

if TYPE_CHECKING:
    from kodit.domain.files import IndexedFiles, IndexedText
    from kodit.domain.ports.catalogue import OpenCatalogue


class FileCode(NamedTuple):
    """A file, its lines by number, without blank ones between snippets, and what it defines."""

    file: IndexedText
    lines: dict[int, str]
    definitions: tuple[Definition, ...]

    @property
    def text(self) -> str:
        """The lines, as far as they are known."""
        return "\n".join(
            self.lines.get(number, "") for number in range(1, max(self.lines, default=0) + 1)
        )


def read_code(catalogue: OpenCatalogue, file: IndexedText) -> FileCode:
    """Reads the snippets of a file."""
    snippets = catalogue.snippets_of_file(file.id)
    return FileCode(
        file, numbered([(one.start_line, one.text) for one in snippets]), outlined(snippets)
    )


def is_program(file: IndexedText) -> bool:
    """Whether a file is code of the program itself: no test, example, generated or third-party
    file."""
    facts = path_facts(file.path)
    return is_code(file.language, facts.extension) and not (
        facts.is_test or facts.is_example or facts.is_derived
    )


def code_below(catalogue: OpenCatalogue, indexed: IndexedFiles, subject: str) -> list[IndexedText]:
    """The code that a subject names: all of the program if it is empty; a file by its path, the
    files of a folder, or a module by its dotted name. Where none is code of the program, that of
    tests and examples. Raises NotFoundError."""
    place = subject.strip("/").removeprefix("./") or subject
    of_path = [file for file in indexed.files if place and file.path == place]
    below = [file for file in indexed.files if not place or file.path.startswith(f"{place}/")]
    found = of_path or _of_program(below)
    if found or below:
        return found
    found = [file for file in indexed.files if _is_module(file.path, place)]
    if not found:
        raise missing_file(catalogue, indexed.index, subject)
    return found


def _of_program(files: Sequence[IndexedText]) -> list[IndexedText]:
    """The code of the program among some files, or if there is none, all code among them."""
    return [file for file in files if is_program(file)] or [
        file for file in files if is_code(file.language, path_facts(file.path).extension)
    ]


def _is_module(path: str, name: str) -> bool:
    """Whether a dotted name, or one with `::`, ends the path of a file without its extension."""
    parts = name.replace("::", ".").split(".")
    if len(parts) < 2 and not name.isidentifier():
        return False
    stem = path.rpartition(".")[0].removesuffix("/__init__").removesuffix("/index")
    return stem.split("/")[-len(parts) :] == parts
