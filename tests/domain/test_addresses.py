"""Addresses of repositories as people paste them, and names of sources."""

from __future__ import annotations

import pytest

from kodit.domain.addresses import (
    Address,
    base_name,
    readings_of_page,
    same_repository,
    short_address,
)
from kodit.domain.languages import language_named
from kodit.domain.naming import NameMatch, match_name, source_of
from kodit.domain.near import did_you_mean, near_names
from kodit.domain.search import SearchFilter
from kodit.domain.symbols import bases_named

REPOSITORY = "https://github.com/pallets/flask"


@pytest.mark.parametrize(
    ("page", "first", "readings"),
    [
        (f"{REPOSITORY}/tree/main/src", Address(REPOSITORY, "main", "src"), 2),
        (f"{REPOSITORY}/tree/main", Address(REPOSITORY, "main"), 1),
        (f"{REPOSITORY}/tree/main/", Address(REPOSITORY, "main"), 1),
        (f"{REPOSITORY}/blob/3.0/a/b.py#L3", Address(REPOSITORY, "3.0", "a/b.py", "L3"), 3),
        (f"{REPOSITORY}/blame/main/a%20b.py", Address(REPOSITORY, "main", "a b.py"), 2),
        (f"{REPOSITORY}/commit/abc123", Address(REPOSITORY, "abc123"), 1),
        (f"{REPOSITORY}/commit/abc/a%20b", Address(REPOSITORY, "abc", "a b"), 1),
        (f"{REPOSITORY}/releases/tag/v1", Address(REPOSITORY, "v1"), 1),
        (f"{REPOSITORY}/releases/tag/v%401", Address(REPOSITORY, "v@1"), 1),
        (f"{REPOSITORY}/tree/1/2/3/4/5/6/7/8/9", Address(REPOSITORY, "1", "2/3/4/5/6/7/8/9"), 8),
        (f"{REPOSITORY}/src/main/x.py", Address(REPOSITORY), 1),
        (f"{REPOSITORY}/pull/5/files", Address(REPOSITORY), 1),
        (f"{REPOSITORY}?tab=readme-ov-file", Address(REPOSITORY), 1),
        (
            "https://raw.githubusercontent.com/pallets/flask/main/a.py#L7",
            Address(REPOSITORY, "main", "a.py", "L7"),
            2,
        ),
        (
            "https://gitlab.com/group/sub/r/-/tree/main/x",
            Address("https://gitlab.com/group/sub/r", "main", "x"),
            2,
        ),
        (
            "https://codeberg.org/o/r/src/branch/main/x.py",
            Address("https://codeberg.org/o/r", "main", "x.py"),
            2,
        ),
        (
            "https://bitbucket.org/o/r/src/main/x.py",
            Address("https://bitbucket.org/o/r", "main", "x.py"),
            2,
        ),
    ],
)
def test_the_page_of_a_repository(page: str, first: Address, readings: int) -> None:
    """The shortest branch first: an address does not tell where the branch ends and the path
    begins."""
    found = list(readings_of_page(page))
    assert (found[0], len(found)) == (first, readings)


@pytest.mark.parametrize(
    "text",
    [
        REPOSITORY,
        f"{REPOSITORY}.git",
        f"{REPOSITORY}@main",
        f"{REPOSITORY}@feature/x",
        "https://h/a/b/c",
        "https://[h/a/b/tree/main",
        "ssh://h/a/b",
        "a/b",
    ],
)
def test_addresses_that_are_not_pages(text: str) -> None:
    """It may be the address of a repository itself."""
    assert list(readings_of_page(text)) == []


