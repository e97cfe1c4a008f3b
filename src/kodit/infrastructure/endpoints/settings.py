"""The settings of endpoints. Light, as every command loads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from kodit.domain.errors import SettingError

LARGEST_AMOUNT = 1_000_000_000


@dataclass(frozen=True)
class EndpointSettings:
    """Models that another program serves over HTTP."""

    embedding_base_url: str = field(default="", metadata={"kind": "endpoint"})
    """The address of an OpenAI-compatible API, such as `https://api.openai.com/v1` or
    `http://localhost:11434/v1`, whose `/embeddings` makes the vectors; the built-in model unless
    this is set. `http+unix://%2Frun%2Fmodel.sock/v1` is a socket."""
    embedding_model: str = field(default="", metadata={"kind": "text"})
    """The name of the embedding model at that address."""
    embedding_api_key: str = field(default="", repr=False, metadata={"kind": "text"})
    """The key for it: `env:NAME`, `file:/path`, or the key itself."""
    embedding_headers: Mapping[str, str] = field(
        default_factory=dict, repr=False, metadata={"kind": "headers"}
    )
    """Additional headers as a JSON object, such as `{"api-key": "env:AZURE_KEY"}`; values may be
    references as for the key."""
    embedding_parameters: Mapping[str, Any] = field(
        default_factory=dict, metadata={"kind": "object"}
    )
    """Additional parameters of each request as a JSON object."""
    embedding_dimensions: int | None = field(default=None, metadata={"kind": int})
    """How many dimensions to ask for, of models that can shorten their vectors."""
    embedding_query_instruction: str = field(default="", metadata={"kind": "verbatim"})
    """A text that precedes each query, for models that are trained with one."""
    embedding_document_instruction: str = field(default="", metadata={"kind": "verbatim"})
    """A text that precedes each text that is indexed."""
    embedding_batch: int = 64
    """How many texts are sent in one request at most."""
    embedding_requests_per_minute: int | None = field(default=None, metadata={"kind": int})
    """How many requests all workers together send per minute at most."""
    embedding_tokens_per_minute: int | None = field(default=None, metadata={"kind": int})
    """How many tokens all workers together send per minute at most."""
    embedding_concurrency: int = 4
    """How many requests of all workers together are under way at once."""
    embedding_seconds: float = 60.0
    """How long a request may take."""
    embedding_stage_seconds: float | None = field(default=None, metadata={"kind": float})
    """How long a stage may send requests; then it fails, and the next run continues."""
    embedding_price: float = field(default=0.0, metadata={"kind": "amount"})
    """The price of a million input tokens, in any currency."""
    embedding_tokenizer: str = field(default="", metadata={"kind": "path_text"})
    """The `tokenizer.json` of the model, by which tokens are counted exactly; they are estimated
    without it. Needs the extra `tokens`."""

    enrichment_base_url: str = field(default="", metadata={"kind": "endpoint"})
    """The address of an OpenAI-compatible API whose `/chat/completions` describes each snippet in
    words; without it, snippets are described by their own comments and names."""
    enrichment_model: str = field(default="", metadata={"kind": "text"})
    """The name of the chat model at that address."""
    enrichment_api_key: str = field(default="", repr=False, metadata={"kind": "text"})
    """The key for it: `env:NAME`, `file:/path`, or the key itself."""
    enrichment_headers: Mapping[str, str] = field(
        default_factory=dict, repr=False, metadata={"kind": "headers"}
    )
    """As `KODIT_EMBEDDING_HEADERS`."""
    enrichment_parameters: Mapping[str, Any] = field(
        default_factory=dict, metadata={"kind": "object"}
    )
    """As `KODIT_EMBEDDING_PARAMETERS`; for example `{"temperature": 0}`."""
    enrichment_output_tokens: int = 300
    """How many tokens an answer may have; models that reason need more."""
    enrichment_requests_per_minute: int | None = field(default=None, metadata={"kind": int})
    """As `KODIT_EMBEDDING_REQUESTS_PER_MINUTE`."""
    enrichment_tokens_per_minute: int | None = field(default=None, metadata={"kind": int})
    """As `KODIT_EMBEDDING_TOKENS_PER_MINUTE`; an expected answer counts in full."""
    enrichment_concurrency: int = 4
    """As `KODIT_EMBEDDING_CONCURRENCY`."""
    enrichment_seconds: float = 120.0
    """How long a request may take."""
    enrichment_stage_seconds: float | None = field(default=None, metadata={"kind": float})
    """As `KODIT_EMBEDDING_STAGE_SECONDS`."""
    enrichment_price: float = field(default=0.0, metadata={"kind": "amount"})
    """The price of a million input tokens."""
    enrichment_output_price: float = field(default=0.0, metadata={"kind": "amount"})
    """The price of a million output tokens."""
    enrichment_tokenizer: str = field(default="", metadata={"kind": "path_text"})
    """As `KODIT_EMBEDDING_TOKENIZER`."""

    budget_per_run: float | None = field(default=None, metadata={"kind": "amount"})
    """How much one run may cost, by the prices above; then its stages wait."""
    budget_per_month: float | None = field(default=None, metadata={"kind": "amount"})
    """How much all runs of a calendar month (UTC) may cost."""
    private: tuple[str, ...] = field(default=(), metadata={"kind": "globs"})
    """Files that are never sent to an endpoint: patterns as in `.gitignore`, separated by commas.
    A file `.kodit-private` in a source adds to them."""
    model_ca_file: str = field(default="", metadata={"kind": "path_text"})
    """Certificates of your own authority, for endpoints with `https`."""

    def check_endpoints(self) -> None:
        """Raises SettingError for settings that do not go together."""
        for what in ("embedding", "enrichment"):
            url, model = getattr(self, f"{what}_base_url"), getattr(self, f"{what}_model")
            prefix = f"KODIT_{what.upper()}"
            if url and not model:
                raise SettingError(
                    f"{prefix}_BASE_URL is set, but {prefix}_MODEL is not; set it to the name of "
                    "the model"
                )
            if model and not url:
                raise SettingError(
                    f"{prefix}_MODEL is set, but {prefix}_BASE_URL is not; set it to the address "
                    "of the API, such as https://api.openai.com/v1"
                )
        for budget in ("budget_per_run", "budget_per_month"):
            if getattr(self, budget) is not None and not any(
                (self.embedding_price, self.enrichment_price, self.enrichment_output_price)
            ):
                raise SettingError(
                    f"KODIT_{budget.upper()} needs the prices of the models, such as "
                    "KODIT_EMBEDDING_PRICE, to know what is spent"
                )


def endpoint_at(name: str, text: str) -> str:
    """The address of an API. It may have a query, but no user and no key."""
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.username or parts.password:
        raise SettingError(f"{name} must not have a user or a password; set the key instead")
    if parts.scheme not in ("http", "https", "http+unix") or not host or parts.fragment:
        raise SettingError(
            f"{name} must be an address like https://api.openai.com/v1 or http://localhost:11434/v1"
        )
    return url


def object_in(name: str, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SettingError(f'{name} must be a JSON object, such as {{"temperature": 0}}')
    return found


def headers_in(name: str, text: str) -> dict[str, str]:
    found = object_in(name, text)
    for header, value in found.items():
        is_text = isinstance(value, str) and value.isascii() and value.isprintable()
        if not (is_text and header.isascii() and header.replace("-", "").isalnum()):
            raise SettingError(f"{name} must be a JSON object of header names and printable texts")
    return found


def globs_in(_name: str, text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.replace("\n", ",").split(",") if one.strip())


def amount_in(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LARGEST_AMOUNT:
        raise SettingError(f"{name} must be an amount such as 0.02, not {text!r}")
    return value
