"""Properties of the small values of the domain."""

from __future__ import annotations

from datetime import date

import pytest

from kodit.domain import errors
from kodit.domain.diagnosis import Area, Diagnosis, Problem
from kodit.domain.entities import Snippet
from kodit.domain.savings import Cost, Savings
from kodit.domain.snippet import hash_text
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source, SourceKind, Symbol, SymbolKind


def test_a_symbol_is_named_with_its_scope() -> None:
    assert Symbol("get", SymbolKind.METHOD, "Session.Inner").qualified_name == "Session.Inner.get"
    assert Symbol("get", SymbolKind.FUNCTION).qualified_name == "get"


def test_a_snippet_has_the_hash_of_its_text() -> None:
    """Of any text, even an invalid one; unless the hash is given."""
    assert len(hash_text("\ud800")) == 32
    assert Snippet("a", 1, 1, "text", None, "one").content_hash == hash_text("one")
    assert Snippet("a", 1, 1, "text", None, "one", "given").content_hash == "given"


def test_a_source_is_shown_as_it_is_typed() -> None:
    source = Source(SourceKind.GIT, "https://host/a", "v1")
    assert str(source) == "https://host/a@v1"
    assert str(Source(SourceKind.GIT, "https://host/a")) == "https://host/a"


def test_a_secret_is_shown_by_nothing() -> None:
    """A token is often given as the user name alone."""
    assert Credentials("ada", "s3cret").secrets == ("s3cret",)
    assert Credentials("t0ken").secrets == ("t0ken",)
    shown = repr(Credentials("t0ken", "s3cret"))
    assert "t0ken" not in shown
    assert "s3cret" not in shown


def test_what_a_name_may_mean_is_listed_up_to_a_number() -> None:
    """With the number of further ones, if there are any."""
    for count, more in ((2, ""), (5, ""), (6, " and 1 more"), (9, " and 4 more")):
        error = errors.ambiguous("x", [f"n{number}" for number in range(count)])
        listed = ", ".join(f"n{number}" for number in range(min(count, 5)))
        assert str(error) == f"'x' could be any of {listed}{more}; name one of them"
        assert (error.code, error.fields) == ("source_ambiguous", {"name": "x"})


def test_answers_are_counted_from_the_first_on() -> None:
    """Each tool by itself."""
    first, second = date(2026, 1, 1), date(2026, 1, 2)
    savings = Savings().with_answer("grep", Cost(1, 20, 300), first)
    savings = savings.with_answer("read", Cost(1, 2, 3), second)
    savings = savings.with_answer("grep", Cost(1, 2, 3), second)
    assert savings == Savings(first, {"grep": Cost(2, 22, 303), "read": Cost(1, 2, 3)})


def test_a_directory_is_healthy_when_nothing_is_left_to_repair() -> None:
    problem = Problem(Area.QUEUE, "something", "what to do")
    assert Diagnosis((problem,), ()).is_healthy
    assert not Diagnosis((problem,), (problem,)).is_healthy


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.KoditError, "failed"),
        (errors.UserError, "request_invalid"),
        (errors.SettingError, "setting_invalid"),
        (errors.SourceError, "source_refused"),
        (errors.MissingFolderError, "folder_missing"),
        (errors.RefusedByPolicyError, "refused_by_policy"),
        (errors.NotFoundError, "not_found"),
        (errors.InvalidQueryError, "query_invalid"),
        (errors.DatabaseVersionError, "database_newer"),
        (errors.IndexingError, "indexing_failed"),
        (errors.PermanentError, "stage_failed"),
        (errors.TransientError, "unavailable"),
        (errors.StalledError, "stalled"),
        (errors.LeaseLost, "lease_lost"),
        (errors.TaskCancelled, "cancelled"),
    ],
)
def test_programs_know_an_error_by_its_code(kind: type[errors.KoditError], code: str) -> None:
    """Unless it is given a more specific one."""
    plain = kind("told")
    assert (str(plain), plain.code, plain.fields) == ("told", code, {})
    telling = kind("told", code="other", folder="/a")
    assert (telling.code, telling.fields) == ("other", {"folder": "/a"})


def test_an_error_may_say_when_to_try_again() -> None:
    assert errors.TransientError("told", 7.5).retry_after_seconds == 7.5
    assert errors.TransientError("told").retry_after_seconds is None


def test_missing_things_are_named() -> None:
    for error, what in (
        (errors.no_such_index(3), "index"),
        (errors.no_such_run(3), "run"),
        (errors.no_such_task(3), "task"),
    ):
        assert str(error) == f"there is no {what} 3"
        assert (error.code, error.fields) == (f"{what}_not_found", {what: 3})
