"""The README's examples work as shown, and the public names are as described."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.sources import python_function, write_file

import kodit
from kodit.domain import errors

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SCREENFUL = [
    shlex.split(line, comments=True)[2:]
    for line in README.splitlines()
    if line.startswith("$ kodit ") and line.split()[2] not in ("serve", "worker")
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with the shop of the README in it."""
    words = "where sessions are refreshed by retry with back-off".split()
    for name in ("SessionMiddleware", "refresh_session"):
        text = python_function(name, ["session", "cart", "store", *words])
        write_file(tmp_path / "code" / "shop" / "src" / f"{name}.py", text)
    cart = "".join(python_function(f"add_{n}", ["cart", "shop", "price"]) for n in range(9))
    write_file(tmp_path / "code" / "shop" / "src" / "cart.py", cart)
    return tmp_path


def test_the_sample_answer_shows_lines_that_are_there() -> None:
    """At the places that it names."""
    shown = re.findall(r"^ \d\. (\S+):(\d+)-\d+  .*\n((?:    .*\n)+?)    … ", README, re.M)
    assert len(shown) == 2
    for path, first, text in shown:
        lines = [line.removeprefix("    ") for line in text.splitlines()]
        there = (ROOT / path).read_text().splitlines()[int(first) - 1 :]
        assert there[: len(lines)] == lines


def test_the_screenful_works_line_by_line(home: Path) -> None:
    """Every command except `serve` and `worker`, which never end, and the URL, which is remote, in
    order: each prints something and has exit status 0."""
    command = KoditCommand(home / "data", HOME=str(home))
    assert len(SCREENFUL) > 10
    for arguments in SCREENFUL:
        here = [
            argument.replace("~", str(home))
            for argument in arguments
            if not argument.startswith("https://")
        ]
        outcome = command.run_here(*here)
        assert outcome.code == 0, (here, outcome)
        assert (outcome.out + outcome.err).strip(), here
    assert (home / "code" / "shop" / "src" / "cart.py").exists()


def test_the_python_example_prints_what_it_finds(home: Path) -> None:
    """The block unchanged, in a program of its own."""
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=home,
        env=KoditCommand(home, HOME=str(home)).environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 3
    assert re.match(r"src/\w+\.py \d+ ", done.stdout)


def test_an_index_tells_what_it_holds(home: Path) -> None:
    """In Python as in `kodit status`, briefly."""
    with kodit.Kodit(home / "data") as client:
        (index,) = client.index(home / "code" / "shop")
    assert (index.id, index.source, index.files) == (1, str(home / "code" / "shop"), 3)
    assert index.snippets > 3
    assert index.updated_at is not None
    assert "Task(" not in repr(index)


def test_what_the_package_offers_can_be_imported() -> None:
    """Names that are loaded on first use exist, and unknown names raise AttributeError."""
    for name in kodit.__all__:
        assert getattr(kodit, name) is not None
    assert dir(kodit) == kodit.__all__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = kodit.nothing


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    """The drawing at the top of `domain/errors.py` shows every class in its place."""
    drawn = []
    for indent, name in re.findall(r"^([│├└─ ]*)(\w+)(?:  .*)?$", errors.__doc__ or "", re.M):
        if name[0].isupper():
            drawn.append((len(indent) // 4, name))
    assert drawn == [*_tree(errors.KoditError, 0)]


def _tree(error: type[errors.KoditError], depth: int) -> list[tuple[int, str]]:
    known = [one for one in error.__subclasses__() if one.__module__ == errors.__name__]
    below = [line for one in known for line in _tree(one, depth + 1)]
    return [(depth, error.__name__), *below]
