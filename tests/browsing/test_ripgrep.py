"""ripgrep saves time and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.support.sources import write_file

from kodit.domain.errors import InvalidQueryError
from kodit.domain.grep import Expression, FoundLine, LineShape
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.grep.child_functions import LineSearch, search_lines
from kodit.infrastructure.grep.matching import compile_expression
from kodit.infrastructure.grep.ripgrep import find_ripgrep, worth_reading
from kodit.infrastructure.grep.widening import widen
from kodit.infrastructure.sources.location import Location
from kodit.infrastructure.sources.text_reader import FileToRead

RIPGREP = find_ripgrep() or ""
KELVIN, LONG_S = "\u212a", "\u017f"
"""Characters that equal `k` and `s` in all but case."""

needs_ripgrep = pytest.mark.skipif(not RIPGREP, reason="ripgrep is not installed")


def search(
    folder: Path, paths: list[str], expression: Expression, *, ripgrep: str | None
) -> list[tuple[int, FoundLine]]:
    """The answer of a child process."""
    files = [FileToRead(path, "") for path in paths]
    location = Location(Source(SourceKind.FOLDER, str(folder)), str(folder))
    question = LineSearch(location, files, expression, LineShape(), 1000, ripgrep)
    return search_lines(question, report=lambda *_: None)


TRICKY_FILES: dict[str, str | bytes] = {
    "plain.py": "def foo(bar):\n    return bar\n\n\ndef foobar(): pass\n",
    "windows.py": "def foo():\r\n    pass\r\nend\r\n",
    "old_mac.txt": "foo one\rtwo foo\rthree",
    "no_end.txt": "foo",
    "empty.txt": "",
    "only_ends.txt": "\n\n\n",
    "utf8.txt": f"naïve café — ≠ 😀 foo\nÉTÉ été {KELVIN} {LONG_S}\n",
    "bom.txt": "\ufefffoo at the start\n",
    "latin1.txt": "caf\xe9 na\xefve foo\n".encode("latin-1"),
    "utf16.txt": "foo in wide letters, café\n".encode("utf-16"),
    "no_mark.txt": "foo in wide letters, café\n".encode("utf-16-be"),
    "utf32.txt": "foo in wider letters, café\n".encode("utf-32-le"),
    "no_zeros.txt": "日本語".encode("utf-16"),
    "mark_lies.txt": b"\xff\xfe" + "foo, café\n".encode(),
    "iso2022.txt": "foo 日本語\n".encode("iso2022_jp"),
    "controls.txt": "esc\x1b[31m foo\x1b[0m\ttab\x0bvertical\x0cfeed\n",
    "nul.txt": "foo\nbin\x00ary foo\n",
    "long.txt": "x" * 30_000 + "foo" + "y" * 30_000 + "\nfoo\n",
    "-dash.txt": "foo in a name like an option\n",
    "--files.txt": "foo\n",
    "name with space.txt": "foo\n",
    "new\nline.txt": "foo\n",
    "ünïcode/日本.txt": "foo 日本語\n",
    ".hidden/x.txt": "foo\n",
    "node_modules/x.js": "foo\n",
    "a;b$(x)`y`'z\".txt": "foo\n",
    "glob[ab]*?.txt": "foo\n",
}

TRICKY_PATTERNS = [
    "foo",
    "^foo",
    "foo$",
    r"\bfoo\b",
    r"\Bbar",
    "^$",
    "x*",
    r"\s",
    r"o\s+o",
    r"[^a-z]foo",
    "日本語",
    "caf.",
    "café",
    "caf[é]",
    r"caf\W",
    "na.ve",
    "na.{1,2}ve",
    "(?i)CAFÉ",
    "(?i)été",
    "(?i)k",
    "(?i)S",
    "(?i:F)oo",
    "(?i)^ét.*k",
    "(?i)k s",
    "(?i)[k-m]",
    "(?i)[k-m] [r-t]$",
    r"(?i)\w+k",
    r"\x{1F600}",
    r"\x66oo",
    r"\Qfoo\E",
    r"\pL+ foo",
    r"\PL",
    r"[[:alpha:]]+bar",
    r"[[:^alpha:]]",
    r"[\w.]+\(",
    r"[]x]",
    r"[^]x]",
    "(?P<name>foo)|(?:bar)",
    "foo{1,2}",
    "f{,3}",
    "{",
    "]",
    "}",
    "a|",
    "()",
    r"\.",
    r"\x1b\[",
    r"\t",
    "日本",
    r"\r",
    r"\n",
    r"a\Cf",
    r"\Adef",
    r"end\z",
    "(?s)foo.*x",
    "(?U)o+",
    "(?m)^foo",
    r".{300}foo",
    r"(?:\pL{20}){20}",
    "--files",
    "-",
    "$(x)",
]


@pytest.fixture(scope="module")
def tricky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of difficult files."""
    folder = tmp_path_factory.mktemp("tricky")
    for path, content in TRICKY_FILES.items():
        write_file(folder / path, content)
    (folder / "link.txt").symlink_to(folder / "plain.py")
    (folder / "gone_link.txt").symlink_to("/nonexistent")
    return folder


