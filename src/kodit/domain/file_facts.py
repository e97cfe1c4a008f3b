"""What a file says about the names in it: where they come from, and their types."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kodit.domain.mentions import Mention, MentioningSnippet, MentionKind

_OF_ITSELF = ("self.", "this.", "$this->", "@", "self->", "this->")
"""Prefixes of a field of the current object."""

_STARTS = ("", "$", *_OF_ITSELF)


@dataclass(slots=True)
class TypeHint:
    """A mention that says something about the type of its alias, and the definition around it."""

    mention: Mention
    around: str


@dataclass(slots=True)
class MentioningFile:
    """What one file says about its names.

    `imports` are by the name that the file uses, `stars` the modules imported whole, `bases` by the
    type that inherits. Type hints of variables are by the surrounding definition and the variable's
    name; those of fields, and of the results of functions (`name()`), by the type and the name,
    with "" for the top of the file.
    """

    index_id: int
    path: str
    language: str
    imports: dict[str, list[Mention]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    bases: dict[str, set[str]] = field(default_factory=dict)
    variables: dict[tuple[str, str], list[TypeHint]] = field(default_factory=dict)
    fields: dict[tuple[str, str], list[TypeHint]] = field(default_factory=dict)
    _undecoded: dict[str, list[MentioningSnippet]] = field(default_factory=dict)

    def read(self, piece: MentioningSnippet) -> None:
        """Add a stored piece of the file. Its type hints are decoded only when they are needed, as
        most never are."""
        self.learn(piece.origins, piece.around)
        for alias in dict.fromkeys(piece.hinted):
            self._undecoded.setdefault(alias, []).append(piece)

    def learn(self, mentions: Iterable[Mention], around: Callable[[int], str]) -> None:
        """Add the mentions of one piece of the file; `around` returns the definition that a line is
        in."""
        for mention in mentions:
            if mention.kind is MentionKind.IMPORT:
                self._import(mention)
            elif mention.kind is MentionKind.INHERITS:
                owner = mention.alias or last_of(around(mention.line))
                self.bases.setdefault(owner, set()).add(self.real_name(mention.name))
            elif mention.alias:
                self._add_hint(mention, around(mention.line))

    def real_name(self, name: str) -> str:
        """The original name of something that the file imports under another name."""
        imported = self.imports.get(name)
        return imported[0].name if imported and imported[0].name != "*" else name

    def _import(self, mention: Mention) -> None:
        if mention.name == "*" and not mention.alias:
            self.stars.append(mention.qualifier)
        else:
            self.imports.setdefault(mention.alias or mention.name, []).append(mention)

    def _add_hint(self, mention: Mention, around: str) -> None:
        alias, hint = mention.alias, TypeHint(mention, around)
        for start in _OF_ITSELF:
            if alias.startswith(start):
                scopes = around.split(".")
                for scope in scopes[:-1] or scopes:
                    self.fields.setdefault((scope, alias[len(start) :]), []).append(hint)
                return
        alias = alias.lstrip("$")
        scope, _, last = around.rpartition(".")
        if last == alias.removesuffix("()"):
            around = scope  # the definition of that name is the function or the field itself
        self.fields.setdefault((last_of(around), alias), []).append(hint)
        if not alias.endswith("()"):
            self.variables.setdefault((around, alias), []).append(hint)

    def _decode_hints(self, name: str) -> None:
        for start in _STARTS if self._undecoded else ():
            for piece in self._undecoded.pop(start + name, ()):
                for mention in piece.hints(start + name):
                    self._add_hint(mention, piece.around(mention.line))

    def hints_for_field(self, owner: str, name: str) -> list[TypeHint]:
        """The type hints for a field of a type, or for the result of its function (`name()`)."""
        self._decode_hints(name)
        return self.fields.get((owner, name), [])

    def hints_for_variable(self, variable: str, around: str, line: int) -> list[TypeHint]:
        """The latest type hints for a variable before a line, in the innermost definition around it
        that has any; at the top of the file, later hints count too."""
        self._decode_hints(variable)
        while True:
            hints = self.variables.get((around, variable))
            if hints:
                # A hint on the line itself describes what follows it, so it counts only if there is
                # no earlier one.
                before = [one for one in hints if one.mention.line < line] or [
                    one for one in hints if one.mention.line == line
                ]
                if before:
                    latest = before[-1].mention.line
                    return [one for one in before if one.mention.line == latest]
                if not around:
                    return hints
            if not around:
                return []
            around = around.rpartition(".")[0]


def last_of(qualified: str) -> str:
    """The last part of a qualified name."""
    return qualified.rpartition(".")[2]
