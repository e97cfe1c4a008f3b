"""Code that is tracked by git and not marked as third-party is the user's own, in a clone as in a
folder with the same commit checked out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.git.conftest import MakeRepository

from kodit.domain.report import ignore_report
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.folder.left_out import left_out_of_folder
from kodit.infrastructure.folder.scan import scan_folder
from kodit.infrastructure.git.clone import synchronise
from kodit.infrastructure.git.left_out import left_out_of_tree
from kodit.infrastructure.git.tree import list_files

Files = dict[str, str]
MakeTree = Callable[[Files], "Tree"]


class Tree:
    """A committed tree, read as a clone and as a folder."""

    def __init__(self, make_repository: MakeRepository, tmp_path: Path, files: Files) -> None:
        self.repository = make_repository()
        self.commit = self.repository.commit(files)
        self._clone = tmp_path / "clone"

    def kept(self, include: tuple[str, ...] = ()) -> set[str]:
        """The files that are read."""
        source = Source(SourceKind.GIT, self.repository.url, include=include)
        synchronise(source, self._clone, from_scratch=True)
        listed = {file.path for file in list_files(self._clone, self.commit, {}, include).changed}
        folder = str(self.repository.path)
        assert {file.path for file in scan_folder(folder, {}, 0, include).changed} == listed
        return listed

    def rules(self) -> dict[str, str]:
        """The rules of all left-out files, by path."""
        source = Source(SourceKind.GIT, self.repository.url)
        in_clone, _ = left_out_of_tree(self._clone, self.commit, source, None)
        folder = Source(SourceKind.FOLDER, str(self.repository.path))
        in_folder, _ = left_out_of_folder(folder, None, ignore_report)
        found = {one.path: one.rule for one in in_clone}
        assert {one.path: one.rule for one in in_folder if one.path != ".git/"} == found
        return found


@pytest.fixture
def make_tree(make_repository: MakeRepository, tmp_path: Path) -> MakeTree:
    """Makes a tree of files."""
    return lambda files: Tree(make_repository, tmp_path, files)


@pytest.mark.parametrize(
    "name",
    ["vendor", "third_party", "third-party", "3rdparty", "_vendor", "build", "dist", "Vendor"],
)
def test_own_code_in_a_folder_with_such_a_name(make_tree: MakeTree, name: str) -> None:
    """Such as the vendors of a marketplace."""
    tree = make_tree({f"src/{name}/models.py": "class Vendor: ...\n"})
    assert tree.kept() == {f"src/{name}/models.py"}


@pytest.mark.parametrize(
    ("mark", "left_out"),
    [
        ("vendor/modules.txt", "vendor/"),
        ("vendor/autoload.php", "vendor/"),
        ("third_party/LICENSE", "third_party/"),
        ("third_party/zlib/COPYING.txt", "third_party/zlib/"),
        ("third_party/github.com/x/y/LICENCE", "third_party/github.com/x/y/"),
        ("vendor/serde/.cargo-checksum.json", "vendor/serde/"),
    ],
)
def test_third_party_code_has_a_mark(make_tree: MakeTree, mark: str, left_out: str) -> None:
    """A licence of its own, or a file of a package manager; files beside it are read."""
    above = left_out.rstrip("/").rpartition("/")[0]
    own = f"{above}/own.py" if above else "own.py"
    tree = make_tree({mark: "x\n", f"{left_out}a.py": "a = 1\n", own: "b = 1\n"})
    assert tree.kept() == {own}
    assert tree.rules() == {left_out: f"third-party code, by its {mark.rpartition('/')[2]}"}


def test_a_licence_elsewhere_is_no_mark(make_tree: MakeTree) -> None:
    """Only in folders whose names are usual for third-party code."""
    tree = make_tree({"lib/LICENSE": "MIT\n", "lib/a.py": "a = 1\n"})
    assert tree.kept() == {"lib/LICENSE", "lib/a.py"}


def test_untracked_files_stay_out(make_repository: MakeRepository) -> None:
    """Nothing shows that they are the user's; as in a folder without a repository."""
    repository = make_repository()
    repository.commit({"a.py": "a = 1\n"})
    repository.write("vendor/b.py", "b = 1\n")
    assert [file.path for file in scan_folder(str(repository.path), {}).changed] == ["a.py"]
    repository.git("add", "vendor/b.py")
    assert len(scan_folder(str(repository.path), {}).changed) == 2


