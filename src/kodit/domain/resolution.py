"""Decides which definition a mention refers to, by imports, scopes and receivers.

Nothing here runs a compiler. A mention is CERTAIN if the code determines its definition, LIKELY if
only the name and its surroundings suggest it, and NO if something contradicts it: its file imports
the name from elsewhere, or the receiver has another type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from kodit.domain.common_members import is_common
from kodit.domain.file_facts import MentioningFile
from kodit.domain.inference import (
    Declarations,
    Inference,
    Meaning,
    Rules,
    Sight,
    Target,
    rules_of,
    steps_of,
)
from kodit.domain.mentions import Mention, MentionKind
from kodit.domain.module_values import Verdict, is_foreign, of_module
from kodit.domain.modules import (
    Place,
    ends_alike,
    folder_of,
    is_below,
    is_module,
    split_module,
)

__all__ = ["Resolver", "Target", "Verdict", "may_import", "sees_unqualified"]

_FAMILIES = {
    "tsx": "javascript",
    "typescript": "javascript",
    "c": "cpp",
    "kotlin": "java",
    "scala": "java",
}
"""Languages that call each other, each mapped to one that represents the group."""

_MOST_NAMESAKES = 1
"""A receiver of unknown type may refer to a member that at most this many types have."""

_MOST_HANDED_ON = 2
"""A name that a module re-exports may refer to at most this many definitions."""


_MOST_BELOW = 40
"""How many types are examined for those derived from a given base."""

_PARAMETER = re.compile(r"[A-Z]\d?$")
"""The usual names of type parameters, which say nothing about the type."""

_EXTENSION = re.compile(r"(?:^e|E)xtensions?$")
"""The usual names of .NET classes with extension methods."""

_SHORTEST_LIKE = 3
"""The fewest letters of a receiver's name that say something about its type."""


@dataclass(frozen=True, slots=True)
class _Group:
    """The definitions of one name in an index, in languages that call each other."""

    targets: Sequence[Target]
    others: Sequence[Target]
    """Definitions that are not members of types."""
    has_wanted: bool
    members: dict[str, list[Target]] = field(default_factory=dict)


