"""What the keyword index on disk looks like."""

from __future__ import annotations

import json
from pathlib import Path

import tantivy

from kodit.infrastructure.keyword.schema import build_schema
from kodit.infrastructure.keyword.version import SCHEMA_VERSION

FIELDS = {
    "snippet_id": "i64 indexed fast",
    "index_id": "i64 indexed fast",
    "file_id": "i64 indexed fast",
    "length": "i64 fast",
    "content": "i64 fast",
    "record": "bytes stored",
    "terms": "text whitespace freq",
    "phrases": "text stored whitespace position",
    "name": "text raw basic",
    "minor_name": "text raw basic",
    "kind": "text raw basic",
}


def test_another_schema_has_another_version(tmp_path: Path) -> None:
    """Otherwise a newer program would take an older index for its own. Whoever changes the fields
    here raises the version too."""
    tantivy.Index(build_schema(), path=str(tmp_path))

    fields = json.loads((tmp_path / "meta.json").read_text("utf-8"))["schema"]

    assert SCHEMA_VERSION == "9"
    assert {field["name"]: _told(field) for field in fields} == FIELDS


def _told(field: dict[str, dict[str, object]]) -> str:
    options = field["options"]
    told = [str(field["type"]), *(one for one in ("indexed", "stored", "fast") if options.get(one))]
    if isinstance(indexing := options.get("indexing"), dict):
        told += [indexing["tokenizer"], indexing["record"]]
    return " ".join(told)
