"""Random work trees with rules of git at every level, from a seed.

Few names are used in a tree, and most patterns are made from its own paths, so that they speak of
something. What is written is what people write, and what nobody would.
"""

from __future__ import annotations

import hashlib
import os
import random
from dataclasses import dataclass, field
from pathlib import Path

NAMES = [
    *["a", "b", "ab", "A", "B", "foo", "Foo", "FOO", "bar", "foo.c", "foo.C", "a.b.c", "1", "10"],
    *[".a", ".hidden", "...", "a.", "é", "É", "日本", "e\u0301", "x y", " a", "a ", "a  ", " "],
    *["\ta", "a\t", "[a]", "[", "]", "[ab", "a]", "a*", "*", "**", "?", "!b", "!", "#c", "#"],
    *["\\d", "\\", "a\\", "-", "--", "-a", "~", "~a", "a:b", ":a", "'q'", '"q"', "new\nline"],
    *["a\rb", "a\r", "\x7f", "\udcff\udcfe", "a\udcffb", "x" * 120, "{a,b}", "$a", "%41", "^a"],
    *["src", "docs", "lib", "build", "dist", "target", "out.log", "t_1.py", "vendor"],
    *["node_modules", "z.png", "z.min.js", ".env"],
]
_PIECES = [
    *["*", "**", "***", "?", "/", "//", "**/", "/**", "!", "#", "\\!", "\\#", "\\*", "\\/", "\\ "],
    *[" ", "\t", "\\", "\\\\", ".", "..", "./", "../", "[a-z]", "[A-Z]", "[!a]", "[^b]", "[]a]"],
    *["[a", "[[:alpha:]]", "[[:digit:]x]", "[[:upper:]]", "[[:nope:]]", "[![:space:]]", "[a-]"],
    *["[\\]]", "[\\a-c]", "[b-a]", "[a/b]", "[--0]", "[!-~]", "[", "]", "-", "[[:alpha:", "[[a]"],
    *["[[.a.]]", "[[=a=]]", "é", "\udcff", "\r", "\0", "\ufeff", "\x0b", "\x0c", "{a,b}", "~"],
]
_ATTRIBUTES = [
    *["text", "-text", "!text", "text=auto", "diff", "-diff", "!diff", "diff=python", "binary"],
    *["-binary", "!binary", "merge=union", "eol=lf", "linguist-generated", "-linguist-generated"],
    *["!linguist-generated", "linguist-generated=true", "linguist-generated=false"],
    *["linguist-vendored", "-linguist-vendored", "linguist-vendored=0", "export-ignore"],
    *["working-tree-encoding=UTF-16LE", "-working-tree-encoding", "working-tree-encoding"],
    *["own", "-own", "!own", "own=1", "other", "-other", "second", "=x", "-", "!", "a b", "text="],
    *["linguist-generated=a=b", "x!y", "-a=b", "é", "a/b", "linguist-generated=é"],
]
_MACROS = [
    *["[attr]own text -diff", "[attr]other own linguist-vendored", "[attr]own own"],
    *["[attr]second other !text", "[attr]binary text", "[attr]-own text", "[attr] own text"],
    *["[attr]text -diff", "[attr]own", "[attr]own=1 text"],
]


@dataclass
class RandomTree:
    """A tree that has been written: its files (links among them) and folders by path, the folders
    that are repositories within it, and the files that git tracks."""

    root: Path
    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    repositories: list[str] = field(default_factory=list)
    tracked: set[str] = field(default_factory=set)

    @property
    def entries(self) -> list[str]:
        """All of its paths, in order."""
        return sorted([*self.files, *self.links, *self.folders])

    def repository_of(self, path: str) -> str:
        """The innermost repository that holds a path, which may be the root of another one."""
        above = [one for one in self.repositories if path.startswith(f"{one}/")]
        return max(above, key=len, default="")

    def holds_tracked(self, path: str) -> bool:
        """Whether the repository that holds a path tracks that file, or anything in that folder."""
        place = self.repository_of(path)
        return any(
            (one == path or one.startswith(f"{path}/")) and self.repository_of(one) == place
            for one in self.tracked
        )