def test_a_branch_with_slashes() -> None:
    """It is among the readings."""
    found = list(readings_of_page(f"{REPOSITORY}/tree/feature/x/src"))
    assert [(one.ref, one.path) for one in found] == [
        ("feature", "x/src"),
        ("feature/x", "src"),
        ("feature/x/src", ""),
    ]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("pallets/flask", REPOSITORY),
        ("pallets/flask@main", f"{REPOSITORY}@main"),
        ("pallets/flask.js", f"{REPOSITORY}.js"),
        ("a/b/c", None),
        ("./flask", None),
        ("src/..", None),
        ("-a/b", None),
        (f"{'o' * 39}/b", f"https://github.com/{'o' * 39}/b"),
        (f"{'o' * 40}/b", None),
        ("flask", None),
    ],
)
def test_owner_and_name(text: str, url: str | None) -> None:
    assert short_address(text) == url


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://example.org/a/r", "https://example.org/a/r.git", True),
        ("https://example.org/a/r/", "https://example.org/a/r", True),
        ("https://Example.ORG/a/r", "https://example.org/a/r", True),
        ("https://user@example.org/a/r", "https://example.org/a/r", True),
        ("https://www.github.com/A/R", "https://github.com/a/r.git", True),
        ("git@example.org:a/r.git", "git@example.org:a/r", True),
        ("https://example.org/A/r", "https://example.org/a/r", False),
        ("https://example.org/a/r", "http://example.org/a/r", False),
        ("https://example.org/a/r", "https://example.org/a/s", False),
        ("ssh://git@example.org/a/r", "ssh://ada@example.org/a/r", False),
        ("file:///a/r", "file:///a/r.git", False),
        ("/a/r", "/a/r.git", False),
    ],
)
def test_one_repository_in_several_spellings(one: str, other: str, same: bool) -> None:
    """Two folders are never the same."""
    assert same_repository(one, other) is same
    assert same_repository(other, one) is same


SOURCES = [
    source_of(text)
    for text in (
        "/code/shop",
        "/code/shop/inner",
        "https://github.com/pallets/flask.git",
        "https://github.com/pallets/flask@2.0",
        "git@example.org:team/tools.git",
        "/other/tools",
        "https://github.com/psf/requests@feature/x",
        "file:///srv/mirror.git",
        "https://example.org/Team/Ledger",
        "/code/.github",
    )
]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("/code/shop", [NameMatch(0)]),
        ("/code/shop/", [NameMatch(0)]),
        ("/code/shop/web/a.py", [NameMatch(0, "web/a.py")]),
        ("/code/shop/inner/x", [NameMatch(1, "x")]),
        ("/code", []),
        ("/code/shopping", []),
        ("/code/shop/../shop/inner/./x", [NameMatch(1, "x")]),
        ("/pallets/flask", []),
        ("ledger", [NameMatch(8)]),
        ("team/ledger.git", [NameMatch(8)]),
        ("GIT+https://github.com/pallets/flask", [NameMatch(2)]),
        ("https://github.com/psf/requests", []),
        ("https://github.com/psf/requests/tree/main", []),
        ("..", []),
        ("shop", [NameMatch(0)]),
        ("SHOP", [NameMatch(0)]),
        ("code/shop", [NameMatch(0)]),
        ("flask", [NameMatch(2)]),
        ("flask@2.0", [NameMatch(3)]),
        ("flask@9", []),
        ("pallets/flask", [NameMatch(2)]),
        ("github.com/pallets/flask", [NameMatch(2)]),
        ("https://github.com/Pallets/Flask/", [NameMatch(2)]),
        ("git+https://github.com/pallets/flask.git@2.0", [NameMatch(3)]),
        ("https://github.com/pallets/flask/tree/2.0/src", [NameMatch(3, "src")]),
        ("https://github.com/pallets/flask/blob/main/a.py#L3", [NameMatch(2, "a.py")]),
        ("https://github.com/pallets/flask/tree/other", []),
        ("https://github.com/psf/requests/tree/feature/x/src", [NameMatch(6, "src")]),
        ("requests", [NameMatch(6)]),
        ("tools", [NameMatch(4), NameMatch(5)]),
        ("team/tools", [NameMatch(4)]),
        ("git@example.org:team/tools", [NameMatch(4)]),
        ("mirror", [NameMatch(7)]),
        ("lask", []),
        (".", []),
        (".github", []),  # a folder here, whatever else is called like that
        ("code/.github", [NameMatch(9)]),
        ("/", []),
        ("", []),
    ],
)
def test_what_a_name_means(name: str, meant: list[NameMatch]) -> None:
    """By its text alone."""
    assert match_name(name, SOURCES) == meant


