"""The fields of the keyword index.

All text is cut into terms by `kodit.domain.ranking` and joined with spaces, so that the engine
only has to split at white space: questions and code are cut by the same hand.
"""

from __future__ import annotations

import atexit
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import tantivy

from kodit.domain.entities import StoredSnippet
from kodit.domain.ranking.fields import keyword_document
from kodit.domain.ranking.terms import run_terms
from kodit.infrastructure.files import entries_of, make_private_folder
from kodit.infrastructure.keyword.scoring import CODE_BYTES, term_codes, term_records

# Signed integers throughout: deleting by an unsigned field deletes nothing and says nothing.
SNIPPET_ID = "snippet_id"
INDEX_ID = "index_id"
FILE_ID = "file_id"
TERMS = "terms"
"""The bag of search terms; the only field that scores."""
LENGTH = "length"
"""How many search terms there are."""
RECORD = "record"
"""How often each of them is there, as `term_records` has it."""
CONTENT = "content"
"""A number made from what the snippet is and where it stands, by which snippets of equal score are
ordered: identifiers depend on history."""
NAME = "name"
"""The lower-case names of what the snippet defines, each one token; and, of every snippet, the
empty one, by which the engine tells how many snippets it holds, deleted ones included."""
MINOR_NAME = "minor_name"
"""The same of minor symbols, which only a look-up by name asks for."""
KIND = "kind"
"""The kind of its symbol."""

MOST_RUNS = 100_000
"""Whose terms a process remembers, in some 30 MB; beyond, it starts again from nothing."""


def build_schema() -> tantivy.Schema:
    """What `to_documents` fills."""
    builder = tantivy.SchemaBuilder()
    for name in (SNIPPET_ID, INDEX_ID, FILE_ID):
        builder.add_integer_field(name, indexed=True, fast=True)
    for name in (LENGTH, CONTENT):
        builder.add_integer_field(name, fast=True)
    builder.add_bytes_field(RECORD, stored=True)
    builder.add_text_field(TERMS, tokenizer_name="whitespace", index_option="freq")
    for name in (NAME, MINOR_NAME, KIND):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    return builder.build()


def to_documents(snippets: Sequence[StoredSnippet]) -> Iterator[tantivy.Document]:
    """Snippets as the index takes them. Of many at once the terms are counted together."""
    fields = [keyword_document(snippet) for snippet in snippets]
    codes = [b"".join(map(_codes.__getitem__, one.runs)) for one in fields]
    for snippet, one, code, record in zip(
        snippets, fields, codes, term_records(codes), strict=True
    ):
        yield tantivy.Document(
            snippet_id=snippet.id,
            index_id=snippet.index_id,
            file_id=snippet.file_id,
            terms=" ".join(map(_spaced.__getitem__, one.runs)),
            length=len(code) // CODE_BYTES,
            record=record,
            content=_content(snippet),
            name=["", *one.names],
            minor_name=list(one.minor_names),
            kind=snippet.kind or "",
        )


class _SpacedTerms(dict[str, str]):
    """The terms of each run met, joined by spaces: code repeats its names."""

    def __missing__(self, run: str) -> str:
        if len(self) >= MOST_RUNS:
            self.clear()
        spaced = self[run] = " ".join(run_terms(run))
        return spaced


class _TermCodes(dict[str, bytes]):
    """The codes of the terms of each run met, in a row."""

    def __missing__(self, run: str) -> bytes:
        if len(self) >= MOST_RUNS:
            self.clear()
        codes = self[run] = term_codes(run_terms(run))
        return codes


_spaced = _SpacedTerms()
_codes = _TermCodes()


def _content(snippet: StoredSnippet) -> int:
    what = "\0".join(
        (snippet.source, snippet.path, str(snippet.start_line), str(snippet.end_line), snippet.text)
    )
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, and who only reads hashes nothing

    digest = hashlib.blake2b(what.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def open_index(folder: Path) -> tantivy.Index:
    """The index in the folder, created if there is none. One that cannot be written is read by
    links to its files: the engine locks a file of its own beside them."""
    if folder.exists() and not os.access(folder, os.W_OK):
        path = _linked(folder)
    else:
        make_private_folder(folder)
        path = str(folder)
    index = tantivy.Index(build_schema(), path=path, reuse=True)
    # Otherwise a thread of the engine looks for commits, twice a second, and maps their files.
    index.config_reader(reload_policy="manual")
    return index


def _linked(folder: Path) -> str:
    """A folder of links to the files of another, which is removed when the process ends."""
    import tempfile  # noqa: PLC0415 - most indexes can be written

    linked = tempfile.mkdtemp(prefix="kodit-keyword-")
    atexit.register(shutil.rmtree, linked, ignore_errors=True)
    for entry in entries_of(folder):
        if not entry.name.endswith(".lock"):
            Path(linked, entry.name).symlink_to(Path(entry.path).absolute())
    return linked
