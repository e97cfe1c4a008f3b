"""Reading what is known of endpoints and embedding models."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kodit.domain.endpoints import Bill, EndpointState, Usage
from kodit.domain.ports.endpoints import ModelFacts
from kodit.domain.value_objects import VectorKind
from kodit.infrastructure.mappers.moments import to_moment, to_optional_moment
from kodit.infrastructure.sql.statements import Cursors, Statement

_FAILING = Statement(
    "SELECT endpoints.name, endpoints.paused_until, endpoints.reason, endpoints.failures, "
    "endpoints.failing_since FROM endpoints WHERE endpoints.failures > 0 ORDER BY endpoints.name"
)
_BILLS = Statement(
    "SELECT endpoint_bills.endpoint, endpoint_bills.model, sum(endpoint_bills.calls), "
    "sum(endpoint_bills.texts), sum(endpoint_bills.input_tokens), "
    "sum(endpoint_bills.output_tokens), sum(endpoint_bills.cached), sum(endpoint_bills.cost) "
    "FROM endpoint_bills WHERE endpoint_bills.month = :month "
    "GROUP BY endpoint_bills.endpoint, endpoint_bills.model "
    "ORDER BY endpoint_bills.endpoint, endpoint_bills.model"
)
_FACTS = Statement(
    "SELECT embedding_models.facts FROM embedding_models WHERE embedding_models.model = :model"
)
_ONE_MODEL = (
    "SELECT vectors.model FROM vectors WHERE vectors.index_id = :index AND vectors.kind = :kind "
    "ORDER BY vectors.snippet_id {} LIMIT 1"
)
_FIRST_MODEL = Statement(_ONE_MODEL.format("ASC"))
_LAST_MODEL = Statement(_ONE_MODEL.format("DESC"))


class EndpointReads:
    """Reads over one connection."""

    def __init__(self, driver: Cursors) -> None:
        self._driver = driver

    def states(self) -> list[EndpointState]:
        return [
            EndpointState(name, to_moment(until), reason, failures, to_optional_moment(since))
            for name, until, reason, failures, since in _FAILING.run(self._driver)
        ]

    def bills(self, month: str) -> list[Bill]:
        return [
            Bill(
                endpoint,
                model,
                month,
                Usage(*(int(count) for count in (calls, texts, read, written))),
                int(cached),
                int(cost),
            )
            for endpoint, model, calls, texts, read, written, cached, cost in _BILLS.run(
                self._driver, {"month": month}
            )
        ]

    def facts(self, model: str) -> ModelFacts | None:
        for row in _FACTS.run(self._driver, {"model": model}):
            facts = json.loads(row[0])
            return ModelFacts(
                int(facts["dimensions"]),
                (float(facts["code"][0]), float(facts["code"][1])),
                (float(facts["text"][0]), float(facts["text"][1])),
            )
        return None

    def models_of(self, index_ids: Sequence[int], kind: VectorKind) -> dict[int, tuple[str, ...]]:
        found = {}
        for index_id in index_ids:
            of = {"index": index_id, "kind": kind.value}
            models = [
                row[0]
                for statement in (_FIRST_MODEL, _LAST_MODEL)
                for row in statement.run(self._driver, of)
            ]
            found[index_id] = tuple(dict.fromkeys(models))
        return found
