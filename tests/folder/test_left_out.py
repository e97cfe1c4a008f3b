"""Files that are left out by default and counted; the effects of `.noindex`, includes and
excludes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kodit.domain.report import ignore_report
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.folder.left_out import left_out_of_folder
from kodit.infrastructure.folder.scan import scan_folder

CACHE = "Signature: 8a477f597d28d172789f06886806bc55\n# a cache"


def scan(
    root: Path,
    files: dict[str, str],
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
) -> tuple[set[str], dict[str, int]]:
    """The files that are read, and the counts of left-out ones."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    found = scan_folder(str(root.resolve()), {}, 0, include, exclude)
    return {file.path for file in found.changed}, found.skipped


def of(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "text")


@pytest.mark.parametrize(
    ("reason", "names"),
    [
        (
            "secret",
            [
                ".env",
                ".env.local",
                ".env.production",
                "id_rsa",
                "id_ed25519",
                "server.pem",
                "a.key",
                "a.p12",
                "a.PFX",
                "app.keystore",
                ".netrc",
                ".npmrc",
                ".pypirc",
                "credentials",
                "credentials.json",
                ".git-credentials",
                ".envrc",
                "prod.tfvars",
                "prod.env",
                "local.env",
                "app.env.local",
                ".flaskenv",
                ".env~",
                ".env.old",
                ".env-prod",
                ".env_backup",
                ".env.example.local",
                ".envrc.local",
                ".docker/config.json",
                "home/.kube/config",
                ".dockerconfigjson",
                ".dockercfg",
                ".vault_pass",
                ".vault_pass.txt",
                ".vault-password",
                "service-account-prod.json",
                "service_account.json",
                "client_secret_123.apps.json",
                "shop-firebase-adminsdk-x1.json",
                "gha-creds-0123.json",
                "a.auto.tfvars.json",
                "terraform.tfstate",
                "terraform.tfstate.backup",
                "a.ppk",
                "a.jks",
                "id_rsa~",
                "id_ecdsa_sk",
                "id_ed25519_work",
                "deploy_rsa",
                "server.key.old",
            ],
        ),
        (
            "binary",
            [
                "a.png",
                "A.JPG",
                "a.zip",
                "a.tar.gz",
                "a.woff2",
                "a.so",
                "a.pyc",
                "a.pdf",
                "a.sqlite",
            ],
        ),
        (
            "generated",
            [
                "a.min.js",
                "a.min.css",
                "a.js.map",
                "package-lock.json",
                "yarn.lock",
                "poetry.lock",
                "uv.lock",
                "Cargo.lock",
                "go.sum",
                "x.pb.go",
                "x_pb2.py",
                "composer.lock",
            ],
        ),
    ],
)
def test_files_are_left_out_by_name_and_counted(
    tmp_path: Path, reason: str, names: list[str]
) -> None:
    """Each for the reason that applies."""
    assert scan(tmp_path, of(*names)) == (set(), {reason: len(names)})


@pytest.mark.parametrize(
    "name",
    [
        ".env.example",
        ".env.sample",
        ".env.template",
        ".env.dist",
        ".env.local.example",
        "example.env",
        "a.tfvars.example",
        "app.env.ts",
        "environment.py",
        "config",
        "config.json",
        "docker/config.json",
        ".kube/config.py",
        "service_account.py",
        "client_secrets.md",
        "service.json",
        "main.tf",
        "vault_pass.py",
        "id_rsa.pub",
        "rsa",
        "test_rsa.go",
        "keys.py",
        "env.py",
        "id_rsa.py",
        "min.js",
        "admin.js",
        "lock.py",
        "map.py",
        "credentials.py",
        "Makefile",
        "Dockerfile",
        ".gitignore",
        "a.svg",
        "a.lock.py",
        "package.json",
        "tsconfig.json",
        "src/build/a.py",
        "lib/dist/b.js",
    ],
)
def test_files_that_only_look_like_those_are_read(tmp_path: Path, name: str) -> None:
    """Names that share a part with left-out ones."""
    assert scan(tmp_path, of(name)) == ({name}, {})


def test_a_folder_that_makes_a_name_secret_may_be_the_one_asked_for(tmp_path: Path) -> None:
    """The root of the scan counts as any other folder."""
    assert scan(tmp_path / ".kube", of("config", "a.yaml")) == ({"a.yaml"}, {"secret": 1})


