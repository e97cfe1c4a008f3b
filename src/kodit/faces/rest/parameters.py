"""The parameters of requests: the same names in a query string and in a body.

Values must match their schema and are not guessed: "1" is not a number in a body, and "yes" is not
a boolean anywhere.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kodit.application.services.query_checks import LONGEST_QUERY
from kodit.application.services.symbol_service import LONGEST_NAME
from kodit.domain.descriptions.kinds import DEFAULT_BUDGET as DESCRIPTION_BUDGET
from kodit.domain.descriptions.kinds import LONGEST_SUBJECT
from kodit.domain.questions import LONGEST_WAIT_SECONDS, WAIT_SECONDS, Where
from kodit.domain.repository_map import DEFAULT_BUDGET, LEAST_BUDGET, MOST_BUDGET
from kodit.domain.value_objects import SearchMode, SymbolKind

MOST_RESULTS = 500
MOST_VALUES = 100
"""The maximum number of values of one repeatable parameter."""
MOST_VALUES_IN_QUERY = 20
LONGEST_VALUE_IN_QUERY = 500
MOST_TOKENS = 10_000_000
LONGEST_VALUE = 4_000
LARGEST_IDENTIFIER = 2**53 - 1
"""The largest integer that JavaScript represents exactly."""

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)
_WHOLE = re.compile(r"-?\d{1,30}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,4})?", re.ASCII)


def whole(value: Any) -> Any:
    """JSON does not distinguish 10 from 10.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _identifier(value: Any) -> Any:
    """An identifier in a path or a query string: digits alone."""
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise PydanticCustomError("int_parsing", "it must be a whole number")
    return int(value)


def _moment(value: Any) -> Any:
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise PydanticCustomError(
            "datetime_parsing", "it must be a date such as 2026-01-31, or an RFC 3339 timestamp"
        )
    moment = datetime.fromisoformat(value.upper())
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # at the first or last day that exists
        return moment.replace(tzinfo=UTC)


Whole = Annotated[int, BeforeValidator(whole)]
Tokens = Annotated[int, Field(ge=1, le=MOST_TOKENS), BeforeValidator(whole)]
Identifier = Annotated[int, Field(ge=1, le=LARGEST_IDENTIFIER), BeforeValidator(_identifier)]
Identifiers = Annotated[list[Identifier], Field(max_length=MOST_VALUES)]
Text = Annotated[str, Field(max_length=LONGEST_VALUE, pattern=r"^[^\x00]*$")]
Texts = Annotated[list[Text], Field(max_length=MOST_VALUES)]
FewTexts = Annotated[
    list[Annotated[str, Field(max_length=LONGEST_VALUE_IN_QUERY, pattern=r"^[^\x00]*$")]],
    Field(max_length=MOST_VALUES_IN_QUERY),
]
"""As many as fit into a query string."""
Kinds = Annotated[list[Annotated[SymbolKind, Field(strict=False)]], Field(max_length=MOST_VALUES)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
    ),
]
Cursor = Annotated[
    str,
    Field(
        description="The `next` of an earlier answer to the same question, to continue where "
        "that ended.",
        json_schema_extra={"readOnly": True},
    ),
]


class Parameters(BaseModel):
    """The accepted fields of a body; others are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def know_all_names(cls, values: Any) -> Any:
        """Refuse other names, suggesting the nearest existing one for each."""
        names = list(values) if isinstance(values, dict) else []
        unknown = [name for name in names if name not in cls.model_fields]
        if not unknown:
            return values
        name = str(unknown[0])[:40]
        near = difflib.get_close_matches(name, cls.model_fields, 1)
        raise PydanticCustomError(
            "extra_forbidden",
            "unknown parameter {name}{hint}",
            {"name": ascii(name), "hint": f"; did you mean {near[0]!r}?" if near else ""},
        )


class InQuery(Parameters):
    """Parameters in a query string, where all values are text."""

    @model_validator(mode="before")
    @classmethod
    def read_text(cls, values: Any) -> Any:
        """Parses numbers and booleans; other text is passed on unchanged, to be refused."""
        return {
            name: _FROM_TEXT.get(_plain_type(cls.model_fields[name].annotation), _as_it_is)(value)
            if name in cls.model_fields
            else value
            for name, value in dict(values).items()
        }


def _plain_type(annotation: Any) -> Any:
    """`int` of `int | None`, and of either with annotations."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain_type(arguments[0])
    if origin in (Union, UnionType):
        return next(_plain_type(one) for one in arguments if one is not NoneType)
    return annotation


def _as_it_is(value: Any) -> Any:
    return value


def _truth(text: Any) -> Any:
    return {"true": True, "false": False}.get(text, text)


def _whole_of_text(text: Any) -> Any:
    return int(text) if isinstance(text, str) and _WHOLE.fullmatch(text) else text


def _number_of_text(text: Any) -> Any:
    return float(text) if isinstance(text, str) and _NUMBER.fullmatch(text) else text


_FROM_TEXT: dict[Any, Callable[[Any], Any]] = {
    bool: _truth,
    int: _whole_of_text,
    float: _number_of_text,
}


_LANGUAGES: Any = Field([], description="Only files in these languages.")
_PATHS: Any = Field(
    [], description="Only files that match one of these globs, by the rules of `.gitignore`."
)
AUTHORS: Any = Field(
    [], description="Only files last changed by an author whose name or address contains this."
)
_SOURCES: Any = Field(
    [],
    description="Only these indexes, by identifier or source, or folders in one. All of them "
    "unless given; over the socket, the one that contains the caller's folder.",
)


