"""Generated source trees, reproducible by a seed, and git repositories of them."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import time
from pathlib import Path

from tests.support.command import wait_until

from kodit.infrastructure.folder.scan import RACY_NS

_WORDS = (
    "anchor basket candle dragon ember falcon garden harbor island jungle kernel ladder magnet "
    "needle orchid pepper quiver ribbon saddle temple umbrella velvet walnut yonder zephyr copper "
    "meadow lantern glacier thunder whisper compass bramble cobalt ferret granite hollow iris"
).split()

GIT_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def python_function(name: str, words: list[str]) -> str:
    """A function of about ten lines, long enough to be a snippet of its own."""
    first, second, third, *_ = words
    return f'''def {name}({first}, {second}=None):
    """Carry the {first} past the {second} until the {third} is full."""
    {third} = []
    for position, item in enumerate({first}):
        if {second} is not None and position in {second}:
            continue
        {third}.append((position, item, "{" ".join(words)}"))
    if not {third}:
        raise ValueError("there is no {third} for the {first}")
    return sorted({third}, key=lambda entry: (entry[1], entry[0]))
'''


def write_tree(folder: Path, files: int, seed: int = 1) -> list[str]:
    """Write Python modules, documents and plain text below `folder`; returns their paths."""
    choice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    paths = []
    for number in range(files):
        words = choice.choices(_WORDS, k=8)
        place = f"{words[0]}_{number % 12}"
        match number % 8:
            case 6:
                path, text = f"docs/{words[0]}_{number}.md", _document(number, words)
            case 7:
                path, text = f"notes/{words[0]}_{number}.txt", _notes(choice)
            case _:
                path, text = f"src/{place}/{words[1]}_{number}.py", _module(number, choice)
        write_file(folder / path, text)
        paths.append(path)
    return sorted(paths)


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def wait_until_old(folder: Path) -> None:
    """Wait until a scan is certain about the files: those that changed just before it are checked
    again, and a server requests that when it starts.
    """
    youngest = max(path.stat().st_ctime_ns for path in folder.rglob("*"))
    wait_until(lambda: time.time_ns() - youngest > RACY_NS)


def _module(number: int, choice: random.Random) -> str:
    functions = [
        python_function(f"{choice.choice(_WORDS)}_{number}_{position}", choice.sample(_WORDS, 6))
        for position in range(5)
    ]
    return f'"""Module {number}."""\n\nimport os\n\n\n' + "\n\n".join(functions)


def _document(number: int, words: list[str]) -> str:
    sections = [
        f"## {word.title()} {number}\n\n" + "\n".join(f"{word} and {other}." for other in words)
        for word in words[:3]
    ]
    return f"# Guide {number}\n\n" + "\n\n".join(sections) + "\n"


def _notes(choice: random.Random) -> str:
    return "".join(" ".join(choice.choices(_WORDS, k=9)) + "\n" for _ in range(70))


def listing(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Mode, modification time and content hash of everything below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        digest = hashlib.blake2b(content).hexdigest()
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_mtime_ns, digest)
    return found


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder; returns what it printed."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        check=False,
        env=GIT_ENVIRONMENT,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit_all(folder: Path) -> str:
    """Commit the work tree, making the repository where there is none; returns the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all", ".")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=change")
    return git(folder, "rev-parse", "HEAD")