def write_random_tree(root: Path, user_ignores: Path, seed: int) -> RandomTree:
    """A tree below `root`, an empty folder, and what `user_ignores` holds for it."""
    chance = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    return _Writer(root, user_ignores, chance).write()


def make_repository(root: Path) -> Path:
    """The least that git takes for a repository; `git init` would take most of a test's time."""
    directory = root / ".git"
    (directory / "objects").mkdir(parents=True)
    (directory / "refs").mkdir()
    (directory / "HEAD").write_text("ref: refs/heads/main\n")
    (directory / "info").mkdir()
    return directory


class _Writer:
    def __init__(self, root: Path, user_ignores: Path, random_: random.Random) -> None:
        self._tree = RandomTree(root)
        self._user_ignores = user_ignores
        self._random = random_
        self._names = random_.sample(NAMES, 6) + random_.sample(NAMES[:20], 3)

    def write(self) -> RandomTree:
        tree, chance = self._tree, self._random
        make_repository(tree.root)
        for _ in range(chance.randint(4, 18)):
            self._add([chance.choice(self._names) for _ in range(chance.randint(1, 5))])
        tree.repositories += [one for one in tree.folders if chance.random() < 0.06]
        for place in tree.repositories:
            make_repository(tree.root / place)
        for place in ["", *tree.repositories]:
            self._write_rules_of_repository(place)
        for folder in ["", *tree.folders]:
            likely = 0.8 if not folder else 0.3
            if chance.random() < likely:
                self._write(f"{folder}/.gitignore".strip("/"), self._ignore_file(folder))
            if chance.random() < likely:
                self._write(f"{folder}/.gitattributes".strip("/"), self._attribute_file(folder))
        self._user_ignores.write_bytes(self._ignore_file("") if chance.random() < 0.4 else b"")
        for place in ["", *tree.repositories]:
            self._track(place)
        return tree

    def _add(self, parts: list[str]) -> None:
        tree = self._tree
        paths = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        taken = {*tree.files, *tree.links}
        if taken.intersection(paths) or paths[-1] in tree.folders:
            return
        for path in paths[:-1]:
            if path not in tree.folders:
                (tree.root / path).mkdir()
                tree.folders.append(path)
        kind = self._random.random()
        if kind < 0.05:
            (tree.root / paths[-1]).symlink_to(self._random.choice([".", "a", "nowhere"]))
            tree.links.append(paths[-1])
        elif kind < 0.15:
            (tree.root / paths[-1]).mkdir()
            tree.folders.append(paths[-1])
        else:
            self._write(paths[-1], b"text\n")

    def _write(self, path: str, content: bytes) -> None:
        (self._tree.root / path).write_bytes(content)
        self._tree.files.append(path)

    def _write_rules_of_repository(self, place: str) -> None:
        info = self._tree.root / place / ".git" / "info"
        if self._random.random() < 0.4:
            (info / "exclude").write_bytes(self._ignore_file(place))
        if self._random.random() < 0.4:
            (info / "attributes").write_bytes(self._attribute_file(place))

    def _track(self, place: str) -> None:
        tree = self._tree
        own = [
            path
            for path in [*tree.files, *tree.links]
            if tree.repository_of(path) == place and self._random.random() < 0.4
        ]
        tree.tracked.update(own)
        start = len(place) + 1 if place else 0
        index = index_of([os.fsencode(path[start:]) for path in own])
        (tree.root / place / ".git" / "index").write_bytes(index)

    def _ignore_file(self, folder: str) -> bytes:
        return self._file([self._ignore_line(folder) for _ in range(self._random.randint(0, 6))])

    def _attribute_file(self, folder: str) -> bytes:
        lines = [self._attribute_line(folder) for _ in range(self._random.randint(0, 6))]
        return self._file(lines)

    def _file(self, lines: list[str]) -> bytes:
        chance = self._random
        mark = "\ufeff" if chance.random() < 0.05 else ""
        end = "\r\n" if chance.random() < 0.15 else "\n"
        last = end if chance.random() < 0.7 else ""
        return f"{mark}{end.join(lines)}{last}".encode("utf-8", "surrogateescape")

    def _ignore_line(self, folder: str) -> str:
        chance = self._random
        kind = chance.random()
        if kind < 0.05:
            return chance.choice(["", "#", "# a", " # a", "!", "/", "!/", " ", "\t", "\\", "**"])
        pattern = self._pattern(folder)
        if chance.random() < 0.2:
            pattern = f"!{pattern}"
        if chance.random() < 0.1:
            pattern += chance.choice([" ", "  ", "\\ ", "\\  ", "\t", "\\\\ ", "\r", " \r"])
        return pattern

    def _attribute_line(self, folder: str) -> str:
        chance = self._random
        if chance.random() < 0.15:
            return chance.choice(_MACROS)
        pattern = self._pattern(folder)
        kind = chance.random()
        if kind < 0.3 or any(space in pattern for space in " \t"):
            quoted = pattern.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
            pattern = f'"{quoted}"' if kind < 0.28 else f'"{quoted}'
        elif kind < 0.33:
            pattern = "".join(f"\\{byte:03o}" for byte in pattern.encode("utf-8", "ignore"))
            pattern = f'"{pattern}"'
        values = [chance.choice(_ATTRIBUTES) for _ in range(chance.randint(0, 3))]
        if chance.random() < 0.03:
            values.append("a" * chance.choice([2000, 2100]))
        before = chance.choice(["", "", "", "", " ", "\t", "#"])
        between = chance.choice([" ", " ", "  ", "\t", " \t "])
        return before + between.join([pattern, *values]) + chance.choice(["", "", " ", "\t"])

    def _pattern(self, folder: str) -> str:
        chance = self._random
        if chance.random() < 0.15:
            pieces = [chance.choice([*_PIECES, *self._names]) for _ in range(chance.randint(1, 5))]
            return "".join(pieces).replace("\n", "")
        parts = self._some_path(folder)
        parts = [self._changed(part) for part in parts]
        start = chance.choice(["", "", "", "/", "/", "**/", "*/", "./", "//"])
        end = chance.choice(["", "", "", "", "/", "/", "/*", "/**", "/**/", "*", "//"])
        return f"{start}{'/'.join(parts)}{end}".replace("\n", "?")

    def _some_path(self, folder: str) -> list[str]:
        """A path below a folder, as it is, or a part of it."""
        chance = self._random
        tree = self._tree
        prefix = f"{folder}/" if folder else ""
        below = [
            path.removeprefix(prefix)
            for path in [*tree.files, *tree.folders]
            if path.startswith(prefix)
        ]
        if not below or chance.random() < 0.2:
            return [chance.choice(self._names)]
        parts = chance.choice(below).split("/")
        first = chance.randrange(len(parts)) if chance.random() < 0.6 else 0
        last = chance.randint(first + 1, len(parts)) if chance.random() < 0.4 else len(parts)
        return parts[first:last]

    def _changed(self, part: str) -> str:
        """A name as a pattern that may still match it."""
        chance = self._random
        kind = chance.random()
        if kind < 0.12:
            return chance.choice(["*", "**", "?", "***", "*?"])
        if kind < 0.45 or not part:
            return part
        position = chance.randrange(len(part))
        letter = part[position]
        other = chance.choice(
            [
                *[f"[{letter}]", f"\\{letter}", "?", "*", f"{letter}*", f"*{letter}", "[a-z]"],
                *["[!a-f]", f"[!{letter}]", "[[:alpha:]]", "[[:upper:]]", f"[x{letter}-]", "**"],
                *[letter.swapcase(), f"[a-{letter}]", f"[\\{letter}]", "[^/]", f"[]{letter}]"],
            ]
        )
        return part[:position] + other + part[position + 1 :]


def index_of(paths: list[bytes]) -> bytes:
    """git's index of empty files at these paths, as gitformat-index(5) has it in version 2."""
    data = b"DIRC" + (2).to_bytes(4, "big") + len(paths).to_bytes(4, "big")
    for path in sorted(paths):
        mode = (0o100644).to_bytes(4, "big")
        entry = bytes(24) + mode + bytes(12) + bytes(20) + min(len(path), 0xFFF).to_bytes(2, "big")
        entry += path
        data += entry + bytes(8 - len(entry) % 8)
    return data + hashlib.sha1(data, usedforsecurity=False).digest()
