"""The tables of endpoints: their limits and bills, what they refused, and the facts about embedding
models."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    Named,
    String,
    Table,
    Text,
    TypedColumns,
)

from kodit.infrastructure.sqlalchemy.metadata import METADATA


class EndpointColumns(TypedColumns):
    """An endpoint. The next request may be sent at `requests_at`, and not before `tokens_at`, when
    the tokens of earlier ones are within the limit."""

    name: Named[str] = Column(Text, primary_key=True)
    requests_at: Named[int] = Column(BigInteger, default=0)
    tokens_at: Named[int] = Column(BigInteger, default=0)
    paused_until: Named[int] = Column(BigInteger, default=0)
    reason: Named[str | None] = Column(Text)
    failures: Named[int] = Column(Integer, default=0)
    failed_at: Named[int] = Column(BigInteger, default=0)
    failing_since: Named[int | None] = Column(BigInteger)


ENDPOINTS = Table("endpoints", METADATA, EndpointColumns)


class EndpointPlaceColumns(TypedColumns):
    """A request that is under way for a claim. `cost` is its expected cost in millionths, and
    `input_keys` are the cache keys of its inputs, one after the other."""

    endpoint: Named[str] = Column(Text, primary_key=True)
    token: Named[str] = Column(String(32), primary_key=True)
    task_id: Named[int] = Column(BigInteger)
    claim_no: Named[int] = Column(Integer)
    run_id: Named[int] = Column(BigInteger)
    cost: Named[int] = Column(BigInteger)
    input_keys: Named[bytes] = Column(LargeBinary)
    expires_at: Named[int] = Column(BigInteger)


ENDPOINT_PLACES = Table("endpoint_places", METADATA, EndpointPlaceColumns)


class EndpointBillColumns(TypedColumns):
    """What a run has used of an endpoint and model in a month; `cost` is in millionths."""

    month: Named[str] = Column(String(7), primary_key=True)
    run_id: Named[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    endpoint: Named[str] = Column(Text, primary_key=True)
    model: Named[str] = Column(Text, primary_key=True)
    calls: Named[int] = Column(BigInteger)
    texts: Named[int] = Column(BigInteger)
    input_tokens: Named[int] = Column(BigInteger)
    output_tokens: Named[int] = Column(BigInteger)
    cached: Named[int] = Column(BigInteger)
    cost: Named[int] = Column(BigInteger)


ENDPOINT_BILLS = Table("endpoint_bills", METADATA, EndpointBillColumns)


class EmbeddingModelColumns(TypedColumns):
    """What is known of an embedding model; `facts` is JSON."""

    model: Named[str] = Column(Text, primary_key=True)
    facts: Named[str] = Column(Text)


EMBEDDING_MODELS = Table("embedding_models", METADATA, EmbeddingModelColumns)


class RefusedSnippetColumns(TypedColumns):
    """A live snippet for which the model gave no usable description, and why. It is not pending: it
    becomes pending again when a user asks for a run."""

    index_id: Named[int] = Column(BigInteger, primary_key=True)
    snippet_id: Named[int] = Column(BigInteger, primary_key=True)
    reason: Named[str] = Column(Text)


REFUSED_SNIPPETS = Table(
    "refused_snippets", METADATA, RefusedSnippetColumns, sqlite_with_rowid=False
)