class Resolver:
    """Judges mentions of one name. `targets` are all definitions of the name, `wanted` the
    requested ones among them; `declared` finds the definitions of other names."""

    def __init__(
        self,
        targets: Sequence[Target],
        wanted: Sequence[Target],
        declared: Declarations = lambda _: (),
    ) -> None:
        self._targets = targets
        self._wanted = set(wanted)
        self._owners = {one.owner for one in targets if one.is_member}
        self._inference = Inference(declared)
        self._groups: dict[tuple[int, str], _Group] = {}
        self._by_types: dict[tuple[frozenset[str], str], tuple[frozenset[str], Verdict]] = {}
        self._by_name: dict[str, tuple[frozenset[str], Verdict]] = {}
        self._file: MentioningFile | None = None
        self._in_file: dict[str, tuple[list[Target], dict[Target, Verdict]]] = {}
        """By unqualified name, of the file judged last: the definitions whose verdict depends on
        where the mention is, and the verdicts on all."""

    def judge(self, mention: Mention, around: str, file: MentioningFile) -> Verdict:
        """The verdict on a mention; `around` is the qualified name of the definition around it."""
        group = self._group(file)
        if not group.has_wanted:
            return Verdict.NO
        if mention.kind is MentionKind.IMPORT:
            verdicts = {one: self._by_import(mention, file, one) for one in group.targets}
        elif not mention.qualifier:
            verdicts = self._unqualified(mention, around, file, group)
        else:
            verdicts = self._qualified(mention, around, file, group)
        best = max(verdicts.values(), default=Verdict.NO)
        # A mention that certainly refers to another definition of the name does not refer to this
        # one.
        meant = _nearest([one for one, verdict in verdicts.items() if verdict == best], file)
        return Verdict.NO if self._wanted.isdisjoint(meant) else best

    def _group(self, file: MentioningFile) -> _Group:
        """The definitions that a file may refer to, by its index and its language."""
        key = (file.index_id, _family(file.language))
        group = self._groups.get(key)
        if group is None:
            targets = [one for one in self._targets if (one.index_id, _family(one.language)) == key]
            group = self._groups[key] = _Group(
                targets,
                [one for one in targets if not one.is_member],
                not self._wanted.isdisjoint(targets),
            )
            for one in targets:
                if one.is_member:
                    group.members.setdefault(one.owner, []).append(one)
        return group

    def _unqualified(
        self, mention: Mention, around: str, file: MentioningFile, group: _Group
    ) -> dict[Target, Verdict]:
        """The verdicts on an unqualified mention. A file may mention a name many times that has
        many definitions: only of a few does the verdict depend on where the mention is."""
        if file is not self._file:
            self._file, self._in_file = file, {}
        found = self._in_file.get(mention.name)
        if found is None:
            found = self._in_file[mention.name] = self._in_any_place(mention, file, group)
        near, verdicts = found
        return verdicts | {one: self._plain(mention, around, file, one) for one in near}

    def _in_any_place(
        self, mention: Mention, file: MentioningFile, group: _Group
    ) -> tuple[list[Target], dict[Target, Verdict]]:
        """The definitions for which the place in the file matters, and the verdicts on all."""
        rules = rules_of(file.language)
        near = [
            one
            for one in group.targets
            if one.path == file.path or (one.is_member and rules.own_members)
        ]
        verdicts = dict.fromkeys(group.targets, Verdict.NO)
        others = group.others
        if file.stars or mention.name in file.imports or _depends_on_target(rules):
            verdicts |= {one: self._plain(mention, "", file, one) for one in others}
        elif others:
            verdicts |= dict.fromkeys(others, self._unexplained(file, others[0]))
        return near, verdicts

    def _qualified(
        self, mention: Mention, around: str, file: MentioningFile, group: _Group
    ) -> dict[Target, Verdict]:
        """The verdicts on a qualified mention; of members, only possible ones are included."""
        meaning = self._inference.meaning(mention.qualifier, around, mention.line, file)
        owners, verdict = self._owners_meant(mention, file, meaning)
        verdicts = {one: verdict for owner in owners for one in group.members.get(owner, ())}
        is_alone = len(group.others) == 1
        for one in group.others:
            verdicts[one] = of_module(mention, file, one, meaning, is_alone=is_alone)
        if not any(verdicts.values()):
            verdicts.update(self._of_values(mention, file, group, meaning))
        return verdicts

    def _of_values(
        self, mention: Mention, file: MentioningFile, group: _Group, meaning: Meaning
    ) -> dict[Target, Verdict]:
        """The verdicts on functions outside of types that are called with a receiver: those that
        extend the receiver's type, and those of a module that a variable holds."""
        rules = rules_of(file.language)
        if rules.extensions:
            plain = mention._replace(qualifier="")
            return {one: self._extending(plain, file, one) for one in group.others if not one.scope}
        is_known = meaning.types or meaning.importing or len(self._targets) > 1
        if is_known or not rules.module_values or is_foreign(mention.qualifier, file.language):
            return {}
        return dict.fromkeys(group.others, Verdict.LIKELY)

    def _extending(self, mention: Mention, file: MentioningFile, target: Target) -> Verdict:
        """The verdict on a function that is called like a member: the file imports it or sees
        it."""
        verdict = self._plain(mention, "", file, target)
        if verdict is Verdict.CERTAIN and not file.imports.get(mention.name):
            is_told = target.path == file.path or not is_common(mention.name, file.language)
            return Verdict.LIKELY if is_told else Verdict.NO
        return verdict

    def _plain(
        self, mention: Mention, around: str, file: MentioningFile, target: Target
    ) -> Verdict:
        """The verdict on an unqualified name."""
        rules = rules_of(file.language)
        if target.is_member:
            return self._of_itself(around, file, target) if rules.own_members else Verdict.NO
        if target.path == file.path:
            return self._in_its_file(around, target)
        imported = file.imports.get(mention.name)
        if imported:
            return max(self._by_import(one, file, target) for one in imported)
        if any(is_module(star, target.place, file.path) for star in file.stars):
            return Verdict.CERTAIN
        return self._unexplained(file, target)

    def _unexplained(self, file: MentioningFile, target: Target) -> Verdict:
        """The verdict on a name that neither the file nor its imports define."""
        sight = rules_of(file.language).sight
        if sight is Sight.INDEX:
            if rules_of(file.language).module_values:
                return self._of_module_values(file, target)
            return Verdict.CERTAIN if len(self._targets) == 1 else Verdict.LIKELY
        if sight is Sight.FOLDER and folder_of(target.path) == folder_of(file.path):
            return Verdict.CERTAIN
        is_alone = rules_of(file.language).hands_on and len(self._targets) == 1
        if is_alone or any(is_below(star, target.place, file.path) for star in file.stars):
            return Verdict.LIKELY
        return Verdict.NO

    def _of_module_values(self, file: MentioningFile, target: Target) -> Verdict:
        """A member of a module is named through the module, unless it was imported itself."""
        if target.scope and target.owner in file.imports:
            return Verdict.CERTAIN
        is_alone = len(self._targets) == 1 and not target.scope
        return Verdict.LIKELY if is_alone else Verdict.NO

    def _in_its_file(self, around: str, target: Target) -> Verdict:
        """Among several definitions in one file, the innermost that encloses the mention counts."""
        enclosing = [
            len(one.scope)
            for one in self._targets
            if one.path == target.path and not one.is_member and _encloses(one.scope, around)
        ]
        if not _encloses(target.scope, around):
            return Verdict.NO if enclosing else Verdict.LIKELY
        return Verdict.CERTAIN if len(target.scope) == max(enclosing) else Verdict.NO

    def _of_itself(self, around: str, file: MentioningFile, target: Target) -> Verdict:
        """The verdict on an unqualified member of the current type or of one of its bases."""
        for scope in reversed(around.split(".")):
            for one in self._inference.ancestors(scope, file):
                if one in self._owners:
                    return Verdict.CERTAIN if one == target.owner else Verdict.NO
        if any(
            target.name in (one.name, "*")
            for imports in file.imports.values()
            for one in imports
            if target.owner in split_module(one.qualifier)
        ) or any(target.owner in split_module(star) for star in file.stars):
            return Verdict.CERTAIN
        return Verdict.NO

    def _owners_meant(
        self, mention: Mention, file: MentioningFile, meaning: Meaning
    ) -> tuple[frozenset[str], Verdict]:
        """The types whose member may be meant, with a verdict."""
        if meaning.types:
            key = (meaning.types, file.path)
            found = self._by_types.get(key)
            if found is None:
                found = self._by_types[key] = self._of_types(meaning, file)
            if found[1] is not Verdict.NO or not rules_of(file.language).open_types:
                return found
        steps = steps_of(mention.qualifier)
        last = steps[-1] if steps else ""
        if meaning.types:
            is_declared = any(map(self._inference.is_declared, meaning.types))
            return self._like("" if is_declared else last, file)
        if last in self._owners:
            return frozenset({last}), Verdict.CERTAIN
        if meaning.module and (meaning.importing or is_foreign(mention.qualifier, file.language)):
            return frozenset(), Verdict.NO
        return self._like(last, file)

    def _of_types(self, meaning: Meaning, file: MentioningFile) -> tuple[frozenset[str], Verdict]:
        reached: set[str] = set()
        for one in meaning.types:
            line = self._inference.ancestors(one, file)
            nearest = next((base for base in line if base in self._owners), None)
            if nearest:
                reached.add(nearest)
        if reached:
            return frozenset(reached), Verdict.CERTAIN
        if not any(map(self._inference.is_declared, meaning.types)):
            if all(map(_PARAMETER.match, meaning.types)):
                return self._like("", file)
            return self._extensions()
        # A member that the type lacks is taken for that of the only type derived from it that has
        # it.
        below = [
            one
            for one in sorted(self._owners)[:_MOST_BELOW]
            if not meaning.types.isdisjoint(self._inference.ancestors(one, file))
        ]
        if below:
            return frozenset(below), Verdict.LIKELY if len(below) == 1 else Verdict.NO
        return self._extensions()

    def _extensions(self) -> tuple[frozenset[str], Verdict]:
        """Types that may add a member to a type that lacks it."""
        found = frozenset(one for one in self._owners if _EXTENSION.search(one))
        return found, Verdict.LIKELY if len(found) == 1 else Verdict.NO

    def _like(self, receiver: str, file: MentioningFile) -> tuple[frozenset[str], Verdict]:
        """Types with a name similar to the receiver's: `pool.get()` is more likely a member of
        `ConnectionPool` than of another type."""
        found = self._by_name.get(receiver)
        if found is None:
            likeness = {one: _likeness(receiver, one) for one in self._owners}
            best = max(likeness.values(), default=0.0)
            alike = frozenset(one for one, much in likeness.items() if much == best)
            common = is_common(self._targets[0].name, file.language)
            is_told = best > 0 or (len(alike) <= _MOST_NAMESAKES and not common)
            found = self._by_name[receiver] = alike, Verdict.LIKELY if is_told else Verdict.NO
        return found

    def _by_import(self, imported: Mention, file: MentioningFile, target: Target) -> Verdict:
        """Whether an imported name refers to this definition."""
        module = imported.qualifier
        if imported.name == "*":
            named = target.name in (imported.alias, *split_module(module)[-2:])
            is_meant = named and is_module(module, target.place, file.path)
            return Verdict.CERTAIN if is_meant else Verdict.NO
        names = (imported.name, imported.alias)
        if not module or (target.name not in names and imported.name != "default"):
            return Verdict.NO
        if target.is_member and target.owner not in split_module(module):
            return Verdict.NO
        if is_module(module, target.place, file.path) or (
            target.scope and ends_alike(split_module(module), target.scope.split("."))
        ):
            return Verdict.CERTAIN
        # A package may re-export definitions from anywhere below it, and a file what it imports.
        plain = sum(not one.is_member for one in self._targets)
        is_handed_on = module.startswith(".") and plain <= _MOST_HANDED_ON
        if is_handed_on or is_below(module, target.place, file.path):
            return Verdict.LIKELY
        return Verdict.NO


