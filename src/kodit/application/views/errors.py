"""An error that one process passes to another of the same user, to be raised there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from kodit.application.views.serialization import ONLY_WHEN_SET
from kodit.domain import errors
from kodit.domain.errors import Field, KoditError, TransientError


@dataclass(frozen=True, slots=True)
class ErrorView:
    """An error of Kodit: the name of its class, its sentence, its code and fields."""

    kind: str
    message: str
    code: str
    fields: Mapping[str, Field]
    retry_after_seconds: float | None = field(default=None, metadata=ONLY_WHEN_SET)

    @classmethod
    def of(cls, error: KoditError) -> Self:
        return cls(
            kind=_shared_name(type(error)),
            message=str(error),
            code=error.code,
            fields=error.fields,
            retry_after_seconds=getattr(error, "retry_after_seconds", None),
        )

    def error(self) -> KoditError:
        """The error, of the same class, or of KoditError if the name is unknown here."""
        kind = getattr(errors, self.kind, None)
        if not (isinstance(kind, type) and issubclass(kind, KoditError)):
            kind = KoditError
        made = kind(self.message, code=self.code)
        made.fields.update(self.fields)
        if isinstance(made, TransientError):
            made.retry_after_seconds = self.retry_after_seconds
        return made


def _shared_name(kind: type[KoditError]) -> str:
    """The name of the nearest class that every process knows."""
    classes = (one for one in kind.__mro__ if getattr(errors, one.__name__, None) is one)
    return str(next(classes).__name__)
