"""The fields of the keyword index.

All text is cut into terms by `kodit.domain.ranking` and joined with spaces, so that the engine
only has to split at white space: questions and code are cut by the same hand.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import tantivy

from kodit.domain.entities import StoredSnippet
from kodit.domain.ranking.fields import keyword_document
from kodit.infrastructure.files import make_private_folder
from kodit.infrastructure.keyword.scoring import term_record

SCHEMA_VERSION = "6"
"""The name of the index's folder: another version starts an index of its own."""

# Signed integers throughout: deleting by an unsigned field deletes nothing and says nothing.
SNIPPET_ID = "snippet_id"
INDEX_ID = "index_id"
FILE_ID = "file_id"
TERMS = "terms"
"""The bag of search terms; the only field that scores."""
LENGTH = "length"
"""How many search terms there are."""
RECORD = "record"
"""How often each of them is there, as `term_record` has it."""
CONTENT = "content"
"""A number made from what the snippet is and where it stands, by which snippets of equal score are
ordered: identifiers depend on history."""
NAME = "name"
"""The lower-case names of what the snippet defines, each one token; and, of every snippet, the
empty one, by which the engine tells how many snippets it holds, deleted ones included."""
KIND = "kind"
"""The kind of its symbol."""


def build_schema() -> tantivy.Schema:
    """What `to_document` fills."""
    builder = tantivy.SchemaBuilder()
    for name in (SNIPPET_ID, INDEX_ID, FILE_ID):
        builder.add_integer_field(name, indexed=True, fast=True)
    for name in (LENGTH, CONTENT):
        builder.add_integer_field(name, fast=True)
    builder.add_bytes_field(RECORD, stored=True)
    builder.add_text_field(TERMS, tokenizer_name="whitespace", index_option="freq")
    for name in (NAME, KIND):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    return builder.build()


def to_document(snippet: StoredSnippet) -> tantivy.Document:
    """A snippet as the index takes it."""
    fields = keyword_document(snippet.as_snippet())
    terms = fields.terms.split()
    return tantivy.Document(
        snippet_id=snippet.id,
        index_id=snippet.index_id,
        file_id=snippet.file_id,
        terms=fields.terms,
        length=len(terms),
        record=term_record(terms),
        content=_content(snippet),
        name=["", *fields.names],
        kind=snippet.kind or "",
    )


def _content(snippet: StoredSnippet) -> int:
    what = "\0".join(
        (snippet.source, snippet.path, str(snippet.start_line), str(snippet.end_line), snippet.text)
    )
    digest = hashlib.blake2b(what.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def open_index(folder: Path) -> tantivy.Index:
    """The index in the folder, made where there is none."""
    make_private_folder(folder)
    return tantivy.Index(build_schema(), path=str(folder), reuse=True)