@pytest.mark.parametrize(
    ("attributes", "path", "rule"),
    [
        ("*.ts linguist-generated", "api/client.ts", "linguist-generated"),
        ("api/** linguist-generated=true", "api/client.ts", "linguist-generated"),
        ("lib/* linguist-vendored", "lib/jquery.js", "linguist-vendored"),
        ("*.sample -text", "a.sample", "-text"),
        ("*.py binary", "a.py", "-text"),
    ],
)
def test_attributes_leave_out(make_tree: MakeTree, attributes: str, path: str, rule: str) -> None:
    """They are set by the repository's own authors."""
    files = {".gitattributes": f"{attributes}\n", path: "x = 1\n", "own.go": "package x\n"}
    tree = make_tree(files)
    assert tree.kept() == {".gitattributes", "own.go"}
    assert tree.rules() == {path: f".gitattributes: {rule}"}


@pytest.mark.parametrize(
    ("attributes", "path"),
    [
        ("* -text", "a.txt"),
        ("*.sh -text", "a.sh"),
        ("*.ts linguist-generated\na.ts -linguist-generated", "a.ts"),
        ("*.min.js linguist-generated=false", "app.min.js"),
        ("vendor/** linguist-vendored=false", "vendor/a.py"),
        ("node_modules/** -linguist-vendored", "node_modules/own/a.js"),
    ],
)
def test_attributes_keep(make_tree: MakeTree, attributes: str, path: str) -> None:
    """Attributes that only keep line ends make no file binary; and a name is no proof."""
    tree = make_tree({".gitattributes": f"{attributes}\n", path: "x = 1\n"})
    assert tree.kept() == {".gitattributes", path}


@pytest.mark.parametrize(
    ("include", "path"),
    [
        ("vendor", "vendor/LICENSE"),
        ("vendor/", "vendor/x/LICENSE"),
        ("node_modules/own/**", "node_modules/own/a.js"),
        ("**/node_modules/**/*.js", "web/node_modules/a.js"),
        ("*.min.js", "app.min.js"),
        ("package-lock.json", "package-lock.json"),
        ("/data.dat", "data.dat"),
        ("*.dat", "data.dat"),
        ("out", "out/a.py"),
        ("out/a.py", "out/a.py"),
        ("*.gen.py", "a.gen.py"),
        ("hidden", "hidden/a.py"),
        (".venv", ".venv/a.py"),
        ("marked.txt", "marked.txt"),
    ],
)
def test_an_include_that_names_it_brings_it_back(
    make_tree: MakeTree, include: str, path: str
) -> None:
    """Whichever rule leaves it out."""
    files = {
        path: "x = 1\n",
        ".gitignore": "out/\n*.gen.py\n",
        ".gitattributes": "marked.txt linguist-generated\n",
        ".venv/pyvenv.cfg": "home = /usr\n",
        "hidden/.noindex": "",
    }
    tree = make_tree(files)
    assert path not in tree.kept()
    assert path in tree.kept((include,))


@pytest.mark.parametrize(
    ("include", "path"),
    [
        ("*.js", "node_modules/a.js"),
        ("*.js", "app.min.js"),
        ("*", "out/a.py"),
        ("**/*.py", "out/a.py"),
        ("src", "src/a.gen.py"),
        ("src/", "src/node_modules/a.py"),
        ("secrets", "secrets/id_rsa"),
        (".env", ".env"),
        ("*.pem", "a.pem"),
    ],
)
def test_an_include_that_does_not_name_it(make_tree: MakeTree, include: str, path: str) -> None:
    """Brings nothing back; and nothing brings back a secret."""
    tree = make_tree({path: "x = 1\n", ".gitignore": "out/\n*.gen.py\nsecrets/\n"})
    assert path not in tree.kept((include,))


def test_an_exclude_goes_before_an_include(make_repository: MakeRepository) -> None:
    repository = make_repository()
    repository.commit({"vendor/modules.txt": "x\n", "vendor/a.py": "a\n"})
    folder = str(repository.path)
    assert scan_folder(folder, {}, 0, ("vendor",), ("vendor",)).changed == ()
    (kept,) = scan_folder(folder, {}, 0, ("vendor",), ("*.txt",)).changed
    assert kept.path == "vendor/a.py"
