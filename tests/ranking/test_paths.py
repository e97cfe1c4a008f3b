"""Paths tell what a file is about and what it is for."""

from __future__ import annotations

import pytest

from kodit.domain.ranking.paths import is_of_program, named_share, path_facts


@pytest.mark.parametrize(
    "path",
    [
        "tests/app.py", "src/test_app.py", "pkg/server_test.go", "lib/a.spec.ts", "FooTest.java",
        "src/__tests__/x.js", "conftest.py", "shop/tests.py", "src/queue/tests.rs", "fs/mocks.rs",
    ],
)  # fmt: skip
def test_tests_are_known(path: str) -> None:
    assert path_facts(path).is_test


@pytest.mark.parametrize(
    "path",
    ["src/contest.py", "latest/app.py", "lib/testament.rb", "attest.go", "protest/x.c"],
)
def test_words_that_contain_test_are_no_tests(path: str) -> None:
    assert not path_facts(path).is_test


def test_roles_are_told_apart() -> None:
    assert path_facts("examples/todo/app.js").is_example
    assert path_facts("vendor/github.com/x/y.go").is_derived
    assert path_facts("api/user_pb2.py").is_derived
    assert path_facts("pkg/_compat.py").is_compatibility
    plain = path_facts("src/core/app.py")
    assert not (plain.is_test or plain.is_example or plain.is_derived or plain.is_compatibility)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/lantern.py", True),
        ("tests/lantern.py", False),
        ("examples/lantern.py", False),
        ("vendor/lantern.py", False),
    ],
)
def test_files_of_the_program_are_told_apart(path: str, expected: bool) -> None:
    """As by the facts, at less cost."""
    facts = path_facts(path)
    assert is_of_program(path) is expected
    assert (facts.is_test or facts.is_example or facts.is_derived) is not expected


def test_words_come_from_folders_and_the_name_without_extension() -> None:
    facts = path_facts("http/middleware/SessionStore.test.ts")
    assert facts.folder_words == ("http", "middlewar")
    assert facts.file_words == ("sess", "stor", "test")
    assert facts.extension == "ts"
    assert facts.depth == 2


def test_a_name_that_begins_with_a_dot_is_no_extension() -> None:
    assert (path_facts(".env").extension, path_facts(".env").file_words) == ("", ("env",))


@pytest.mark.parametrize(
    ("name", "query", "share"),
    [
        (("mutex",), ("async", "mutex"), 1.0),
        (("mutex", "guard"), ("mutex",), 0.5),
        (("formparser",), ("form", "parser"), 1.0),
        (("websocket",), ("socket",), 6 / 9),
        (("jsonmap",), ("map",), 3 / 7),
        (("ioutil",), ("io",), 0.0),
        (("auth",), ("authentic",), 1.0),
        (("app",), ("applic",), 1.0),
        (("id",), ("identity",), 0.0),
        (("cache",), ("queue",), 0.0),
        ((), ("queue",), 0.0),
    ],
)
def test_share_of_a_name_that_a_query_says(
    name: tuple[str, ...], query: tuple[str, ...], share: float
) -> None:
    assert named_share(name, query) == pytest.approx(share)
