"""Numbers that decide how much of what there is an answer shows, and what is stored of it.

Whoever changes one changes answers that people and programs know, or makes stored data differ from
what is made from now on; that is done on purpose.
"""

from __future__ import annotations

from importlib import import_module

import pytest

SHOWN: dict[str, dict[str, float]] = {
    "application.services.browse_service": {"MOST_SUGGESTIONS": 3},
    "application.services.description_search": {"MOST_FOUND": 3},
    "application.services.descriptions.commit": {"MOST_LISTED": 30},
    "application.services.descriptions.overview": {
        "MOST_ENTRIES": 16,
        "MOST_MANIFESTS": 12,
        "LEAST_SHARE": 0.1,
    },
    "application.services.descriptions.usage": {"MOST_REFERENCES": 1_000, "MOST_EXAMPLES": 5},
    "application.services.events.event_log": {"MOST_EVENTS": 500},
    "application.services.events.run_watch": {"MOST_MISSED": 500},
    "application.services.metered_models": {"MOST_LISTED": 3, "MOST_UNANSWERED": 20},
    "application.services.pasted_lookup": {"MOST_LINES_AWAY": 10},
    "domain.descriptions.description": {"MOST_OF_A_PART": 0.4},
    "domain.descriptions.schema.python_syntax": {"MOST_TEXT": 60},
    "domain.descriptions.signatures": {"LONGEST_PARAGRAPH": 30},
    "domain.errors": {"MOST_LISTED": 5},
    "domain.near": {"LEAST_RATIO": 0.6, "LEAST_OF_BEST": 0.8},
    "domain.ports.commits": {"MOST_RECENT": 200},
    "domain.ranking.ranking": {"MOST_BLANK_LINES": 2, "MOST_JOINED_LINES": 100},
    "faces.cli.terminal.other_database": {"MOST_NAMED": 20},
    "faces.cli.terminal.results": {"_MOST_OTHERS": 5, "_MOST_COPIES": 3, "_TAB": 4},
    "faces.mcp.text.page": {"LONGEST_CURSOR_LINE": 160, "SHARE_FOR_STANDING": 0.25},
    "faces.mcp.text.results": {
        "FEW": 2,
        "SMALL_SNIPPET_LINES": 3,
        "MOST_LINES_OF_A_DECLARATION": 4,
        "MOST_OTHERS": 3,
        "LEAST_LINES_OF_A_PART": 3,
    },
    "faces.mcp.text.standing": {"LONGEST_SOURCE": 80, "MOST_INDEXES": 4, "COMMIT_CHARACTERS": 8},
    "faces.mcp.text.symbols": {"LONGEST_LINE_OF_USE": 160},
    "faces.mcp.tools.describing": {"SHARE": 0.9},
    "faces.mcp.tools.nothing": {"MOST_LANGUAGES": 12},
    "front.roots": {"MOST_ROOTS": 32, "LONGEST_ROOT": 4_096},
    "infrastructure.git.commits": {"MOST_FILES": 400, "LONGEST_MESSAGE": 2_000},
    "infrastructure.postgresql.errors": {"_LONGEST_REASON": 200},
    "infrastructure.sql.sqlite": {"_LONGEST_REASON": 200},
}
STORED: dict[str, dict[str, float]] = {
    "domain.cursor": {"_DIGEST_BYTES": 9},
    "domain.descriptions.schema.candidates": {"READER_VERSION": 3},
    "domain.descriptions.stored": {"STORED_VERSION": 1},
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


@pytest.mark.parametrize(
    ("module", "numbers"), (SHOWN | STORED | SECRET).items(), ids=[*SHOWN, *STORED, *SECRET]
)
def test_numbers_are_changed_on_purpose(module: str, numbers: dict[str, float]) -> None:
    found = import_module(f"kodit.{module}")
    assert {name: getattr(found, name) for name in numbers} == numbers
