"""The fields of the keyword index.

All text is cut into terms by `kodit.domain.ranking.terms` and joined with spaces, so that the
engine only has to split at white space: questions and code are cut by the same hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tantivy

from kodit.domain.ranking.terms import terms
from kodit.domain.search import StoredSnippet

SCHEMA_VERSION = "1"
"""Part of the folder's name: another version starts an index of its own."""

# Signed integers throughout: deleting by an unsigned field deletes nothing and says nothing.
SNIPPET_ID = "snippet_id"
INDEX_ID = "index_id"
FILE_ID = "file_id"


@dataclass(frozen=True, slots=True)
class TextField:
    """A searchable field and how much a hit in it counts."""

    name: str
    boost: float


TEXT_FIELDS = (TextField("body", 1.0), TextField("symbol", 2.0), TextField("path", 1.5))


def build_schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in (SNIPPET_ID, INDEX_ID, FILE_ID):
        builder.add_integer_field(name, indexed=True, fast=True)
    for field in TEXT_FIELDS:
        builder.add_text_field(field.name, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


def to_document(snippet: StoredSnippet) -> tantivy.Document:
    symbol = f"{snippet.scope} {snippet.symbol}" if snippet.symbol else snippet.scope
    return tantivy.Document(
        snippet_id=snippet.id,
        index_id=snippet.index_id,
        file_id=snippet.file_id,
        body=" ".join(terms(snippet.text)),
        symbol=" ".join(terms(symbol)),
        path=" ".join(terms(snippet.path)),
    )


def open_index(folder: Path) -> tantivy.Index:
    """The index in the folder, made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    return tantivy.Index(build_schema(), path=str(folder), reuse=True)
