"""Describes a repository: its purpose, its parts by importance, and where programs start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kodit.application.services.descriptions.code import is_program, read_code
from kodit.application.services.graph_reading import read_graph
from kodit.application.services.threads import Lane, in_thread
from kodit.domain.descriptions.description import DescribedItem, DescribedPart, Description
from kodit.domain.descriptions.entry_points import (
    MANIFESTS,
    declared_in,
    is_main_by_path,
    may_define_main,
    purpose_in,
)
from kodit.domain.descriptions.interface import module_sentence
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.descriptions.parts import divided
from kodit.domain.descriptions.readme import is_readme, purpose_of
from kodit.domain.descriptions.signatures import signature_of
from kodit.domain.errors import NotFoundError
from kodit.domain.files import tidy_path
from kodit.domain.ranking.graph import GraphFile, Importance, importance, uses_between
from kodit.domain.ranking.languages import is_code
from kodit.domain.ranking.paths import path_facts
from kodit.domain.value_objects import SymbolKind

if TYPE_CHECKING:
    from kodit.domain.files import IndexedFiles, IndexedText
    from kodit.domain.mentions import MentioningSnippet
    from kodit.domain.ports.catalogue import Catalogue, OpenCatalogue
    from kodit.domain.symbols import Definition

MOST_PARTS = 12
MOST_NAMES = 4
"""Definitions and used parts that are named for each part."""
MOST_ENTRIES = 16
MOST_DEFINITIONS = 12
MOST_MANIFESTS = 12
LEAST_SHARE = 0.1
"""The smallest share of a part's uses that another part must have to be named."""


class OverviewDescriber:
    """Reads the graph of the whole index, of which a subject selects the files below a folder."""

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
        del characters  # the parts are few
        with catalogue.open() as opened:
            return self._describe(opened, indexed, subject)

    def _describe(
        self, catalogue: OpenCatalogue, indexed: IndexedFiles, subject: str
    ) -> Description:
        place = tidy_path(subject.strip("/")) if subject.strip("/") else "."
        folder = "" if place == "." else f"{place}/"
        files = [file for file in indexed.files if file.path.startswith(folder)]
        if not files:
            raise NotFoundError(
                f"the index of {indexed.index.source} has no folder {subject!r}",
                code="file_not_found",
                index=indexed.index.id,
                path=subject,
            )
        view = _Repository(catalogue, indexed, files)
        parts = (
            DescribedPart("Parts, the most important first", items=tuple(view.parts())),
            DescribedPart("Entry points", items=tuple(view.entry_points())),
            DescribedPart("Most used definitions", items=tuple(view.definitions())),
            DescribedPart("Beside the program", items=tuple(view.beside())),
        )
        return Description(
            indexed.index.id,
            str(indexed.index.source),
            DescriptionKind.OVERVIEW,
            subject,
            f"Overview of {subject or indexed.index.source}",
            "\n".join(filter(None, (view.purpose(), view.sizes()))),
            tuple(part for part in parts if part.items),
        )


