"""The sources that a user may type, and those that are refused."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodit.domain.errors import SourceError
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.sources.parsing import parse_source


@pytest.mark.parametrize(
    ("text", "location", "ref"),
    [
        ("https://example.org/a/b.git", "https://example.org/a/b.git", None),
        ("https://example.org/a/b/", "https://example.org/a/b", None),
        ("HTTPS://Example.ORG/A/b", "https://example.org/A/b", None),
        ("http://example.org:8080/a/b", "http://example.org:8080/a/b", None),
        ("git://example.org/a/b", "git://example.org/a/b", None),
        ("https://[::1]:8080/a", "https://[::1]:8080/a", None),
        ("https://example.org/a/b@main", "https://example.org/a/b", "main"),
        ("https://example.org/a/b.git@feature/x", "https://example.org/a/b.git", "feature/x"),
        ("https://example.org/a/b@pkg@1.0.0", "https://example.org/a/b", "pkg@1.0.0"),
        ("https://example.org/@scope/b", "https://example.org/@scope/b", None),
        ("https://example.org/@scope/b@@scope/c@1", "https://example.org/@scope/b", "@scope/c@1"),
        ("ssh://git@example.org/a/b", "ssh://git@example.org/a/b", None),
        ("ssh://git@example.org:22/a/b@v1", "ssh://git@example.org:22/a/b", "v1"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git", None),
        ("git@example.org:a/b.git@v1.0", "git@example.org:a/b.git", "v1.0"),
        ("git@example.org:~a/b", "git@example.org:~a/b", None),
        ("git@example.org:a/b/@v1", "git@example.org:a/b/@v1", None),
        ("git@example.org:/", "git@example.org:/", None),
    ],
)
def test_urls(text: str, location: str, ref: str | None) -> None:
    """Scheme and host in lower case, no trailing slash, the ref separate."""
    parsed = parse_source(text)
    assert parsed.source == Source(SourceKind.GIT, location, ref)
    assert parsed.credentials is None


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        ("https://user:pass@example.org/a/b@v1", Credentials("user", "pass")),
        ("https://t%40ken@example.org/a/b@v1", Credentials("t@ken")),
        ("https://user:p%2Fa%3Ass@example.org/a/b@v1", Credentials("user", "p/a:ss")),
        ("https://:pass@example.org/a/b@v1", Credentials("git", "pass")),
        ("http://x:y@z@example.org/a/b@v1", Credentials("x", "y@z")),
    ],
)
def test_credentials_are_taken_out_of_a_url(text: str, credentials: Credentials) -> None:
    """They are in neither the location nor what is printed."""
    parsed = parse_source(text)
    assert parsed.credentials == credentials
    assert parsed.source.location in ("https://example.org/a/b", "http://example.org/a/b")
    assert parsed.source.ref == "v1"
    for secret in credentials.secrets:
        assert secret not in repr(parsed)


def test_the_address_of_a_page(tmp_path: Path) -> None:
    """The likeliest reading, and the others beside it."""
    parsed = parse_source("https://github.com/a/b/tree/feature/x", cwd=tmp_path)
    url = "https://github.com/a/b"
    assert parsed.source == Source(SourceKind.GIT, url, "feature")
    assert parsed.others == (Source(SourceKind.GIT, url, "feature/x"),)


def test_owner_and_name_where_there_is_no_such_folder(tmp_path: Path) -> None:
    """With a ref, or without the scheme that nobody types."""
    url = "https://github.com/a/b"
    for text, ref in (("a/b", None), ("a/b@v1", "v1"), ("github.com/a/b@v1", "v1")):
        assert parse_source(text, cwd=tmp_path).source == Source(SourceKind.GIT, url, ref)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "github.com" / "a" / "b").mkdir(parents=True)
    for text in ("a/b", "github.com/a/b"):
        folder = str(tmp_path.resolve() / text)
        assert parse_source(text, cwd=tmp_path).source == Source(SourceKind.FOLDER, folder)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("ext::sh -c touch% x", "transport"),
        ("fd::17/foo", "transport"),
        ("https::https://example.org/a", "transport"),
        ("-oProxyCommand=x", "option"),
        ("--upload-pack=x", "option"),
        ("https://example.org/a\nb", "control characters"),
        ("https://example.org/a\0b", "control characters"),
        ("./a\x1b[31m", "control characters"),
        ("ftp://example.org/a", "ftp"),
        ("ftp://example.org/https://example.com", "uses ftp://"),
        ("svn+ssh://example.org/a", r"svn\+ssh"),
        ("javascript://x", "javascript"),
        ("https:///a/b", "no valid host"),
        ("https://-x/a/b", "no valid host"),
        ("ssh://-oProxyCommand=x/a", "no valid host"),
        ("ssh://-x@example.org/a", "no valid user"),
        ("ssh://git:pass@example.org/a", "use a key"),
        ("https://example.org:x/a", "not a valid URL"),
        ("https://example.org/a?b=c", "has a query or a fragment"),
        ("https://example.org/a?from=http://example.com", "has a query or a fragment"),
        ("https://example.org/a#b", "has a query or a fragment"),
        ("https://example.org", "no repository"),
        ("https://example.org/", "no repository"),
        ("git@-x:a/b", "option"),
        ("git@example.org:-x", "option"),
        ("https://example.org/a/b@", "branch, tag or commit"),
        ("https://example.org/a/b@-x", "branch, tag or commit"),
        ("https://example.org/a/b@a..b", "branch, tag or commit"),
        ("https://example.org/a/b@a b", "branch, tag or commit"),
        ("https://example.org/a/b@x:y", "branch, tag or commit"),
        ("https://example.org/a/b@x.lock", "branch, tag or commit"),
        ("https://example.org/a/b@x^{commit}", "branch, tag or commit"),
        ("file://example.org/a", "local paths"),
        ("file:///no/such/path", "the repository /no/such/path does not exist"),
        ("file:///a%00b", "control characters"),
        ("htp://x", "use https, http, ssh, git, file, user@host:path, or a local folder"),
        ("file://[", "local paths"),
        ("no/such/folder", "no/such/folder does not exist"),
        ("example.org:a/b", "does not exist"),
        ("~/no/such/folder", "does not exist"),
    ],
)
def test_a_refused_source_is_told_in_one_sentence(text: str, says: str) -> None:
    """Without any control characters in it."""
    with pytest.raises(SourceError, match=says) as error:
        parse_source(text)
    assert str(error.value).isprintable()
    assert not str(error.value).endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "ftp://user:hunter2@example.org/a",
        "https://user:hunter2@example.org:x/a",
        "https://user:hunter2@/a",
        "https://user:a/hunter2@example.org/a",
        "https://user:hunter2/a@example.org/a",
        "https://user:hunter2@example.org",
        "https://user:hunter2@example.org/a@-x",
        "ssh://user:hunter2@example.org/a",
        "https::https://user:hunter2@example.org/a",
        "https://user:hunter2\n@example.org/a",
        "https://user:hunter2%00@example.org/a",
        "file://user:hunter2@example.org/a",
        "https://user:p@hunter2@example.org:x/a",
    ],
)
def test_a_refusal_does_not_repeat_the_password(text: str) -> None:
    """Error messages end up in logs."""
    with pytest.raises(SourceError) as error:
        parse_source(text)
    assert "hunter2" not in str(error.value)


@given(st.text(max_size=30), st.sampled_from(["", "https://", "git@h:", "file://", "ssh://", "./"]))
def test_any_text_is_parsed_or_refused(text: str, start: str) -> None:
    """Never any other error, and never a location that git could take for something else."""
    try:
        parsed = parse_source(start + text, cwd=Path("/nonexistent"))
    except SourceError as error:
        assert str(error)
        return
    assert not parsed.source.location.startswith("-")
    # Where a word stands before two colons, git takes it for a program that gets at the rest.
    assert re.match(r"[A-Za-z0-9+.-]*::", parsed.source.location) is None
    assert not (parsed.source.ref or "").startswith("-")
    assert parsed.source.location.encode("utf-8")


def test_a_folder_is_named_by_its_real_path(tmp_path: Path) -> None:
    """Relative, with a slash at the end, through a link, with `@` and spaces in its name."""
    folder = tmp_path.resolve() / "a b@c"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to(folder)
    expected = Source(SourceKind.FOLDER, str(folder))
    for text in (str(folder), f"{folder}/", f"{folder}/sub/..", str(tmp_path / "link")):
        assert parse_source(text).source == expected
    assert parse_source("a b@c", cwd=tmp_path).source == expected
    assert parse_source(".", cwd=folder).source == expected
    assert parse_source("../a b@c/", cwd=folder).source == expected


def test_a_file_a_loop_and_a_dangling_link_are_refused(tmp_path: Path) -> None:
    """Each with what it is."""
    (tmp_path / "a.py").write_text("x")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name, says in [
        ("a.py", "is a file"),
        ("loop", "loop of symbolic links"),
        ("dangling", "does not exist"),
    ]:
        with pytest.raises(SourceError, match=says) as error:
            parse_source(name, cwd=tmp_path)
        assert name in str(error.value)


def test_a_folder_whose_real_name_is_broken_is_refused(tmp_path: Path) -> None:
    """A link with a valid name may lead to a path that cannot be stored."""
    for number, name in enumerate((b"\xff", b"new\nline")):
        target = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        target.mkdir()
        (tmp_path / f"link{number}").symlink_to(target)
        with pytest.raises(SourceError, match="not valid text"):
            parse_source(f"link{number}", cwd=tmp_path)


def test_a_current_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named as what is missing, and only where it is needed."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    with pytest.raises(SourceError, match="the current folder, which no longer exists"):
        parse_source("src")
    assert parse_source(str(tmp_path)).source == Source(SourceKind.FOLDER, str(tmp_path))


def make_repository(path: Path, *options: str) -> None:
    subprocess.run(["git", "init", "--quiet", *options, str(path)], check=True)


def test_a_work_tree_is_a_folder_and_a_bare_repository_a_git_source(tmp_path: Path) -> None:
    """With a ref, or as a file URL, a work tree is a git source too."""
    tree, bare = tmp_path.resolve() / "tree", tmp_path.resolve() / "bare.git"
    make_repository(tree)
    make_repository(bare, "--bare")
    git = SourceKind.GIT
    assert parse_source(str(tree)).source == Source(SourceKind.FOLDER, str(tree))
    assert parse_source(str(bare)).source == Source(git, bare.as_uri())
    assert parse_source(f"{bare}@v1").source == Source(git, bare.as_uri(), "v1")
    assert parse_source(f"{tree}@v1").source == Source(git, tree.as_uri(), "v1")
    assert parse_source("tree@a/b", cwd=tmp_path).source == Source(git, tree.as_uri(), "a/b")
    assert parse_source(tree.as_uri()).source == Source(git, tree.as_uri())
    assert parse_source(f"{tree.as_uri()}@v1").source == Source(git, tree.as_uri(), "v1")
    assert parse_source(f"file://localhost{bare}").source == Source(git, bare.as_uri())


def test_a_ref_of_what_is_no_repository_is_refused(tmp_path: Path) -> None:
    """As is a file URL of it, and of a folder inside a repository."""
    (tmp_path / "plain").mkdir()
    make_repository(tmp_path / "tree")
    (tmp_path / "tree" / "sub").mkdir()
    for text in ("plain@v1", (tmp_path / "plain").as_uri(), (tmp_path / "tree" / "sub").as_uri()):
        with pytest.raises(SourceError, match="not a git repository"):
            parse_source(text, cwd=tmp_path)
