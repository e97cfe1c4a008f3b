"""What a file says of its names: where they come from, and of which types they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kodit.domain.mentions import Mention, MentioningSnippet, MentionKind

_OF_ITSELF = ("self.", "this.", "$this->", "@", "self->", "this->")
"""How a field of the object around begins."""

_STARTS = ("", "$", *_OF_ITSELF)

Saying = tuple[str, str, str, str]


@dataclass(slots=True)
class Said:
    """What a mention says of the type of an alias, and within which definition."""

    mention: Mention
    around: str


@dataclass(slots=True)
class MentioningFile:
    """A file and what it says. `imports` are by the name by which the file goes on, `stars` the
    modules of which it takes all, `bases` by the type that has them. What is said of variables is
    by the definition around and the name; of fields, and of what functions return (`name()`), by
    the type and the name, with "" at the top of the file."""

    index_id: int
    path: str
    language: str
    imports: dict[str, list[Mention]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    bases: dict[str, set[str]] = field(default_factory=dict)
    variables: dict[tuple[str, str], list[Said]] = field(default_factory=dict)
    fields: dict[tuple[str, str], list[Said]] = field(default_factory=dict)
    _unheard: dict[str, list[tuple[MentioningSnippet, Saying]]] = field(default_factory=dict)

    def read(self, piece: MentioningSnippet) -> None:
        """Take in a stored piece of the file. What it says of an alias is heard when it is asked
        for: most is never."""
        self.learn(piece.origins, piece.around)
        for saying in piece.sayings:
            self._unheard.setdefault(saying[-1], []).append((piece, saying))

    def learn(self, mentions: Iterable[Mention], around: Callable[[int], str]) -> None:
        """Take in what is mentioned in one piece of the file; `around` tells the definition that a
        line stands in."""
        for mention in mentions:
            if mention.kind is MentionKind.IMPORT:
                self._import(mention)
            elif mention.kind is MentionKind.INHERITS:
                owner = mention.alias or last_of(around(mention.line))
                self.bases.setdefault(owner, set()).add(self.real_name(mention.name))
            elif mention.alias:
                self._say(mention, around(mention.line))

    def real_name(self, name: str) -> str:
        """That of what the file imports by another name."""
        imported = self.imports.get(name)
        return imported[0].name if imported and imported[0].name != "*" else name

    def _import(self, mention: Mention) -> None:
        if mention.name == "*" and not mention.alias:
            self.stars.append(mention.qualifier)
        else:
            self.imports.setdefault(mention.alias or mention.name, []).append(mention)

    def _say(self, mention: Mention, around: str) -> None:
        alias, said = mention.alias, Said(mention, around)
        for start in _OF_ITSELF:
            if alias.startswith(start):
                scopes = around.split(".")
                for scope in scopes[:-1] or scopes:
                    self.fields.setdefault((scope, alias[len(start) :]), []).append(said)
                return
        alias = alias.lstrip("$")
        scope, _, last = around.rpartition(".")
        if last == alias.removesuffix("()"):
            around = scope  # the definition of that name is the function or the field itself
        self.fields.setdefault((last_of(around), alias), []).append(said)
        if not alias.endswith("()"):
            self.variables.setdefault((around, alias), []).append(said)

    def _hear(self, name: str) -> None:
        for start in _STARTS if self._unheard else ():
            for piece, saying in self._unheard.pop(start + name, ()):
                mention = piece.heard(saying)
                self._say(mention, piece.around(mention.line))

    def said_of_field(self, owner: str, name: str) -> list[Said]:
        """What is said of a field of a type, or of what its function returns (`name()`)."""
        self._hear(name)
        return self.fields.get((owner, name), [])

    def said_of(self, variable: str, around: str, line: int) -> list[Said]:
        """What was last said before a line of a variable, in the definition around it or in those
        around that; at the top of the file also what is said later."""
        self._hear(variable)
        while True:
            said = self.variables.get((around, variable))
            if said:
                # What is said on the line itself is said of what comes after it, if there is
                # anything else.
                before = [one for one in said if one.mention.line < line] or [
                    one for one in said if one.mention.line == line
                ]
                if before:
                    latest = before[-1].mention.line
                    return [one for one in before if one.mention.line == latest]
                if not around:
                    return said
            if not around:
                return []
            around = around.rpartition(".")[0]


def last_of(qualified: str) -> str:
    """The plain name."""
    return qualified.rpartition(".")[2]
