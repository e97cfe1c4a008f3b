"""What indexing would send to endpoints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DryRunSourceView:
    """A source, and what would be indexed of it."""

    source: str
    files: int
    snippets: int
    private_snippets: int
    """Those that are never sent."""


@dataclass(frozen=True, slots=True)
class DryRunEndpointView:
    """What would be sent to an endpoint. `texts` and `characters` are exact, unless descriptions
    that a model has yet to make are among the texts (`is_exact` is false): then they are what may
    be sent at most. Tokens are estimated: the least, the probable and the most; with the model's
    tokenizer, all three are the same. `cached` texts are not sent, because their results are
    stored. Costs are by the prices of the settings."""

    endpoint: str
    model: str
    texts: int
    characters: int
    is_exact: bool
    cached: int
    input_tokens: tuple[int, int, int]
    most_output_tokens: int
    least_cost: float
    most_cost: float


@dataclass(frozen=True, slots=True)
class DryRunView:
    """The answer to a dry run; nothing has been sent or indexed."""

    sources: tuple[DryRunSourceView, ...]
    endpoints: tuple[DryRunEndpointView, ...]
