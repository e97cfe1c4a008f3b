"""Builds the models that are behind endpoints."""

from __future__ import annotations

from datetime import timedelta

from kodit.application.services.endpoint_gate import EndpointGate
from kodit.domain.endpoints import Budget, Endpoint, Limits, Prices, Purpose
from kodit.domain.ports.database import Database
from kodit.domain.ports.engines import Enricher
from kodit.infrastructure.clock import SystemClock
from kodit.infrastructure.endpoints.connection import Access
from kodit.infrastructure.endpoints.embedder import EmbeddingOptions, EndpointEmbedder
from kodit.infrastructure.endpoints.enricher import EndpointEnricher
from kodit.infrastructure.endpoints.tokenizer import counting
from kodit.settings import Settings


def embedding_access(settings: Settings) -> Access:
    """How the endpoint of the embeddings is reached."""
    return Access(
        "KODIT_EMBEDDING",
        settings.embedding_base_url,
        settings.embedding_api_key,
        settings.embedding_headers,
        settings.model_ca_file,
        settings.embedding_seconds,
    )


def enrichment_access(settings: Settings) -> Access:
    """How the endpoint of the descriptions is reached."""
    return Access(
        "KODIT_ENRICHMENT",
        settings.enrichment_base_url,
        settings.enrichment_api_key,
        settings.enrichment_headers,
        settings.model_ca_file,
        settings.enrichment_seconds,
    )


def make_embedder(settings: Settings, database: Database) -> EndpointEmbedder:
    """The embedder of the settings."""
    access = embedding_access(settings)
    endpoint = Endpoint(
        Purpose.EMBEDDING,
        access.address,
        settings.embedding_model,
        Limits(
            settings.embedding_concurrency,
            settings.embedding_requests_per_minute,
            settings.embedding_tokens_per_minute,
        ),
        Prices(settings.embedding_price),
        Budget(settings.budget_per_run, settings.budget_per_month),
        timedelta(seconds=settings.embedding_seconds),
        _duration(settings.embedding_stage_seconds),
    )
    options = EmbeddingOptions(
        settings.embedding_dimensions,
        settings.embedding_query_instruction,
        settings.embedding_document_instruction,
        settings.embedding_batch,
        settings.embedding_parameters,
    )
    gate = EndpointGate(endpoint, database, SystemClock())
    count = counting("KODIT_EMBEDDING_TOKENIZER", settings.embedding_tokenizer, with_ends=True)
    return EndpointEmbedder(settings.embedding_model, access, options, gate, count)


def make_enricher(settings: Settings, database: Database, here: Enricher) -> EndpointEnricher:
    """The enricher of the settings; `here` describes what may not be sent."""
    access = enrichment_access(settings)
    endpoint = Endpoint(
        Purpose.ENRICHMENT,
        access.address,
        settings.enrichment_model,
        Limits(
            settings.enrichment_concurrency,
            settings.enrichment_requests_per_minute,
            settings.enrichment_tokens_per_minute,
        ),
        Prices(settings.enrichment_price, settings.enrichment_output_price),
        Budget(settings.budget_per_run, settings.budget_per_month),
        timedelta(seconds=settings.enrichment_seconds),
        _duration(settings.enrichment_stage_seconds),
    )
    return EndpointEnricher(
        settings.enrichment_model,
        access,
        EndpointGate(endpoint, database, SystemClock()),
        here,
        output_tokens=settings.enrichment_output_tokens,
        parameters=settings.enrichment_parameters,
        count=counting(
            "KODIT_ENRICHMENT_TOKENIZER", settings.enrichment_tokenizer, with_ends=False
        ),
    )


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
