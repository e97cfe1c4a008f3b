"""What the name of a file or folder implies."""

from __future__ import annotations

import pytest

from kodit.domain.errors import UserError
from kodit.infrastructure.folder.builtin import directory_reason, file_reason, is_version_control
from kodit.infrastructure.folder.layers import OuterRules
from kodit.infrastructure.folder.patterns import check_globs, mistake_of, parse_patterns
from kodit.infrastructure.folder.rules import IGNORED, DirectoryRules

OF_TOOLS = """
    a.min.js a.min.mjs a.min.cjs a.min.css a-min.js a-min.css a.bundle.js a.chunk.js a.chunk.css
    a.pb.go a.pb.gw.go a.pb.cc a.pb.h a_pb2.py a_pb2_grpc.py a_pb2.pyi a_pb.js a_pb.d.ts a.g.dart
    a.freezed.dart a.designer.cs a.g.cs a.g.i.cs a.map a.tsbuildinfo a.snap a.lcov
""".split()


@pytest.mark.parametrize("name", OF_TOOLS)
def test_generated_files_are_recognised_by_their_ending(name: str) -> None:
    """Ignoring case."""
    assert file_reason(name) == file_reason(name.upper()) == "generated"


LOCKS = """
    package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock deno.lock poetry.lock
    uv.lock pdm.lock Pipfile.lock Cargo.lock composer.lock Gemfile.lock go.sum go.work.sum mix.lock
    pubspec.lock Podfile.lock Package.resolved packages.lock.json flake.lock .terraform.lock.hcl
""".split()
SECRETS = """
    .env .flaskenv .netrc _netrc .npmrc .pypirc .pgpass pgpass.conf .my.cnf .htpasswd .dockercfg
    .git-credentials git-credentials .gitcookies .cvspass .s3cfg .boto .vault-token .terraformrc
    credentials credentials.json credentials.yml secrets.json secrets.yaml secret.json
    application_default_credentials.json master.key kubeconfig known_hosts authorized_keys
    a.pem a.key a.p12 a.pfx a.p8 a.ppk a.der a.jks a.keystore a.bks a.keychain a.kdb a.kdbx a.gpg
    a.pgp a.age a.ovpn a.env a.tfvars a.tfstate a.mobileprovision
    .env.local .env-prod .envrc a.env.production a.tfvars.json .vault_pass.txt id_rsa id_ed25519
    deploy_ecdsa id_dsa_old client_secret_1.json service-account.json x-adminsdk.json
""".split()


@pytest.mark.parametrize("name", LOCKS)
def test_locks_of_package_managers_are_generated(name: str) -> None:
    """Ignoring case."""
    assert file_reason(name) == file_reason(name.upper()) == "generated"


@pytest.mark.parametrize("name", SECRETS)
def test_what_tools_keep_secrets_in(name: str) -> None:
    """Ignoring case."""
    assert file_reason(name) == file_reason(name.upper()) == "secret"


@pytest.mark.parametrize(
    "name",
    [
        "test_rsa.py",
        "id_rsa.pub",
        "client_secret.py",
        "service_accounts.md",
        "dotenv.py",
        "environment.ts",
        "credentials.py",
        "keyring.go",
        "tfvars.go",
        "vault.py",
    ],
)
def test_code_that_is_about_secrets_is_read(name: str) -> None:
    """Only the whole name counts."""
    assert file_reason(name) is None


@pytest.mark.parametrize("copy", ["~", ".bak", ".old", ".orig", ".save", ".backup", ".orig.bak~"])
def test_the_copy_of_a_secret_is_one(copy: str) -> None:
    assert file_reason(f"server.pem{copy}") == file_reason(f".netrc{copy}") == "secret"
    assert file_reason(f"notes.txt{copy}") != "secret"