class Files(Parameters):
    """Which files to include."""

    languages: Texts = _LANGUAGES
    paths: Texts = _PATHS


class FilesInQuery(InQuery, Files):
    """Which files to include, in a query string."""

    languages: FewTexts = _LANGUAGES
    paths: FewTexts = _PATHS


class Places(Files):
    """Which indexes and files to include."""

    sources: Annotated[list[Text], Field(max_length=1_000)] = _SOURCES
    everywhere: bool = Field(
        default=False, description="All indexes, whatever the folder of the caller."
    )

    def where(self) -> Where:
        return Where(
            sources=tuple(self.sources),
            everywhere=self.everywhere,
            languages=tuple(self.languages),
            paths=tuple(self.paths),
        )


class PlacesInQuery(FilesInQuery, Places):
    """Which indexes and files to include, in a query string."""

    sources: FewTexts = _SOURCES


class Search(Places):
    """A search: the best snippets for a question in words, or for a name."""

    query: Annotated[str, Field(min_length=1, max_length=LONGEST_QUERY, pattern=r"^[^\x00]*$")] = (
        Field(description="What to look for: a question in words, or a name.")
    )
    mode: Annotated[SearchMode, Field(strict=False)] = Field(
        SearchMode.HYBRID, description="Which engines answer."
    )
    kinds: Kinds = Field([], description="Only definitions of these kinds.")
    authors: Texts = AUTHORS
    created_after: Moment | None = Field(
        None, description="Only files first committed on or after this date."
    )
    created_before: Moment | None = Field(
        None, description="Only files first committed before this date."
    )
    limit: Whole = Field(10, ge=1, le=MOST_RESULTS, description="At most this many results.")
    offset: Whole = Field(0, ge=0, le=10_000, description="Skip the first N results.")
    budget: Tokens | None = Field(
        None, description="Limit the answer to about this many tokens of four characters each."
    )
    cursor: Cursor | None = None
    explain: bool = Field(default=False, description="Explain how each score is made up.")
    wait: float = Field(
        WAIT_SECONDS,
        ge=0,
        le=LONGEST_WAIT_SECONDS,
        allow_inf_nan=False,
        description="How many seconds the answer may wait for recent changes to be indexed.",
    )


Context = Annotated[int, Field(ge=0, le=100), BeforeValidator(whole)]
"""Lines around a match."""


class Grep(Places):
    """Lines that match a regular expression (RE2)."""

    pattern: Annotated[
        str, Field(min_length=1, max_length=LONGEST_QUERY, pattern=r"^[^\x00]*$")
    ] = Field(description="A regular expression (RE2) that lines must match.")
    ignore_case: bool = Field(default=False, description="Ignore case.")
    fixed_strings: bool = Field(default=False, description="Treat the pattern as literal text.")
    whole_words: bool = Field(default=False, description="Match only whole words.")
    inverted: bool = Field(default=False, description="Return the lines that do not match.")
    more_patterns: Texts = Field([], description="Further patterns; a line may match any of them.")
    context: Whole = Field(0, ge=0, le=100, description="Lines before and after each match.")
    before: Context | None = Field(None, description="Lines before each match, if not `context`.")
    after: Context | None = Field(None, description="Lines after each match, if not `context`.")
    only_matching: bool = Field(
        default=False, description="Return only the parts of lines that match, each separately."
    )
    one_per_file: bool = Field(
        default=False, description="Return only the first match in each file."
    )
    limit: Whole = Field(100, ge=1, le=MOST_RESULTS, description="At most this many lines.")
    cursor: Cursor | None = None


class Symbols(Places):
    """Where a name is defined, and where it is used."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00]*$")] = (
        Field(description="NAME, Scope.NAME or Scope::NAME.")
    )
    kinds: Kinds = Field([], description="Only definitions of these kinds.")
    uses: Literal["callers", "callees", "implementations", "imports"] | None = Field(
        None, description="Only uses of this kind, or what the definition itself calls."
    )
    limit: Whole = Field(
        50, ge=1, le=MOST_RESULTS, description="At most this many definitions, and references."
    )
    cursor: Cursor | None = None


class Related(Files):
    """Snippets whose code is similar to that at a place."""

    path: Annotated[Text, Field(min_length=1)] = Field(description="A path in the index.")
    line: Whole = Field(1, ge=1, le=999_999_999, description="A line of the snippet.")
    source: Text | None = Field(
        None, description="The index, by identifier or source, if there are several."
    )
    everywhere: bool = Field(default=False, description="Search all indexes.")
    limit: Whole = Field(10, ge=1, le=MOST_RESULTS, description="At most this many results.")


class Map(Files):
    """The most important files and definitions of an index."""

    budget: Whole = Field(
        DEFAULT_BUDGET,
        ge=LEAST_BUDGET,
        le=MOST_BUDGET,
        description="Size of the map, in tokens of four characters.",
    )


class Describe(Files):
    """A description of an index, or of a subject in it."""

    subject: Annotated[str, Field(max_length=LONGEST_SUBJECT, pattern=r"^[^\x00]*$")] = Field(
        "",
        description="A folder for `overview`; a file, folder or module for `interface`; a table, "
        "model or folder for `schema`; a commit, or words of its message, for `commit`; the name "
        "of a definition for `usage`.",
    )
    budget: Whole = Field(
        DESCRIPTION_BUDGET,
        ge=LEAST_BUDGET,
        le=MOST_BUDGET,
        description="Size of the description, in tokens of four characters.",
    )


class FileList(Files):
    """Files of an index."""

    limit: Whole = Field(
        MOST_RESULTS, ge=1, le=MOST_RESULTS, description="At most this many files."
    )
    cursor: Cursor | None = None