@pytest.mark.parametrize(
    ("typed", "language"),
    [
        ("py", "python"),
        ("PY", "python"),
        (".py", "python"),
        ("js", "javascript"),
        ("ts", "typescript"),
        ("c++", "cpp"),
        ("C#", "csharp"),
        ("golang", "go"),
        ("sh", "bash"),
        ("yml", "yaml"),
        ("Rust", "rust"),
        ("cobol", "cobol"),
    ],
)
def test_a_language_by_what_it_is_called(typed: str, language: str) -> None:
    """On every face."""
    assert language_named(typed) == language
    assert SearchFilter(languages=(typed,)).languages == (language,)


@pytest.mark.parametrize(
    ("wrong", "names", "near"),
    [
        ("Sesion", ["Session", "Season", "Request"], ["Session", "Season"]),
        ("pyhton", ["python", "ruby", "php"], ["python"]),
        ("serach", ["search", "status"], ["search"]),
        ("SESSION", ["session"], ["session"]),
        ("zzzz", ["session"], []),
        ("", ["session"], []),
        ("7c", ["c", "go"], ["c"]),
        ("abcde", ["abcfg", "abcdf", "abfgh"], ["abcdf"]),
        ("client", ["lint", "_client", "clients"], ["_client", "clients"]),
        ("cleint", ["lint", "client"], ["client"]),
        ("--ref", ["--yes"], []),
        ("getUserByMail", ["getUserByEmailAddress"], ["getUserByEmailAddress"]),
        ("bsae", ["base", "case"], ["base"]),
        ("sbae", ["base"], []),
        ("tax", ["tay", "tab"], ["tab", "tay"]),
        (
            "Curl_check_noprox",
            ["Curl_scheme_gopher", "Curl_check_noproxy", "CURL_H3_NO_ERROR"],
            ["Curl_check_noproxy"],
        ),
    ],
)
def test_near_names(wrong: str, names: list[str], near: list[str]) -> None:
    assert near_names(wrong, names, 3) == near


def test_a_question_about_near_names() -> None:
    assert did_you_mean([]) == ""
    assert did_you_mean(["a"]) == " Did you mean 'a'?"
    assert did_you_mean(["a", "b", "c"]) == " Did you mean 'a', 'b' or 'c'?"


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("class Request(HTTPConnection[T], metaclass=M):\n    x: Other\n", "httpconnection"),
        ("class Request(\n    HTTPConnection,\n):\n    pass\n", "httpconnection"),
        ("export class Request extends Base implements I {\n  other: Other\n}", "base"),
        ("class Request : public ns::Base {\n Other x; };", "base"),
        ("class Request(val x: Int) : Base() {", "base"),
        ("class Request < Base\n  Other\nend", "base"),
        ("class Request < Base; Other; end", "base"),
    ],
)
def test_the_bases_of_a_type(text: str, base: str) -> None:
    """In several languages; types in its body do not count."""
    assert base in bases_named("Request", text)
    assert "other" not in bases_named("Request", text)


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("/home/a%20b.git", "a%20b.git"),
        ("/home/shop/", "shop"),
        ("/home/c:d", "d"),
        ("https://example.org/o/a%20b.git", "a b"),
        ("https://example.org/o/shop.git/", "shop"),
        ("git@example.org:shop.git", "shop"),
        ("file:///srv/shop.git.git", "shop.git"),
    ],
)
def test_what_a_source_is_called(location: str, name: str) -> None:
    """The name of a folder is as it is; that of a repository has no `.git`."""
    assert base_name(location) == name
