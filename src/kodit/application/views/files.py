"""Indexed files: lines, listings, texts and symbols.

`file` is the absolute path of a file, for a caller on the machine that has it; null for git URLs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from kodit.application.views.serialization import ONLY_WHEN_SET, file_of
from kodit.application.views.standing import StandingView
from kodit.domain.prototypes import is_declaration
from kodit.domain.symbols import parse_name

if TYPE_CHECKING:
    from kodit.domain.files import FileText, ListedFile
    from kodit.domain.grep import GrepAnswer, GrepMatch
    from kodit.domain.symbols import Definition, FileOutline, Reference, SymbolAnswer


@dataclass(frozen=True, slots=True)
class MatchView:
    """A line that matches. `before` and `after` are present if context was asked for and there is
    any."""

    index_id: int
    source: str
    path: str
    file: str | None
    language: str
    line: int
    column: int
    text: str
    before: tuple[str, ...] | None = field(default=None, metadata=ONLY_WHEN_SET)
    after: tuple[str, ...] | None = field(default=None, metadata=ONLY_WHEN_SET)

    @classmethod
    def of(cls, match: GrepMatch, *, with_file: bool) -> Self:
        found = match.found
        has_context = bool(found.before or found.after)
        return cls(
            index_id=match.index_id,
            source=match.source,
            path=match.path,
            file=file_of(match.source, match.path) if with_file else None,
            language=match.language,
            line=found.line,
            column=found.column,
            text=found.text,
            before=found.before if has_context else None,
            after=found.after if has_context else None,
        )


@dataclass(frozen=True, slots=True)
class GrepView:
    """The answer of grep; `files` is the number of files in scope."""

    pattern: str
    matches: tuple[MatchView, ...]
    files: int
    complete: bool
    problems: tuple[str, ...]
    standing: tuple[StandingView, ...]
    next: str | None

    @classmethod
    def of(
        cls,
        pattern: str,
        answer: GrepAnswer,
        standing: tuple[StandingView, ...],
        following: str | None = None,
        problems: tuple[str, ...] = (),
        *,
        with_file: bool,
    ) -> Self:
        """`following` is the cursor of the next page; `problems` are added to the answer's own."""
        return cls(
            pattern=pattern,
            matches=tuple(MatchView.of(one, with_file=with_file) for one in answer.matches),
            files=answer.files,
            complete=answer.is_complete,
            problems=(*problems, *answer.problems),
            standing=standing,
            next=following,
        )


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of an index; `size` is in bytes."""

    index_id: int
    source: str
    path: str
    file: str | None
    language: str
    size: int
    lines: int
    snippets: int

    @classmethod
    def of(cls, file: ListedFile, *, with_file: bool) -> Self:
        return cls(
            index_id=file.index_id,
            source=file.source,
            path=file.path,
            file=file_of(file.source, file.path) if with_file else None,
            language=file.language,
            size=file.size,
            lines=file.lines,
            snippets=file.snippets,
        )


@dataclass(frozen=True, slots=True)
class FilesView:
    """A listing of files."""

    files: tuple[FileView, ...]
    standing: tuple[StandingView, ...]
    next: str | None
    problems: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        files: Sequence[ListedFile],
        standing: tuple[StandingView, ...],
        following: str | None = None,
        problems: tuple[str, ...] = (),
        *,
        with_file: bool,
    ) -> Self:
        """`following` is the cursor of the next page."""
        shown = tuple(FileView.of(one, with_file=with_file) for one in files)
        return cls(shown, standing, following, problems)


@dataclass(frozen=True, slots=True)
class TextView:
    """Lines `start_line` to `end_line` of a file that has `lines` in all."""

    index_id: int
    source: str
    path: str
    file: str | None
    language: str
    start_line: int
    end_line: int
    lines: int
    text: str
    standing: tuple[StandingView, ...]

    @classmethod
    def of(cls, text: FileText, standing: tuple[StandingView, ...], *, with_file: bool) -> Self:
        return cls(
            index_id=text.index_id,
            source=text.source,
            path=text.path,
            file=file_of(text.source, text.path) if with_file else None,
            language=text.language,
            start_line=text.start_line,
            end_line=text.end_line,
            lines=text.lines,
            text=text.text,
            standing=standing,
        )


@dataclass(frozen=True, slots=True)
class DefinitionView:
    """Where a name is defined; `line` is where it is declared, between `start_line` and
    `end_line`."""

    index_id: int
    source: str
    path: str
    file: str | None
    start_line: int
    end_line: int
    line: int
    language: str
    symbol: str | None
    kind: str | None
    scope: str
    text: str
    declaration: bool | None = field(default=None, metadata=ONLY_WHEN_SET)
    """True if this only declares a function that is defined elsewhere."""

    @classmethod
    def of(cls, definition: Definition, *, with_file: bool) -> Self:
        snippet = definition.snippet
        return cls(
            index_id=snippet.index_id,
            source=snippet.source,
            path=snippet.path,
            file=file_of(snippet.source, snippet.path) if with_file else None,
            start_line=snippet.start_line,
            end_line=snippet.end_line,
            line=definition.line,
            language=snippet.language,
            symbol=snippet.symbol,
            kind=snippet.kind,
            scope=snippet.scope,
            text=snippet.text,
            declaration=is_declaration(snippet) or None,
        )


@dataclass(frozen=True, slots=True)
class OutlineSymbolView:
    """A definition in a file; `line` is where it is declared, between `start_line` and `end_line`,
    and `scope` is the definition around it."""

    symbol: str
    kind: str
    scope: str
    start_line: int
    end_line: int
    line: int
    declaration: bool | None = field(default=None, metadata=ONLY_WHEN_SET)
    """True if this only declares a function that is defined elsewhere."""

    @classmethod
    def of(cls, definition: Definition) -> Self:
        snippet = definition.snippet
        return cls(
            symbol=snippet.symbol or "",
            kind=snippet.kind or "",
            scope=snippet.scope,
            start_line=snippet.start_line,
            end_line=snippet.end_line,
            line=definition.line,
            declaration=is_declaration(snippet) or None,
        )


@dataclass(frozen=True, slots=True)
class OutlineView:
    """The definitions in a file, from its first line to its last."""

    index_id: int
    source: str
    path: str
    file: str | None
    language: str
    lines: int
    symbols: tuple[OutlineSymbolView, ...]
    standing: tuple[StandingView, ...]

    @classmethod
    def of(
        cls, outline: FileOutline, standing: tuple[StandingView, ...], *, with_file: bool
    ) -> Self:
        return cls(
            index_id=outline.index_id,
            source=outline.source,
            path=outline.path,
            file=file_of(outline.source, outline.path) if with_file else None,
            language=outline.language,
            lines=outline.lines,
            symbols=tuple(map(OutlineSymbolView.of, outline.definitions)),
            standing=standing,
        )


@dataclass(frozen=True, slots=True)
class ReferenceView:
    """Where a name is used; `symbol`, `kind` and `scope` are those of the definition around it."""

    index_id: int
    source: str
    path: str
    file: str | None
    line: int
    language: str
    symbol: str | None
    kind: str | None
    scope: str
    text: str
    use: str
    """How the line uses the name: `call`, `import`, `inherits`, `type`, `write`, `read`, `text`."""
    within: str
    """The qualified name of the innermost definition around the line."""
    likely: bool
    """Whether the file leaves open which definition of the name is meant."""
    name: str | None = field(default=None, metadata=ONLY_WHEN_SET)
    """The called name, in the list of a definition's callees."""
    target: str | None = field(default=None, metadata=ONLY_WHEN_SET)
    """Where the called name is defined, as PATH:LINE, if it is indexed."""

    @classmethod
    def of(cls, reference: Reference, *, with_file: bool) -> Self:
        snippet, target = reference.snippet, reference.target
        return cls(
            index_id=snippet.index_id,
            source=snippet.source,
            path=snippet.path,
            file=file_of(snippet.source, snippet.path) if with_file else None,
            line=reference.line,
            language=snippet.language,
            symbol=snippet.symbol,
            kind=snippet.kind,
            scope=snippet.scope,
            text=reference.text,
            use=reference.use.value,
            within=reference.within,
            likely=reference.is_likely,
            name=reference.name or None,
            target=f"{target.path}:{target.named_line}" if target else None,
        )