class _Repository:
    """Some files of an index, with the graph of all."""

    def __init__(
        self, catalogue: OpenCatalogue, indexed: IndexedFiles, files: Sequence[IndexedText]
    ) -> None:
        self._catalogue = catalogue
        self._files = files
        self._by_path = {file.path: file for file in files}
        self._routes: Counter[int] = Counter()
        self._mains: dict[int, int] = {}
        """By file, the line of its main function."""
        self._outer: set[tuple[int, str]] = set()
        """The names that a file defines outside all types."""
        self._languages = {file.id: file.language for file in indexed.files}
        self._graph: dict[int, GraphFile] = read_graph(catalogue, indexed.files, self._look)
        self._ranks: Importance = importance(self._graph)
        self._program = [file for file in files if is_program(file) and file.id in self._graph]
        self._routes.update(catalogue.routes([file.id for file in self._program]))
        python = [file.id for file in self._program if file.language == "python"]
        self._scripts = catalogue.having(python, "__name__ ==")

    def _look(self, piece: MentioningSnippet) -> None:
        language = self._languages[piece.file_id]
        kinds = (piece.kind, *(one.symbol.kind for one in piece.also_defines))
        self._routes[piece.file_id] += sum(kind == SymbolKind.ROUTE for kind in kinds)
        if piece.symbol and not piece.scope:
            self._outer.add((piece.file_id, piece.symbol))
        if may_define_main(language, piece.symbol):
            self._mains.setdefault(piece.file_id, piece.start_line)
        for one in piece.also_defines:
            if not one.symbol.scope:
                self._outer.add((piece.file_id, one.symbol.name))
            if may_define_main(language, one.symbol.name):
                self._mains.setdefault(piece.file_id, one.line or one.start_line)

    def purpose(self) -> str:
        """What the README or a manifest says it is for."""
        readme = next((file for file in self._files if is_readme(file.path)), None)
        purpose = purpose_of(read_code(self._catalogue, readme).text) if readme else ""
        if purpose:
            return purpose
        found = (
            purpose_in(file.path, read_code(self._catalogue, file).text)
            for file in self._manifests()
        )
        return next(filter(None, found), "")

    def sizes(self) -> str:
        """The number of files, and the languages of the code by their share of its bytes."""
        sizes: Counter[str] = Counter()
        for file in self._program:
            sizes[file.language] += file.size
        whole = sum(sizes.values())
        languages = ", ".join(
            f"{language} {round(100 * size / whole)} %"
            for language, size in sizes.most_common(4)
            if whole and size / whole >= 0.01
        )
        code = f"{len(self._program)} of them code of the program"
        return f"{len(self._files)} files, {code}" + (f": {languages}" if languages else "")

    def parts(self) -> Iterator[DescribedItem]:
        """The parts of the program with their shares of the importance, what they use and define,
        and what they say of themselves."""
        ranks = self._ranks.files
        parts = divided({file.path: ranks[file.id] for file in self._program})
        of_file = {self._by_path[path].id: part for part, paths in parts.items() for path in paths}
        weights = {
            part: sum(ranks[self._by_path[path].id] for path in paths)
            for part, paths in parts.items()
        }
        whole = sum(weights.values()) or 1.0
        used = _used_parts(uses_between(self._graph), of_file)
        best = sorted(parts, key=lambda part: (-weights[part], part))
        for part in best[:MOST_PARTS]:
            paths = parts[part]
            facts = [f"{round(100 * weights[part] / whole)} %"]
            if part.endswith("/"):
                facts.append(f"{len(paths)} file{'s' * (len(paths) > 1)}")
            if names := self._names_of(paths):
                facts.append(f"defines {', '.join(names)}")
            if others := _most(used.get(part, {})):
                facts.append(f"uses {', '.join(others)}")
            yield DescribedItem(
                part, "part", f"{part}  {'; '.join(facts)}", self._sentence_of(part, paths)
            )
        if len(best) > MOST_PARTS:
            rest = best[MOST_PARTS:]
            share = sum(weights[part] for part in rest) / whole
            text = f"{len(rest)} other parts  {round(100 * share)} %"
            yield DescribedItem("others", "part", text)

    def _names_of(self, paths: Sequence[str]) -> list[str]:
        """The most used definitions of some files."""
        ids = {self._by_path[path].id for path in paths}
        found: Counter[str] = Counter()
        for (file_id, name), share in self._ranks.names.items():
            if file_id in ids and (file_id, name) in self._outer:
                found[name] += share  # type: ignore[assignment] # counters may hold fractions
        return [name for name, _ in found.most_common(MOST_NAMES)]

    def _sentence_of(self, part: str, paths: Sequence[str]) -> str:
        own = part if not part.endswith("/") else f"{part}__init__.py"
        if part.endswith("/") and own not in paths:
            own = next((path for path in paths if path in (f"{part}mod.rs", f"{part}lib.rs")), "")
            own = own or next((path for path in paths if path == f"{part}doc.go"), "")
        if not own:
            return ""
        code = read_code(self._catalogue, self._by_path[own])
        return module_sentence(code.lines, code.file.language)

    def entry_points(self) -> Iterator[DescribedItem]:
        """Declared commands, main functions, scripts, and the files with most routes."""
        found: list[DescribedItem] = []
        for file in self._manifests():
            found += declared_in(file.path, read_code(self._catalogue, file).text)
        for file in self._program:
            place = self._place_of_main(file)
            if place is not None:
                line, text = place
                found.append(
                    DescribedItem(file.path, "main", text or file.path, path=file.path, line=line)
                )
        serving = [file for file in self._program if self._routes[file.id]]
        serving.sort(key=lambda file: (-self._routes[file.id], file.path))
        found += [
            DescribedItem(
                file.path,
                "routes",
                f"{self._routes[file.id]} route{'s' * (self._routes[file.id] > 1)}",
                path=file.path,
            )
            for file in serving[: MOST_ENTRIES // 4]
        ]
        yield from found[:MOST_ENTRIES]

    def _place_of_main(self, file: IndexedText) -> tuple[int, str] | None:
        if file.id in self._mains:
            return self._mains[file.id], "main function"
        if is_main_by_path(file.path):
            return 0, "run as a program"
        if file.id in self._scripts:
            lines = read_code(self._catalogue, file).lines
            for number, line in lines.items():
                if line.startswith("if __name__ =="):
                    return number, "run as a script"
        return None

    def definitions(self) -> Iterator[DescribedItem]:
        """The definitions that the rest of the repository uses most."""
        shown = {file.id: file for file in self._program}
        best = sorted(
            (
                (share, key)
                for key, share in self._ranks.names.items()
                if key[0] in shown and key in self._outer
            ),
            key=lambda one: (-one[0], one[1]),
        )
        left = MOST_DEFINITIONS
        for _, (file_id, name) in best[: 4 * MOST_DEFINITIONS]:
            code = read_code(self._catalogue, shown[file_id])
            found = next((one for one in code.definitions if _is_outer(one, name)), None)
            if found is None or not left:
                continue
            left -= 1
            yield DescribedItem(
                name,
                found.snippet.kind or "",
                signature_of(found, code.lines, code.file.language)[:120],
                path=code.file.path,
                line=found.line,
            )

    def beside(self) -> Iterator[DescribedItem]:
        """Tests, examples and documents, by their outermost folders."""
        groups: dict[str, Counter[str]] = {"tests": Counter(), "examples": Counter()}
        groups["documents"] = Counter()
        for file in self._files:
            facts = path_facts(file.path)
            kind = "tests" if facts.is_test else "examples" if facts.is_example else ""
            if not is_code(file.language, facts.extension):
                kind = "documents" if file.language in {"markdown", "rst", "asciidoc"} else ""
            if kind:
                folder, slash, _ = file.path.partition("/")
                groups[kind][f"{folder}{slash}" if slash else "./"] += 1
        for kind, folders in groups.items():
            if folders:
                named = ", ".join(f"{folder} ({count})" for folder, count in folders.most_common(3))
                yield DescribedItem(kind, kind, f"{sum(folders.values())} {kind}: {named}")

    def _manifests(self) -> list[IndexedText]:
        found = [
            file
            for file in self._files
            if file.path.rpartition("/")[2] in MANIFESTS
            and not (path_facts(file.path).is_test or path_facts(file.path).is_example)
        ]
        found.sort(key=lambda file: (file.path.count("/"), file.path))
        return found[:MOST_MANIFESTS]


def _is_outer(definition: Definition, name: str) -> bool:
    return definition.snippet.symbol == name and not definition.snippet.scope


def _used_parts(
    used: Mapping[int, Mapping[int, float]], of_file: Mapping[int, str]
) -> dict[str, dict[str, float]]:
    """How much each part uses each other one."""
    between: dict[str, dict[str, float]] = {}
    for user, weights in used.items():
        part = of_file.get(user)
        if part is None:
            continue
        for target, weight in weights.items():
            other = of_file.get(target)
            if other is not None and other != part:
                row = between.setdefault(part, {})
                row[other] = row.get(other, 0.0) + weight
    return between


def _most(weights: Mapping[str, float]) -> list[str]:
    whole = sum(weights.values())
    best = sorted(weights, key=lambda part: (-weights[part], part))
    return [part for part in best[:MOST_NAMES] if weights[part] / whole >= LEAST_SHARE]
