"""Numbers on which stored data or secrets depend.

Whoever changes one makes what is stored differ from what is made from now on, which takes a version
or a migration, or makes secrets shorter.
"""

from __future__ import annotations

from importlib import import_module

import pytest

STORED: dict[str, dict[str, float]] = {
    "domain.cursor": {"_DIGEST_BYTES": 9},
    "domain.descriptions.schema.candidates": {"READER_VERSION": 3},
    "domain.descriptions.stored": {"STORED_VERSION": 2},
    "domain.ranking.fields": {"PATH_REPEATED": 3, "NAME_REPEATED": 3, "COMMENT_REPEATED": 1},
    "infrastructure.endpoints.vectors": {"FEWEST_DIMENSIONS": 8, "MOST_DIMENSIONS": 16_384},
    "infrastructure.git.nested_history": {"_DIGEST_BYTES": 3},
    "infrastructure.postgresql.nodes": {"ALIVE_SECONDS": 120, "KEPT_SECONDS": 3_600},
    "infrastructure.slicing.languages": {"TEXT_VERSION": 1},
    "infrastructure.slicing.limits": {
        "TINY_LINES": 3,
        "TINY_CHARACTERS": 200,
        "JOINED_LINES": 24,
        "JOINED_CHARACTERS": 1_000,
        "PARSED_BYTES": 2_000_000,
    },
    "infrastructure.sqlalchemy.endpoints": {"KEY_BYTES": 16, "NO_RUN": 0},
    "infrastructure.sqlalchemy.file_entities": {"NO_HISTORY": 0},
    "infrastructure.sqlalchemy.keyword_log": {"_TOKEN_BITS": 63},
    "infrastructure.sqlalchemy.version_statements": {"UNDATED": 0},
}
SECRET: dict[str, dict[str, float]] = {
    "domain.keys": {"_SECRET_BYTES": 32, "_SALT_BYTES": 16},
    "infrastructure.endpoints.connection": {"SHORTEST_SECRET": 8},
    "server.access": {"_LONGEST_SECRET": 200, "_MOST_SECRETS": 2},
}


@pytest.mark.parametrize(("module", "numbers"), (STORED | SECRET).items(), ids=[*STORED, *SECRET])
def test_numbers_are_changed_on_purpose(module: str, numbers: dict[str, float]) -> None:
    found = import_module(f"kodit.{module}")
    assert {name: getattr(found, name) for name in numbers} == numbers
