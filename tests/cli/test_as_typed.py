"""Typical input: the current folder, options of grep, exit codes, and mistakes."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.sources import commit_all, write_file

CODE = '''class Session:
    def refresh(self):
        """Refresh the quartz."""
        return quartz(1) + quartz(2)


def quartz(number):
    return number
'''


class Shell:
    """Runs the command in a user's current folder."""

    def __init__(self, kodit: KoditCommand, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.kodit = kodit
        self.folder = folder
        self._patch = patch

    def run(self, *words: str, within: str = "") -> tuple[int, list[str], list[str]]:
        """The exit code, and the lines of what was printed and said."""
        self._patch.chdir(self.folder / within)
        outcome = self.kodit.run_here(*words)
        return outcome.code, outcome.out.splitlines(), outcome.said


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> KoditCommand:
    folder = tmp_path_factory.mktemp("typed").resolve()
    write_file(folder / "shop" / "src" / "app.py", CODE)
    write_file(folder / "shop" / "tool.go", "package tool\n\nfunc Quartz() {}\n")
    write_file(folder / "lamp" / "lamp.py", "def lamp():\n    return 'light'\n")
    commit_all(folder / "lamp")
    kodit = KoditCommand(folder / "data")
    kodit.succeed("index", folder / "shop", (folder / "lamp").as_uri())
    return kodit


@pytest.fixture
def shell(place: KoditCommand, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(place, place.data_dir.parent, monkeypatch)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("search quartz", 0),
        ("search quartz -p nothing/**", 1),
        ("search quartz -s nowhere", 2),
        ("search quartz -s shop -s nowhere", 2),
        ("search quartz -m nonsense", 2),
        ("grep quartz", 0),
        ("grep nothing_at_all", 1),
        ("grep (", 2),
        ("grep quartz shop nowhere", 2),
        ("symbols quartz", 0),
        ("symbols nothing_at_all", 1),
        ("symbols quartz -l klingon", 2),
        ("symbols quartz -k nonsense", 2),
        ("ls", 0),
        ("ls -p nothing/**", 1),
        ("ls nowhere", 2),
        ("read shop/src/app.py", 0),
        ("read nothing.py", 2),
        ("related shop/src/app.py:4", 0),
        ("related shop/src/app.py:4 -p nothing/**", 1),
        ("related nothing.py:1", 2),
        ("status", 0),
        ("status shop nowhere", 1),
        ("status nowhere", 2),
        ("index nowhere", 2),
        ("delete nowhere", 2),
        ("delete shop/src", 2),
        ("queue list", 0),
        ("queue show 99", 2),
        ("queue retry 99", 2),
        ("queue cancel 99", 2),
        ("version", 0),
        ("search", 2),
        ("nonsense", 2),
        ("search quartz --nonsense", 2),
        ("search quartz -n 0", 2),
    ],
)
def test_exit_codes(command: str, code: int, shell: Shell) -> None:
    """Searching commands have grep's exit codes, the others those of docs/commands.md."""
    assert shell.run(*shlex.split(command))[0] == code