@needs_ripgrep
@pytest.mark.parametrize("pattern", TRICKY_PATTERNS)
@pytest.mark.parametrize("how", ["regex", "fixed", "ignore case"])
def test_with_and_without_ripgrep_the_answer_is_the_same(
    pattern: str, how: str, tricky: Path
) -> None:
    """Over difficult files and expressions, and invalid paths."""
    expression = Expression(pattern, is_fixed=how == "fixed", ignore_case=how == "ignore case")
    paths = sorted([*TRICKY_FILES, "link.txt", "gone_link.txt", "never/was.txt"])
    without = search(tricky, paths, expression, ripgrep=None)
    assert search(tricky, paths, expression, ripgrep=RIPGREP) == without
    assert not any(paths[position] == "link.txt" for position, _line in without)


_PIECES = st.sampled_from(
    [
        *("abkKsS 1.é日^$()|*+?" + KELVIN + LONG_S),
        *("[ak]", "[^a]", "[k-s]", "[^é]", "[à-ÿ]", "(?i)", "(?:", "{2}"),
        *(r"\w", r"\W", r"\s", r"\d", r"\b", r"\pL", r"\PL"),
    ]
)
_CONTENTS = st.one_of(
    st.text(alphabet="abkKsSéÉ日 1\t\n\r" + KELVIN + LONG_S, max_size=20).map(str.encode),
    st.text(alphabet="abkKsSéà \n", max_size=20).map(lambda text: text.encode("latin-1")),
    st.text(alphabet="abké日\n", max_size=20).map(lambda text: text.encode("utf-16")),
    st.text(alphabet="abké日 \n", max_size=20).map(lambda text: text.encode("utf-16-be")),
    st.text(alphabet="abk日 \n", max_size=20).map(lambda text: text.encode("iso2022_jp")),
    st.binary(max_size=12),
)


