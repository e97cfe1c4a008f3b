"""Files with mentions, for tests of the meaning of a mention."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import PurePath

from kodit.domain.file_facts import MentioningFile
from kodit.domain.inference import Declared, Inference, Meaning, Target
from kodit.domain.mentions import Mention, MentionKind
from kodit.domain.resolution import Resolver, Verdict

LANGUAGES = {
    ".py": "python",
    ".ts": "typescript",
    ".tsx": "tsx",
    ".go": "go",
    ".java": "java",
    ".kt": "kotlin",
    ".scala": "scala",
    ".php": "php",
    ".rb": "ruby",
    ".rs": "rust",
    ".c": "c",
    ".cpp": "cpp",
    ".cs": "csharp",
    ".ex": "elixir",
    ".lua": "lua",
}
TYPES = frozenset({"class", "interface", "type"})


def language_of(path: str) -> str:
    return LANGUAGES[PurePath(path).suffix]


def target(place: str, kind: str = "function", root: str = "") -> Target:
    """Of `path:Scope.name`."""
    path, _, qualified = place.partition(":")
    scope, _, name = qualified.rpartition(".")
    return Target(1, path, language_of(path), name, scope, kind == "method", kind in TYPES, root)


def _always(around: str, _line: int) -> str:
    return around


class World:
    """Files with mentions, and the definitions: `path:Scope.name` with its kind."""

    def __init__(self) -> None:
        self.files: dict[str, MentioningFile] = {}
        self.targets: list[Target] = []

    def file(self, path: str, *mentions: tuple[Mention, str] | Mention) -> MentioningFile:
        """Mentions are in the given definition, or at the top level."""
        file = self.files.setdefault(path, MentioningFile(1, path, language_of(path)))
        for one in mentions:
            mention, around = (one, "") if isinstance(one, Mention) else one
            file.learn([mention], partial(_always, around))
        return file

    def define(self, place: str, kind: str = "function", root: str = "") -> Target:
        found = target(place, kind, root)
        self.targets.append(found)
        self.file(found.path)
        return found

    def declared(self, name: str) -> Sequence[Declared]:
        return [Declared(one, self.files[one.path]) for one in self.targets if one.name == name]

    def judge(self, wanted: Target, path: str, mention: Mention, around: str = "") -> Verdict:
        namesakes = [one for one in self.targets if one.name == wanted.name]
        resolver = Resolver(namesakes, [wanted], self.declared)
        return resolver.judge(mention, around, self.file(path))

    def meaning(self, path: str, qualifier: str, around: str = "", line: int = 9) -> Meaning:
        return Inference(self.declared).meaning(qualifier, around, line, self.file(path))


def call(written: str, line: int = 9, alias: str = "") -> Mention:
    qualifier, _, name = written.rpartition(".")
    return Mention(MentionKind.CALL, name, line, qualifier, alias)


def imports(name: str, module: str, alias: str = "") -> Mention:
    return Mention(MentionKind.IMPORT, name, 1, module, alias)


def says(name: str, alias: str, line: int = 2) -> Mention:
    return Mention(MentionKind.TYPE, name, line, "", alias)


def inherits(base: str, by: str) -> Mention:
    return Mention(MentionKind.INHERITS, base, 2, "", by)