def may_import(imported: Mention, importing: str, path: str) -> bool:
    """Whether an import may refer to the file at `path`, or to one below it."""
    module, place = imported.qualifier or imported.name, Place(path)
    return is_module(module, place, importing) or is_below(module, place, importing)


def sees_unqualified(language: str, importing: str, path: str) -> bool:
    """Whether an unqualified name without an import may be defined at `path`."""
    sight = rules_of(language).sight
    return sight is Sight.INDEX or (
        sight is Sight.FOLDER and folder_of(importing) == folder_of(path)
    )


def _depends_on_target(rules: Rules) -> bool:
    """Whether definitions elsewhere differ in what the verdict on an unexplained name is."""
    return rules.sight is Sight.FOLDER or rules.module_values


def _nearest(some: Sequence[Target], file: MentioningFile) -> Sequence[Target]:
    """Among members of equally named types in several files, those of the file itself, or else
    those of files that it imports from."""
    if len(some) == 1 or len({one.path for one in some if one.is_member}) < len(some):
        return some
    own = [one for one in some if one.path == file.path]
    return own or [one for one in some if _imports_from(file, one)] or some


def _imports_from(file: MentioningFile, target: Target) -> bool:
    modules = [*file.stars, *(one.qualifier for some in file.imports.values() for one in some)]
    return any(is_module(module, target.place, file.path) for module in modules if module)


def _encloses(scope: str, around: str) -> bool:
    return not scope or around == scope or around.startswith(f"{scope}.")


def _family(language: str) -> str:
    return _FAMILIES.get(language, language)


def _likeness(receiver: str, owner: str) -> float:
    """From 0 to 1, the share of the longer of two names that the shorter one makes up."""
    one, other = sorted(
        (text.replace("_", "").replace("()", "").lower() for text in (receiver, owner)), key=len
    )
    return len(one) / len(other) if len(one) >= _SHORTEST_LIKE and one in other else 0.0