@pytest.mark.parametrize("end", [".example", ".sample", ".template", ".dist", ".defaults"])
def test_a_template_is_made_to_be_shown(end: str) -> None:
    assert file_reason(f".env{end}") is None
    assert file_reason(f"service_account.json{end}") is None
    assert file_reason("example.env") == file_reason(".sample.env") is None


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (".docker", "config.json"),
        (".kube", "config"),
        (".composer", "auth.json"),
        ("gh", "hosts.yml"),
        ("glab-cli", "config.yml"),
        (".config", "hub"),
    ],
)
def test_some_names_are_secret_in_their_place(folder: str, name: str) -> None:
    assert file_reason(name, folder) == file_reason(name, folder.upper()) == "secret"
    assert file_reason(name) is None
    assert file_reason(name, "elsewhere") is None


def test_folders_of_others_and_of_tools() -> None:
    """Those of CocoaPods and Carthage are written with a capital, and so is CVS."""
    for name in ("Pods", "Carthage", "node_modules", "Node_Modules"):
        assert directory_reason(name) == "vendored"
    for name in ("a.egg-info", "A.dist-info", ".cache"):
        assert directory_reason(name) == "generated"
    for name in ("pods", "carthage", "egg-info", "src", "build"):
        assert directory_reason(name) is None


def test_data_of_version_control() -> None:
    systems = ".git .hg .svn .bzr .jj .sl .pijul _darcs _mtn .repo CVS .GIT".split()
    assert all(map(is_version_control, systems))
    assert not any(map(is_version_control, ("cvs", "git", ".github")))


@pytest.mark.parametrize(
    ("glob", "mistake"),
    [
        ("a\x1fb", "holds a control character"),
        ("a\x7fb", "holds a control character"),
        ("#a", "is a comment; write \\# for a name that starts with #"),
        ("", "is empty and matches no file"),
        ("!", "is empty and matches no file"),
        ("[z-a]*.py", "matches no file: '[z-a]' is a range in reverse order"),
        ("[", "matches no file: its bracket is not closed, or it ends in a backslash"),
        ("src/[a-", "matches no file: its bracket is not closed, or it ends in a backslash"),
        ("a\\", "matches no file: its bracket is not closed, or it ends in a backslash"),
        *(
            (glob, None)
            for glob in ("a b", "\\#a", "[a-a]", "[a-z]", "\\[z-a]", "[]z-a]", "a/", "!a")
        ),
    ],
)
def test_why_a_glob_chooses_no_file(glob: str, mistake: str | None) -> None:
    assert mistake_of(glob) == mistake


def test_the_glob_that_is_wrong_is_named() -> None:
    """A negated one needs an earlier one to exclude from."""
    check_globs("include", [])
    check_globs("include", ["a", "!b"])
    check_globs("include", ["!b", "a"])
    for globs, named in ((["!b", "!a"], "!b"), (["a", "["], "[")):
        with pytest.raises(UserError, match="the include glob") as wrong:
            check_globs("include", globs)
        assert (wrong.value.code, wrong.value.fields) == ("glob_invalid", {"glob": named})


def test_a_pattern_as_it_is_written() -> None:
    """With its line; a leading slash anchors it to this folder."""
    written = b"\xef\xbb\xbf/build\r\n# no\n\n!/a/b/\n*.py  \n\\!x\n!!y\nz\\ \x00after\n"
    assert [(one.line, one.written) for one in parse_patterns(written)] == [
        (1, "/build"),
        (4, "!a/b/"),
        (5, "*.py"),
        (6, "\\!x"),
        (7, "!!y"),
        (8, "z\\ "),
    ]


def test_what_only_its_folder_makes_secret() -> None:
    """Whether the folder has ignore files of its own or not, ignoring case."""
    for folder in (".docker", ".Docker"):
        rules = DirectoryRules.at_root().enter(folder)
        assert rules.of_file("config.json") == "secret"
        assert rules.with_files(b"x\n", None).of_file("config.json") == "secret"
        assert DirectoryRules.at_root(folder=folder).of_file("config.json") == "secret"
    assert DirectoryRules.at_root().enter("src").of_file("config.json") is None
    assert DirectoryRules.at_root().enter(".docker").enter("src").of_file("config.json") is None


