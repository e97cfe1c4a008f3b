"""The JSON shapes of lines, listings, texts and symbols."""

from __future__ import annotations

from typing import Any

from kodit.domain.files import FileText, ListedFile
from kodit.domain.grep import GrepAnswer, GrepMatch
from kodit.domain.symbols import Definition, Reference, SymbolAnswer


def grep_shape(pattern: str, answer: GrepAnswer) -> dict[str, Any]:
    return {
        "pattern": pattern,
        "matches": [match_shape(match) for match in answer.matches],
        "files": answer.files,
        "complete": answer.is_complete,
        "problems": list(answer.problems),
    }


def match_shape(match: GrepMatch) -> dict[str, Any]:
    """`before` and `after` are there when context was asked for and there is any."""
    found = match.found
    shape: dict[str, Any] = {
        "index_id": match.index_id,
        "source": match.source,
        "path": match.path,
        "language": match.language,
        "line": found.line,
        "column": found.column,
        "text": found.text,
    }
    if found.before or found.after:
        shape |= {"before": list(found.before), "after": list(found.after)}
    return shape


def file_shape(file: ListedFile) -> dict[str, Any]:
    return {
        "index_id": file.index_id,
        "source": file.source,
        "path": file.path,
        "language": file.language,
        "size": file.size,
        "lines": file.lines,
        "snippets": file.snippets,
    }


def text_shape(text: FileText) -> dict[str, Any]:
    return {
        "index_id": text.index_id,
        "source": text.source,
        "path": text.path,
        "language": text.language,
        "start_line": text.start_line,
        "end_line": text.end_line,
        "lines": text.lines,
        "text": text.text,
    }


def symbols_shape(name: str, answer: SymbolAnswer) -> dict[str, Any]:
    return {
        "name": name,
        "definitions": [definition_shape(definition) for definition in answer.definitions],
        "references": [reference_shape(reference) for reference in answer.references],
        "complete": answer.is_complete,
    }


def definition_shape(definition: Definition) -> dict[str, Any]:
    """`line` is where the name is declared, between `start_line` and `end_line`."""
    snippet = definition.snippet
    return {
        "index_id": snippet.index_id,
        "source": snippet.source,
        "path": snippet.path,
        "start_line": snippet.start_line,
        "end_line": snippet.end_line,
        "line": definition.line,
        "language": snippet.language,
        "symbol": snippet.symbol,
        "kind": snippet.kind,
        "scope": snippet.scope,
        "text": snippet.text,
    }


def reference_shape(reference: Reference) -> dict[str, Any]:
    """`symbol`, `kind` and `scope` are those of the definition in which the name is used."""
    snippet = reference.snippet
    return {
        "index_id": snippet.index_id,
        "source": snippet.source,
        "path": snippet.path,
        "line": reference.line,
        "language": snippet.language,
        "symbol": snippet.symbol,
        "kind": snippet.kind,
        "scope": snippet.scope,
        "text": reference.text,
    }