@pytest.mark.parametrize("command", ["search quartz", "grep quartz", "symbols quartz", "ls"])
def test_a_bad_source_beside_a_good_one(command: str, shell: Shell) -> None:
    """The results of the good source are printed nevertheless."""
    code, printed, said = shell.run(*command.split(), "-s", "shop", "-s", "nowhere")
    assert code == 2
    assert printed
    assert "kodit: there is no index or folder 'nowhere'" in said


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("grep quartz shop/src/app.py -c", ["shop/src/app.py:3"]),
        ("grep -i quartz shop -c", ["shop/src/app.py:3", "shop/tool.go:1"]),
        ("grep -i quartz shop --files", ["shop/src/app.py", "shop/tool.go"]),
        ("grep -r -w quartz shop --files", ["shop/src/app.py"]),
        ("grep quart -w shop", []),
        (
            "grep quartz shop -o",
            [
                "shop/src/app.py:3:quartz",
                *["shop/src/app.py:4:quartz"] * 2,
                "shop/src/app.py:7:quartz",
            ],
        ),
        ("grep -e Quartz -e Session shop --files", ["shop/src/app.py", "shop/tool.go"]),
        ("grep -F quartz(1) shop -c", ["shop/src/app.py:1"]),
        ("grep -v . shop/src/app.py", ["shop/src/app.py:5:", "shop/src/app.py:6:"]),
        ("grep package -A 1 shop", ["shop/tool.go:1:package tool", "shop/tool.go-2-"]),
        ("grep Quartz -B 1 shop", ["shop/tool.go-2-", "shop/tool.go:3:func Quartz() {}"]),
        ("grep quartz -l py shop --files", ["shop/src/app.py"]),
        ("grep -i quartz shop --files -n 1", ["shop/src/app.py"]),
        ("grep -rn package shop", ["shop/tool.go:1:package tool"]),
        ("grep -inE (package|nothing) shop -H", ["shop/tool.go:1:package tool"]),
        ("grep package shop -n", ["shop/tool.go:1:package tool"]),
        ("grep -in 1 quartz shop --files", ["shop/src/app.py"]),
        ("grep -e -n shop", []),
        ("ls shop --files", ["shop/src/app.py", "shop/tool.go"]),
        ("explain shop", ["shop is a folder whose files are indexed"]),
        ("grep -i quartz shop lamp -c", ["shop/src/app.py:3", "shop/tool.go:1"]),
    ],
)
def test_grep_options(command: str, lines: list[str], shell: Shell) -> None:
    """The options that users of grep type by habit."""
    code, printed, _said = shell.run(*shlex.split(command))
    assert printed == lines
    assert code == (0 if lines else 1)


def test_a_subfolder_is_a_part_of_its_index(shell: Shell) -> None:
    """For every command; no second index is made."""
    assert shell.run("search", "quartz", "src", within="shop")[1][0].startswith(" 1. src/app.py:")
    assert "tool.go" not in "\n".join(shell.run("grep", "-i", "quartz", "src", within="shop")[1])
    assert len(shell.run("ls", "src", within="shop")[1]) == 1
    assert shell.run("read", "src", "app.py:7:3", within="shop")[1] == ["def quartz(number):"]
    assert shell.run("symbols", "Quartz", "src", within="shop")[0] == 0
    code, printed, said = shell.run("index", "src", within="shop")
    assert (code, printed[0].partition(": ")[0]) == (0, f"[1] {shell.folder}/shop")
    assert f"src is part of {shell.folder}/shop." in said
    assert len(shell.kodit.ask("status")["indexes"]) == 2


@pytest.mark.parametrize(
    "words", [["quartz", "shop"], ["shop", "quartz"], ["refresh", "the", "quartz", "shop"]]
)
def test_a_query_and_a_source_in_either_order(words: list[str], shell: Shell) -> None:
    """The words of a query need no quotes."""
    code, printed, _said = shell.run("search", *words, "--lines", "0")
    assert code == 0
    assert printed[0].startswith(" 1. shop/")


