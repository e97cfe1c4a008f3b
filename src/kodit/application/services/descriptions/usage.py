"""Describes how a definition is used: a cookbook of its best callers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kodit.application.services.descriptions.code import FileCode, read_code
from kodit.application.services.threads import Lane, in_thread
from kodit.domain.descriptions.description import DescribedItem, DescribedPart, Description
from kodit.domain.descriptions.examples import (
    is_code_in_document,
    statement_at,
    without_values,
)
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.descriptions.signatures import sentence_about, signature_of
from kodit.domain.errors import InvalidQueryError, NotFoundError
from kodit.domain.near import did_you_mean
from kodit.domain.ranking.languages import is_code
from kodit.domain.ranking.paths import path_facts
from kodit.domain.symbols import SymbolRequest, Use
from kodit.domain.value_objects import SearchFilter

if TYPE_CHECKING:
    from kodit.application.services.symbol_service import SymbolService
    from kodit.domain.files import IndexedFiles, IndexedText
    from kodit.domain.ports.catalogue import Catalogue, OpenCatalogue
    from kodit.domain.symbols import Reference, SymbolAnswer

MOST_REFERENCES = 1_000
MOST_DEFINITIONS = 3
MOST_EXAMPLES = 5
"""Examples of one group."""
MOST_OF_A_FILE = 2
_GROUPS = ("Examples and documents", "Tests", "Code of the program")
_USES = frozenset({Use.CALL, Use.INHERITS})


class _Example(NamedTuple):
    """A statement that uses a name, and how much it tells: more of it, and more other values."""

    path: str
    line: int
    end_line: int
    within: str
    code: str
    shape: str
    is_likely: bool


class UsageDescriber:
    """Chooses calls of different shapes: from examples and documents first, then from tests, then
    from the program."""

    def __init__(self, symbols: SymbolService) -> None:
        self._symbols = symbols

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
        del characters  # the examples are few
        index = indexed.index
        if not subject:
            raise InvalidQueryError(
                "a description of the kind usage needs a subject: the name of a definition",
                code="subject_missing",
                kind=DescriptionKind.USAGE.value,
            )
        answer = self._symbols.find(
            SymbolRequest(subject, SearchFilter((index.id,)), limit=MOST_REFERENCES)
        )
        if not answer.definitions and not answer.references:
            raise NotFoundError(
                f"the index of {index.source} has no definition of {subject!r}."
                f"{did_you_mean(answer.near)}".removesuffix("."),
                code="name_not_found",
                name=subject,
            )
        with catalogue.open() as opened:
            reading = _Reading(opened, indexed)
            parts = [*reading.definitions(answer), *reading.groups(answer)]
        return Description(
            index.id,
            str(index.source),
            DescriptionKind.USAGE,
            subject,
            f"How {subject} is used",
            parts=tuple(parts),
        )


class _Reading:
    """The selected files of one index, each read once."""

    def __init__(self, catalogue: OpenCatalogue, indexed: IndexedFiles) -> None:
        self._catalogue = catalogue
        self._files = {file.id: file for file in indexed.files}
        self._code: dict[int, FileCode] = {}

    def _read(self, file: IndexedText) -> FileCode:
        code = self._code.get(file.id)
        if code is None:
            code = self._code[file.id] = read_code(self._catalogue, file)
        return code

    def definitions(self, answer: SymbolAnswer) -> Iterator[DescribedPart]:
        """What is used, with its signature and documentation."""
        items = []
        asked = {answer.definitions[0].snippet.symbol} if answer.definitions else set()
        found = [one for one in answer.definitions if one.snippet.symbol in asked]
        for one in found[:MOST_DEFINITIONS]:
            file = self._files.get(one.snippet.file_id)
            if file is None:
                continue
            code = self._read(file)
            whole = next(
                (
                    other
                    for other in code.definitions
                    if other.line == one.line and other.snippet.symbol == one.snippet.symbol
                ),
                one,
            )
            items.append(
                DescribedItem(
                    one.snippet.symbol or "",
                    one.snippet.kind or "",
                    signature_of(whole, code.lines, file.language),
                    sentence_about(whole, code.lines, file.language),
                    path=file.path,
                    line=one.line,
                )
            )
        if items:
            rest = max(0, len(found) - MOST_DEFINITIONS)
            yield DescribedPart("Definition", items=tuple(items), left_out=rest)

    def groups(self, answer: SymbolAnswer) -> Iterator[DescribedPart]:
        """The chosen examples, by where they come from."""
        groups: dict[int, list[_Example]] = {}
        for reference in answer.references:
            group = self._group_of(reference)
            file = self._files.get(reference.snippet.file_id)
            if group is not None and file is not None:
                groups.setdefault(group, []).append(self._example(reference, file))
        shapes: set[str] = set()
        for group, title in enumerate(_GROUPS):
            found = groups.get(group, [])
            chosen = _chosen(found, shapes)
            items = tuple(
                DescribedItem(
                    name=f"in {one.within}" if one.within else "at the top",
                    kind="code",
                    text=one.code,
                    path=one.path,
                    line=one.line,
                    end_line=one.end_line,
                )
                for one in chosen
            )
            if items:
                yield DescribedPart(
                    f"{title}: {len(items)} of {len(found)}", title.lower(), items=items
                )

    def _group_of(self, reference: Reference) -> int | None:
        """Examples and documents 0, tests 1, the program 2; None for what shows no use."""
        path = reference.snippet.path
        facts = path_facts(path)
        if not is_code(reference.snippet.language, facts.extension):
            is_use = "(" in reference.text or "@" in reference.text
            is_shown = is_use and is_code_in_document(reference.snippet, reference.line)
            return 0 if is_shown else None
        if reference.use not in _USES:
            return None
        if facts.is_test:
            return 1
        return 0 if facts.is_example else 2

    def _example(self, reference: Reference, file: IndexedText) -> _Example:
        snippet = reference.snippet
        lines = dict(enumerate(snippet.text.split("\n"), snippet.start_line))
        first, last = statement_at(lines, reference.line)
        code = [lines.get(number, "") for number in range(first, last + 1)]
        indentation = min(
            (len(line) - len(line.lstrip()) for line in code if line.strip()), default=0
        )
        text = "\n".join(line[indentation:].rstrip() for line in code)
        return _Example(
            file.path,
            first,
            last,
            reference.within,
            text,
            without_values(text),
            reference.is_likely,
        )


def _chosen(found: Sequence[_Example], shapes: set[str]) -> list[_Example]:
    """A few examples of different shapes, certain ones first, at most two of one file; of those of
    one shape the shortest."""
    order = sorted(found, key=lambda one: (one.is_likely, len(one.code), one.path, one.line))
    by_shape: dict[str, _Example] = {}
    often: dict[str, int] = {}
    for one in order:
        by_shape.setdefault(one.shape, one)
        often[one.shape] = often.get(one.shape, 0) + 1
    distinct = sorted(
        (one for one in by_shape.values() if one.shape not in shapes),
        key=lambda one: (one.is_likely, -often[one.shape], len(one.code), one.path, one.line),
    )
    chosen: list[_Example] = []
    of_file: dict[str, int] = {}
    for one in distinct:
        if of_file.get(one.path, 0) < MOST_OF_A_FILE and len(chosen) < MOST_EXAMPLES:
            of_file[one.path] = of_file.get(one.path, 0) + 1
            shapes.add(one.shape)
            chosen.append(one)
    return chosen
