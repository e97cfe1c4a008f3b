"""A git URL and a folder with the same commit checked out give the same files."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.git.conftest import Repository

from kodit.domain.source import KnownFile
from kodit.domain.value_objects import Scan, Source, SourceKind
from kodit.infrastructure.file_sizes import USUAL_LIMIT
from kodit.infrastructure.folder.reading import read_files
from kodit.infrastructure.folder.scan import scan_folder
from kodit.infrastructure.git import tree
from kodit.infrastructure.git.clone import synchronise
from kodit.infrastructure.git.tree import list_files, read_blobs

NAMES = st.sampled_from(
    [
        *["a", "b", "src", "x.py", "y.js", "vendor", "node_modules", ".env", ".env.example"],
        *["logo.png", "app.min.js", "yarn.lock", "é.py", "new\nline", "build", "server.key"],
        *["pyvenv.cfg", "__pycache__", "CVS", ".svn", "CACHEDIR.TAG", ".noindex", ".gitignore"],
    ]
)
RULES = st.sampled_from(
    [
        "",
        "*.py",
        "!vendor",
        "build/",
        "/a",
        "b\n",
        "*\n!src",
        "!*.js",
        "\n",
        "src/**/x.py",
        "!*.png",
    ]
)
CACHE = "Signature: 8a477f597d28d172789f06886806bc55\n"
CONTENTS = st.one_of(RULES, st.sampled_from(["text\n", CACHE, "x" * 1_000_001]))
GLOBS = st.lists(st.sampled_from(["*.py", "src/", "!a", "/b/**", "*"]), max_size=2).map(tuple)


def summary(scan: Scan) -> tuple[object, ...]:
    files = [(file.path, file.content_hash, file.stamp.size) for file in scan.changed]
    return files, scan.gone, scan.unchanged, scan.skipped


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    tree=st.dictionaries(st.lists(NAMES, min_size=1, max_size=4).map(tuple), CONTENTS, max_size=12),
    include=GLOBS,
    exclude=GLOBS,
)
def test_the_same_commit_gives_the_same_files(
    tree: dict[tuple[str, ...], str], include: tuple[str, ...], exclude: tuple[str, ...]
) -> None:
    """The same rules for both, including tracked files that are ignored."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve() / "origin"
        path.mkdir()
        repository = Repository(path)
        repository.git("init", "--quiet", "--initial-branch=main")
        for parts, content in tree.items():
            target = path.joinpath(*parts)
            if not target.exists() and all(
                not above.is_file() for above in target.parents if above != path
            ):
                repository.write("/".join(parts), content)
        commit = repository.commit()
        clone = Path(folder) / "clone"
        synchronise(Source(SourceKind.GIT, repository.url), clone)
        listed = list_files(clone, commit, {}, include, exclude)
        scanned = scan_folder(str(path), {}, 0, include, exclude)
        assert summary(listed) == summary(scanned)
        hashes = [file.content_hash for file in listed.changed]
        assert read_blobs(clone, hashes) == read_files(
            str(path), [file.path for file in scanned.changed]
        )
        known = {file.path: KnownFile(file.content_hash) for file in listed.changed}
        again = list_files(clone, commit, known, include, exclude)
        assert (again.changed, again.gone, again.unchanged) == ((), (), len(known))


@pytest.mark.parametrize(
    ("name", "target"),
    [(".gitignore", "own.py"), (".noindex", "own.py"), ("pyvenv.cfg", "own.py")],
)
def test_a_link_in_place_of_a_rule_file_is_ignored(name: str, target: str, tmp_path: Path) -> None:
    """git stores a link's target, which could be parsed as a rule."""
    path = tmp_path / "origin"
    repository = Repository(path)
    repository.write("src/own.py", "text\n")
    repository.git("init", "--quiet", "--initial-branch=main")
    (path / "src" / name).symlink_to(target)
    commit = repository.commit()
    clone = tmp_path / "clone"
    synchronise(Source(SourceKind.GIT, repository.url), clone)
    listed = list_files(clone, commit, {})
    assert summary(listed) == summary(scan_folder(str(path), {}, 0))
    assert [file.path for file in listed.changed] == ["src/own.py"]


@pytest.mark.parametrize(
    ("name", "rules", "is_listed"),
    [
        (".noindex", "", False),
        (".noindex", " \n", False),
        (".noindex", "#\n", True),
        (".gitignore", "own.py\n", False),
        (".gitignore", f"own.py\n#{USUAL_LIMIT * 'x'}\n", True),
    ],
    ids=["empty", "blank", "comment", "small", "large"],
)
def test_files_of_rules(name: str, rules: str, is_listed: bool, tmp_path: Path) -> None:
    """`.noindex` leaves its folder out if it contains only white space; a rule file over the size
    limit is ignored.
    """
    path = tmp_path / "origin"
    repository = Repository(path)
    repository.write("src/own.py", "text\n")
    repository.write(f"src/{name}", rules)
    repository.git("init", "--quiet", "--initial-branch=main")
    commit = repository.commit()
    clone = tmp_path / "clone"
    synchronise(Source(SourceKind.GIT, repository.url), clone)
    listed = list_files(clone, commit, {})
    assert summary(listed) == summary(scan_folder(str(path), {}, 0))
    assert ("src/own.py" in {file.path for file in listed.changed}) is is_listed


def test_a_listing_is_current_until_its_rules_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of this program, and the size of the largest files."""
    assert not tree.is_listing_current(tmp_path)
    tree.record_listing(tmp_path)
    for name, value in (("usual_limit", lambda: USUAL_LIMIT - 1), ("RULES_VERSION", 0)):
        assert tree.is_listing_current(tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr(tree, name, value)
            assert not tree.is_listing_current(tmp_path)
            tree.record_listing(tmp_path)
            assert tree.is_listing_current(tmp_path)
        assert not tree.is_listing_current(tmp_path)
        tree.record_listing(tmp_path)
    tree.record_listing(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()