@pytest.mark.parametrize("names", [(".git",), ("module/.git", "linked/.git")])
def test_the_git_file_of_a_linked_work_tree_is_not_read(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Nor that of a submodule: it names a place on this machine."""
    files = dict.fromkeys(names, "gitdir: /home/ada/other/.git/worktrees/x\n")
    assert scan(tmp_path, files | of("a.py", ".gitmodules")) == ({"a.py", ".gitmodules"}, {})


@pytest.mark.parametrize(
    ("reason", "folder"),
    [
        *[("vendored", name) for name in ("node_modules", "vendor", "third_party", "Pods")],
        *[("vendored", name) for name in ("site-packages", ".venv", "_vendor", "a/b/Vendor")],
        *[("generated", name) for name in ("__pycache__", ".mypy_cache", ".next", "x.egg-info")],
    ],
)
def test_folders_of_others_code_are_counted_once(tmp_path: Path, reason: str, folder: str) -> None:
    """A tracked `vendor` is still vendored code."""
    files = of(f"{folder}/x/a.py", f"{folder}/b.py", "own.py")
    assert scan(tmp_path, files) == ({"own.py"}, {reason: 1})


@pytest.mark.parametrize("folder", [".git", ".hg", ".svn", ".jj", "CVS"])
def test_data_of_version_control_is_not_even_counted(tmp_path: Path, folder: str) -> None:
    """And nothing brings it back."""
    files = of(f"{folder}/a.py", "b.py") | {".noindex": f"!{folder}\n!*.py\nx"}
    assert scan(tmp_path, files) == ({"b.py", ".noindex"}, {})


def test_folders_that_say_what_they_are(tmp_path: Path) -> None:
    """A virtual environment by its `pyvenv.cfg`, a cache by its signed `CACHEDIR.TAG`."""
    files = of("env/pyvenv.cfg", "env/lib/a.py", "src/a.py", "notes/b.py")
    files |= {"target/CACHEDIR.TAG": CACHE, "target/x.rs": "x", "notes/CACHEDIR.TAG": "unsigned"}
    kept = {"src/a.py", "notes/b.py", "notes/CACHEDIR.TAG"}
    assert scan(tmp_path, files) == (kept, {"vendored": 1, "generated": 1})


def test_a_data_directory_of_kodit_is_left_out(tmp_path: Path) -> None:
    """Recognised by files it always contains: its lock files would be new files at every scan."""
    files = of("data/kodit.db", "data/write.lock", "data/workers/a.lock", "other/write.lock")
    assert scan(tmp_path, files) == ({"other/write.lock"}, {"generated": 1})


def test_the_requested_folder_is_read_whatever_it_is(tmp_path: Path) -> None:
    """Its own name and marks do not matter, nor that a repository above ignores it."""
    (tmp_path / ".git" / "objects").mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".gitignore").write_text("vendor/\n*.log\n")
    files = of("a.py", "pyvenv.cfg", "b.log")
    assert scan(tmp_path / "vendor", files) == ({"a.py", "pyvenv.cfg"}, {})


def test_an_empty_noindex_leaves_out_its_folder(tmp_path: Path) -> None:
    """At any depth, and only that folder."""
    files = of("a.py", "sub/b.py", "sub/deep/c.py", "other/d.py") | {"sub/.noindex": "\n"}
    assert scan(tmp_path, files) == ({"a.py", "other/d.py"}, {})
    assert scan(tmp_path / "sub", {}) == (set(), {"ignored by .noindex: empty": 1})


def test_a_long_ignore_file_is_obeyed(tmp_path: Path) -> None:
    """Up to a megabyte, which nobody writes by hand."""
    files = {".gitignore": f"{'# padding'.ljust(99)}\n" * 9_990 + "*.log\n"}
    assert scan(tmp_path, of("a.log", "a.py") | files)[0] == {"a.py", ".gitignore"}
    (tmp_path / ".git" / "objects").mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert scan(tmp_path / "below", of("b.log", "b.py"))[0] == {"b.py"}


def test_noindex_has_the_syntax_of_gitignore_and_takes_precedence(tmp_path: Path) -> None:
    """Deeper files before shallower ones; a negation brings back files that .gitignore leaves
    out.
    """
    files = of("a.txt", "a.py", "data/a.csv", "data/keep/a.csv", "build/gen.py", "b.log")
    files |= {
        ".gitignore": "build/\n*.log\n",
        ".noindex": "*.csv\n*.txt\n!build/\n.*ignore\n.noindex\n",
        "data/keep/.noindex": "!*.csv\n",
    }
    kept = {"a.py", "data/keep/a.csv", "build/gen.py"}
    assert scan(tmp_path, files) == (kept, {})


def test_noindex_brings_back_vendored_code_but_no_secret_and_no_binary(tmp_path: Path) -> None:
    """Somebody wants to search the code; nobody can search a picture."""
    files = of("vendor/lib/a.py", "vendor/a.min.js", "vendor/id_rsa", "vendor/a.png", "vendored/b")
    files[".noindex"] = "!vendor\n!*.min.js\n!id_rsa\n!*.png\n.noindex\n"
    assert scan(tmp_path, files) == (
        {"vendor/lib/a.py", "vendor/a.min.js"},
        {"binary": 1, "secret": 1, "vendored": 1},
    )


def test_gitignore_does_not_bring_back_built_in_exclusions(tmp_path: Path) -> None:
    """Its negations concern what git tracks, not what is worth searching."""
    files = of("vendor/a.py", "a.min.js", "b.js") | {".gitignore": "*\n!*.js\n!vendor/\n"}
    assert scan(tmp_path, files) == ({"b.js"}, {"generated": 1, "vendored": 1})


def test_what_is_ignored_is_not_counted_for_another_reason(tmp_path: Path) -> None:
    """Ignored files are what the user wanted; the counts are for the others."""
    files = of("a.png", "b.png", "node_modules/x.js") | {".gitignore": "a.png\nnode_modules\n.git*"}
    ignored = {
        f"ignored by .gitignore:{line}": 1 for line in ("1: a.png", "2: node_modules", "3: .git*")
    }
    assert scan(tmp_path, files) == (set(), {"binary": 1} | ignored)
    assert scan(tmp_path, of("c.py")) == ({"c.py"}, {"binary": 1})


def test_includes_and_excludes(tmp_path: Path) -> None:
    """An include must match the file or a folder above it; an exclude takes precedence over
    everything.
    """
    files = of("a.py", "src/b.py", "src/c.js", "src/deep/d.js", "docs/e.md", "src/gen/f.py")
    assert scan(tmp_path, files, include=("*.py",))[0] == {"a.py", "src/b.py", "src/gen/f.py"}
    assert scan(tmp_path, {}, include=("src/",))[0] == set(files) - {"a.py", "docs/e.md"}
    assert scan(tmp_path, {}, include=("/src/*.js",))[0] == {"src/c.js"}
    assert scan(tmp_path, {}, include=("src", "!src/deep"))[0] == {
        "src/b.py",
        "src/c.js",
        "src/gen/f.py",
    }
    assert scan(tmp_path, {}, exclude=("*.js", "docs"))[0] == {"a.py", "src/b.py", "src/gen/f.py"}
    assert scan(tmp_path, {}, ("*.py", "*.js"), ("src/gen/", "src/deep/**"))[0] == {
        "a.py",
        "src/b.py",
        "src/c.js",
    }
    (tmp_path / ".noindex").write_text("!docs\n")
    assert "docs/e.md" not in scan(tmp_path, {}, exclude=("docs",))[0]


def test_includes_of_a_folder_inside_a_repository_are_relative_to_the_folder(
    tmp_path: Path,
) -> None:
    """Not to the repository's root, as its own ignore files are."""
    (tmp_path / ".git" / "objects").mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".gitignore").write_text("/pkg/src/ignored.py\n")
    files = of("src/a.py", "src/ignored.py", "b.py")
    assert scan(tmp_path / "pkg", files, include=("/src/",)) == ({"src/a.py"}, {})


def test_a_source_that_is_left_out_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / ".noindex").touch()
    (tmp_path / "a.py").write_text("x = 1\n")
    source = Source(SourceKind.FOLDER, str(tmp_path))
    (one,), _ = left_out_of_folder(source, None, ignore_report)
    assert (one.path, one.rule) == ("./", ".noindex: empty")


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        (of("pyvenv.cfg"), "a virtual environment, by its pyvenv.cfg"),
        ({"CACHEDIR.TAG": CACHE}, "a cache, by its CACHEDIR.TAG"),
        (of("kodit.db", "write.lock"), "a data directory of Kodit"),
        (
            {"HEAD": "ref: refs/heads/main\n"} | of("objects/info/x", "refs/heads/x"),
            "data of a version-control system, by its files",
        ),
    ],
)
def test_why_a_folder_is_left_out_for_its_contents(
    tmp_path: Path, files: dict[str, str], rule: str
) -> None:
    scan(tmp_path, of("own.py") | {f"inner/{name}": content for name, content in files.items()})
    source = Source(SourceKind.FOLDER, str(tmp_path))
    (one,), _ = left_out_of_folder(source, None, ignore_report)
    assert (one.path, one.rule) == ("inner/", rule)
