"""Numbers and names that users are told, or that stored data was made with."""

from __future__ import annotations

from datetime import timedelta

from kodit.domain.batches import MOST_PER_READ, MOST_PER_TRANSACTION, Weight
from kodit.domain.claiming import DEFAULT_RULES, ClaimRules, QueueOrder
from kodit.domain.ranking.query import LONGEST_QUERY, MOST_TERMS
from kodit.domain.retention import Retention, UnusedRetention
from kodit.domain.retry import LONGEST_WAIT, RetryPolicy
from kodit.domain.search import CHARACTERS_PER_TOKEN, TOKENS_PER_PLACE, SearchMode, SearchRequest
from kodit.domain.text import LONGEST_LINE
from kodit.infrastructure.embedding import builtin, static_model
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
    assert builtin.BuiltinEmbedder.model == "kodit-static-1/1"
    assert static_model.LONGEST_TEXT == 8_000
    assert BuiltinEnricher.model == "self-description/1"
    assert (describe.MOST_DOCUMENTATION, describe.MOST_CALLS) == (600, 12)
    assert builtin.BuiltinEmbedder.includes_path
    assert BuiltinEnricher.includes_path
    assert (SCHEMA_VERSION, scoring.MOST_COUNTED) == ("8", 255)
    assert pack_file.VERSION == 2
