"""Mining pairs of text and code from files as people write them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from training.held_out import HeldOut
from training.mining import (
    Pair,
    files_of,
    first_sentences,
    inner_comments,
    is_wanted,
    pairs_of,
    split_documentation,
    unique,
    without_name,
)
from training.sources import Source

NOBODY = HeldOut(frozenset())

PYTHON = '''"""Reading the settings of a service."""


class Settings:
    """What a service was told, by environment variable or file."""

    def read_timeout(self, name):
        """Return the seconds to wait for an answer of the backend.

        Zero means forever.
        """
        value = self.values.get(name)
        # Old files have milliseconds, which nobody writes any more.
        if value is not None and value > 1_000:
            value = value / 1_000
        return float(value or self.default_timeout)
'''

GO = """package pool

import (
	"context"
	"sync"
)

// Pool keeps the connections to one backend, as many as were ever wanted at one time.
type Pool struct {
	mutex sync.Mutex
	idle  Stack
	dial  func(ctx context.Context) (*Conn, error)
}

// Acquire takes a connection that is idle, or opens a new one when there is room.
func (p *Pool) Acquire(ctx context.Context) (*Conn, error) {
\tp.mutex.Lock()
\tdefer p.mutex.Unlock()
\treturn p.idle.Pop(), nil
}
"""


def found(path: str, text: str) -> dict[str, list[Pair]]:
    pairs: dict[str, list[Pair]] = {}
    for pair in pairs_of(path, text.encode()):
        pairs.setdefault(pair.kind, []).append(pair)
    return pairs


def test_a_function_is_told_of_by_its_docstring_its_name_and_its_comments() -> None:
    pairs = found("service/settings.py", PYTHON)
    said = {pair.query: pair for pair in pairs["doc"]}
    own = said["Return the seconds to wait for an answer of the backend."]
    assert "self.values.get(name)" in own.target
    assert "Zero means" not in own.target
    assert "milliseconds" not in own.target
    assert own.rest.splitlines()[0] == "Zero means forever."
    assert "milliseconds" in own.rest
    (comment,) = pairs["comment"]
    assert comment.query == "Old files have milliseconds, which nobody writes any more."
    assert comment.target.lstrip().startswith("if value is not None")
    (name,) = (pair for pair in pairs["name"] if "timeout" in pair.query)
    assert name.query == "settings read timeout"
    assert "read_timeout" not in name.target


def test_a_comment_above_a_function_loses_the_name_of_it() -> None:
    *_, pair = found("pool.go", GO)["doc"]
    assert pair.query == "takes a connection that is idle, or opens a new one when there is room."
    assert pair.target.startswith("func (p *Pool) Acquire")


def test_a_section_is_told_of_by_its_heading() -> None:
    text = "# How timeouts work\n\n" + "The client waits for the answer. " * 10
    (pair,) = found("docs/timeouts.md", text)["section"]
    assert pair.query == "How timeouts work"
    assert "How timeouts work" not in pair.target


def test_what_follows_the_first_sentence_is_kept_apart() -> None:
    said, further = first_sentences("Reads all of the file.\nIn one go.\n\nThen.\n:param x: what")
    assert said == "Reads all of the file. In one go."
    assert further.split() == "Then. :param x: what".split()


@pytest.mark.parametrize(
    ("documentation", "said"),
    [
        ("Opens the file. Then reads it.", "Opens the file. Then reads it."),
        (
            "Opens the file that the configuration names. Then reads it.",
            "Opens the file that the configuration names.",
        ),
        ("Returns {@link Socket} of the <b>client</b>.", "Returns Socket of the client ."),
        ("Sends the request.\n\n:param url: where to", "Sends the request."),
        ("Sends the request to\n@param url where", "Sends the request to"),
        ("Copyright 2020 The Authors of it", None),
        ("TODO: make this work again", None),
        ("x y z", None),
        ("", None),
    ],
)
def test_the_first_sentence_of_documentation(documentation: str, said: str | None) -> None:
    assert first_sentences(documentation)[0] == said


def test_what_says_little_without_the_name_is_left_out() -> None:
    assert without_name("Socket reads all bytes there", "socket") == "reads all bytes there"
    assert without_name("The socket (Socket) itself.", "socket") is None


def test_documentation_and_code_are_told_apart() -> None:
    text = "// Says what.\n\nfn f() {\n  // inside\n  1\n}"
    assert split_documentation(text) == ("Says what.", "fn f() {\n  1\n}", "inside")


def test_a_comment_at_the_head_is_not_one_within() -> None:
    assert list(inner_comments("# One two three four\nx = 1\ny = 2\nz = 3")) == []


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("src/reader.py", True),
        ("README.md", True),
        ("vendor/reader.py", False),
        ("src/third_party/x/reader.cc", False),
        ("tests/test_reader.py", False),
        ("src/reader_test.go", False),
        ("src/ReaderTest.java", False),
        ("lib/app.min.js", False),
        ("data/all.json", False),
        ("image.png", False),
        ("secret/reader.py", False),
        ("src/secret.py", False),
    ],
)
def test_files_of_others_tests_and_data_are_left_out(path: str, *, wanted: bool) -> None:
    assert is_wanted(path, 1_000, HeldOut.of_names(["Secret"])) is wanted
    assert not is_wanted(path, 10, NOBODY)
    assert not is_wanted(path, 10_000_000, NOBODY)


def test_files_are_read_from_a_revision(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "settings.py").write_text(PYTHON)
    (tmp_path / "pool.go").write_text(GO)
    (tmp_path / "link.py").symlink_to("folder/" * 40 + "settings.py")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "x"], check=True)
    (tmp_path / "settings.py").unlink()
    source = Source("some/project", "HEAD", "MIT")
    found = dict(files_of(tmp_path / ".git", source, NOBODY))
    assert found == {"settings.py": PYTHON.encode(), "pool.go": GO.encode()}


def test_what_is_said_twice_counts_once() -> None:
    pairs = [Pair("doc", "Reads a file", "a", "1"), Pair("doc", "reads a file", "b", "2")]
    assert unique([*pairs, Pair("name", "Reads a file", "c", "3")], 5) == [
        pairs[0],
        Pair("name", "Reads a file", "c", "3"),
    ]
    assert unique(pairs, 1) == pairs[:1]
