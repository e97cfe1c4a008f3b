"""Which files are read and which are left out: one engine for folders and for git trees.

Pattern lists apply in order of precedence: the index's own excludes, `.noindex`, `.gitignore`, the
user's own ignore file for untracked files, `.gitattributes`, and the built-in rules (`builtin.py`);
within a kind the deepest file and its last line win. A negated line in `.noindex` brings back files
left out by rules of lower precedence, except secrets, binaries and version-control folders. The
index's includes must match, and one that names a left-out file brings it back, except secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from kodit.infrastructure.folder import marks
from kodit.infrastructure.folder.attributes import NO_ATTRIBUTES, Attributes
from kodit.infrastructure.folder.builtin import (
    NEVER_READ,
    SECRET,
    VENDORED,
    built_in_rule,
    directory_reason,
    file_reason,
    is_usual_for_foreign_code,
    is_version_control,
)
from kodit.infrastructure.folder.inherited import Inherited
from kodit.infrastructure.folder.layers import (
    Deciding,
    Layer,
    LayerKind,
    NameFilter,
    OuterRules,
    said,
    shown,
)
from kodit.infrastructure.folder.patterns import byte_text
from kodit.infrastructure.folder.tracked import NOTHING_TRACKED, Tracking
from kodit.infrastructure.folder.wildmatch import SPECIAL

IGNORED: Final = "ignored"
"""The verdict for files left out by the user's own rules; they are not counted."""


