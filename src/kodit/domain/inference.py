"""Infers the type of a receiver from annotations, constructors and imports.

Types are known by their plain names. If several are possible (`a or B()`, `dict[str, C]`), all of
them are returned, and the caller checks which one has the member.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from kodit.domain.file_facts import MentioningFile, TypeHint, last_of
from kodit.domain.mentions import Mention, MentionKind
from kodit.domain.modules import Place, folder_of, is_below, is_module

_STEPS = re.compile(r"\.|::|->|:|\\|/")
_ITSELF = frozenset({"self", "this", "cls", "Self", "static"})
_CONSTRUCTORS = frozenset({"new()"})
"""Calls that return an object of the type they are called on, whatever their declared result."""
_BASES = frozenset({"super", "super()", "base", "parent"})

DEEPEST = 8
"""The maximum depth of variables, calls and fields that are followed from one another."""

MOST_ANCESTORS = 32
"""The maximum number of direct and indirect bases that are examined."""


class Sight(IntEnum):
    """Which definitions an unqualified name can refer to without an import."""

    FILE = 0
    FOLDER = 1
    INDEX = 2


@dataclass(frozen=True, slots=True)
class Rules:
    """How a language resolves names. `own_members`: a member of the current type needs no receiver.
    `folders`: all files of a folder are one module. `extensions`: a function may be called like a
    member of a type. `module_values`: a variable may hold a module, and what a module defines is
    named through it. `open_types`: other code may add members to a type. `bare_calls`: naming a
    method calls it, without brackets. `hands_on`: a module may export what it imports."""

    sight: Sight = Sight.INDEX
    own_members: bool = True
    folders: bool = False
    extensions: bool = False
    module_values: bool = False
    open_types: bool = False
    bare_calls: bool = False
    hands_on: bool = False


_RULES: Mapping[str, Rules] = {
    "python": Rules(Sight.FILE, own_members=False),
    "javascript": Rules(Sight.FILE, own_members=False),
    "typescript": Rules(Sight.FILE, own_members=False),
    "tsx": Rules(Sight.FILE, own_members=False),
    "php": Rules(own_members=False),
    "rust": Rules(Sight.FILE, own_members=False, open_types=True),
    "go": Rules(Sight.FOLDER, own_members=False, folders=True),
    "java": Rules(Sight.FOLDER, folders=True),
    "kotlin": Rules(Sight.FOLDER, folders=True, extensions=True, open_types=True),
    "scala": Rules(Sight.FOLDER, folders=True, open_types=True, bare_calls=True),
    "swift": Rules(open_types=True),
    "cpp": Rules(open_types=True),
    "ruby": Rules(bare_calls=True),
    "haskell": Rules(Sight.FILE, own_members=False, bare_calls=True, hands_on=True),
    "elixir": Rules(module_values=True),
    "lua": Rules(module_values=True),
}
_ANY = Rules()


def rules_of(language: str) -> Rules:
    """The rules of a language, or the default ones."""
    return _RULES.get(language, _ANY)


class Target(NamedTuple):
    """A definition: its place, the scopes around it, whether the innermost scope is a type that it
    is a member of, whether it is a type itself, and the name of the source."""

    index_id: int
    path: str
    language: str
    name: str
    scope: str
    is_member: bool
    is_type: bool = False
    root: str = ""

    @property
    def place(self) -> Place:
        """Its place, as an importing file needs it."""
        return Place(self.path, self.root, rules_of(self.language).folders)

    @property
    def owner(self) -> str:
        """The innermost scope."""
        return last_of(self.scope)


class Declared(NamedTuple):
    """A definition with what its file says about names."""

    target: Target
    file: MentioningFile


Declarations = Callable[[str], Sequence[Declared]]
"""Returns the definitions of a name."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an expression evaluates to: an object of one of the types (or such a type itself), or a
    module as the file at `importing` names it; neither if unknown."""

    types: frozenset[str] = frozenset()
    module: str = ""
    importing: str = ""


UNKNOWN = Meaning()


def steps_of(qualifier: str) -> list[str]:
    """The names of a chain; those that are called end with `()`."""
    if qualifier.startswith("@"):
        qualifier = f"self.{qualifier.lstrip('@')}"
    plain = qualifier.replace("!!", "").replace("[]", "")
    unknown = plain.startswith("?")
    steps = [step.strip("?!$#&*()") + "()" * step.endswith("()") for step in _STEPS.split(plain)]
    return ["?", *filter(None, steps)] if unknown else [step for step in steps if step]


@dataclass(slots=True)
class Inference:
    """Resolves chains of names across files. `declared` may be slow: its results are cached."""

    declared: Declarations
    _lines: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _known: dict[tuple[str, str, tuple[str, ...], int], Meaning] = field(default_factory=dict)

    def meaning(self, qualifier: str, around: str, line: int, file: MentioningFile) -> Meaning:
        """The meaning of a name's qualifier on a line, in the definition around that line."""
        steps = steps_of(qualifier)
        return self._chain(steps, around, line, file, 0) if steps else UNKNOWN

    def ancestors(self, name: str, file: MentioningFile) -> list[str]:
        """A type and its bases, nearest first."""
        key = (name, file.path if name in file.bases else "")
        known = self._lines.get(key)
        if known is not None:
            return known
        order, seen = [name], {name}
        self._lines[key] = order
        for one in order:
            bases = self._bases(one, file) - seen
            order += sorted(bases)
            seen |= bases
            if len(order) > MOST_ANCESTORS:
                break
        return order

    def _bases(self, name: str, file: MentioningFile) -> set[str]:
        return file.bases.get(name, set[str]()).union(
            *(
                known.file.bases.get(name, ())
                for known in self.declared(name)
                if known.target.is_type
            )
        )

    def is_declared(self, name: str) -> bool:
        """Whether the index has a type of that name."""
        return any(one.target.is_type for one in self.declared(name))

    def _type_around(self, around: str, file: MentioningFile) -> str:
        """The innermost type around a definition, since functions may be nested in functions."""
        scopes = around.split(".")
        if len(scopes) > 2:
            for scope in reversed(scopes[:-1]):
                if any(one.target.is_type for one in self.declared(scope)):
                    return scope
        return scopes[-2] if len(scopes) > 1 else scopes[0]

    def _chain(
        self, steps: Sequence[str], around: str, line: int, file: MentioningFile, depth: int
    ) -> Meaning:
        if depth > DEEPEST:
            return UNKNOWN
        key = (file.path, around, tuple(steps), line)
        known = self._known.get(key)
        if known is None:
            self._known[key] = UNKNOWN  # stops a definition that refers to itself
            known = self._first(steps[0], around, line, file, depth)
            for step in steps[1:]:
                known = self._next(known, step, file, depth)
            self._known[key] = known
        return known

    def _first(
        self, step: str, around: str, line: int, file: MentioningFile, depth: int
    ) -> Meaning:
        """The meaning of the first name of a chain."""
        owner = self._type_around(around, file)
        if step in _ITSELF:
            return Meaning(frozenset({owner})) if owner else UNKNOWN
        if step in _BASES:
            return Meaning(frozenset(self._bases(owner, file)))
        name = step.removesuffix("()")
        is_call = name != step
        if not is_call and (hints := file.hints_for_variable(name, around, line)):
            return self._of_hints(hints, file, depth)
        rules = rules_of(file.language)
        found = self._in_sight(step, owner, file, rules, depth)
        if found == UNKNOWN and name[:1].isupper():
            return Meaning(frozenset({name}))
        if found == UNKNOWN and not is_call and rules.sight is Sight.INDEX:
            return Meaning(module=name)
        return found

    def _in_sight(
        self, step: str, owner: str, file: MentioningFile, rules: Rules, depth: int
    ) -> Meaning:
        """A member of the current type, an import, or a definition that the file sees without
        one."""
        name = step.removesuffix("()")
        is_call = name != step
        found = UNKNOWN
        if rules.own_members and owner:
            found = self._field(owner, step, file, depth)
        for imported in file.imports.get(name, ()):
            if found == UNKNOWN:
                found = self._imported(imported, file, depth, is_call=is_call)
        if found == UNKNOWN:
            seen = [one for one in self.declared(name) if _sees(file, one.target, rules)]
            found = self._of_declared(seen, depth, is_call=is_call)
        return found

    def _imported(
        self, imported: Mention, file: MentioningFile, depth: int, *, is_call: bool
    ) -> Meaning:
        name = imported.name
        if name != "*":
            module = imported.qualifier
            candidates = [
                one
                for one in self.declared(name)
                if is_module(module, one.target.place, file.path)
                or is_below(module, one.target.place, file.path)
            ]
            found = self._of_declared(candidates, depth, is_call=is_call)
            if found != UNKNOWN:
                return found
            if any(is_module(module, one.target.place, file.path) for one in candidates):
                return UNKNOWN
        if is_call:
            return Meaning(frozenset({name})) if name[:1].isupper() else UNKNOWN
        if name[:1].isupper() and "/" not in imported.qualifier:
            return Meaning(frozenset({name}))
        return Meaning(module=module_text(imported), importing=file.path)

    def _of_declared(self, some: Iterable[Declared], depth: int, *, is_call: bool) -> Meaning:
        types: set[str] = set()
        for target, file in some:
            if target.is_type:
                types.add(target.name)
                # A name for another type.
                types.update(
                    file.real_name(hint.mention.name)
                    for hint in file.hints_for_field(target.owner, target.name)
                    if hint.mention.kind is MentionKind.TYPE and not is_call
                )
            elif not target.is_member:
                key = f"{target.name}()" if is_call else target.name
                hints = file.hints_for_field(target.owner, key)
                types |= self._of_hints(hints, file, depth).types
        return Meaning(frozenset(types)) if types else UNKNOWN

    def _next(self, known: Meaning, step: str, file: MentioningFile, depth: int) -> Meaning:
        name = step.removesuffix("()")
        if known.types:
            types: set[str] = set()
            for one in known.types:
                types |= self._field(one, step, file, depth).types
            if types:
                return Meaning(frozenset(types))
            return self._within(known, step)
        if known.module:
            importing = known.importing or file.path
            found = self._of_declared(
                [
                    one
                    for one in self.declared(name)
                    if is_module(known.module, one.target.place, importing)
                    or is_below(known.module, one.target.place, importing)
                ],
                depth,
                is_call=name != step,
            )
            if found != UNKNOWN:
                return found
            if name != step:
                return Meaning(frozenset({name})) if name[:1].isupper() else UNKNOWN
            return Meaning(module=joined(known.module, name), importing=known.importing)
        return UNKNOWN

    def _within(self, known: Meaning, step: str) -> Meaning:
        """Resolves a step that no field declares: a nested type, a new object, or the elements of a
        container."""
        name = step.removesuffix("()")
        inner = {
            one.target.name
            for one in self.declared(name)
            if one.target.is_type and one.target.owner in known.types
        }
        if inner:
            return Meaning(frozenset(inner))
        if step in _CONSTRUCTORS and any(map(self.is_declared, known.types)):
            return known
        return self._element_types(known)

    def _element_types(self, known: Meaning) -> Meaning:
        """Resolves a container to its elements: `list[C]`, `Map<K, C>`, `RefCell<C>`. These are the
        types that the index has, if there are others beside them."""
        held = frozenset(filter(self.is_declared, known.types))
        return Meaning(held) if held and held != known.types else UNKNOWN

    def _field(self, owner: str, step: str, file: MentioningFile, depth: int) -> Meaning:
        """The type of a type's field, or of its function's result."""
        name = step.removesuffix("()")
        # A function may be a property, and a field may hold a function.
        keys = (step, name) if name != step else (step, f"{name}()")
        for one in self.ancestors(owner, file):
            places = [file, *(known.file for known in self.declared(one) if known.target.is_type)]
            places += [known.file for known in self.declared(name) if known.target.owner == one]
            for key in keys:
                for place in places:
                    hints = place.hints_for_field(one, key)
                    if hints and (found := self._of_hints(hints, place, depth)).types:
                        return found
        return UNKNOWN

    def _of_hints(self, some: Iterable[TypeHint], file: MentioningFile, depth: int) -> Meaning:
        """All types that several hints name, or else the first module."""
        types: set[str] = set()
        module: Meaning | None = None
        for hint in some:
            mention = hint.mention
            if mention.kind is MentionKind.TYPE:
                types.add(file.real_name(mention.name))
                continue
            step = f"{mention.name}()" if mention.kind is MentionKind.CALL else mention.name
            steps = [*steps_of(mention.qualifier), step]
            line = mention.line - (steps[0] == mention.alias.lstrip("$"))
            found = self._chain(steps, hint.around, line, file, depth + 1)
            types |= found.types
            module = module or (found if found.module else None)
        return Meaning(frozenset(types)) if types else module or UNKNOWN


def _sees(file: MentioningFile, target: Target, rules: Rules) -> bool:
    """Whether a file can refer to a definition without a qualifier or an import."""
    if target.path == file.path or rules.sight is Sight.INDEX:
        return True
    if rules.sight is Sight.FOLDER and folder_of(target.path) == folder_of(file.path):
        return True
    return any(is_module(star, target.place, file.path) for star in file.stars)


def module_text(imported: Mention) -> str:
    """The module that an import refers to if the imported name is a module itself."""
    if imported.name in ("*", ""):
        return imported.qualifier
    return joined(imported.qualifier, imported.name)


def joined(module: str, name: str) -> str:
    """The qualified name of a module's member, with the separator that the module's name uses."""
    if not module or module.endswith("."):
        return f"{module}{name}"
    for separator in ("/", "::", "\\"):
        if separator in module:
            return f"{module}{separator}{name}"
    return f"{module}.{name}"
