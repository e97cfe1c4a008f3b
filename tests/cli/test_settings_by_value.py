"""Accepted values of settings, and refused ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.settings_places import Places, places

from kodit import Kodit
from kodit.domain.claiming import QueueOrder
from kodit.domain.errors import UserError
from kodit.domain.policy import AllowedCredentials
from kodit.domain.value_objects import TaskType

__all__ = ["places"]


def test_what_remote_callers_may_do(places: Places) -> None:
    """Lists are split at commas, folders also at colons; roots are compared without links."""
    real = places.data_dir.parent / "code"
    real.mkdir()
    (places.data_dir.parent / "link").symlink_to(real)
    settings = places.load(
        {
            "KODIT_ALLOWED_ROOTS": f"{places.data_dir.parent / 'link'}:/srv/a, /srv/b,",
            "KODIT_ALLOW_PRIVATE_ADDRESSES": "Yes",
            "KODIT_ALLOWED_CREDENTIALS": "env:A, B@Git.example.org",
        }
    )
    assert settings.allowed_roots == (real, Path("/srv/a"), Path("/srv/b"))
    assert settings.allow_private_addresses
    assert settings.allowed_credentials == (
        AllowedCredentials("env:A"),
        AllowedCredentials("env:B", "git.example.org"),
    )
    assert places.load().allowed_roots == ()
    assert not places.load({"KODIT_ALLOW_PRIVATE_ADDRESSES": "0"}).allow_private_addresses


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("KODIT_ALLOWED_ROOTS", "srv", "must be absolute paths; 'srv' is not one"),
        ("KODIT_ALLOWED_ROOTS", "~nobody-of-this-name", "which is not a path"),
        ("KODIT_ALLOW_PRIVATE_ADDRESSES", "maybe", "must be true or false, not 'maybe'"),
        ("KODIT_ALLOWED_CREDENTIALS", "ada:s3cret", r"must be references like env:TOKEN@git"),
        ("KODIT_ALLOWED_CREDENTIALS", "env:A@", r"must be references like env:TOKEN@git"),
    ],
)
def test_a_mistake_in_what_remote_callers_may_do(
    places: Places, name: str, value: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence) as refused:
        places.load({name: value})
    assert "s3cret" not in str(refused.value)


def test_the_faces_read_the_same_places(places: Places) -> None:
    """The command line as a process, and Python."""
    (places.data_dir / ".env").write_text("KODIT_ALLOWED_ROOTS=/\n")
    outcome = KoditCommand(places.data_dir).run_here("status")
    assert (outcome.code, outcome.out) == (2, "")
    (said,) = outcome.said
    assert said.startswith("kodit: KODIT_ALLOWED_ROOTS cannot be set in ")
    with pytest.raises(UserError, match="KODIT_ALLOWED_ROOTS cannot be set"):
        Kodit(places.data_dir)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("KODIT_WORKER_SLOTS", "0", "must be larger than 0 and at most 1,000,000,000, not '0'"),
        ("KODIT_WORKER_SLOTS", "-1", "must be larger than 0"),
        ("KODIT_KEEP_DAYS", "nan", "must be larger than 0"),
        ("KODIT_KEEP_DAYS", "1e99", "at most 1,000,000,000"),
        ("KODIT_WORKER_SLOTS", "1.5", "KODIT_WORKER_SLOTS must be a number, not '1.5'"),
        ("KODIT_QUEUE_ORDER", "best", "must be one of priority, run_first, not 'best'"),
        ("KODIT_TASK_LIMITS", "SYNC=x", "KODIT_TASK_LIMITS of SYNC must be a number, not 'x'"),
        ("KODIT_TASK_LIMITS", "SYNC=0", "KODIT_TASK_LIMITS of SYNC must be larger than 0"),
        ("KODIT_TASK_LIMITS", "SYNC=1,NAP=2", "of the types SYNC, .*; 'NAP=2' is not"),
        ("KODIT_LEASE_SECONDS", "29.9", r"KODIT_LEASE_SECONDS \(29.9\) must be at least twice"),
        ("KODIT_ALLOW_PRIVATE_ADDRESSES", " ", "must be true or false, not ' '"),
    ],
)
def test_invalid_values(places: Places, name: str, value: str, sentence: str) -> None:
    """One sentence with the name, the value, and the accepted ones."""
    with pytest.raises(UserError, match=sentence):
        places.load({name: value})


def test_values_at_their_limits(places: Places) -> None:
    """Ignoring case and surrounding spaces."""
    settings = places.load(
        {
            "KODIT_LEASE_SECONDS": "30",
            "KODIT_KEEP_RUNS": "1000000000",
            "KODIT_QUEUE_ORDER": "Run_First",
            "KODIT_TASK_LIMITS": " sync = 1 ,ENRICH=2",
            "KODIT_ALLOW_PRIVATE_ADDRESSES": " ON ",
        }
    )
    assert (settings.lease_seconds, settings.keep_runs) == (30.0, 1_000_000_000)
    lease = {"KODIT_LEASE_SECONDS": "30", "KODIT_HEARTBEAT_SECONDS": "15"}
    assert places.load(lease).heartbeat_seconds == 15
    with pytest.raises(UserError, match="must be at least twice"):
        places.load(lease | {"KODIT_HEARTBEAT_SECONDS": "15.1"})
    assert settings.queue_order is QueueOrder.RUN_FIRST
    assert settings.task_limits == {TaskType.SYNC: 1, TaskType.ENRICH: 2}
    assert settings.allow_private_addresses
    assert not places.load({"KODIT_ALLOW_PRIVATE_ADDRESSES": "off"}).allow_private_addresses


def test_the_policy_is_that_of_the_settings(places: Places) -> None:
    """Each of its three parts, and by default none."""
    nothing = places.load().policy_of_remote_callers
    assert not (nothing.allowed_roots or nothing.allowed_credentials)
    assert not nothing.allow_private_addresses
    policy = places.load(
        {
            "KODIT_ALLOWED_ROOTS": "/srv/a",
            "KODIT_ALLOW_PRIVATE_ADDRESSES": "1",
            "KODIT_ALLOWED_CREDENTIALS": "env:A",
        }
    ).policy_of_remote_callers
    assert policy.allowed_roots == (Path("/srv/a"),)
    assert policy.allow_private_addresses
    assert policy.allowed_credentials == (AllowedCredentials("env:A"),)


@pytest.mark.parametrize("named", ["", " ", "\t"])
def test_a_data_directory_without_a_name(places: Places, named: str) -> None:
    """It would mean the current folder."""
    with pytest.raises(UserError, match="the name of the data directory is empty"):
        places.load(data_dir=named)


def test_no_secret_is_in_the_representation(places: Places) -> None:
    """It may end up in a log or a traceback."""
    secrets = {
        "KODIT_API_KEY": "s3cret-1",
        "KODIT_EMBEDDING_API_KEY": "s3cret-2",
        "KODIT_EMBEDDING_HEADERS": '{"X-Key": "s3cret-3"}',
        "KODIT_ENRICHMENT_API_KEY": "s3cret-4",
        "KODIT_ENRICHMENT_HEADERS": '{"X-Key": "s3cret-5"}',
    }
    settings = places.load(secrets)
    assert settings.api_key == "s3cret-1"
    assert settings.enrichment_headers == {"X-Key": "s3cret-5"}
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("what", ["EMBEDDING", "ENRICHMENT"])
@pytest.mark.parametrize(("given", "lacks"), [("BASE_URL", "MODEL"), ("MODEL", "BASE_URL")])
def test_a_model_and_its_address_go_together(
    places: Places, what: str, given: str, lacks: str
) -> None:
    value = {"BASE_URL": "https://models.example.org/v1", "MODEL": "m"}
    expected = f"KODIT_{what}_{given} is set, but KODIT_{what}_{lacks} is not"
    with pytest.raises(UserError, match=expected):
        places.load({f"KODIT_{what}_{given}": value[given]})
    both = places.load({f"KODIT_{what}_{name}": one for name, one in value.items()})
    assert "m" in (both.embedding_model, both.enrichment_model)


@pytest.mark.parametrize("budget", ["KODIT_BUDGET_PER_RUN", "KODIT_BUDGET_PER_MONTH"])
def test_a_budget_needs_a_price(places: Places, budget: str) -> None:
    """Of any of the models; nothing may be spent too."""
    for price in ("EMBEDDING_PRICE", "ENRICHMENT_PRICE", "ENRICHMENT_OUTPUT_PRICE"):
        settings = places.load({budget: "0", f"KODIT_{price}": "0.5"})
        assert 0.0 in (settings.budget_per_run, settings.budget_per_month)
        with pytest.raises(UserError, match=f"{budget} needs the prices"):
            places.load({budget: "0", f"KODIT_{price}": "0"})
    with pytest.raises(UserError, match="must be an amount"):
        places.load({budget: "-0.5", "KODIT_EMBEDDING_PRICE": "1"})
