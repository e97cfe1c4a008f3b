"""The vectors of one query: of the current model, and of the model that an index still has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from kodit.domain.errors import KoditError, PermanentError, TransientError
from kodit.domain.similarity import Scale, mapping
from kodit.domain.value_objects import Hit, Scope, SearchMode, VectorKind

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Transaction
    from kodit.domain.ports.engines import Embedder, VectorReader

T = TypeVar("T")

EmbedderOf = Callable[[str], "Embedder | None"]
"""The embedder with this model, if the settings allow to use it."""


class Models(NamedTuple):
    """The embedder of the settings; and, if it is behind an endpoint, a function that returns the
    embedders of other models that indexes may have."""

    embedder: Embedder
    of: EmbedderOf | None = None


class NotEmbeddedError(Exception):
    """A query has to be sent to an endpoint first, after the end of the transaction."""

    def __init__(self, embedder: Embedder, text: str) -> None:
        super().__init__(text)
        self.embedder = embedder
        self.text = text


class EmbeddedQueries:
    """What models behind endpoints have answered for one search. An endpoint may take seconds, for
    which no transaction is kept open: a search begins again when it has the answer."""

    def __init__(self, problems: list[str]) -> None:
        """`problems` receives the reason, in a sentence, if the search does without vectors."""
        self.problems = problems
        self._answers: dict[tuple[str, str], Sequence[float] | KoditError] = {}

    def vector(self, embedder: Embedder, text: str) -> Sequence[float]:
        """The vector of a query. Raises NotEmbeddedError if it has to be sent first, and the
        TransientError or PermanentError with which that has failed."""
        from kodit.domain.ports.metered import MeteredEmbedder  # noqa: PLC0415 - see above

        if not isinstance(embedder, MeteredEmbedder):
            return embedder.embed_query(text)
        answer = self._answers.get((embedder.model, text))
        if answer is None:
            raise NotEmbeddedError(embedder, text)
        if isinstance(answer, KoditError):
            raise answer
        return answer

    def send(self, missing: NotEmbeddedError) -> None:
        """Embed the query, outside of any transaction; a failure is the answer too."""
        embedder, text = missing.embedder, missing.text
        try:
            self._answers[embedder.model, text] = embedder.embed_query(text)
        except (TransientError, PermanentError) as error:
            self._answers[embedder.model, text] = error


def when_embedded(read: Callable[[EmbeddedQueries], T], problems: list[str]) -> T:
    """The result of `read`, which is a transaction: it runs again after each NotEmbeddedError."""
    embedded = EmbeddedQueries(problems)
    while True:
        try:
            return read(embedded)
        except NotEmbeddedError as missing:
            embedded.send(missing)


@dataclass(frozen=True, slots=True)
class _Part:
    """The vector of a query by one model, and the indexes in which it is searched; None for all.
    `scale` maps its similarities to those of the built-in model."""

    kind: VectorKind
    model: str
    vector: Sequence[float]
    index_ids: frozenset[int] | None
    scale: Callable[[float], float] | None

    def within(self, scope: Scope) -> Scope | None:
        if self.index_ids is None or scope.store_ids <= self.index_ids:
            return scope
        return scope.within(self.index_ids) if scope.store_ids & self.index_ids else None

    def of(self, by_index: Mapping[int, Sequence[int]]) -> Mapping[int, Sequence[int]]:
        if self.index_ids is None:
            return by_index
        return {key: ids for key, ids in by_index.items() if key in self.index_ids}

    def scaled(self, score: float) -> float:
        return score if self.scale is None else self.scale(score)


class QueryVectors:
    """Searches the vectors of each index with the model that made them, so that vectors of
    different models never meet."""

    def __init__(self, reader: VectorReader, parts: Sequence[_Part]) -> None:
        self._reader = reader
        self._parts = parts

    @property
    def model(self) -> str:
        """The model, if there is only one."""
        models = {part.model for part in self._parts}
        return models.pop() if len(models) == 1 else ""

    def search(self, kind: VectorKind, scope: Scope, limit: int) -> list[Hit]:
        """The most similar snippets, best first."""
        found: list[list[Hit]] = []
        for part in self._of(kind):
            within = part.within(scope)
            if within is not None:
                hits = self._reader.search(kind, part.model, part.vector, within, limit)
                found.append(_scaled(hits, part))
        if len(found) == 1:
            return found[0]
        best: dict[int, Hit] = {}
        for hit in (hit for hits in found for hit in hits):
            if hit.snippet_id not in best or best[hit.snippet_id].score < hit.score:
                best[hit.snippet_id] = hit
        return sorted(best.values(), key=lambda hit: -hit.score)[:limit]

    def best_in_files(
        self, kind: VectorKind, files: Mapping[int, Sequence[int]], per_file: int
    ) -> set[int]:
        """The identifiers of the most similar snippets of each file, by index."""
        best: set[int] = set()
        for part in self._of(kind):
            if wanted := part.of(files):
                best |= self._reader.best_in_files(kind, part.model, part.vector, wanted, per_file)
        return best

    def score(self, kind: VectorKind, snippets: Mapping[int, Sequence[int]]) -> dict[int, float]:
        """The similarity of each snippet, by index."""
        scores: dict[int, float] = {}
        for part in self._of(kind):
            if wanted := part.of(snippets):
                found = self._reader.score(kind, part.model, part.vector, wanted)
                if part.scale is None:
                    scores.update(found)
                else:
                    scores.update((one, part.scaled(score)) for one, score in found.items())
        return scores

    def _of(self, kind: VectorKind) -> list[_Part]:
        return [part for part in self._parts if part.kind is kind]


def _scaled(hits: list[Hit], part: _Part) -> list[Hit]:
    if part.scale is None:
        return hits
    return [Hit(hit.snippet_id, part.scaled(hit.score)) for hit in hits]


def vectors_for(
    mode: SearchMode,
    text: str,
    *,
    reader: VectorReader,
    models: Models,
    transaction: Transaction,
    scope: Scope,
    embedded: EmbeddedQueries,
) -> QueryVectors:
    """The vectors of a query that a mode needs. If an endpoint fails, a hybrid search does without
    them, and `embedded.problems` has the reason; other modes raise TransientError or
    PermanentError. Raises NotEmbeddedError if the query has to be sent first."""
    if mode is SearchMode.KEYWORD:
        return QueryVectors(reader, ())
    try:
        return _vectors_of(text, reader, models, transaction, scope, embedded)
    except (TransientError, PermanentError) as error:
        if models.of is None or mode is not SearchMode.HYBRID:
            raise
        embedded.problems[:] = [f"searched without vectors, because {error}"]
        return QueryVectors(reader, ())


def _vectors_of(  # noqa: PLR0917 - as above
    text: str,
    reader: VectorReader,
    models: Models,
    transaction: Transaction,
    scope: Scope,
    embedded: EmbeddedQueries,
) -> QueryVectors:
    """Each index is searched with the model that it has, if indexes may have different ones."""
    embedder, embedder_of = models.embedder, models.of
    if embedder_of is None:
        vector = embedder.embed_query(text)
        return QueryVectors(
            reader, [_Part(kind, embedder.model, vector, None, None) for kind in VectorKind]
        )
    vectors: dict[str, Sequence[float]] = {}
    parts = []
    for kind in VectorKind:
        indexes: dict[str, set[int]] = {}
        for index_id, its_models in transaction.endpoints.models_of(
            sorted(scope.store_ids), kind
        ).items():
            for model in its_models:
                indexes.setdefault(model, set()).add(index_id)
        for model, index_ids in indexes.items():
            owner = embedder if model == embedder.model else embedder_of(model)
            if owner is None:
                continue
            if model not in vectors:
                vectors[model] = embedded.vector(owner, text)
            facts = transaction.endpoints.facts(model)
            scale: Callable[[float], float] | None = None
            if facts is not None:
                scale = mapping(
                    kind, Scale(*(facts.code if kind is VectorKind.CODE else facts.text))
                )
            parts.append(_Part(kind, model, vectors[model], frozenset(index_ids), scale))
    return QueryVectors(reader, parts)
