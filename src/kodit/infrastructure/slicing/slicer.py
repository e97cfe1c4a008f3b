"""Splitting a file into snippets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from kodit.domain.entities import Snippet
from kodit.domain.value_objects import SlicedFile
from kodit.infrastructure.decoding import decode
from kodit.infrastructure.long_lines import is_minified, shortened
from kodit.infrastructure.slicing.budget import Budget, GaveUpError
from kodit.infrastructure.slicing.by_patterns import (
    load_patterns,
    outline_by_patterns,
    plain_language,
)
from kodit.infrastructure.slicing.concealing import for_parser
from kodit.infrastructure.slicing.contained import name_all
from kodit.infrastructure.slicing.covering import cover
from kodit.infrastructure.slicing.detection import detect_language
from kodit.infrastructure.slicing.joining import join, with_closers
from kodit.infrastructure.slicing.languages import LANGUAGES, TEXT, Language, is_installed
from kodit.infrastructure.slicing.limits import LONG_LINE, PARSED_BYTES, PARSED_DATA_BYTES
from kodit.infrastructure.slicing.mentions import place_mentions
from kodit.infrastructure.slicing.notebooks import EXTENSION, Notebook, placed, read_notebook
from kodit.infrastructure.slicing.outline import Outline, outline
from kodit.infrastructure.slicing.patterns import declared_on, defined_by_lines
from kodit.infrastructure.slicing.pieces import Piece, Text
from kodit.infrastructure.slicing.splitting import CutCost, line_cost, split

DETECTION_BYTES = 16_384
"""Bytes at the beginning of a file used to detect its language: a header may begin with pages of
licence text.
"""

_PROSE = ("markdown", "html")
"""Languages in which a single line of text is worth finding, comment or not."""

_PLAIN_TEXT = frozenset({"txt", "text"})
"""Extensions of plain text written by people, which may have titles."""

TOO_LARGE = "too large to parse"
BINARY = "binary"
MINIFIED = "minified"


def slice_file(
    path: str, data: bytes, time_limit_seconds: float = 5.0, *, encoding: str | None = None
) -> SlicedFile:
    """The snippets of a file: every line that is not blank is in exactly one of them.

    `path` is relative to the source, with `/`, and never opened. `encoding` is the declared
    encoding, besides any declaration in the file. Never raises: a file that cannot be decoded has
    no snippets; one that cannot be parsed within `time_limit_seconds` of processor time is split by
    lines, and `problem` says so. Line ends become `\\n` in the snippets' text, and very long lines
    are shortened.
    """
    language = detect_language(path, data[:DETECTION_BYTES])
    decoded = decode(data, encoding)
    if decoded is None:
        return SlicedFile(path, language, (), BINARY)
    if not decoded or decoded.isspace():
        return SlicedFile(path, language, ())
    if _is_notebook(path) and (notebook := read_notebook(decoded)) is not None:
        return _slice_notebook(path, notebook, time_limit_seconds)
    lines = decoded.split("\n")
    row = LANGUAGES.get(language)
    if len(decoded) > LONG_LINE and max(map(len, lines)) > LONG_LINE:
        if is_minified(lines, LONG_LINE, is_prose=row is None or row.name in _PROSE):
            return SlicedFile(path, language, (), MINIFIED)
        lines = _stored(lines)
    if row is None and _has_sections(path, language):
        row = plain_language(language)
    pieces, problem = _cut(decoded, Text(lines), row, time_limit_seconds)
    return SlicedFile(path, language, tuple(_snippets(path, language, lines, pieces)), problem)


def read_alike(path: str, other: str, first_bytes: bytes) -> bool:
    """Whether files at two paths that have the same content have the same snippets."""
    language, alike = (detect_language(one, first_bytes) for one in (path, other))
    if language != alike:
        return False
    return all(
        depends(path) == depends(other)
        for depends in (_is_notebook, partial(_has_sections, language=language))
    )


def _is_notebook(path: str) -> bool:
    return path.lower().endswith(EXTENSION)


def _snippets(
    path: str, language: str, lines: Sequence[str], pieces: Iterable[Piece]
) -> Iterator[Snippet]:
    for piece in pieces:
        yield Snippet(
            path,
            piece.first + 1,
            piece.last + 1,
            language,
            piece.symbol,
            "\n".join(lines[piece.first : piece.last + 1]),
            also_defines=piece.also_defines,
            mentions=piece.mentions,
            extents=piece.extents,
        )


def _slice_notebook(path: str, notebook: Notebook, time_limit_seconds: float) -> SlicedFile:
    """Each cell is split separately, because output is stored between cells."""
    snippets: list[Snippet] = []
    problems: list[str] = []
    for cell in notebook.cells:
        lines = _stored(cell.lines)
        row = LANGUAGES.get(cell.language)
        language = cell.language if row is not None else TEXT
        pieces, problem = _cut(cell.code, Text(lines), row, time_limit_seconds)
        snippets += (placed(snippet, cell) for snippet in _snippets(path, language, lines, pieces))
        problems += [problem] if problem else []
    known = notebook.language if notebook.language in LANGUAGES else TEXT
    return SlicedFile(path, known, tuple(snippets), problems[0] if problems else None)


def _stored(lines: Sequence[str]) -> list[str]:
    return [line if len(line) <= LONG_LINE else shortened(line) for line in lines]


def _cut(
    decoded: str, text: Text, language: Language | None, time_limit_seconds: float
) -> tuple[Iterable[Piece], str | None]:
    if language is None:
        return _line_chunks(text), None
    budget = Budget(time_limit_seconds)
    try:
        if not is_installed(language):
            return _cut_by_patterns(text, language, budget), None
        if language.data and len(decoded) > PARSED_DATA_BYTES:
            return _cut_by_patterns(text, language, budget), None
        if len(decoded) > PARSED_BYTES:
            return _named_chunks(text, language), TOO_LARGE
        return _cut_by_syntax(decoded, text, language, budget), None
    except GaveUpError as error:
        return _named_chunks(text, language), str(error)


def _has_sections(path: str, language: str) -> bool:
    """Whether a file without a grammar may have structure beyond its lines."""
    if language != TEXT:
        return True
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return not (dot and stem) or extension.lower() in _PLAIN_TEXT


def _cut_by_patterns(text: Text, language: Language, budget: Budget) -> list[Piece]:
    """Split at the definitions and sections that line patterns find; empty if there are none."""
    patterns = load_patterns(language.name)
    if patterns is None:
        return _named_chunks(text, language)
    found = outline_by_patterns(text.lines, language, patterns, budget)
    if not found.definitions:
        pieces = _line_chunks(text)
    else:
        pieces = _fitting(cover(found.definitions, text), text, line_cost(text))
    by_lines = defined_by_lines(text.lines, language)
    name_all(pieces, Outline(found.definitions, [*found.minor, *by_lines]), text.lines, language)
    return pieces


def _fitting(covering: Iterable[Piece], text: Text, cost: CutCost) -> list[Piece]:
    pieces: list[Piece] = []
    for piece in join(covering, text):
        fits = text.fits(piece.first, piece.last)
        pieces += [piece] if fits else _split(text, piece, cost)
    return with_closers(pieces, text)


def _cut_by_syntax(decoded: str, text: Text, language: Language, budget: Budget) -> list[Piece]:
    # tree-sitter is imported for the first file that needs it
    from kodit.infrastructure.slicing.boundaries import tree_cost  # noqa: PLC0415
    from kodit.infrastructure.slicing.grammars import load_grammar  # noqa: PLC0415
    from kodit.infrastructure.slicing.repair import Repaired, repaired  # noqa: PLC0415

    grammar = load_grammar(language.name)
    source = decoded.encode("utf-8", "replace")
    seen = for_parser(source, language)
    parsed = grammar.parse(seen, budget)
    tree, unknown = (
        Repaired(parsed, ()) if language.data else repaired(seen, parsed, grammar, budget)
    )
    matches = grammar.matches(tree, budget)
    found = outline(matches.definitions, source, text.lines, language)
    if language.data and not found.definitions and (patterns := load_patterns(language.name)):
        found = outline_by_patterns(text.lines, language, patterns, budget)
    if tree.root_node.is_error and not found.definitions:
        raise GaveUpError("does not parse")
    pieces: list[Piece] = []
    for piece in join(cover(found.definitions, text), text):
        if text.fits(piece.first, piece.last):
            pieces.append(piece)
            continue
        cost = tree_cost(tree, text, piece.first, piece.last, budget)
        pieces += _split(text, piece, cost)
    pieces = with_closers(pieces, text)
    by_lines = [
        *defined_by_lines(text.lines, language),
        *declared_on(unknown, text.lines, found.definitions, language.name),
    ]
    name_all(pieces, Outline(found.definitions, [*found.minor, *by_lines]), text.lines, language)
    place_mentions(pieces, matches.mentions, source)
    return pieces


def _named_chunks(text: Text, language: Language) -> list[Piece]:
    """Chunks of lines, named by the definitions that line patterns find."""
    pieces = _line_chunks(text)
    name_all(
        pieces, Outline([], list(defined_by_lines(text.lines, language))), text.lines, language
    )
    return pieces


def _line_chunks(text: Text) -> list[Piece]:
    return _split(text, Piece(0, len(text.lines) - 1), line_cost(text))


def _split(text: Text, piece: Piece, cost: CutCost) -> list[Piece]:
    return [
        Piece(*rows, piece.symbol)
        for first, last in split(text, piece.first, piece.last, cost)
        if (rows := text.trimmed(first, last))
    ]
