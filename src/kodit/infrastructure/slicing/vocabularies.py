"""Words by which languages define something, and the kinds they define: `keywords` and `no_names`
of the language table.
"""

from __future__ import annotations

from collections.abc import Mapping

from kodit.domain.value_objects import SymbolKind

Words = Mapping[str, SymbolKind | None]


def _words(sort: str, words: str, kind: SymbolKind) -> dict[str, SymbolKind | None]:
    """Entries of `keywords` for words captured as `keyword.SORT`."""
    return {f"{sort} {word}".lstrip(): kind for word in words.split()}


ELIXIR_WORDS: Words = {
    "defmodule": SymbolKind.MODULE,
    "defprotocol": SymbolKind.INTERFACE,
    "defimpl": None,
    "def": SymbolKind.FUNCTION,
    "defp": SymbolKind.FUNCTION,
    "defdelegate": SymbolKind.FUNCTION,
    "defguard": SymbolKind.MACRO,
    "defguardp": SymbolKind.MACRO,
    "defmacro": SymbolKind.MACRO,
    "defmacrop": SymbolKind.MACRO,
    **dict.fromkeys(("attribute type", "attribute typep", "attribute opaque"), SymbolKind.TYPE),
    "attribute callback": SymbolKind.FUNCTION,
    "attribute macrocallback": SymbolKind.MACRO,
    **_words("fields", "defstruct defexception", SymbolKind.FIELD),
    **_words("atom", "field belongs_to has_many has_one many_to_many", SymbolKind.FIELD),
    **_words("atom", "embeds_one embeds_many", SymbolKind.FIELD),
    **_words("atom", "defrecord defrecordp", SymbolKind.MACRO),
    **_words("string", "get post put patch delete live", SymbolKind.ROUTE),
    "string test": SymbolKind.FUNCTION,
}
ELIXIR_ATTRIBUTES = frozenset(
    "after_compile behaviour before_compile callback compile deprecated derive describetag"
    " dialyzer doc doctag enforce_keys external_resource fallback_to_any for impl macrocallback"
    " moduledoc moduletag on_definition on_load opaque optional_callbacks protocol since spec tag"
    " type typedoc typep vsn".split()
)
"""Module attributes that are not constants."""

RUBY_WORDS: Words = {
    **_words("", "attr attr_accessor attr_reader attr_writer", SymbolKind.PROPERTY),
    **_words("", "cattr_accessor cattr_reader cattr_writer", SymbolKind.PROPERTY),
    **_words("", "mattr_accessor mattr_reader mattr_writer", SymbolKind.PROPERTY),
    **_words("", "class_attribute attr_internal", SymbolKind.PROPERTY),
    **_words("", "delegate def_delegators def_delegator", SymbolKind.FUNCTION),
    **_words("first", "alias_method define_method scope let let! subject", SymbolKind.FUNCTION),
    **_words("first", "define_singleton_method", SymbolKind.FUNCTION),
    **_words("first", "has_many has_one belongs_to enum", SymbolKind.PROPERTY),
    **_words("first", "has_one_attached has_many_attached", SymbolKind.PROPERTY),
    **_words("first", "has_and_belongs_to_many attribute", SymbolKind.PROPERTY),
    "first task": SymbolKind.TASK,
    "string task": SymbolKind.TASK,
    "first namespace": SymbolKind.MODULE,
    **_words("string", "get post put patch delete", SymbolKind.ROUTE),
    **_words("record", "new define", SymbolKind.FIELD),
}
SQL_WORDS: Words = {
    "line table": SymbolKind.TABLE,
    "line view": SymbolKind.VIEW,
    "line index": SymbolKind.INDEX,
    "line function": SymbolKind.FUNCTION,
    **_words("line", "procedure proc", SymbolKind.PROCEDURE),
    "line trigger": SymbolKind.TRIGGER,
    "line event": SymbolKind.EVENT,
    **_words("line", "type subtype domain", SymbolKind.TYPE),
    "line sequence": SymbolKind.VARIABLE,
    **_words("line", "schema database package", SymbolKind.MODULE),
    "line package body": SymbolKind.MODULE,
}
PYTHON_WORDS: Words = {
    **_words("", "property cached_property setter deleter", SymbolKind.PROPERTY),
    **_words("route", "route get post put patch delete head options websocket", SymbolKind.ROUTE),
}
JAVASCRIPT_WORDS: Words = {
    **_words("router", "app router server api routes fastify", SymbolKind.ROUTE),
    "pair path": SymbolKind.ROUTE,
}
GO_WORDS: Words = _words(
    "route",
    "GET POST PUT PATCH DELETE Get Post Put Patch Delete Handle HandleFunc",
    SymbolKind.ROUTE,
)
JAVA_WORDS: Words = _words(
    "route",
    "GetMapping PostMapping PutMapping PatchMapping DeleteMapping RequestMapping Path",
    SymbolKind.ROUTE,
)
CSHARP_WORDS: Words = _words(
    "route",
    "HttpGet HttpPost HttpPut HttpPatch HttpDelete Route MapGet MapPost MapPut MapPatch MapDelete",
    SymbolKind.ROUTE,
)
PHP_WORDS: Words = {"define": SymbolKind.CONSTANT, "router Route": SymbolKind.ROUTE}
HCL_WORDS: Words = {
    "one variable": SymbolKind.VARIABLE,
    "one output": SymbolKind.VARIABLE,
    "one module": SymbolKind.MODULE,
    **_words("one", "provider backend job group task source build", SymbolKind.TARGET),
    **_words("two", "resource data check ephemeral source", SymbolKind.TARGET),
    "none locals": SymbolKind.VARIABLE,
}