def test_a_query_of_several_words(shell: Shell) -> None:
    """None of the words is a source."""
    code, printed, _said = shell.run("search", "refresh", "the", "quartz", "--lines", "0")
    assert code == 0
    assert "src/app.py:1-4" in printed[0]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("search x --limit abc", "--limit takes a whole number from 1 to 1000, not 'abc'"),
        ("search x -n 0", "--limit takes a whole number from 1 to 1000, not 0"),
        ("search x --lines -1", "--lines takes a whole number of at least 0, not -1"),
        ("serach x", "unknown command 'serach'; did you mean `kodit search`?"),
        ("queue lst", "unknown command 'lst'; did you mean `kodit queue list`?"),
        (
            "search x --limt 3",
            "`kodit search` has no option --limt; did you mean --limit?",
        ),
        ("search", "QUERY is missing: a question in words, or a name"),
        ("connect", "CLIENT is missing: claude, codex, cursor, vscode, gemini or zed"),
        (
            "grep -l x",
            "PATTERN is missing: a regular expression in RE2 syntax; -l is --language, and "
            "--files shows file names",
        ),
        (
            "grep --limit quartz shop",
            "--limit takes a whole number from 1 to 100000, not 'quartz'; -n is --limit, and "
            "line numbers are always shown",
        ),
        ("grep quartz -g x", "`kodit grep` has no option -g; did you mean --path?"),
        ("grep -x quartz", "`kodit grep` has no option -x; write '^PATTERN$' for a whole line"),
        (
            "grep quartz -3",
            "`kodit grep` has no option -3; -C 3 shows as many lines before and after",
        ),
        (
            "grep -l quartz shop",
            "no indexed file is in 'quartz'; the indexed languages are go, python; "
            "-l is --language, and --files shows the names of files",
        ),
        (
            "index shop --ref v1",
            "`kodit index` has no option --ref; write SOURCE@REF for a branch, tag or commit",
        ),
        (
            "grep --no-verify",
            "`kodit grep` has no option --no-verify; to look for this text, write "
            "`kodit grep -- --no-verify`",
        ),
        ("search x -t py", "`kodit search` has no option -t; did you mean --language?"),
        ("search x -g y", "`kodit search` has no option -g; did you mean --path?"),
        ("grep ->x", "`kodit grep` has no option ->; put -- before a word that begins like that"),
        (
            "search '--no-ff is passed'",
            "`kodit search` has no option --no-ff is passed; "
            "put -- before a word that begins like that",
        ),
        ("cat shop/tool.go", "unknown command 'cat'; did you mean `kodit read`?"),
        (
            "search x -m hybird",
            "unknown mode 'hybird'; choose one of hybrid, keyword, code, text; did you mean "
            "hybrid?",
        ),
        (
            "symbols x -k clas",
            "unknown kind 'clas'; choose one of function, method, class, interface, enum, "
            "struct, trait, module, type, constant, macro, section, property, field, event, "
            "variable, route, target, task, table, view, procedure, trigger, index; did you mean "
            "class?",
        ),
        (
            "ls -l pyhton",
            "no indexed file is in 'pyhton'; the indexed languages are go, python; "
            "did you mean python?",
        ),
        (
            "read shop/src",
            "the index of {folder}/shop has no file 'src': that is a folder; "
            "`kodit ls 1 src` lists its files",
        ),
        (
            "read shop",
            "the index of {folder}/shop has no file '.': that is a folder; "
            "`kodit ls 1` lists its files, and `kodit explain 1 .` explains this path",
        ),
        ("ls --files --left-out", "--files lists indexed files alone"),
        ("ls -l c --left-out", "--language applies to indexed files alone"),
        ("describe", "KIND is missing: one of overview, interface, schema, commit and usage"),
        (
            "connect claud",
            "unknown client 'claud'; choose one of claude, codex, cursor, vscode, gemini, zed; "
            "did you mean claude?",
        ),
        (
            "read shop/tool.go:9-3",
            "invalid line range 9-3: lines are numbered from 1, and the first must not come after "
            "the last",
        ),
        (
            "index /",
            "/ holds much more than code, and indexing it may take hours; `kodit index / --yes` "
            "indexes it anyway",
        ),
        (
            "read src/ap.py -s shop",
            "the index of {folder}/shop has no file 'src/ap.py'. Did you mean 'src/app.py'?",
        ),
    ],
)
def test_mistakes_are_named_as_typed(command: str, sentence: str, shell: Shell) -> None:
    """In one sentence, with the right alternative."""
    code, printed, said = shell.run(*shlex.split(command))
    assert (code, printed) == (2, [])
    assert said == [f"kodit: {sentence.format(folder=shell.folder)}"]


