"""Every setting of an endpoint reaches what it is for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from kodit.composition.endpoints import (
    embedding_access,
    enrichment_access,
    make_embedder,
    make_enricher,
)
from kodit.composition.engines import Engines
from kodit.domain.endpoints import Budget, Endpoint, Limits, Prices, Purpose
from kodit.domain.errors import SettingError
from kodit.infrastructure.endpoints.connection import Access
from kodit.infrastructure.enrichment.builtin import BuiltinEnricher
from kodit.infrastructure.memory.database import MemoryDatabase
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.settings import Settings

SETTINGS = Settings(
    data_dir=Path("/nowhere"),
    embedding_base_url="https://vectors.example/v1",
    embedding_model="small",
    embedding_api_key="env:ONE",
    embedding_headers={"api-key": "1"},
    embedding_parameters={"user": "kodit"},
    embedding_dimensions=12,
    embedding_query_instruction="query: ",
    embedding_document_instruction="text: ",
    embedding_requests_per_minute=13,
    embedding_tokens_per_minute=14,
    embedding_concurrency=15,
    embedding_seconds=16.0,
    embedding_stage_seconds=17.0,
    embedding_price=18.0,
    enrichment_base_url="https://words.example/v1",
    enrichment_model="large",
    enrichment_api_key="env:TWO",
    enrichment_headers={"api-key": "2"},
    enrichment_parameters={"temperature": 0},
    enrichment_output_tokens=21,
    enrichment_requests_per_minute=23,
    enrichment_tokens_per_minute=24,
    enrichment_concurrency=25,
    enrichment_seconds=26.0,
    enrichment_stage_seconds=27.0,
    enrichment_price=28.0,
    enrichment_output_price=29.0,
    budget_per_run=31.0,
    budget_per_month=32.0,
    model_ca_file="/ca.pem",
)


def with_settings(changed: dict[str, Any]) -> Settings:
    return replace(SETTINGS, **changed)


HERE = BuiltinEnricher(ProcessPool(Path("/nowhere")))  # of which no process is started


def test_how_embeddings_are_asked_for() -> None:
    embedder = make_embedder(SETTINGS, MemoryDatabase())
    assert embedder.name == "small"
    assert embedder.endpoint == Endpoint(
        Purpose.EMBEDDING,
        "https://vectors.example/v1",
        "small",
        Limits(15, 13, 14),
        Prices(18.0),
        Budget(31.0, 32.0),
        timedelta(seconds=16),
        timedelta(seconds=17),
    )
    assert embedding_access(SETTINGS) == Access(
        "KODIT_EMBEDDING",
        "https://vectors.example/v1",
        "env:ONE",
        {"api-key": "1"},
        "/ca.pem",
        16.0,
    )


def test_how_descriptions_are_asked_for() -> None:
    enricher = make_enricher(SETTINGS, MemoryDatabase(), HERE)
    assert enricher.endpoint == Endpoint(
        Purpose.ENRICHMENT,
        "https://words.example/v1",
        "large",
        Limits(25, 23, 24),
        Prices(28.0, 29.0),
        Budget(31.0, 32.0),
        timedelta(seconds=26),
        timedelta(seconds=27),
    )
    assert enrichment_access(SETTINGS) == Access(
        "KODIT_ENRICHMENT",
        "https://words.example/v1",
        "env:TWO",
        {"api-key": "2"},
        "/ca.pem",
        26.0,
    )
    assert enricher.body(()) == {
        "model": "large",
        "messages": [],
        "max_tokens": 21,
        "temperature": 0,
    }


def test_no_limits_unless_given() -> None:
    plain = Settings(
        data_dir=Path("/nowhere"),
        embedding_base_url="https://vectors.example/v1",
        embedding_model="small",
        enrichment_base_url="https://words.example/v1",
        enrichment_model="large",
    )
    for endpoint, seconds in (
        (make_embedder(plain, MemoryDatabase()).endpoint, 60),
        (make_enricher(plain, MemoryDatabase(), HERE).endpoint, 120),
    ):
        assert endpoint.limits == Limits(4, None, None)
        assert (endpoint.prices, endpoint.budget) == (Prices(), Budget())
        assert (endpoint.longest_request, endpoint.longest_stage) == (
            timedelta(seconds=seconds),
            None,
        )


@pytest.mark.parametrize(
    "changed",
    [
        {"embedding_dimensions": 13},
        {"embedding_query_instruction": "q: "},
        {"embedding_document_instruction": "d: "},
        {"embedding_parameters": {"user": "other"}},
        {"embedding_model": "other"},
    ],
    ids=str,
)
def test_what_changes_vectors_changes_the_name_of_their_model(changed: dict[str, Any]) -> None:
    before = make_embedder(SETTINGS, MemoryDatabase())
    assert make_embedder(with_settings(changed), MemoryDatabase()).model != before.model


@pytest.mark.parametrize(
    "changed",
    [{"embedding_batch": 3}, {"embedding_seconds": 1.0}, {"embedding_price": 0.0}],
    ids=str,
)
def test_what_does_not_change_vectors_keeps_it(changed: dict[str, Any]) -> None:
    before = make_embedder(SETTINGS, MemoryDatabase())
    assert make_embedder(with_settings(changed), MemoryDatabase()).model == before.model


@pytest.mark.parametrize("what", ["embedding", "enrichment"])
@pytest.mark.parametrize(("given", "missing"), [("base_url", "model"), ("model", "base_url")])
def test_an_address_and_a_model_go_together(what: str, given: str, missing: str) -> None:
    settings = with_settings({f"{what}_{missing}": ""})
    name = f"KODIT_{what.upper()}"
    with pytest.raises(
        SettingError, match=f"^{name}_{given.upper()} is set, but {name}_{missing.upper()} is not"
    ):
        settings.check_endpoints()
    with_settings({f"{what}_{missing}": "", f"{what}_{given}": ""}).check_endpoints()


@pytest.mark.parametrize("budget", ["budget_per_run", "budget_per_month"])
@pytest.mark.parametrize(
    "price", ["embedding_price", "enrichment_price", "enrichment_output_price"]
)
def test_a_budget_needs_one_price(budget: str, price: str) -> None:
    nothing: dict[str, Any] = {
        "embedding_price": 0.0,
        "enrichment_price": 0.0,
        "enrichment_output_price": 0.0,
        "budget_per_run": None,
        "budget_per_month": None,
        budget: 1.0,
    }
    with pytest.raises(SettingError, match=f"^KODIT_{budget.upper()} needs the prices"):
        with_settings(nothing).check_endpoints()
    with_settings(nothing | {price: 0.1}).check_endpoints()


def engines(**changed: Any) -> Engines:
    settings = Settings(data_dir=Path("/nowhere"), **changed)
    return Engines(settings, cast(Any, MemoryDatabase()), ProcessPool(Path("/nowhere")))


EMBEDDING = {"embedding_base_url": "https://a/v1", "embedding_model": "small"}
ENRICHMENT = {"enrichment_base_url": "https://b/v1", "enrichment_model": "large"}


def test_private_files_matter_where_something_is_sent() -> None:
    """For either purpose."""
    assert engines().private_files is None
    assert engines(**EMBEDDING).private_files is not None
    assert engines(**ENRICHMENT).private_files is not None


def test_the_embedder_of_a_model() -> None:
    """That of the settings, the built-in one, or another model at the same endpoint."""
    builtin, behind = engines(), engines(**EMBEDDING)
    former = make_embedder(with_settings({"embedding_model": "former"}), MemoryDatabase()).model
    assert builtin.embedder_of(builtin.embedder.model) is builtin.embedder
    assert builtin.embedder_of(behind.embedder.model) is None
    assert behind.embedder_of(behind.embedder.model) is behind.embedder
    found = behind.embedder_of(builtin.embedder.model)
    assert found is not None
    assert found.model == builtin.embedder.model
    assert behind.embedder_of(former) is None  # of other options
    same = behind.embedder_of("endpoint former/" + behind.embedder.model.rpartition("/")[2])
    assert same is not None
    assert same.model.startswith("endpoint former/")


def test_an_endpoint_is_tried_for_each_purpose() -> None:
    assert len(engines().trials) == 0
    assert len(engines(**EMBEDDING).trials) == 1
    assert len(engines(**EMBEDDING, **ENRICHMENT).trials) == 2