@dataclass(frozen=True, slots=True)
class SymbolsView:
    """Where a name is defined, and where it is used."""

    name: str
    definitions: tuple[DefinitionView, ...]
    references: tuple[ReferenceView, ...]
    complete: bool
    standing: tuple[StandingView, ...]
    next: str | None
    near: tuple[str, ...] = ()
    """Names that were probably meant, if nothing was found."""
    problems: tuple[str, ...] = ()

    @property
    def is_of_pattern(self) -> bool:
        """Whether these are definitions of the names that a name with a star matches, whose uses
        were not looked for."""
        name = parse_name(self.name)
        exact = any(one.symbol in name.names for one in self.definitions)
        return name.is_pattern and bool(self.definitions) and not exact

    @classmethod
    def of(
        cls,
        name: str,
        answer: SymbolAnswer,
        standing: tuple[StandingView, ...],
        following: str | None = None,
        problems: tuple[str, ...] = (),
        *,
        with_file: bool,
    ) -> Self:
        """`following` is the cursor of the next page."""
        return cls(
            name,
            tuple(DefinitionView.of(one, with_file=with_file) for one in answer.definitions),
            tuple(ReferenceView.of(one, with_file=with_file) for one in answer.references),
            answer.is_complete,
            standing,
            following,
            answer.near,
            problems,
        )
