"""OpenAPI, derived from the routes, the parameters and the views."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from kodit.application.views import files, indexes, runs, search, standing
from kodit.application.views.serialization import OMITTED
from kodit.faces.rest.problems import PROBLEM_SCHEMA

_VIEW_MODULES = (files, indexes, runs, search, standing)


def describe(app: FastAPI) -> None:
    """Make an application describe its answers as they are; `state.description` is the function
    that returns the bytes of `/openapi.json`, which are made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            schemas = made["components"]["schemas"]
            schemas["Problem"] = dict(PROBLEM_SCHEMA)
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            _describe_query_strings(made)
            for view in _views():
                if view.__name__ in schemas:
                    _describe_view(schemas[view.__name__], view)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # how FastAPI has it extended
    app.state.description = cache(lambda: json.dumps(openapi(), separators=(",", ":")).encode())


def _describe_query_strings(made: dict[str, Any]) -> None:
    """A query string has no null, and its cursor is `readOnly` as in a body: a client cannot make
    one up, so that programs that generate requests leave it out."""
    for path in made["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                _drop_null(parameter["schema"])
                if parameter["name"] == "cursor":
                    parameter.update(_as_object("page", {"cursor": parameter["schema"]}))


def _as_object(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Parameters of a query string as one object, each property of which is sent under its own
    name, because `readOnly` applies only to properties."""
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"name": name, "style": "form", "explode": True, "schema": schema}


def _drop_null(schema: dict[str, Any]) -> None:
    kinds = [one for one in schema.pop("anyOf", ()) if one != {"type": "null"}]
    if len(kinds) == 1:
        schema |= kinds[0]
    elif kinds:
        schema["anyOf"] = kinds


def _views() -> Iterator[type[Any]]:
    for module in _VIEW_MODULES:
        for view in vars(module).values():
            if isinstance(view, type) and is_dataclass(view):
                yield view


def _describe_view(schema: dict[str, Any], view: type[Any]) -> None:
    """All fields are in every answer, except those that are left out if they are None and therefore
    never null."""
    optional = [one.name for one in fields(view) if OMITTED in one.metadata]
    schema["required"] = [one.name for one in fields(view) if one.name not in optional]
    for name in optional:
        schema["properties"][name].pop("default", None)
        _drop_null(schema["properties"][name])
