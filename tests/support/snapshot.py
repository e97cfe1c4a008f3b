"""All results of indexing, in a form in which two data directories can be compared: what each index
has, wherever it is stored, and nothing that no index has any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.files import of_files
from tests.support.stores import rows_of

from kodit import Kodit

QUERIES = ("anchor basket", "whisper", "enumerate position", "guide lantern", "thunder 17")

_SNIPPETS = of_files("""
SELECT file.path, snippet.state, snippet.start_line, snippet.end_line, snippet.language,
       snippet.symbol, snippet.kind, snippet.scope, snippet.also_defines, snippet.minor_symbols,
       snippet.mentions,
       coalesce(of_snippet.text, snippet.text), snippet.content_hash, enrichment.text
FROM snippets AS snippet JOIN FILES ON file.version_id = snippet.version_id
LEFT JOIN snippet_texts AS of_snippet ON of_snippet.id = snippet.text_id
LEFT JOIN enrichments AS enrichment ON enrichment.id = snippet.enrichment_id
""")
_VECTORS = of_files("""
SELECT file.path, snippet.start_line, snippet.state, vector.kind, vector.model, vector.code,
       embedding.vector
FROM vectors AS vector JOIN snippets AS snippet ON snippet.id = vector.snippet_id
JOIN FILES ON file.version_id = vector.version_id
JOIN embeddings AS embedding ON embedding.id = vector.embedding_id
""")
_FILES = of_files("""
SELECT path, status, stale, language, problem, content_hash, content_hash = extracted_hash,
       author, changed_at, created_at
FROM FILES
""")


def execute(data_dir: Path, statement: str, *values: Any) -> None:
    """Change the database without Kodit."""
    with rows_of(data_dir) as rows:
        rows.execute(statement, values)


def read_rows(data_dir: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of the database, sorted."""
    with rows_of(data_dir) as rows:
        return sorted(rows.execute(query).fetchall(), key=repr)


def take_snapshot(data_dir: Path, queries: Sequence[str] = QUERIES) -> dict[str, Any]:
    """Snippets, vectors, file statuses, keyword hits, and pending work."""
    return {
        "snippets": read_rows(data_dir, _SNIPPETS),
        "vectors": read_rows(data_dir, _VECTORS),
        "files": read_rows(data_dir, _FILES),
        "pending": read_rows(data_dir, "SELECT * FROM pending_snippets"),
        "keyword changes": read_rows(data_dir, "SELECT * FROM keyword_changes"),
        "hits": keyword_hits(data_dir, queries),
    }


def keyword_hits(data_dir: Path, queries: Sequence[str]) -> dict[str, list[tuple[str, int, float]]]:
    """Path, first line and score of every hit in the keyword index, by query."""
    with Kodit(data_dir) as kodit:
        return {
            query: sorted(
                (result.snippet.path, result.snippet.start_line, result.score)
                for result in kodit.search(query, mode="keyword", limit=100_000)
            )
            for query in queries
        }
