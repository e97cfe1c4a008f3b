"""On random trees, the walk says of each file and folder what git says of it.

`RANDOM_TREES=1000` looks at a thousand of them, from the seed `RANDOM_TREES_FROM` on. Each costs
two calls of git, and two more for each repository within it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.random_trees import RandomTree, write_random_tree

from kodit.domain.report import ignore_report
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.folder.attributes import ENCODING, MARKED_BINARY, Value
from kodit.infrastructure.folder.left_out import left_out_of_folder
from kodit.infrastructure.folder.patterns import as_text, byte_text
from kodit.infrastructure.folder.reading import open_root
from kodit.infrastructure.folder.rules import IGNORED, DirectoryRules
from kodit.infrastructure.folder.scan import ScannedFolder, Scanner, root_folder, scan_folder
from kodit.infrastructure.sources.attributes import FileMarks
from kodit.infrastructure.sources.location import Location

TREES = int(os.environ.get("RANDOM_TREES", "20"))
FIRST = int(os.environ.get("RANDOM_TREES_FROM", "0"))


class Verdict(NamedTuple):
    """Why a path is left out: what says so (`.gitignore:3: build/`, of git without the pattern),
    or a reason that git does not know, for the path itself or a folder above it."""

    rule: str | None
    reason: str = IGNORED
    is_above: bool = False

    def agrees_with(self, by_git: Verdict) -> bool:
        if self.reason != IGNORED:
            return self.is_above or by_git.rule is None
        if self.rule is None or by_git.rule is None:
            return self.rule is by_git.rule
        # In a folder of which only a part is tracked, a rule in it may speak of the rest too.
        is_by_user = by_git.rule.startswith("/") and not self.rule.startswith("built-in")
        return is_by_user or self.rule.startswith(f"{by_git.rule}: ")


KEPT = Verdict(None)


@pytest.fixture
def user_ignores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own ignore file; nothing else of a configuration is there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_ATTR_NOSYSTEM", "1")
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    (tmp_path / "configuration" / "git").mkdir(parents=True)
    return tmp_path / "configuration" / "git" / "ignore"


def random_trees(folder: Path, user_ignores: Path) -> Iterator[tuple[int, RandomTree]]:
    """One after the other, with the seed of each."""
    for seed in range(FIRST, FIRST + TREES):
        root = folder / "tree"
        root.mkdir()
        yield seed, write_random_tree(root, user_ignores, seed)
        shutil.rmtree(root)


def fields_of_git(folder: Path, paths: list[str], *command: str) -> Iterator[str]:
    """What git prints of paths, which are given to it from the folder."""
    done = subprocess.run(
        ["git", "-C", str(folder), *command],
        input=b"".join(os.fsencode(f"./{path}\0") for path in paths),
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return map(os.fsdecode, done.stdout.split(b"\0")[:-1])


def ignored_by_git(tree: RandomTree, user_ignores: Path) -> dict[str, Verdict]:
    """By path. Of a repository within the tree, what is ignored in it, unless all of it is; and
    what is tracked is left out by the rules of its repository alone."""
    found: dict[str, Verdict] = {}
    for place in ["", *sorted(tree.repositories)]:
        paths = [path for path in tree.entries if tree.repository_of(path) == place]
        above = found.get(place, KEPT)
        if above != KEPT:
            found |= dict.fromkeys(paths, above)
            continue
        rules = rules_of_git(tree.root, place, paths)
        by_user = [path for path in paths if rules[path].startswith(f"{user_ignores}:")]
        tracked = [path for path in by_user if tree.holds_tracked(path)]
        if tracked:
            without = ("-c", f"core.excludesFile={os.devnull}")
            rules |= rules_of_git(tree.root, place, tracked, *without)
        found |= {path: Verdict(rule or None) for path, rule in rules.items()}
    return found


def rules_of_git(root: Path, place: str, paths: list[str], *options: str) -> dict[str, str]:
    """What leaves out each path, as `.gitignore:3`; nothing where it is kept."""
    prefix = f"{place}/" if place else ""
    asked = [path.removeprefix(prefix) for path in paths]
    command = [*options, "check-ignore", "--no-index", "--stdin", "-z", "-v", "-n"]
    fields = zip(*[fields_of_git(root / place, asked, *command)] * 4, strict=True)
    found = {}
    for path, (source, line, pattern, _) in zip(paths, fields, strict=True):
        file = source if source.startswith("/") else as_text(byte_text(prefix + source))
        is_left_out = source and not pattern.startswith("!")
        found[path] = f"{file}:{line}" if is_left_out else ""
    return found


def ignored_by_kodit(tree: RandomTree) -> dict[str, Verdict]:
    source = Source(SourceKind.FOLDER, str(tree.root), submodules=True)
    told = {one.path.rstrip("/"): one for one in left_out_of_folder(source, None, ignore_report)[0]}
    found: dict[str, Verdict] = {}
    for path in tree.entries:
        parts = path.split("/")
        above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        deciding = next((one for one in above if one in told), None)
        if deciding is None:
            found[path] = KEPT
        else:
            found[path] = Verdict(told[deciding].rule, told[deciding].reason, deciding != path)
    return found


def test_what_is_ignored(user_ignores: Path, tmp_path: Path) -> None:
    """Each file and folder of each tree, and the very line that decides; and one of its folders
    as a source of its own."""
    compared = 0
    disagreements: list[object] = []
    for seed, tree in random_trees(tmp_path, user_ignores):
        by_git = ignored_by_git(tree, user_ignores)
        by_kodit = ignored_by_kodit(tree)
        compared += len(by_kodit)
        disagreements += [
            (seed, path, ours, by_git[path])
            for path, ours in by_kodit.items()
            if not ours.agrees_with(by_git[path])
        ]
        # A folder that is asked for by its name is read though the user ignores it.
        is_said = user_ignores.stat().st_size > 0
        inner = [] if is_said else [one for one in tree.folders if by_kodit[one] == KEPT]
        for below in ["", *inner[:1]]:
            prefix = f"{below}/" if below else ""
            scan = scan_folder(str(tree.root / below), {}, submodules=True)
            read = {prefix + file.path for file in scan.changed}
            kept = {
                path for path in tree.files if path.startswith(prefix) and by_kodit[path] == KEPT
            }
            disagreements += [(seed, below, path) for path in read ^ kept]
    assert disagreements == [], f"of {compared} paths"


class AttributesOfWalk(Scanner):
    """The attributes that hold in each folder that is gone through, and its path for them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, {}, 0, ignore_report, submodules=True)
        self.rules: dict[str, DirectoryRules] = {}

    def _enter(self, folder: ScannedFolder) -> None:
        self.rules[folder.prefix] = folder.rules

    def of(self, path: str) -> dict[str, Value]:
        prefix, _, name = path.rpartition("/")
        rules = self.rules[f"{prefix}/" if prefix else ""]
        return rules.attributes.of(rules.path + byte_text(name))


