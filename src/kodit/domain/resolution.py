"""Which definition a mention means, as far as imports, scopes and receivers tell.

Nothing here runs a compiler. A mention is CERTAIN where the file itself says what it means, LIKELY
where only the name and its neighbourhood speak for it, and NO where something speaks against it:
its file imports the name from elsewhere, or the receiver is of another type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from kodit.domain.mentions import Mention, MentionKind

_PARTS = re.compile(r"[./\\:@\"'`]+")
_ENTRANCES = frozenset({"__init__", "index", "mod", "lib", "main", "init"})
"""Files that are named by their folder."""

_ROOTS = frozenset({"src", "lib", "crate", "main", "java", "kotlin", "scala", "test", "tests"})
"""Folders that no module is named after."""

_ITSELF = frozenset({"self", "this", "cls", "super()", "Self", "@", "static", "parent", "super"})
"""Receivers that stand for an object of the type around."""

_MOST_NAMESAKES = 4
"""A member of so many types at most may be meant by a receiver of which nothing is known."""


class Sight(IntEnum):
    """What a name sees that nothing qualifies and no import explains."""

    FILE = 0
    FOLDER = 1
    INDEX = 2


@dataclass(frozen=True, slots=True)
class Rules:
    """How a language finds what a name means. `own_members`: a member of the type around needs no
    receiver."""

    sight: Sight = Sight.INDEX
    own_members: bool = True


_RULES: Mapping[str, Rules] = {
    "python": Rules(Sight.FILE, own_members=False),
    "javascript": Rules(Sight.FILE, own_members=False),
    "typescript": Rules(Sight.FILE, own_members=False),
    "tsx": Rules(Sight.FILE, own_members=False),
    "rust": Rules(Sight.FILE, own_members=False),
    "go": Rules(Sight.FOLDER, own_members=False),
    "java": Rules(Sight.FOLDER),
    "kotlin": Rules(Sight.FOLDER),
    "scala": Rules(Sight.FOLDER),
}
_ANY = Rules()

_FAMILIES = {
    "tsx": "javascript",
    "typescript": "javascript",
    "c": "cpp",
    "kotlin": "java",
    "scala": "java",
}
"""Languages that call each other, by the one that stands for all."""


class Verdict(IntEnum):
    """Whether a mention means a definition."""

    NO = 0
    LIKELY = 1
    CERTAIN = 2


class Target(NamedTuple):
    """A definition: where it is, the scopes around it, and whether the innermost is a type."""

    index_id: int
    path: str
    language: str
    name: str
    scope: str
    is_member: bool

    @property
    def owner(self) -> str:
        """The innermost scope."""
        return self.scope.rpartition(".")[2]


@dataclass(slots=True)
class MentioningFile:
    """What a file says of its names: `imports` by the name by which it goes on, `stars` the modules
    of which it takes all, `types` the type of a variable, parameter or field."""

    index_id: int
    path: str
    language: str
    imports: dict[str, Mention] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    types: dict[str, list[Mention]] = field(default_factory=dict)
    bases: dict[str, set[str]] = field(default_factory=dict)

    def learn(self, mentions: Iterable[Mention], around: Callable[[int], str]) -> None:
        """Take in what is mentioned in one piece of the file; `around` tells the definition that a
        line stands in."""
        for mention in mentions:
            if mention.kind is MentionKind.IMPORT:
                if mention.name == "*":
                    self.stars.append(mention.qualifier)
                else:
                    self.imports[mention.alias or mention.name] = mention
            elif mention.alias:
                self.types.setdefault(mention.alias, []).append(mention)
            if mention.kind is MentionKind.INHERITS:
                owner = around(mention.line)
                self.bases.setdefault(owner.rpartition(".")[2], set()).add(mention.name)

    def type_of(self, variable: str, line: int) -> Mention | None:
        """What was last said before a line of the type of a variable; of one of an object
        anything that is said."""
        said = self.types.get(variable)
        if not said:
            return None
        before = [one for one in said if one.line <= line]
        if before:
            return before[-1]
        return said[0] if "." in variable else None


class Resolver:
    """Judges mentions of one name. `targets` are all that is defined by it, `wanted` those of them
    that were asked for."""

    def __init__(self, targets: Sequence[Target], wanted: Sequence[Target]) -> None:
        self._targets = targets
        self._wanted = set(wanted)
        self._owners = {one.owner for one in targets if one.is_member}

    def judge(self, mention: Mention, around: str, file: MentioningFile) -> Verdict:
        """`around` is the qualified name of the definition in which the mention stands."""
        verdicts: dict[Target, Verdict] = {}
        for target in self._targets:
            if target.index_id == file.index_id and _family(target.language) == _family(
                file.language
            ):
                verdicts[target] = self._verdict(mention, around, file, target)
        best = max(verdicts.values(), default=Verdict.NO)
        # What certainly means another definition of the name does not mean this one.
        return max(
            (one for target, one in verdicts.items() if target in self._wanted and one == best),
            default=Verdict.NO,
        )

    def _verdict(
        self, mention: Mention, around: str, file: MentioningFile, target: Target
    ) -> Verdict:
        if mention.kind is MentionKind.IMPORT:
            return _by_import(mention, file, target)
        if not mention.qualifier:
            return self._plain(mention, around, file, target)
        return self._qualified(mention, around, file, target)

    def _plain(  # noqa: PLR0911 - one for each rule
        self, mention: Mention, around: str, file: MentioningFile, target: Target
    ) -> Verdict:
        rules = _RULES.get(file.language, _ANY)
        imported = file.imports.get(mention.name)
        if imported is not None and not target.is_member:
            return _by_import(imported, file, target)
        if target.is_member:
            if not rules.own_members:
                return Verdict.NO
            return self._of_itself(around, file, target)
        if target.path == file.path:
            return Verdict.CERTAIN
        if any(_is_module(star, target.path, file.path) for star in file.stars):
            return Verdict.CERTAIN
        if rules.sight is Sight.INDEX:
            return Verdict.CERTAIN if len(self._targets) == 1 else Verdict.LIKELY
        if rules.sight is Sight.FOLDER and _folder(target.path) == _folder(file.path):
            return Verdict.CERTAIN
        return Verdict.NO

    def _of_itself(self, around: str, file: MentioningFile, target: Target) -> Verdict:
        """A member of the type around, or of one of its bases."""
        scopes = around.split(".")
        if target.owner in scopes:
            return Verdict.CERTAIN
        bases = set[str]().union(*(file.bases.get(scope, set()) for scope in scopes))
        if target.owner in bases:
            return Verdict.CERTAIN
        if self._owners & set(scopes):
            return Verdict.NO  # the type around has a member of its own by this name
        return Verdict.LIKELY if bases or target.path == file.path else Verdict.NO

    def _qualified(  # noqa: PLR0911 - one for each rule
        self, mention: Mention, around: str, file: MentioningFile, target: Target
    ) -> Verdict:
        qualifier = mention.qualifier
        if qualifier in _ITSELF:
            return self._of_itself(around, file, target) if target.is_member else Verdict.NO
        steps = [step for step in _PARTS.split(qualifier) if step]
        if not steps:
            return self._unknown(qualifier, target)
        first, last = steps[0], steps[-1]
        imported = file.imports.get(first)
        if imported is not None:
            return _through_import(imported, steps, file, target)
        if target.is_member and last == target.owner:
            return Verdict.CERTAIN
        typed = file.type_of(qualifier, mention.line)
        if typed is not None and target.is_member:
            return self._of_type(typed, file, target)
        called = last.removesuffix("()")
        if called != last and called == target.owner:
            return Verdict.CERTAIN
        if not target.is_member:
            return _of_module(steps, file, target)
        return self._unknown(last, target)

    def _of_type(self, typed: Mention, file: MentioningFile, target: Target) -> Verdict:
        if typed.name == target.owner:
            return Verdict.CERTAIN
        if typed.name in self._owners:
            return Verdict.NO
        if target.owner in file.bases.get(typed.name, set()):
            return Verdict.CERTAIN
        if typed.kind is MentionKind.CALL and not typed.name[:1].isupper():
            return self._unknown(typed.name, target)  # what a function returns is not known
        imported = file.imports.get(typed.name)
        if imported is not None and not _may_be_within(imported, file, target):
            return Verdict.NO
        return Verdict.LIKELY

    def _unknown(self, receiver: str, target: Target) -> Verdict:
        """Of a receiver only its name is known, if that."""
        if not target.is_member:
            return Verdict.NO
        owner, name = _letters(target.owner), _letters(receiver)
        if len(name) > 2 and (name in owner or owner in name):
            return Verdict.LIKELY
        return Verdict.LIKELY if len(self._owners) <= _MOST_NAMESAKES else Verdict.NO


def _by_import(imported: Mention, file: MentioningFile, target: Target) -> Verdict:
    """A name that a file imports: is it this one?"""
    if imported.name not in (target.name, "default") and imported.alias != target.name:
        return Verdict.NO
    module = imported.qualifier
    if not module:
        return Verdict.NO
    if _is_module(module, target.path, file.path) or (
        target.scope and _ends_alike(_split(module), target.scope.split("."))
    ):
        return Verdict.CERTAIN
    # A package may hand on what is defined somewhere below it.
    return Verdict.LIKELY if _is_below(module, target.path, file.path) else Verdict.NO


def _through_import(
    imported: Mention, steps: Sequence[str], file: MentioningFile, target: Target
) -> Verdict:
    """`a.b.name` where a file imports `a`, a module or a type."""
    inside = steps[1:]
    if target.is_member:
        if (inside[-1] if inside else imported.name) == target.owner:
            return Verdict.CERTAIN
        if inside or not _may_be_within(imported, file, target):
            return Verdict.NO
        return Verdict.LIKELY if not imported.name[:1].isupper() else Verdict.NO
    module = ".".join(filter(None, (imported.qualifier, imported.name, *inside)))
    if module and imported.qualifier.strip(".") == "" and imported.qualifier:
        module = imported.qualifier + ".".join((imported.name, *inside))
    if _is_module(module, target.path, file.path):
        return Verdict.CERTAIN
    if _is_module(imported.qualifier, target.path, file.path) and imported.name in ("*", ""):
        return Verdict.CERTAIN
    return Verdict.LIKELY if _is_below(module, target.path, file.path) else Verdict.NO


def _of_module(steps: Sequence[str], file: MentioningFile, target: Target) -> Verdict:
    """`a.name`, of which nothing says what `a` is: a folder, a file or a namespace?"""
    around = [*_module_of(target.path), *filter(None, target.scope.split("."))]
    folder = _folder(target.path).rpartition("/")[2]
    if _ends_alike(steps, around) or steps[-1] == folder:
        return Verdict.CERTAIN if len(steps) > 1 or target.path == file.path else Verdict.LIKELY
    return Verdict.NO


def _may_be_within(imported: Mention, file: MentioningFile, target: Target) -> bool:
    return may_import(imported, file.path, target.path)


def may_import(imported: Mention, importing: str, path: str) -> bool:
    """Whether what a file imports may come from the file at `path`, or from below it."""
    module = imported.qualifier or imported.name
    return _is_module(module, path, importing) or _is_below(module, path, importing)


def sees_unqualified(language: str, importing: str, path: str) -> bool:
    """Whether a name that nothing qualifies and no import explains may be defined at `path`."""
    sight = _RULES.get(language, _ANY).sight
    return sight is Sight.INDEX or (sight is Sight.FOLDER and _folder(importing) == _folder(path))


@lru_cache(maxsize=4096)
def _is_module(module: str, path: str, importing: str) -> bool:
    """Whether a module, as `importing` names it, is the file at `path` or the folder of it."""
    return any(
        _ends_alike(wanted, found) if not is_exact else wanted == found
        for wanted, is_exact in _meant(module, importing)
        for found in (_module_of(path), _split(_folder(path)))
        if found or is_exact
    )


@lru_cache(maxsize=4096)
def _is_below(module: str, path: str, importing: str) -> bool:
    """Whether the file at `path` lies somewhere below the folder that a module names."""
    parts = _module_of(path)
    for wanted, is_exact in _meant(module, importing):
        if is_exact and parts[: len(wanted)] == wanted:
            return True
        if (
            not is_exact
            and wanted
            and any(parts[start : start + len(wanted)] == wanted for start in range(len(parts)))
        ):
            return True
    return False


def _meant(module: str, importing: str) -> list[tuple[list[str], bool]]:
    """The parts of a module's name, and whether they count from the top of the source."""
    if module.startswith("."):
        here = _folder(importing).split("/") if "/" in importing else []
        if "/" in module or module in (".", ".."):
            up = module.split("/").count("..")
            rest = [part for part in module.split("/") if part not in (".", "..", "")]
            rest = [re.sub(r"\.[cm]?[jt]sx?$", "", part) for part in rest]
        else:
            dots = len(module) - len(module.lstrip("."))
            up, rest = dots - 1, _split(module)
        if module == ".":
            up, rest = 0, []
        base = here[: len(here) - up] if up else here
        return [(_trimmed([*base, *rest]), True)]
    return [(_trimmed(_split(module)), False)]


def _split(text: str) -> list[str]:
    return [part for part in _PARTS.split(text) if part]


@lru_cache(maxsize=4096)
def _module_cached(path: str) -> tuple[str, ...]:
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    return tuple(_trimmed([*folder.split("/"), stem] if folder else [stem]))


def _module_of(path: str) -> list[str]:
    return list(_module_cached(path))


def _trimmed(parts: list[str]) -> list[str]:
    """Without the roots that no module is named after, and the file that is named by its folder."""
    start = 0
    while start < len(parts) and parts[start] in _ROOTS:
        start += 1
    parts = parts[start:]
    return parts[:-1] if parts and parts[-1] in _ENTRANCES else parts


def _ends_alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether the shorter of two is the end of the longer one."""
    length = min(len(one), len(other))
    return length > 0 and list(one[-length:]) == list(other[-length:])


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _family(language: str) -> str:
    return _FAMILIES.get(language, language)


def _letters(name: str) -> str:
    return name.replace("_", "").lower()