class DirectoryRules:
    """The rules for the entries of one folder."""

    __slots__ = ("_folder", "_layers", "_literals", "_names", "_path", "_paths", "_state")

    def __init__(
        self,
        path: str,
        layers: tuple[Layer, ...],
        names: NameFilter | None,
        state: Inherited,
        *,
        folder: str,
    ) -> None:
        """`path` is byte text from the base of the topmost layer, "" or with a trailing slash."""
        self._path = path
        self._folder = folder
        self._layers = layers
        self._names = NameFilter(layers) if names is None else names
        self._state = state
        literals: list[str] = []
        paths: list[tuple[int, re.Pattern[str]]] = []
        for layer in layers:
            start = len(layer.base)
            below = path[start:]
            literals += layer.path_literals.get(below, ())
            for above, expression in layer.path_globs:
                if below.startswith(above):
                    paths.append((start, expression))
        self._literals = frozenset(literals)
        self._paths = paths

    @classmethod
    def at_root(
        cls,
        prefix: str = "",
        outer: Iterable[OuterRules] = (),
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        *,
        folder: str = "",
        attributes: Attributes = NO_ATTRIBUTES,
        tracking: Tracking = NOTHING_TRACKED,
    ) -> DirectoryRules:
        """The rules of a source's root, whose name is `folder` if it has one.

        `prefix` is the root's path in its repository ("" or with a trailing slash), `outer` the
        ignore files above the root, lowest precedence first, and `attributes` those that apply
        there.
        """
        base = byte_text(prefix)
        layers = [Layer(one.kind, byte_text(one.place), one.content, one.file) for one in outer]
        for kind, globs in ((LayerKind.EXCLUDE, exclude), (LayerKind.INCLUDE, include)):
            if globs:
                lines = "\n".join(globs).encode("utf-8", "surrogateescape")
                layers.append(Layer(kind, base, lines))
        named = frozenset(
            name
            for layer in layers
            if layer.kind is LayerKind.INCLUDE
            for pattern in layer.patterns
            if not pattern.negated
            for name in pattern.text.split("/")
            if not SPECIAL.intersection(name)
        )
        state = Inherited(not include, attributes, tracking, named=named)
        return cls(base, tuple(layers), None, state, folder=folder)

    @property
    def path(self) -> str:
        """The folder, as byte text relative to the base of the topmost patterns."""
        return self._path

    @property
    def attributes(self) -> Attributes:
        """The attributes that apply in the folder."""
        return self._state.attributes

    @property
    def is_named(self) -> bool:
        """Whether an include names the folder, so that nothing in it can leave it out."""
        return self._state.brought_back or byte_text(self._folder) in self._state.named

    @property
    def may_be_foreign(self) -> bool:
        """Whether the folder is in one whose name is usual for third-party code, so that a mark in
        it decides.
        """
        return self._state.among_foreign and not (
            self.is_named or marks.is_own_folder(self._state.attributes, self._path, VENDORED)
        )

    def with_files(
        self,
        gitignore: bytes | None,
        noindex: bytes | None,
        gitattributes: bytes | None = None,
    ) -> DirectoryRules:
        """These rules with those of the folder's own files added."""
        layers = list(self._layers)
        for kind, content, file in (
            (LayerKind.GITIGNORE, gitignore, ".gitignore"),
            (LayerKind.NOINDEX, noindex, ".noindex"),
        ):
            if content:
                layers.append(Layer(kind, self._path, content, file))
        state = self._state
        if gitattributes:
            is_top = self._path == state.repository
            state = replace(
                state,
                attributes=state.attributes.with_file(self._path, gitattributes, is_top=is_top),
            )
        if len(layers) == len(self._layers) and state is self._state:
            return self
        names = self._names if len(layers) == len(self._layers) else None
        return DirectoryRules(self._path, tuple(layers), names, state, folder=self._folder)

    def of_another_repository(
        self,
        exclude: bytes | None = None,
        attributes: bytes | None = None,
        tracking: Tracking | None = None,
        user: OuterRules | None = None,
    ) -> DirectoryRules:
        """These rules at the root of a nested repository, to which the outer `.gitignore` and
        `.gitattributes` do not apply. `exclude` and `attributes` are the contents of its own
        `info`, and `tracking` its tracked files: by default the same as before. `user` is the
        user's ignore file if the repository is below a folder outside of any repository.
        """
        layers = [layer.at(self._path) for layer in self._layers if not layer.is_of_git or user]
        if user is not None:
            layers.append(Layer(user.kind, self._path, user.content, user.file))
        if exclude:
            layers.append(Layer(LayerKind.GITIGNORE, self._path, exclude, ".git/info/exclude"))
        state = replace(
            self._state,
            attributes=NO_ATTRIBUTES.with_strongest(self._path, attributes),
            tracking=tracking or self._state.tracking,
            repository=self._path,
            only_tracked=None,
        )
        return DirectoryRules(self._path, tuple(layers), None, state, folder=self._folder)

    def enter(self, name: str) -> DirectoryRules:
        """The rules inside the folder `name`, before its own ignore files."""
        encoded = byte_text(name)
        state = self._state
        if is_usual_for_foreign_code(name) and not state.among_foreign:
            state = replace(state, among_foreign=True)
        if self._may_match(encoded):
            deciding = self._deciding(encoded, True)
            verdicts = said(deciding)
            included = verdicts[LayerKind.INCLUDE]
            if included is not None and included is not state.included:
                state = replace(state, included=included)
            if verdicts[LayerKind.USER] and verdicts[LayerKind.GITIGNORE] is None:
                state = replace(state, only_tracked=deciding[LayerKind.USER])
        if encoded in state.named and (
            is_usual_for_foreign_code(name) or self._by_rules(name) is not None
        ):
            state = replace(state, brought_back=True)
        return DirectoryRules(
            f"{self._path}{encoded}/", self._layers, self._names, state, folder=name
        )

    def of_file(self, name: str) -> str | None:
        """None to read the file, or the reason to leave it out."""
        if is_version_control(name):  # `.git` of a linked work tree or a submodule
            return IGNORED
        state = self._state
        reason = file_reason(name, self._folder)
        name = byte_text(name)
        if state.attributes and reason is not SECRET:
            reason = marks.of_file(state.attributes.decide(self._path + name), name, reason)
        if state.only_tracked is not None and not self._is_tracked(name, False):
            return IGNORED
        if not self._may_match(name):
            return reason if reason or state.included else IGNORED
        verdicts = self._verdicts(name, False)
        included = verdicts[LayerKind.INCLUDE]
        if not (state.included if included is None else included):
            return IGNORED
        verdict = self._combine(
            reason,
            verdicts,
            kept=reason in NEVER_READ,
            is_tracked=lambda: self._is_tracked(name, False),
        )
        if verdict is None or included is None or verdicts[LayerKind.EXCLUDE]:
            return verdict
        return self._unless_named(name, reason, verdict)

    def of_directory(self, name: str) -> str | None:
        """None to descend, or the reason not to."""
        if is_version_control(name):
            return IGNORED
        encoded = byte_text(name)
        reason = self._by_rules(name)
        if reason is None or encoded not in self._state.named:
            return reason
        return IGNORED if self._verdicts(encoded, True)[LayerKind.EXCLUDE] else None

    def _by_rules(self, name: str) -> str | None:
        """Why a folder is left out, without regard to the includes."""
        reason = directory_reason(name)
        name = byte_text(name)
        if self._state.only_tracked is not None and not self._is_tracked(name, True):
            return IGNORED
        if reason is not None and (
            (is_usual_for_foreign_code(name) and self._is_tracked(name, True))
            or marks.is_own_folder(self._state.attributes, f"{self._path}{name}/", reason)
        ):
            reason = None
        if not self._may_match(name):
            return reason
        return self._combine(
            reason,
            self._verdicts(name, True),
            kept=False,
            is_tracked=lambda: self._is_tracked(name, True),
        )

    def _combine(
        self,
        reason: str | None,
        verdicts: list[bool | None],
        *,
        kept: bool,
        is_tracked: Callable[[], bool],
    ) -> str | None:
        if verdicts[LayerKind.EXCLUDE]:
            return IGNORED
        if self._state.brought_back:
            return reason
        noindex = verdicts[LayerKind.NOINDEX]
        if noindex is not None:
            return IGNORED if noindex else (reason if kept else None)
        ignored = verdicts[LayerKind.GITIGNORE]
        if ignored is None and verdicts[LayerKind.USER]:
            ignored = not is_tracked()
        return IGNORED if ignored else reason

    def _unless_named(self, name: str, reason: str | None, verdict: str) -> str | None:
        """The verdict on a file, unless an include names its whole name or the pattern or ending
        for which it is left out.
        """
        if reason is SECRET:
            return SECRET
        path = self._path + name
        deciding = self._deciding(name, False)
        patterns = {
            found[1].text
            for kind in (LayerKind.NOINDEX, LayerKind.GITIGNORE, LayerKind.USER)
            if (found := deciding[kind]) is not None
        }
        for layer in self._layers:
            if layer.kind is not LayerKind.INCLUDE:
                continue
            for pattern in layer.patterns:
                if pattern.negated or not pattern.matches(name, path[len(layer.base) :], False):
                    continue
                last = pattern.text.rpartition("/")[2]
                if last == name:
                    return None
                is_same = (
                    pattern.text in patterns if verdict is IGNORED else file_reason(last) == verdict
                )
                if is_same:
                    return None
        return verdict

    def _is_tracked(self, name: str, is_directory: bool) -> bool:
        """Whether git tracks a file in the folder, or anything in a subfolder."""
        tracking = self._state.tracking
        path = self._path + name
        return tracking.holds_folder(path) if is_directory else tracking.holds_file(path)

    def _may_match(self, name: str) -> bool:
        names = self._names
        if name in names.literals or name in self._literals:
            return True
        dot = name.rfind(".")
        if dot >= 0 and name[dot:] in names.extensions:
            return True
        if names.suffixes and name.endswith(names.suffixes):
            return True
        for expression in names.expressions:
            if expression.match(name):
                return True
        if self._paths:
            path = self._path + name
            for base, expression in self._paths:
                if expression.match(path, base):
                    return True
        return False

    def why(self, name: str, top: str, *, is_directory: bool) -> str:
        """The rule that leaves out an entry of the folder: its file (relative to `top`, the `path`
        of the source's root), line and pattern, or a built-in list.
        """
        if is_version_control(name):
            return "built-in list: data of a version-control system"
        encoded = byte_text(name)
        deciding = self._deciding(encoded, is_directory)
        for kind in (
            LayerKind.EXCLUDE,
            LayerKind.NOINDEX,
            LayerKind.GITIGNORE,
            LayerKind.USER,
        ):
            found = deciding[kind]
            if found is not None and not found[1].negated:
                return shown(*found, top)
            if found is not None and kind in (LayerKind.NOINDEX, LayerKind.GITIGNORE):
                break
        only_tracked = self._state.only_tracked
        if only_tracked is not None and not self._is_tracked(encoded, is_directory):
            return shown(*only_tracked, top)
        included = deciding[LayerKind.INCLUDE]
        if not is_directory and not (
            self._state.included if included is None else not included[1].negated
        ):
            return "--include, which chooses other files"
        if not is_directory:
            by_attribute = marks.attribute_of_file(
                self._state.attributes.of(self._path + encoded), encoded
            )
            if by_attribute is not None and file_reason(name, self._folder) is None:
                return f".gitattributes: {by_attribute}"
        return f"built-in list: {built_in_rule(name, self._folder, is_directory=is_directory)}"

    def _verdicts(self, name: str, is_directory: bool) -> list[bool | None]:
        """For each kind of layer whether the last matching pattern is positive; None if none
        matches.
        """
        return said(self._deciding(name, is_directory))

    def _deciding(self, name: str, is_directory: bool) -> list[Deciding | None]:
        """For each kind of layer the last matching pattern, and its layer."""
        deciding: list[Deciding | None] = [None] * len(LayerKind)
        path = self._path + name
        for layer in reversed(self._layers):
            if deciding[layer.kind] is not None:
                continue
            below = path[len(layer.base) :]
            for pattern in reversed(layer.patterns):
                if pattern.matches(name, below, is_directory):
                    deciding[layer.kind] = layer, pattern
                    break
        return deciding
