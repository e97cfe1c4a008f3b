"""The endpoints of models, as all workers know them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kodit.domain.endpoints import (
    Bill,
    Endpoint,
    EndpointState,
    Payer,
    Place,
    Refusal,
    Stored,
    Usage,
)
from kodit.domain.search import VectorKind


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of an embedding model: the number of dimensions, and its similarities of texts
    that belong together and of texts that do not, by which they are compared with those of other
    models: of queries with code, then of queries with descriptions."""

    dimensions: int
    code: tuple[float, float]
    text: tuple[float, float]


class EndpointRepository(Protocol):
    """What all workers know of the endpoints, within one transaction."""

    def enter(
        self,
        endpoint: Endpoint,
        payer: Payer,
        expected: Usage,
        now: datetime,
        *,
        keys: Sequence[bytes] = (),
    ) -> Place | Refusal | Stored:
        """Reserve a request within the limits and the budget. The place counts until it is left,
        or its claim ends. `keys` are those of its inputs: none of them may be stored, or be under
        way for another claim, so that nothing is paid twice."""
        ...

    def leave(self, endpoint: Endpoint, place: Place, expected: Usage, used: Usage) -> None:
        """A request was answered: the endpoint works, unless another request has failed since."""
        ...

    def give_up(self, endpoint: Endpoint, place: Place) -> None:
        """A request was not sent, or will not be sent again."""
        ...

    def fail(
        self,
        endpoint: Endpoint,
        place: Place,
        reason: str,
        *,
        now: datetime,
        retry_after: float | None,
    ) -> EndpointState:
        """A request has failed with a transient error: pause the endpoint. Of requests that were
        under way together, only the first failure prolongs the pause."""
        ...

    def pay(self, endpoint: Endpoint, run_id: int, used: Usage, cached: int, now: datetime) -> None:
        """Add to the bill."""
        ...

    def refusal_of_query(
        self, endpoint: Endpoint, expected: Usage, now: datetime
    ) -> Refusal | None:
        """Why a query may not be sent now: a pause, the limits, or the budget of the month. The
        reason is given."""
        ...

    def pay_query(self, endpoint: Endpoint, used: Usage, now: datetime) -> None:
        """Add a query to the bill. It was sent at once; to keep the limits, the stages send later
        by as much."""
        ...

    def states(self) -> list[EndpointState]:
        """The endpoints that have failed since their last answer."""
        ...

    def bills(self, month: str) -> list[Bill]:
        """The bills of a month."""
        ...

    def facts(self, model: str) -> ModelFacts | None:
        """What is known of a model."""
        ...

    def note_facts(self, model: str, facts: ModelFacts) -> None:
        """Record what was found out about a model."""
        ...

    def models_of(self, index_ids: Sequence[int], kind: VectorKind) -> dict[int, tuple[str, ...]]:
        """By index, the models of its vectors: none, one, or while an index moves from one model
        to another, two."""
        ...