def attributes_by_git(tree: RandomTree, paths: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {path: {} for path in paths}
    for place in ["", *tree.repositories]:
        prefix = f"{place}/" if place else ""
        asked = [path.removeprefix(prefix) for path in paths if tree.repository_of(path) == place]
        command = ["check-attr", "--stdin", "-z", "--all"]
        fields = fields_of_git(tree.root / place, asked, *command)
        for path, attribute, value in zip(*[fields] * 3, strict=True):
            found[prefix + path.removeprefix("./")][attribute] = value
    return found


def written(value: Value) -> str:
    """As git prints it."""
    if isinstance(value, str):
        return os.fsdecode(value.encode("latin-1"))
    return "set" if value else "unset"


def test_attributes(user_ignores: Path, tmp_path: Path) -> None:
    """Every attribute of each file in the folders that are gone through, and the encoding that
    files are read in."""
    compared = 0
    disagreements: list[object] = []
    for seed, tree in random_trees(tmp_path, user_ignores):
        walk = AttributesOfWalk(tree.root)
        descriptor = open_root(str(tree.root))
        walk.scan(root_folder(descriptor, tree.root, (), ()))
        os.close(descriptor)
        marks = FileMarks(Location(Source(SourceKind.FOLDER, str(tree.root)), str(tree.root)))
        paths = [path for path in tree.files if path.rpartition("/")[0] + "/" in {*walk.rules, "/"}]
        by_git = attributes_by_git(tree, paths)
        for path in paths:
            compared += 1
            ours = {
                name: written(value)
                for name, value in walk.of(path).items()
                if value is not None and name != MARKED_BINARY
            }
            if ours != by_git[path]:
                disagreements.append((seed, path, ours, by_git[path]))
            encoding = by_git[path].get(ENCODING)
            expected = None if encoding in ("set", "unset", "") else encoding
            if marks.encoding(path) != expected:
                disagreements.append((seed, path, marks.encoding(path), encoding))
    assert disagreements == [], f"of {compared} files"