ROOT = DirectoryRules.at_root(
    "sub/",
    [OuterRules("", b"*.log\n", ".git/info/exclude"), OuterRules("", b"x\n*.tmp\n", ".gitignore")],
    ("*.py", "*.lo[g]", "*.tm[p]", "A.*", "*.lock"),
    ("gone/", "/sub/"),
)
DEEP = ROOT.enter("\xe4").with_files(b"# no\n*.log\n!keep.log\n", b"!back.log\nlost.py\n")
INSIDE = DEEP.with_files(None, b"\n")
PLAIN = DirectoryRules.at_root()


@pytest.mark.parametrize(
    ("rules", "name", "is_folder", "why"),
    [
        (ROOT, "gone", True, "--exclude gone/"),
        (ROOT, "a.log", False, "../.git/info/exclude:1: *.log"),
        (ROOT, "a.tmp", False, "../.gitignore:2: *.tmp"),
        (ROOT, "a.md", False, "--include, which chooses other files"),
        (ROOT, "node_modules", True, "built-in list: folders called node_modules"),
        (ROOT, "A.PNG", False, "built-in list: the extension .png"),
        (ROOT, "uv.lock", False, "built-in list: names of generated files"),
        (DEEP, "a.log", False, "\xe4/.gitignore:2: *.log"),
        (DEEP, "lost.py", False, "\xe4/.noindex:2: lost.py"),
        (DEEP, ".git", True, "built-in list: data of a version-control system"),
        (INSIDE, "lost.py", False, "\xe4/.noindex:2: lost.py"),
        (PLAIN, ".env", False, "built-in list: names of files that hold secrets"),
        (PLAIN.with_files(b"*.log\n", None), "a.log", False, ".gitignore:1: *.log"),
        (PLAIN.with_files(b"*.log\n", b"a.log\n"), "a.log", False, ".noindex:1: a.log"),
    ],
)
def test_the_rule_that_leaves_something_out(
    rules: DirectoryRules, name: str, is_folder: bool, why: str
) -> None:
    """The one with the highest precedence, with its file relative to the top of the source."""
    assert (rules.of_directory(name) if is_folder else rules.of_file(name)) is not None
    top = "sub/" if rules.path.startswith("sub/") else ""
    assert rules.why(name, top, is_directory=is_folder) == why


def test_a_folder_below_one_whose_name_is_not_of_ascii() -> None:
    """Its own globs begin where it does."""
    rules = DirectoryRules.at_root("\xe4/", exclude=("/x.py",))
    assert rules.of_file("x.py") == IGNORED
    assert rules.enter("sub").of_file("x.py") is None
    above = OuterRules("", "/\xe4/y.py\n".encode(), ".gitignore")
    assert DirectoryRules.at_root("\xe4/", [above]).of_file("y.py") == IGNORED
    within = OuterRules("\xe4/", b"/z.py\n", ".gitignore")
    assert DirectoryRules.at_root("\xe4/", [within]).of_file("z.py") == IGNORED


def test_what_no_rule_leaves_out() -> None:
    """Files that a negated line brings back; folders of an index are entered for possible
    matches.
    """
    assert DEEP.of_file("keep.log") is None
    assert DEEP.of_file("back.log") is None
    assert ROOT.of_directory("docs") is None
    assert ROOT.of_file("notes.md") == IGNORED
    assert PLAIN.with_files(None, b"!.env\n!a.png\n!uv.lock\n").of_file("uv.lock") is None
    kept = PLAIN.with_files(None, b"!.env\n!a.png\n")
    assert (kept.of_file(".env"), kept.of_file("a.png")) == ("secret", "binary")
    assert PLAIN.with_files(b"\n", b"").of_file("a") is None
