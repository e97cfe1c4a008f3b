"""The fields of the keyword index.

All text is cut into terms by `kodit.domain.ranking` and joined with spaces, so that the engine
only has to split at white space: questions and code are cut by the same hand.
"""

from __future__ import annotations

from pathlib import Path

import tantivy

from kodit.domain.entities import StoredSnippet
from kodit.domain.ranking.fields import keyword_document
from kodit.infrastructure.files import make_private_folder

SCHEMA_VERSION = "5"
"""The name of the index's folder: another version starts an index of its own."""

# Signed integers throughout: deleting by an unsigned field deletes nothing and says nothing.
SNIPPET_ID = "snippet_id"
INDEX_ID = "index_id"
FILE_ID = "file_id"
TERMS = "terms"
"""The bag of search terms; the only field that scores."""
NAME = "name"
"""The lower-case names of what the snippet defines, each one token."""
KIND = "kind"
"""The kind of its symbol."""


def build_schema() -> tantivy.Schema:
    """What `to_document` fills."""
    builder = tantivy.SchemaBuilder()
    for name in (SNIPPET_ID, INDEX_ID, FILE_ID):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_text_field(TERMS, tokenizer_name="whitespace", index_option="freq")
    for name in (NAME, KIND):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    return builder.build()


def to_document(snippet: StoredSnippet) -> tantivy.Document:
    """A snippet as the index takes it."""
    fields = keyword_document(snippet.as_snippet())
    return tantivy.Document(
        snippet_id=snippet.id,
        index_id=snippet.index_id,
        file_id=snippet.file_id,
        terms=fields.terms,
        name=list(fields.names),
        kind=snippet.kind or "",
    )


def open_index(folder: Path) -> tantivy.Index:
    """The index in the folder, made where there is none."""
    make_private_folder(folder)
    return tantivy.Index(build_schema(), path=str(folder), reuse=True)