@needs_ripgrep
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@example(pattern=KELVIN + LONG_S, ignore_case=True, contents=[b"kS"])
@example(pattern="1é?2.?3", ignore_case=False, contents=[b"123"])
@example(pattern="a{2}(?i)?", ignore_case=False, contents=[b"1"])
@given(
    pattern=st.lists(_PIECES, min_size=1, max_size=7).map("".join),
    ignore_case=st.booleans(),
    contents=st.lists(_CONTENTS, min_size=1, max_size=4),
)
def test_ripgrep_never_hides_a_line(
    pattern: str, ignore_case: bool, contents: list[bytes], tmp_path: Path
) -> None:
    """For any expression that RE2 accepts, over text in any encoding."""
    expression = Expression(pattern, ignore_case=ignore_case)
    try:
        compile_expression(expression)
    except InvalidQueryError:
        return
    paths = [f"{number}.txt" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        (tmp_path / path).write_bytes(content)
    without = search(tmp_path, paths, expression, ripgrep=None)
    assert search(tmp_path, paths, expression, ripgrep=RIPGREP) == without


@needs_ripgrep
@pytest.mark.parametrize(
    "pattern",
    [
        *("needle", "n[a-e]{2}dle", "(?i)NEEDLE", r"^\w+ needle$"),
        f"(?i)a{LONG_S}{KELVIN} needle",
    ],
)
def test_ripgrep_says_what_is_not_worth_reading(pattern: str, tmp_path: Path) -> None:
    """Which is its only task."""
    for number in range(5):
        write_file(tmp_path / f"{number}.txt", "ask needle\n" if number == 3 else "hay\n")
    paths = [f"{number}.txt" for number in range(5)]
    assert worth_reading(RIPGREP, str(tmp_path), paths, Expression(pattern)) == {"3.txt"}


@needs_ripgrep
def test_a_file_that_has_vanished_does_not_matter(tmp_path: Path) -> None:
    """ripgrep reports an error, and its results for the other files are used."""
    write_file(tmp_path / "hay.txt", "hay\n")
    write_file(tmp_path / "needle.txt", "needle\n")
    paths = ["gone.txt", "hay.txt", "needle.txt"]
    assert worth_reading(RIPGREP, str(tmp_path), paths, Expression("needle")) == {"needle.txt"}


@needs_ripgrep
def test_a_pattern_that_ripgrep_does_not_take_is_no_answer(tmp_path: Path) -> None:
    """Then every file is read."""
    write_file(tmp_path / "a.txt", "hay\n")
    deep = Expression("(" * 400 + "needle" + ")" * 400)
    compile_expression(deep)
    assert worth_reading(RIPGREP, str(tmp_path), ["a.txt"], deep) == {"a.txt"}


@needs_ripgrep
def test_many_paths_go_in_several_commands(tmp_path: Path) -> None:
    """The length of a command line is limited; the number of files is not."""
    deep = "/".join(["d" * 200] * 5)
    paths = [f"{deep}/{number}.txt" for number in range(400)]
    for path in paths:
        write_file(tmp_path / path, "needle" if path.endswith("9.txt") else "hay")
    found = worth_reading(RIPGREP, str(tmp_path), paths, Expression("needle"))
    assert found == {path for path in paths if path.endswith("9.txt")}


@pytest.mark.parametrize("program", ["/nonexistent/rg", "rg"])
def test_a_ripgrep_that_fails_costs_nothing_but_time(program: str, tmp_path: Path) -> None:
    """Then every file is read."""
    write_file(tmp_path / "bin/rg", "#!/bin/sh\nexit 2\n")
    (tmp_path / "bin/rg").chmod(0o755)
    write_file(tmp_path / "a.txt", "needle\n")
    ripgrep = program if program.startswith("/") else str(tmp_path / "bin/rg")
    found = search(tmp_path, ["a.txt"], Expression("needle"), ripgrep=ripgrep)
    assert [line.text for _position, line in found] == ["needle"]


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"a\z", r"\Aa", r"\ba\B", r"^a$", r"a\.b", r"\x41\x{e9}", r"\d\W\s", r"\pL\p{Greek}"),
        *(
            r"[a-z]",
            r"[^\d]",
            r"[[:alpha:]_]",
            r"a|b",
            r"a{2,3}?",
            r"(?:a)",
            r"(?P<n>a)",
            r"(?i:a)",
        ),
        *(r"(?i:a)", r"a.b", r"a\tb", "é"),
    ],
)
def test_what_ripgrep_selects_files_for(pattern: str) -> None:
    """Of other expressions, every file is read."""
    assert widen(Expression(pattern)) is not None
    assert widen(Expression(pattern, is_inverted=True)) is None
    assert widen(Expression("a", more=(pattern, r"\Qa\E"))) is None