def test_what_other_programs_call_the_same(shell: Shell) -> None:
    """Only where the command has what is meant."""
    commands = {
        "index": ("add", "sync", "update"),
        "read": ("cat", "open", "show"),
        "search": ("find",),
        "ls": ("list",),
        "delete": ("remove", "rm"),
        "grep": ("rg",),
    }
    for meant, words in commands.items():
        for word in words:
            said = f"kodit: unknown command {word!r}; did you mean `kodit {meant}`?"
            assert shell.run(word, "x")[2] == [said]
    options = {
        "--path": ("-g", "--glob", "--include"),
        "--language": ("-t", "--type", "--lang"),
        "--limit": ("-m", "-k", "--max-count", "--top-k"),
        "--files": ("--files-with-matches",),
        "--ignore-case": ("-S", "-y", "--smart-case"),
    }
    for meant, words in options.items():
        for word in words:
            said = f"kodit: `kodit grep` has no option {word}; did you mean {meant}?"
            assert shell.run("grep", "x", word, "y")[2] == [said]
    # Neither -p of search nor -L of grep is a misspelling of another letter.
    for command, option in (("queue list", "-g"), ("search x", "-P"), ("outline x", "-S")):
        [said] = shell.run(*command.split(), option)[2]
        name = command.removesuffix(" x")
        assert said.startswith(
            f"kodit: `kodit {name}` has no option {option}; `kodit {name} --help`"
        )


@pytest.mark.parametrize(
    "command", ["search", "grep", "symbols", "ls", "read", "related", "index", "queue list"]
)
def test_help_speaks_no_jargon(command: str, shell: Shell) -> None:
    """Help names no types of the implementation."""
    _code, printed, _said = shell.run(*command.split(), "--help")
    text = "\n".join(printed)
    assert "Usage" in text
    for word in ("<int", "<str", "<bool", "INTEGER", "TEXT", "BOOLEAN"):
        assert word not in text


def test_one_bad_source_does_not_stop_indexing(shell: Shell, tmp_path: Path) -> None:
    """All other sources are indexed, and the exit code reports the failure."""
    write_file(tmp_path / "new" / "a.py", "x = 1\n")
    kodit = KoditCommand(tmp_path / "data")
    outcome = kodit.run_here("index", tmp_path / "none", tmp_path / "new")
    assert outcome.code == 1
    assert outcome.out.startswith(f"[1] {tmp_path / 'new'}")
    assert f"kodit: the folder {tmp_path / 'none'} does not exist" in outcome.said
    outcome = kodit.run_here("delete", "1", "99")
    assert outcome.code == 1
    assert outcome.said[0] == f"Deleted index 1 of {tmp_path / 'new'}."


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "grep -i QUARTZ -l --all",
            "-l needs a value; -l is --language, and --files shows the names of files",
        ),
        (
            "grep QUARTZ -l",
            "-l needs a value; -l is --language, and --files shows the names of files",
        ),
        ("search quartz -l --json", "-l needs a value"),
        ("search quartz --path --limit=3", "--path needs a value"),
        ("symbols quartz -s", "-s needs a value"),
        ("queue list --limit --json", "--limit needs a value"),
        (
            "search --version",
            "`kodit search` has no option --version; did you mean `kodit --version`?",
        ),
    ],
)
def test_an_option_does_not_take_another_as_its_value(
    command: str, said: str, shell: Shell
) -> None:
    code, printed, told = shell.run(*shlex.split(command))
    assert (code, printed, told) == (2, [], [f"kodit: {said}"])


def test_a_value_may_start_with_a_dash(shell: Shell) -> None:
    """A value may look like an option if it is not one of the command, is a pattern, or follows
    `--`."""
    assert shell.run("grep", "-e", "--all", "shop")[0] == 1
    assert shell.run("search", "quartz", "-p", "-x")[0] == 1
    assert shell.run("grep", "--", "-l", "shop")[0] == 1
    assert shell.run("symbols", "--", "-s")[0] == 1


@pytest.mark.parametrize(
    ("command", "begins"),
    [
        ("read", "PATH[:START-END] is missing: PATH, PATH:10, "),
        ("symbols", "NAME is missing: NAME, Scope.NAME or "),
        ("outline", "PATH is missing: a file in an index"),
        ("search", "QUERY is missing: a question in words"),
    ],
)
def test_missing_arguments_are_named_as_in_help(command: str, begins: str, shell: Shell) -> None:
    _code, _printed, (said,) = shell.run(command)
    assert said.startswith(f"kodit: {begins}")
