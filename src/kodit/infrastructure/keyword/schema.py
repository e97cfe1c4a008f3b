"""The fields of the keyword index.

All text is split into terms by `kodit.domain.ranking` and joined with spaces, so that tantivy only
has to split at white space: queries and code are tokenised in the same way.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

import tantivy

from kodit.domain.entities import StoredSnippet
from kodit.domain.idleness import empty_when_idle
from kodit.domain.ranking.fields import MOST_PATHS, keyword_document
from kodit.domain.ranking.scripts import pairs
from kodit.domain.ranking.terms import run_terms
from kodit.domain.spelling import fold_case
from kodit.infrastructure.files import entries_of, make_private_folder
from kodit.infrastructure.keyword.scoring import CODE_BYTES, term_codes, term_records

# Signed integers throughout: deleting by an unsigned field silently deletes nothing.
SNIPPET_ID = "snippet_id"
INDEX_ID = "index_id"
FILE_ID = "file_id"
TERMS = "terms"
"""The bag of search terms; the only field that scores."""
LENGTH = "length"
"""The number of search terms."""
RECORD = "record"
"""The frequency of each term, in the format of `term_records`."""
CONTENT = "content"
"""A number made from the snippet's content and place, by which snippets of equal score are ordered:
ids depend on history.
"""
NAME = "name"
"""The lower-case names that the snippet defines, each one token; and in every snippet the empty
name, from which tantivy tells how many snippets it holds, deleted ones included.
"""
MINOR_NAME = "minor_name"
"""The same for minor symbols, which only symbol look-ups search."""
PHRASES = "phrases"
"""The text in scripts without spaces, as pairs of characters; `PHRASE_END` ends each segment.
"""
PHRASE_END = "|"
KIND = "kind"
"""The kind of its symbol."""

MOST_RUNS = 100_000
"""Runs whose terms a process caches, in some 30 MB; beyond that the cache starts afresh."""


def build_schema() -> tantivy.Schema:
    """The schema that `to_documents` fills."""
    builder = tantivy.SchemaBuilder()
    for name in (SNIPPET_ID, INDEX_ID, FILE_ID):
        builder.add_integer_field(name, indexed=True, fast=True)
    for name in (LENGTH, CONTENT):
        builder.add_integer_field(name, fast=True)
    builder.add_bytes_field(RECORD, stored=True)
    builder.add_text_field(TERMS, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field(
        PHRASES, stored=True, tokenizer_name="whitespace", index_option="position"
    )
    for name in (NAME, MINOR_NAME, KIND):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    return builder.build()


def to_documents(snippets: Sequence[StoredSnippet]) -> Iterator[tantivy.Document]:
    """The documents of snippets. The terms of many at once are counted together."""
    fields = [keyword_document(snippet) for snippet in snippets]
    texts: list[str] = []
    codes: list[bytes] = []
    for one in fields:
        found = [*map(_terms_of.__getitem__, one.runs), _terms_of_path(one.path_runs)]
        texts.append(" ".join(map(_SPACED, found)))
        codes.append(b"".join(map(_CODES, found)))
    for snippet, one, text, code, record in zip(
        snippets, fields, texts, codes, term_records(codes), strict=True
    ):
        # Faster than by keywords, for which tantivy has to find out the types of the values.
        document = tantivy.Document()
        document.add_integer(SNIPPET_ID, snippet.id)
        document.add_integer(INDEX_ID, snippet.index_id)
        document.add_integer(FILE_ID, snippet.file_id)
        document.add_text(TERMS, text)
        document.add_integer(LENGTH, len(code) // CODE_BYTES)
        document.add_bytes(RECORD, record)
        document.add_integer(CONTENT, _content(snippet, record))
        if one.unspaced:
            document.add_text(PHRASES, _phrases(one.unspaced))
        for name in ("", *one.names):
            document.add_text(NAME, name)
        for name in one.minor_names:
            document.add_text(MINOR_NAME, name)
        document.add_text(KIND, snippet.kind or "")
        yield document


class _TermsOfRuns(dict[str, tuple[str, bytes]]):
    """The terms of each run, joined by spaces, and their concatenated codes; cached, because code
    repeats its names. Both at once, because most of the time of a look-up is spent on memory that
    no cache of the processor holds.
    """

    def __missing__(self, run: str) -> tuple[str, bytes]:
        if len(self) >= MOST_RUNS:
            self.clear()
        terms = run_terms(run)
        found = self[run] = " ".join(terms), term_codes(terms)
        return found


_SPACED, _CODES = itemgetter(0), itemgetter(1)
_terms_of = _TermsOfRuns()
empty_when_idle(_terms_of.clear)


@lru_cache(maxsize=MOST_PATHS)
def _terms_of_path(runs: Sequence[str]) -> tuple[str, bytes]:
    """The same for all runs of a path together."""
    found = list(map(_terms_of.__getitem__, runs))
    return " ".join(map(_SPACED, found)), b"".join(map(_CODES, found))


def _phrases(segments: Sequence[str]) -> str:
    """The value of `PHRASES`."""
    return " ".join(" ".join((*pairs(fold_case(one)), PHRASE_END)) for one in segments)


def _content(snippet: StoredSnippet, record: bytes) -> int:
    """A hash of what is shown and what is scored: the terms are also those of the names around a
    text, which may change alone."""
    what = "\0".join((snippet.path, str(snippet.start_line), str(snippet.end_line), snippet.text))
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, and a process that only reads hashes nothing

    digest = hashlib.blake2b(what.encode(errors="surrogatepass"), digest_size=8)
    digest.update(record)
    return int.from_bytes(digest.digest(), "little", signed=True)


def open_index(folder: Path) -> tantivy.Index:
    """The index in the folder, created if there is none. A read-only one is read through links to
    its files, because tantivy puts a lock file beside them.
    """
    if folder.exists() and not os.access(folder, os.W_OK):
        path = _linked(folder)
    else:
        make_private_folder(folder)
        path = str(folder)
    index = tantivy.Index(build_schema(), path=path, reuse=True)
    # Otherwise a thread of tantivy looks for commits twice a second, and maps their files.
    index.config_reader(reload_policy="manual")
    return index


def _linked(folder: Path) -> str:
    """A temporary folder of links to the files of another, removed when the process ends."""
    # Most indexes are writable.
    from kodit.infrastructure.temporary import temporary_folder  # noqa: PLC0415 - see above

    until_exit = ExitStack()
    atexit.register(until_exit.close)
    linked = until_exit.enter_context(temporary_folder("keyword"))
    for entry in entries_of(folder):
        if not entry.name.endswith(".lock"):
            (linked / entry.name).symlink_to(Path(entry.path).absolute())
    return str(linked)
