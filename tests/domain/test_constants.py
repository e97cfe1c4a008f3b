"""Numbers and names that users are told, or that stored data was made with."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest

from kodit.domain.batches import MOST_PER_READ, MOST_PER_TRANSACTION, Weight
from kodit.domain.claiming import DEFAULT_RULES, ClaimRules, QueueOrder
from kodit.domain.ranking.query import LONGEST_QUERY, MOST_TERMS
from kodit.domain.retention import Retention, UnusedRetention
from kodit.domain.retry import LONGEST_WAIT, RetryPolicy
from kodit.domain.search import CHARACTERS_PER_TOKEN, TOKENS_PER_PLACE, SearchMode, SearchRequest
from kodit.domain.text import LONGEST_LINE
from kodit.infrastructure.embedding import builtin, static_model
from kodit.infrastructure.endpoints.embedder import EmbeddingOptions
from kodit.infrastructure.enrichment import describe
from kodit.infrastructure.enrichment.builtin import BuiltinEnricher
from kodit.infrastructure.keyword import scoring
from kodit.infrastructure.keyword.version import SCHEMA_VERSION
from kodit.infrastructure.vectors import pack_file


def test_how_much_is_kept() -> None:
    assert Retention() == Retention(20, timedelta(days=14))
    assert UnusedRetention() == UnusedRetention(timedelta(days=7), 256_000_000)


def test_how_tasks_are_claimed_and_tried_again() -> None:
    assert ClaimRules(QueueOrder.PRIORITY, {}) == DEFAULT_RULES
    assert RetryPolicy() == RetryPolicy(5, 2.0, 300.0)
    assert timedelta(days=1) == LONGEST_WAIT


def test_how_much_goes_into_a_batch() -> None:
    assert Weight(512, 2_000_000) == MOST_PER_TRANSACTION
    assert Weight(2048, 4_000_000) == MOST_PER_READ


def test_what_a_search_is_without_options() -> None:
    request = SearchRequest("query")
    assert (request.mode, request.limit, request.offset) == (SearchMode.HYBRID, 10, 0)
    assert request.budget is None
    assert (CHARACTERS_PER_TOKEN, TOKENS_PER_PLACE, LONGEST_LINE) == (4, 30, 400)
    assert (LONGEST_QUERY, MOST_TERMS) == (2_000, 64)


def test_what_is_stored_names_what_it_was_made_with() -> None:
    """Another number needs another name or version; otherwise stored results are mixed with new
    ones."""
    assert builtin.BuiltinEmbedder.model == "kodit-static-1/2"
    assert static_model.LONGEST_TEXT == 8_000
    assert BuiltinEnricher.model == "self-description/1"
    assert (describe.MOST_DOCUMENTATION, describe.MOST_CALLS) == (600, 12)
    assert builtin.BuiltinEmbedder.is_local
    assert BuiltinEnricher.includes_name
    assert (SCHEMA_VERSION, scoring.MOST_COUNTED) == ("9", 255)
    assert pack_file.VERSION == 2


@pytest.mark.parametrize(
    ("module", "limits"),
    [
        (
            "domain.descriptions.kinds",
            {
                "DEFAULT_BUDGET": 3_000,
                "LEAST_BUDGET": 100,
                "MOST_BUDGET": 20_000,
                "LONGEST_SUBJECT": 1_000,
            },
        ),
        (
            "domain.repository_map",
            {
                "DEFAULT_BUDGET": 1_500,
                "LEAST_BUDGET": 100,
                "MOST_BUDGET": 20_000,
                "LONGEST_LINE": 120,
            },
        ),
        ("domain.questions", {"LONGEST_WAIT_SECONDS": 30.0, "WAIT_SECONDS": 2.0}),
        ("domain.intervals", {"SHORTEST_SYNC_EVERY": 60, "LONGEST_SYNC_EVERY": 31_622_400}),
        ("domain.cursor", {"LONGEST": 100}),
        (
            "domain.endpoints",
            {"MICRO": 1_000_000, "FIRST_PAUSE_SECONDS": 0.25, "LONGEST_PAUSE_SECONDS": 300.0},
        ),
        ("application.services.query_checks", {"LONGEST_QUERY": 200_000}),
        ("application.services.grep_service", {"TIME_LIMIT_SECONDS": 60.0}),
        ("application.services.symbol_service", {"LONGEST_NAME": 300}),
        ("application.services.related_service", {"MOST_OF_ONE_FILE": 2}),
        ("application.services.sync_scheduler", {"WATCHED_SECONDS": 21_600.0}),
        ("infrastructure.grep.matching", {"LONGEST_PATTERN": 5_000}),
        (
            "infrastructure.sql.globs",
            {"_MOST_GLOBS": 100, "_MOST_WILDCARDS": 4, "_LONGEST_GLOB": 4_000},
        ),
        ("infrastructure.file_sizes", {"USUAL_LIMIT": 1_000_000, "_NOTEBOOK_FACTOR": 10}),
        ("infrastructure.resident.starting", {"IDLE_MINUTES": 30, "ALREADY_RUNNING": 3}),
        ("infrastructure.postgresql.worker_registry", {"GRACE_SECONDS": 15.0}),
        (
            "infrastructure.endpoints.prompt",
            {"LONGEST_CODE": 12_000, "LONGEST_DESCRIPTION": 1_500, "SHORTEST_DESCRIPTION": 3},
        ),
        ("server.serving", {"SYNC_EVERY_SECONDS": 1_800.0}),
        ("server.log_file", {"LARGEST_BYTES": 5_000_000}),
        ("front.resident", {"SECONDS_TO_START": 40.0, "ALREADY_RUNNING": 3}),
        (
            "faces.cli.app",
            {
                "EXIT_FAILED": 1,
                "EXIT_USER_ERROR": 2,
                "EXIT_SERVER_RUNS": 3,
                "EXIT_INTERRUPTED": 130,
            },
        ),
        ("faces.cli.commands.options", {"EXIT_NOTHING_FOUND": 1, "EXIT_ERROR": 2}),
        ("faces.cli.commands.grep", {"MOST_LINES": 100_000}),
        ("faces.mcp.tools.reading", {"LONGEST_LINE": 2_000}),
        (
            "faces.mcp.arguments",
            {"LONGEST_TEXT": 200_000, "MOST_VALUES": 100, "LONGEST_VALUE": 4_000},
        ),
        (
            "faces.mcp.definitions",
            {
                "DEFAULT_BUDGET": 4_000,
                "LARGEST_BUDGET": 25_000,
                "LONGEST_WAIT_SECONDS": 50,
                "MOST_RESULTS": 500,
            },
        ),
        (
            "faces.rest.parameters",
            {
                "MOST_RESULTS": 500,
                "MOST_VALUES": 100,
                "MOST_VALUES_IN_QUERY": 20,
                "LONGEST_VALUE_IN_QUERY": 500,
                "LONGEST_VALUE": 4_000,
            },
        ),
    ],
)
def test_limits_that_callers_are_told(module: str, limits: dict[str, float]) -> None:
    """In the documentation, or by an error beyond them."""
    found = import_module(f"kodit.{module}")
    assert {name: getattr(found, name) for name in limits} == limits


def test_what_goes_into_a_request_to_an_endpoint_without_options() -> None:
    assert EmbeddingOptions() == EmbeddingOptions(None, "", "", 64, {})
